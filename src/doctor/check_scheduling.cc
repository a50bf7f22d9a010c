#include <set>

#include "doctor/names.h"
#include "doctor/rules.h"

namespace kneepoint::doctor {
namespace {

void check_toleration(const Object& object, const At& toleration, Report& report) {
  const At op = toleration["operator"], value = toleration["value"], key = toleration["key"];
  if (op.text() == "Exists" && !value.text().empty()) {
    report.error(object, value, "value-with-exists",
                 "With the operator Exists a toleration has no value.",
                 "Remove the value, or write the operator Equal.", "operator: Equal");
  }
  if (key.text().empty() && op.text() != "Exists") {
    report.error(object, toleration, "toleration-without-key",
                 "A toleration without a key tolerates everything and must say Exists.",
                 "Name the key, or write the operator Exists.", "operator: Exists");
  }
  const At seconds = toleration["tolerationSeconds"];
  if (seconds.exists() && toleration["effect"].text() != "NoExecute") {
    report.error(object, seconds, "seconds-without-noexecute",
                 "tolerationSeconds has a meaning with the effect NoExecute only.", "Remove it.");
  }
}

}  // namespace

void check_scheduling(const Object& object, Report& report) {
  for (const Pod& pod : pods_of(object)) {
    for (const At& each : pod.spec["tolerations"].items()) check_toleration(object, each, report);
    for (const auto& [key, value] : pod.spec["nodeSelector"].entries()) {
      const std::string wrong_key = wrong_with_key(key),
                        wrong = wrong_with_label_value(value.text());
      if (!wrong_key.empty()) {
        report.error(object, value, "bad-label-key", "The key " + key + " " + wrong_key + ".",
                     "Correct it.");
      }
      if (!wrong.empty()) {
        report.error(object, value, "bad-label-value", "A node label's value " + wrong + ".",
                     "Correct it.");
      }
    }
    std::set<std::pair<std::string, std::string>> spreads;
    for (const At& each : pod.spec["topologySpreadConstraints"].items()) {
      if (!spreads
               .insert({std::string(each["topologyKey"].text()),
                        std::string(each["whenUnsatisfiable"].text())})
               .second) {
        report.error(object, each, "duplicate-spread", "Two spread constraints are the same.",
                     "Remove one.");
      }
    }
  }
}

}  // namespace kneepoint::doctor
