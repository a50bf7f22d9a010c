#include <map>
#include <set>

#include "base/text.h"
#include "doctor/names.h"
#include "doctor/rules.h"

namespace kneepoint::doctor {
namespace {

void check_ports(const Object& object, const At& container, Report& report) {
  std::set<std::string, std::less<>> names;
  for (const At& port : container["ports"].items()) {
    const At name = port["name"];
    if (!name.exists()) continue;
    if (const std::string wrong = wrong_with_port_name(name.text()); !wrong.empty()) {
      report.error(object, name, "bad-port-name", "A port's name " + wrong + ".", "Shorten it.",
                   "name: http");
    }
    if (!names.insert(std::string(name.text())).second) {
      report.error(object, name, "duplicate-port-name",
                   "Two ports of the container are called " + std::string(name.text()) + ".",
                   "Rename one.");
    }
  }
}

void check_environment(const Object& object, const At& container, Report& report) {
  std::set<std::string, std::less<>> names;
  for (const At& variable : container["env"].items()) {
    if (const At name = variable["name"]; name.exists()) {
      if (!names.insert(std::string(name.text())).second) {
        // Its definition makes the list one of unique names; elsewhere the last one counts.
        report.add(object.is("LeaderWorkerSet") ? Severity::Error : Severity::Warning, object, name,
                   "variable-twice",
                   "The variable " + std::string(name.text()) + " is there twice.",
                   "Remove one of the two.");
      }
      if (const std::string wrong = wrong_with_env_name(name.text()); !wrong.empty()) {
        report.error(object, name, "bad-variable-name", "A variable's name " + wrong + ".",
                     "Rename it.");
      }
    }
    const At from = variable["valueFrom"];
    if (variable["value"].exists() && !variable["value"].text().empty() && from.exists()) {
      report.error(object, from, "value-twice", "A variable has either value or valueFrom.",
                   "Remove one of the two.");
    }
    std::size_t sources = 0;
    for (const auto& [key, value] : from.entries()) sources += value.exists() ? 1 : 0;
    if (from.exists() && sources != 1) {
      report.error(object, from, "one-source", "valueFrom takes exactly one source.",
                   "Name one: secretKeyRef, configMapKeyRef, fieldRef or resourceFieldRef.");
    }
  }
}

void check_mounts(const Object& object, const At& spec, const At& container, Report& report) {
  std::set<std::string, std::less<>> volumes, paths;
  for (const At& volume : spec["volumes"].items())
    volumes.insert(std::string(volume["name"].text()));
  for (const At& claim : object["spec"]["volumeClaimTemplates"].items()) {
    volumes.insert(std::string(claim["metadata"]["name"].text()));
  }
  for (const At& claim : object["spec"]["leaderWorkerTemplate"]["volumeClaimTemplates"].items()) {
    volumes.insert(std::string(claim["metadata"]["name"].text()));
  }
  for (const At& mount : container["volumeMounts"].items()) {
    const At name = mount["name"], path = mount["mountPath"];
    if (name.exists() && !volumes.contains(name.text())) {
      std::vector<std::string> known(volumes.begin(), volumes.end());
      const auto near = nearest(name.text(), known, 1);
      report.error(object, name, "no-such-volume",
                   "The pod has no volume called " + std::string(name.text()) + ".",
                   near.empty() ? "Add the volume." : "Did you mean " + near.front() + "?",
                   near.empty() ? "volumes: [{name: " + dns_label(name.text()) + ", emptyDir: {}}]"
                                : "name: " + near.front());
    }
    if (path.exists() && !paths.insert(std::string(path.text())).second) {
      report.error(object, path, "mounted-twice",
                   "Two volumes are mounted at " + std::string(path.text()) + ".",
                   "Give one of them another path.");
    }
  }
}

void check_volumes(const Object& object, const At& spec, Report& report) {
  std::set<std::string, std::less<>> names;
  for (const At& volume : spec["volumes"].items()) {
    const At name = volume["name"];
    if (name.exists()) {
      if (const std::string wrong = wrong_with_dns_label(name.text()); !wrong.empty()) {
        report.error(object, name, "bad-name", "A volume's name " + wrong + ".", "Rename it.");
      }
      if (!names.insert(std::string(name.text())).second) {
        report.error(object, name, "duplicate-name",
                     "Two volumes are called " + std::string(name.text()) + ".", "Rename one.");
      }
    }
    std::size_t sources = 0;
    for (const auto& [key, value] : volume.entries()) {
      if (key != "name" && value.exists()) ++sources;
    }
    for (const auto& [source, field] : {std::pair{"configMap", "name"},
                                        {"secret", "secretName"},
                                        {"persistentVolumeClaim", "claimName"}}) {
      if (volume[source].is_map() && volume[source][field].text().empty()) {
        report.error(object, volume[source][field], "missing-field",
                     "The volume does not say which " + std::string(source) + " it is.", "Name it.",
                     std::string(field) + ": NAME");
      }
    }
    if (sources > 1) {
      report.error(object, volume, "one-source", "A volume has exactly one source.",
                   "Keep one of them.");
    }
    if (volume.is_map() && sources == 0) {
      report.warning(object, volume, "one-source",
                     "A volume without a source becomes an empty folder.", "Name its source.",
                     "emptyDir: {}");
    }
  }
}

}  // namespace

void check_containers(const Object& object, Report& report) {
  for (const Pod& pod : pods_of(object)) {
    check_volumes(object, pod.spec, report);
    std::set<std::string, std::less<>> names;
    for (const At& container : containers_of(pod.spec)) {
      const At name = container["name"];
      if (name.exists()) {
        if (const std::string wrong = wrong_with_dns_label(name.text()); !wrong.empty()) {
          report.error(object, name, "bad-name", "A container's name " + wrong + ".", "Rename it.",
                       "name: " + dns_label(name.text()));
        }
        if (!names.insert(std::string(name.text())).second) {
          report.error(object, name, "duplicate-name",
                       "Two containers are called " + std::string(name.text()) + ".",
                       "Rename one.");
        }
      }
      if (const At image = container["image"]; image.exists()) {
        const std::string_view text = image.text();
        if (text.empty() || trim(text) != text) {
          report.error(object, image, "bad-image",
                       "An image must not be empty or have blanks around it.", "Write its name.");
        }
      }
      check_ports(object, container, report);
      check_environment(object, container, report);
      check_mounts(object, pod.spec, container, report);
    }
  }
}

}  // namespace kneepoint::doctor
