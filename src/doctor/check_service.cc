#include <set>

#include "base/text.h"
#include "doctor/names.h"
#include "doctor/rules.h"

namespace kneepoint::doctor {
namespace {

void check_ports(const Object& object, Report& report) {
  const At spec = object["spec"], ports = spec["ports"];
  const bool external = spec["type"].text() == "ExternalName";
  if (ports.size() == 0 && !external && spec["clusterIP"].text() != "None") {
    report.error(object, ports, "missing-field", "A Service needs a port.", "Add one.",
                 "ports: [{name: http, port: 80, targetPort: http}]");
  }
  std::set<std::string> names, numbers;
  for (const At& port : ports.items()) {
    const At name = port["name"], target = port["targetPort"];
    if (ports.size() > 1 && name.text().empty()) {
      report.error(object, name, "missing-port-name", "With several ports each needs a name.",
                   "Name it.", "name: metrics");
    }
    if (!name.text().empty()) {
      if (const std::string wrong = wrong_with_dns_label(name.text()); !wrong.empty()) {
        report.error(object, name, "bad-port-name", "A port's name " + wrong + ".", "Rename it.");
      }
      if (!names.insert(std::string(name.text())).second) {
        report.error(object, name, "duplicate-port-name", "Two ports have one name.",
                     "Rename one.");
      }
    }
    const std::string protocol(port["protocol"].exists() ? port["protocol"].text() : "TCP");
    if (port["port"].exists() &&
        !numbers.insert(std::string(port["port"].text()) + protocol).second) {
      report.error(object, port["port"], "duplicate-port", "Two entries have one port.",
                   "Change one.");
    }
    if (target.text().empty()) continue;  // the same as port
    if (const auto number = target.integer()) {
      if (*number < 1 || *number > 65535) {
        report.error(object, target, "out-of-range", "A port is from 1 to 65535.", "Correct it.");
      }
    } else if (const std::string wrong = wrong_with_port_name(target.text()); !wrong.empty()) {
      const bool digits = parse_integer(target.text()).has_value();
      report.error(object, target, "bad-port-name", "A port's name " + wrong + ".",
                   digits ? "Remove the quotes: a number in quotes is a name." : "Correct it.",
                   digits ? "targetPort: " + std::string(target.text()) : "targetPort: http");
    }
  }
}

bool base64(std::string_view text) {
  std::size_t letters = 0, ends = 0;
  for (const char c : text) {
    if (c == '\n' || c == '\r') continue;
    if (c == '=') {
      ++ends;
    } else {
      const bool digit = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '+' || c == '/';
      if (!digit || ends > 0) return false;
    }
    ++letters;
  }
  return letters % 4 == 0 && ends <= 2;
}

void check_keys(const Object& object, Report& report) {
  for (const char* field : {"data", "stringData", "binaryData"}) {
    for (const auto& [key, value] : object[field].entries()) {
      if (const std::string wrong = wrong_with_config_key(key); !wrong.empty()) {
        report.error(object, value, "bad-config-key", "The key " + key + " " + wrong + ".",
                     "Rename it; a path is given where it is mounted.");
      }
      const bool coded = field[0] == 'b' || (object.is("Secret") && field[0] == 'd');
      if (coded && value.exists() && !value.is_map() && !base64(value.text())) {
        // Without its node: the value is a secret.
        report.error(object, At(nullptr, value.path(), value.line()), "not-base64",
                     "The value of " + key + " must be base64.",
                     "Put it under stringData as it is.");
      }
    }
  }
}

void check_budget(const Object& object, Report& report) {
  const At spec = object["spec"];
  if (spec["minAvailable"].exists() && spec["maxUnavailable"].exists()) {
    report.error(object, spec["maxUnavailable"], "both-budgets",
                 "minAvailable and maxUnavailable can not both be set.", "Keep one of the two.");
  }
}

void check_roles(const Object& object, Report& report) {
  for (const At& rule : object["rules"].items()) {
    if (object.is("Role") && rule["nonResourceURLs"].exists()) {
      report.error(object, rule["nonResourceURLs"], "misplaced",
                   "Paths that are no resources are for a ClusterRole.", "Remove it.");
    }
    if (!rule["nonResourceURLs"].exists() && rule["resources"].size() == 0) {
      report.error(object, rule["resources"], "missing-field", "A rule must name resources.",
                   "Add them.");
    }
    if (rule["resources"].exists() && rule["apiGroups"].size() == 0) {
      report.error(object, rule["apiGroups"], "missing-field", "A rule must name API groups.",
                   "Add them; the core group is \"\".", "apiGroups: [\"\"]");
    }
  }
}

void check_binding(const Object& object, Report& report) {
  if (!object.is("RoleBinding") && !object.is("ClusterRoleBinding")) return;
  if (object.is("ClusterRoleBinding") && object["roleRef"]["kind"].text() == "Role") {
    report.error(object, object["roleRef"]["kind"], "not-a-choice",
                 "A ClusterRoleBinding grants a ClusterRole.", "Write ClusterRole.",
                 "kind: ClusterRole");
  }
  if (const At name = object["roleRef"]["name"]; name.exists() && name.text().empty()) {
    report.error(object, name, "missing-name", "The role's name is missing.", "Name it.");
  }
  for (const At& subject : object["subjects"].items()) {
    const At name = subject["name"];
    if (subject["kind"].text() == "ServiceAccount" && name.exists()) {
      if (const std::string wrong = wrong_with_subdomain(name.text()); !wrong.empty()) {
        report.error(object, name, "bad-name", "A service account's name " + wrong + ".",
                     "Correct it.");
      }
    }
    if (subject["kind"].text() != "ServiceAccount" || !subject["namespace"].text().empty())
      continue;
    report.error(
        object, subject["namespace"], "subject-without-namespace",
        "The service account's namespace is missing: the API server takes the binding, and it "
        "grants nothing.",
        "Name the namespace.",
        "namespace: " + (object.namespace_name.empty() ? "default" : object.namespace_name));
  }
}

}  // namespace

void check_service(const Object& object, Report& report) {
  if (object.is("Service") && object.api_version == "v1" && object["spec"].exists()) {
    check_ports(object, report);
  }
  if (object.is("ConfigMap") || object.is("Secret")) check_keys(object, report);
  if (object.is("PodDisruptionBudget")) check_budget(object, report);
  if (object.is("Role") || object.is("ClusterRole")) check_roles(object, report);
  check_binding(object, report);
}

}  // namespace kneepoint::doctor
