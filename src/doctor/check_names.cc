#include <algorithm>

#include "base/text.h"
#include "doctor/names.h"
#include "doctor/rules.h"

namespace kneepoint::doctor {
namespace {

/// Kinds whose names become DNS labels; all others take subdomains.
bool label_named(const Object& object) {
  return object.is("Service") || object.is("Namespace") || object.is("LeaderWorkerSet");
}

/// Kinds whose names are path segments only.
bool freely_named(const Object& object) {
  return object.api_version.starts_with("rbac.authorization.k8s.io/");
}

void check_labels(const Object& object, const At& labels, Report& report) {
  for (const auto& [key, value] : labels.entries()) {
    if (const std::string wrong = wrong_with_key(key); !wrong.empty()) {
      report.error(object, value, "bad-label-key", "The key " + key + " " + wrong + ".",
                   "Rename it.");
    }
    if (const std::string wrong = wrong_with_label_value(value.text()); !wrong.empty()) {
      report.error(object, value, "bad-label-value",
                   "A label's value " + wrong + "; " + std::string(value.text()) + " is none.",
                   "Write it with '-' or '.' instead, or move it to an annotation.",
                   key + ": " + dns_label(value.text()));
    }
  }
}

void check_metadata(const Object& object, const At& metadata, Report& report) {
  check_labels(object, metadata["labels"], report);
  for (const auto& [key, value] : metadata["annotations"].entries()) {
    if (const std::string wrong = wrong_with_key(lower(key)); !wrong.empty()) {
      report.error(object, value, "bad-annotation-key", "The key " + key + " " + wrong + ".",
                   "Rename it.");
    }
  }
}

}  // namespace

void check_names(const Object& object, Report& report) {
  const At metadata = object["metadata"], name = metadata["name"];
  if (!name.exists() && !metadata["generateName"].exists()) {
    report.error(object, name, "missing-name", "An object needs a name.", "Give it one.",
                 "metadata: {name: NAME}");
  } else if (name.exists() && !freely_named(object)) {
    std::string wrong =
        label_named(object) ? wrong_with_dns_label(name.text()) : wrong_with_subdomain(name.text());
    if (!wrong.empty()) {
      report.error(object, name, "bad-name", "A name " + wrong + ".", "Rename the object.",
                   "name: " + dns_label(name.text(), label_named(object) ? 63 : 253));
    } else if (label_named(object) && name.text().front() >= '0' && name.text().front() <= '9') {
      const std::string better = "name: " + dns_label("m-" + std::string(name.text()));
      if (object.is("LeaderWorkerSet")) {
        report.error(object, name, "name-starts-with-digit",
                     "The name of a LeaderWorkerSet becomes the name of a Service and must start "
                     "with a letter.",
                     "Put a letter in front.", better);
      } else if (object.is("Service")) {
        report.warning(object, name, "name-starts-with-digit",
                       "Clusters before 1.36 refuse a Service whose name starts with a digit.",
                       "Put a letter in front.", better);
      }
    }
  }
  // An empty one is that of the context, as if it were not written.
  if (const At ns = metadata["namespace"]; !ns.text().empty()) {
    if (const std::string wrong = wrong_with_dns_label(ns.text()); !wrong.empty()) {
      report.error(object, ns, "bad-namespace", "A namespace " + wrong + ".", "Correct it.");
    }
  }
  check_metadata(object, metadata, report);
  for (const Pod& pod : pods_of(object)) {
    if (pod.template_at.path().empty()) continue;  // a Pod is its own template
    check_metadata(object, pod.metadata, report);
  }
  if (object.is("serving.knative.dev", "Service")) {
    check_metadata(object, object["spec"]["template"]["metadata"], report);
  }
  for (const char* selector : {"selector", "podSelector"}) {
    const At at = object["spec"][selector];
    if (at["matchLabels"].is_map()) check_labels(object, at["matchLabels"], report);
    if (object.is("Service") && object.api_version == "v1") check_labels(object, at, report);
  }
}

}  // namespace kneepoint::doctor
