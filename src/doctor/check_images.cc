#include "doctor/rules.h"

namespace kneepoint::doctor {

void check_images(const Object& object, Report& report) {
  std::vector<At> containers;
  for (const Pod& pod : pods_of(object)) {
    for (At& each : containers_of(pod.spec)) containers.push_back(std::move(each));
  }
  if (object.is("serving.knative.dev", "Service")) {
    containers = object["spec"]["template"]["spec"]["containers"].items();
  }
  for (const At& container : containers) {
    const At image = container["image"];
    const std::string_view name = image.text();
    if (name.empty() || name.find('@') != std::string_view::npos) continue;
    const auto colon = name.rfind(':');
    const bool tagged =
        colon != std::string_view::npos && name.find('/', colon) == std::string_view::npos;
    const std::string_view tag = tagged ? name.substr(colon + 1) : std::string_view();
    if (!tagged || tag == "latest" || tag == "nightly" || tag == "main") {
      report.warning(object, image, "moving-image",
                     "The tag " +
                         (tagged ? std::string(tag) : std::string("latest (none is given)")) +
                         " moves: replicas of one Deployment may run different versions, with "
                         "other flags and metrics.",
                     "Name a version.");
    }
  }
}

}  // namespace kneepoint::doctor
