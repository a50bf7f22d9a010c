#include <array>

#include "doctor/names.h"
#include "doctor/quantity.h"
#include "doctor/rules.h"

namespace kneepoint::doctor {
namespace {

/// Fields of a PersistentVolumeSpec that are no volume source.
constexpr std::array<std::string_view, 9> kNoSource{"accessModes",
                                                    "capacity",
                                                    "claimRef",
                                                    "mountOptions",
                                                    "nodeAffinity",
                                                    "volumeMode",
                                                    "storageClassName",
                                                    "persistentVolumeReclaimPolicy",
                                                    "volumeAttributesClassName"};

void check_size(const Object& object, const At& size, std::string_view what, Report& report) {
  if (!size.exists()) {
    report.error(object, size, "missing-size", std::string(what) + " must say how much storage.",
                 "Add it.", "storage: 100Gi");
    return;
  }
  const auto value = parse_quantity(size.text());
  if (value && *value <= 0) {
    report.error(object, size, "out-of-range", "A size must be greater than zero.", "Correct it.",
                 "storage: 100Gi");
  }
}

void check_modes(const Object& object, const At& spec, Report& report) {
  const At modes = spec["accessModes"];
  if (modes.size() == 0) {
    report.error(object, modes, "missing-field", "accessModes is required.",
                 "Say who may mount it.", "accessModes: [ReadOnlyMany]");
  }
  bool once_per_pod = false;
  for (const At& mode : modes.items()) once_per_pod |= mode.text() == "ReadWriteOncePod";
  if (once_per_pod && modes.size() > 1) {
    report.error(object, modes, "access-modes", "ReadWriteOncePod stands alone.",
                 "Remove the others.");
  }
}

void check_claim_spec(const Object& object, const At& spec, Report& report) {
  check_modes(object, spec, report);
  check_size(object, spec["resources"]["requests"]["storage"], "A claim", report);
  if (const At name = spec["storageClassName"]; !name.text().empty()) {  // empty: no class at all
    if (const std::string wrong = wrong_with_subdomain(name.text()); !wrong.empty()) {
      report.error(object, name, "bad-name", "The name of a storage class " + wrong + ".",
                   "Correct it.");
    }
  }
}

void check_volume(const Object& object, Report& report) {
  const At spec = object["spec"];
  check_modes(object, spec, report);
  const At capacity = spec["capacity"];
  if (!capacity.exists()) {
    report.error(object, capacity, "missing-field", "spec.capacity is required.", "Say how much.",
                 "capacity: {storage: 64Gi}");
  } else {
    check_size(object, capacity["storage"], "A volume", report);
  }
  std::size_t sources = 0;
  for (const auto& [key, value] : spec.entries()) {
    bool source = value.is_map();
    for (const std::string_view other : kNoSource) source &= key != other;
    if (source && ++sources == 2) {
      report.error(object, value, "one-source", "A volume has exactly one source.",
                   "Keep one of them.");
    }
  }
  if (sources == 0) {
    report.error(object, spec, "one-source", "A volume needs a source.", "Name one, such as csi.");
  }
}

void check_class(const Object& object, Report& report) {
  const At parameters = object["parameters"];
  if (object["provisioner"].text().starts_with("pd.csi.storage.gke.io") &&
      parameters["type"].text() == "hyperdisk-ml" &&
      object["volumeBindingMode"].text() == "WaitForFirstConsumer" &&
      !object["allowedTopologies"].exists()) {
    report.info(
        object, object["volumeBindingMode"], "hyperdisk-ml-binding",
        "A Hyperdisk ML volume that is read in several zones is made in all of them at once.",
        "Write Immediate and name the zones in allowedTopologies.", "volumeBindingMode: Immediate");
  }
}

}  // namespace

void check_storage(const Object& object, Report& report) {
  if (object.is("PersistentVolumeClaim") && object["spec"].exists()) {
    check_claim_spec(object, object["spec"], report);
  }
  if (object.is("StatefulSet")) {
    for (const At& claim : object["spec"]["volumeClaimTemplates"].items()) {
      check_claim_spec(object, claim["spec"], report);
    }
  }
  if (object.is("PersistentVolume") && object["spec"].exists()) check_volume(object, report);
  if (object.is("StorageClass")) check_class(object, report);
}

}  // namespace kneepoint::doctor
