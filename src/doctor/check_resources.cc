#include <cmath>

#include "base/text.h"
#include "doctor/names.h"
#include "doctor/quantity.h"
#include "doctor/rules.h"

namespace kneepoint::doctor {
namespace {

/// Resources of devices: a domain that is not kubernetes.io. They can not be shared or overbooked.
bool is_device(std::string_view resource) {
  const auto slash = resource.find('/');
  return slash != std::string_view::npos && !resource.substr(0, slash).ends_with("kubernetes.io");
}

bool is_known(std::string_view resource) {
  return resource == "cpu" || resource == "memory" || resource == "ephemeral-storage" ||
         resource.starts_with("hugepages-");
}

void check_amounts(const Object& object, const At& amounts, Report& report) {
  for (const auto& [resource, amount] : amounts.entries()) {
    const auto value = parse_quantity(amount.text());
    if (!is_known(resource) && resource.find('/') == std::string::npos) {
      report.error(object, amount, "unknown-resource",
                   "There is no resource called " + resource + " for a container.",
                   "Write cpu, memory, ephemeral-storage or a device such as nvidia.com/gpu.");
    }
    if (!value) continue;  // told already
    if (*value < 0) {
      report.error(object, amount, "out-of-range", "An amount can not be negative.", "Correct it.");
    }
    if (is_device(resource) && *value != std::floor(*value)) {
      report.error(object, amount, "fraction-of-device",
                   resource + " must be a whole number: a device is given whole.",
                   "Round it up; to share one, use time sharing or MIG.",
                   resource + ": \"" + shortest(std::ceil(*value)) + "\"");
    }
  }
}

}  // namespace

void check_resources(const Object& object, Report& report) {
  for (const Pod& pod : pods_of(object)) {
    for (const At& container : containers_of(pod.spec)) {
      const At requests = container["resources"]["requests"],
               limits = container["resources"]["limits"];
      check_amounts(object, requests, report);
      check_amounts(object, limits, report);
      for (const auto& [resource, request] : requests.entries()) {
        const At limit = limits[resource];
        const auto asked = parse_quantity(request.text()), most = parse_quantity(limit.text());
        if (is_device(resource) && !limit.exists()) {
          report.error(object, request, "device-without-limit",
                       resource + " needs a limit: devices can not be overbooked.",
                       "Set the limit to the same number.",
                       "limits: {" + resource + ": \"" + std::string(request.text()) + "\"}");
        } else if (asked && most && is_device(resource) && *asked != *most) {
          report.error(object, request, "device-request-not-limit",
                       "The request of " + resource + " must be equal to its limit of " +
                           std::string(limit.text()) + ".",
                       "Set both to the same number.",
                       resource + ": \"" + std::string(limit.text()) + "\"");
        } else if (asked && most && *asked > *most) {
          report.error(object, request, "request-over-limit",
                       "The request of " + resource +
                           " must be less than or equal to its limit of " +
                           std::string(limit.text()) + ".",
                       "Raise the limit or lower the request.",
                       "limits: {" + resource + ": " + std::string(request.text()) + "}");
        }
      }
    }
    for (const At& volume : pod.spec["volumes"].items()) {
      const auto size = parse_quantity(volume["emptyDir"]["sizeLimit"].text());
      if (size && *size < 0) {
        report.error(object, volume["emptyDir"]["sizeLimit"], "out-of-range",
                     "A size can not be negative.", "Correct it.");
      }
    }
  }
}

}  // namespace kneepoint::doctor
