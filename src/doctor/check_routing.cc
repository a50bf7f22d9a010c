#include <set>
#include <tuple>

#include "doctor/rules.h"

namespace kneepoint::doctor {
namespace {

std::string or_else(const At& at, std::string_view otherwise) {
  return std::string(at.exists() ? at.text() : otherwise);
}

void check_gateway(const Object& object, Report& report) {
  std::set<std::tuple<std::string, std::string, std::string>> seen;
  std::set<std::string> names;
  for (const At& listener : object["spec"]["listeners"].items()) {
    if (!seen.insert({std::string(listener["port"].text()),
                      std::string(listener["protocol"].text()),
                      std::string(listener["hostname"].text())})
             .second) {
      report.error(object, listener, "duplicate-listener",
                   "Port, protocol and host name of a listener must be unique together.",
                   "Change one of them.");
    }
    if (listener["name"].exists() && !names.insert(std::string(listener["name"].text())).second) {
      report.error(object, listener["name"], "duplicate-name", "Two listeners have one name.",
                   "Rename one.");
    }
    const std::string_view protocol = listener["protocol"].text();
    const bool encrypted = protocol == "HTTPS" || protocol == "TLS";
    if (!encrypted && listener["tls"].exists()) {
      report.error(object, listener["tls"], "misplaced",
                   "A listener without encryption has no tls.",
                   "Remove it, or write the protocol HTTPS.", "protocol: HTTPS");
    }
    if ((protocol == "TCP" || protocol == "UDP") && listener["hostname"].exists()) {
      report.error(object, listener["hostname"], "misplaced",
                   "A TCP or UDP listener has no host name.", "Remove it.");
    }
  }
}

void check_backend(const Object& object, const At& backend, Report& report) {
  const bool service =
      or_else(backend["group"], "").empty() && or_else(backend["kind"], "Service") == "Service";
  if (service && !backend["port"].exists()) {
    report.error(object, backend["port"], "backend-without-port",
                 "A reference to a Service needs a port.",
                 "Add it; for an InferencePool name its group and kind.", "port: 80");
  }
}

void check_parents(const Object& object, Report& report) {
  std::set<std::tuple<std::string, std::string, std::string, std::string, std::string>> seen;
  for (const At& parent : object["spec"]["parentRefs"].items()) {
    if (!seen.insert({or_else(parent["kind"], "Gateway"), or_else(parent["namespace"], ""),
                      or_else(parent["name"], ""), or_else(parent["sectionName"], ""),
                      or_else(parent["port"], "")})
             .second) {
      report.error(object, parent, "duplicate-entry", "Two parents are the same.", "Remove one.");
    }
  }
}

void check_route(const Object& object, Report& report) {
  check_parents(object, report);
  for (const At& rule : object["spec"]["rules"].items()) {
    for (const At& match : rule["matches"].items()) {
      const At path = match["path"];
      const std::string type = or_else(path["type"], "PathPrefix");
      const std::string value = or_else(path["value"], "/");
      if (!path.exists() || type == "RegularExpression") continue;
      if (!value.starts_with('/')) {
        report.error(object, path["value"], "path-without-slash",
                     "A path must be an absolute path and start with '/'.", "Put one in front.",
                     "value: /" + value);
      }
      for (const char* part : {"//", "/./", "/../", "%2f", "%2F", "#"}) {
        if (value.find(part) != std::string::npos) {
          report.error(object, path["value"], "wrong-form",
                       std::string("A path must not contain ") + part + ".", "Correct it.");
        }
      }
    }
    for (const At& backend : rule["backendRefs"].items()) check_backend(object, backend, report);
  }
}

void check_pool(const Object& object, Report& report) {
  const At picker = object["spec"]["endpointPickerRef"];
  if (picker.exists() && or_else(picker["kind"], "Service") == "Service" &&
      !picker["port"].exists()) {
    report.error(object, picker["port"], "picker-without-port",
                 "The endpoint picker needs a port when it is a Service.", "Add it.",
                 "port: {number: 9002}");
  }
  std::set<std::string> numbers;
  for (const At& port : object["spec"]["targetPorts"].items()) {
    if (!numbers.insert(std::string(port["number"].text())).second) {
      report.error(object, port, "duplicate-port", "Two target ports are the same.", "Remove one.");
    }
  }
}

}  // namespace

void check_routing(const Object& object, Report& report) {
  if (object.is("Gateway")) check_gateway(object, report);
  if (object.is("HTTPRoute")) check_route(object, report);
  if (object.is("InferencePool")) check_pool(object, report);
}

}  // namespace kneepoint::doctor
