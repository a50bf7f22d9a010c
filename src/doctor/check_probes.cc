#include <array>

#include "doctor/names.h"
#include "doctor/rules.h"

namespace kneepoint::doctor {
namespace {

constexpr std::array<std::string_view, 4> kHandlers{"httpGet", "tcpSocket", "exec", "grpc"};

void check_port(const Object& object, const At& container, const At& port, Report& report) {
  if (!port.exists()) return;
  if (const auto number = port.integer()) {
    if (*number < 1 || *number > 65535) {
      report.error(object, port, "out-of-range", "A port is from 1 to 65535.", "Correct it.");
    }
    return;
  }
  if (const std::string wrong = wrong_with_port_name(port.text()); !wrong.empty()) {
    report.error(object, port, "bad-port-name", "A port's name " + wrong + ".",
                 "Write a number without quotes, or the name of a port of the container.",
                 "port: http");
    return;
  }
  bool known = false;
  for (const At& each : container["ports"].items()) known |= each["name"].text() == port.text();
  if (!known) {
    report.warning(
        object, port, "no-such-port",
        "The container has no port called " + std::string(port.text()) + ": the probe will fail.",
        "Name one of its ports.");
  }
}

void check_handler(const Object& object, const At& container, const At& handler, bool sleep,
                   Report& report) {
  std::size_t handlers = sleep && handler["sleep"].exists() ? 1 : 0;
  for (const std::string_view each : kHandlers) {
    if (!handler[each].exists()) continue;
    if (++handlers == 2) {
      report.error(object, handler[each], "two-handlers", "A probe or hook has one handler.",
                   "Keep httpGet and remove " + std::string(each) + ".");
    }
    check_port(object, container, handler[each]["port"], report);
  }
  if (handlers == 0) {
    report.error(object, handler, "no-handler", "A probe or hook must say what it does.",
                 "Add httpGet, tcpSocket, grpc or exec.", "httpGet: {path: /health, port: http}");
  }
}

void check_probe(const Object& object, const At& container, std::string_view kind, Report& report) {
  const At probe = container[kind];
  if (!probe.exists()) return;
  check_handler(object, container, probe, false, report);
  const At successes = probe["successThreshold"];
  if (kind != "readinessProbe" && successes.integer().value_or(1) > 1) {
    report.error(object, successes, "one-success",
                 "A startup or liveness probe has succeeded after one success.", "Write 1.",
                 "successThreshold: 1");
  }
  const At grace = probe["terminationGracePeriodSeconds"];
  if (kind == "readinessProbe" && grace.exists()) {
    report.error(object, grace, "misplaced", "A readiness probe ends nothing.", "Remove it.");
  }
}

}  // namespace

void check_probes(const Object& object, Report& report) {
  for (const Pod& pod : pods_of(object)) {
    const long long grace = pod.spec["terminationGracePeriodSeconds"].integer().value_or(30);
    for (const At& container : pod.spec["containers"].items()) {
      for (const char* kind : {"startupProbe", "readinessProbe", "livenessProbe"}) {
        check_probe(object, container, kind, report);
      }
      for (const char* hook : {"postStart", "preStop"}) {
        const At at = container["lifecycle"][hook];
        if (!at.exists()) continue;
        check_handler(object, container, at, true, report);
        const At seconds = at["sleep"]["seconds"];
        if (seconds.integer() && (*seconds.integer() < 0 || *seconds.integer() > grace)) {
          report.error(object, seconds, "sleep-over-grace",
                       "The pod is killed after terminationGracePeriodSeconds (" +
                           std::to_string(grace) + "), before this sleep ends.",
                       "Sleep for less, or raise terminationGracePeriodSeconds.",
                       "terminationGracePeriodSeconds: " + std::to_string(*seconds.integer() + 30));
        }
      }
    }
    for (const At& container : pod.spec["initContainers"].items()) {
      if (container["restartPolicy"].text() == "Always") continue;
      for (const char* kind : {"startupProbe", "readinessProbe", "livenessProbe", "lifecycle"}) {
        if (container[kind].exists()) {
          report.error(object, container[kind], "misplaced",
                       "An init container has no probes or hooks.", "Remove it.");
        }
      }
    }
  }
}

}  // namespace kneepoint::doctor
