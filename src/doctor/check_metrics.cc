#include <algorithm>
#include <optional>
#include <set>

#include "base/text.h"
#include "doctor/rules.h"
#include "doctor/server_use.h"

namespace kneepoint::doctor {
namespace {

bool scales(const Object& object) {
  return object.is("HorizontalPodAutoscaler") || object.is("ScaledObject");
}
bool scrapes(const Object& object) {
  return object.is("PodMonitoring") || object.is("ClusterPodMonitoring") ||
         object.is("PodMonitor") || object.is("ServiceMonitor");
}

/// The object that an autoscaler names, if it is in the files.
const Object* target_of(Objects all, const Object& scaler) {
  const At ref = scaler["spec"]["scaleTargetRef"];
  const std::string_view kind = ref["kind"].exists() ? ref["kind"].text() : "Deployment";
  for (const Object& each : all) {
    if (each.kind == kind && each.name == ref["name"].text()) return &each;
  }
  return nullptr;
}

/// Places whose text names series: of autoscalers, queries and rules.
void texts_with_series(const At& at, std::vector<At>& out) {
  for (const auto& [key, value] : at.entries()) {
    if (key == "name" || key == "query" || key == "expr") {
      if (!value.text().empty()) out.push_back(value);
    }
    texts_with_series(value, out);
  }
  for (const At& item : at.items()) texts_with_series(item, out);
}

bool names(std::string_view text, std::string_view series) {
  const auto word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == ':';
  };
  for (auto at = text.find(series); at != std::string_view::npos; at = text.find(series, at + 1)) {
    const auto end = at + series.size();
    const bool suffix =
        end < text.size() && word(text[end]) && !text.substr(end).starts_with("_bucket") &&
        !text.substr(end).starts_with("_sum") && !text.substr(end).starts_with("_count");
    if ((at == 0 || !word(text[at - 1])) && !suffix) return true;
  }
  return false;
}

/// Series that the server's version no longer has.
void check_series(const Object& object, const ServerUse& use, const Facts& facts, Report& report) {
  if (use.version.empty()) return;
  std::vector<At> places;
  texts_with_series(object["spec"], places);
  std::set<std::string> told;
  for (const catalog::ServerMetric& row : facts.catalog.server_metrics()) {
    if (row.server != use.server) continue;
    const bool gone =
        !row.until.empty() && catalog::compare_versions(use.version, row.until).value_or(-1) >= 0;
    const bool later =
        !row.since.empty() && catalog::compare_versions(use.version, row.since).value_or(0) < 0;
    if (!gone && !later) continue;
    bool served = false;  // another row may have it in this version
    for (const catalog::ServerMetric& other : facts.catalog.server_metrics()) {
      if (other.server != row.server || other.series != row.series || &other == &row) continue;
      const auto from =
          other.since.empty() ? 0 : catalog::compare_versions(use.version, other.since).value_or(0);
      const auto to = other.until.empty()
                          ? -1
                          : catalog::compare_versions(use.version, other.until).value_or(-1);
      served |= from >= 0 && to < 0;
    }
    if (served) continue;
    const catalog::ServerMetric* now = facts.catalog.metric(use.server, use.version, row.signal);
    for (const At& place : places) {
      if (!names(place.text(), row.series) || !told.insert(place.path()).second) continue;
      report.warning(object, place, "renamed-metric",
                     use.server + " " + use.version + " has no series " + row.series +
                         (gone ? ": removed in " + row.until : ": it came with " + row.since) + ".",
                     now != nullptr ? "Write " + now->series + "." : "Take another signal.",
                     now != nullptr ? now->series : "");
    }
  }
}

/// A port by number or name that some container of the pod has.
bool has_port(const Pod& pod, const At& port) {
  for (const At& container : containers_of(pod.spec)) {
    for (const At& each : container["ports"].items()) {
      if (each["name"].text() == port.text() || each["containerPort"].text() == port.text())
        return true;
    }
  }
  return false;
}

void check_scraper(Objects all, const Object& scraper, const Facts& facts, Report& report) {
  const At spec = scraper["spec"];
  const auto endpoints = scraper.is("PodMonitor") ? spec["podMetricsEndpoints"] : spec["endpoints"];
  if (scraper.is("ServiceMonitor")) return;
  bool picked = false, any = false;
  for (const Object& object : all) {
    const auto servers = servers_of(object);
    for (const Pod& pod : pods_of(object)) {
      any = true;
      if (!selects(spec["selector"], object, pod)) continue;
      picked = true;
      for (const At& endpoint : endpoints.items()) {
        const At port = endpoint["port"];
        if (port.exists() && !port.integer() && !has_port(pod, port)) {
          report.warning(scraper, port, "no-such-port",
                         object.shown() + " has no port called " + std::string(port.text()) +
                             ": nothing is scraped.",
                         "Name one of the container's ports.");
        }
        for (const ServerUse& use : servers) {
          if (use.role != pod.role || pod.spec.node() != use.pod.node()) continue;
          const catalog::Server* server = facts.catalog.server(use.server);
          const std::string path(endpoint["path"].exists() ? endpoint["path"].text() : "/metrics");
          if (server != nullptr && !server->metrics_path.empty() && path != server->metrics_path) {
            report.warning(
                scraper, endpoint["path"], "metrics-path",
                server->display_name + " has its metrics at " + server->metrics_path + ".",
                "Correct it.", "path: " + server->metrics_path);
          }
          if (server != nullptr && !server->metrics_enable.empty() && !use.flags.empty() &&
              !use.given(server->metrics_enable) && server->metrics_enable.starts_with("--")) {
            report.warning(object, use.container, "metrics-off",
                           server->display_name + " has metrics only when told to.",
                           "Turn them on.", server->metrics_enable);
          }
          if (use.given("--disable-log-stats")) {
            report.warning(object, use.flags.find("--disable-log-stats")->second.at, "metrics-off",
                           "--disable-log-stats turns off the metrics that are scraped here.",
                           "Remove it.");
          }
        }
      }
    }
  }
  if (any && !picked) {
    report.warning(scraper, spec["selector"], "selects-nothing",
                   "No pod of these files has the labels that this selects.",
                   "Take the labels of the pod template.");
  }
}

bool custom(const Object& scaler) {
  for (const At& metric : scaler["spec"]["metrics"].items()) {
    const std::string_view type = metric["type"].text();
    if (type == "Pods" || type == "External" || type == "Object") return true;
  }
  return false;
}

void check_scaler(Objects all, const Object& scaler, const Facts& facts, Report& report) {
  const Object* target = target_of(all, scaler);
  bool workloads = false, scraper = false;
  for (const Object& each : all) {
    workloads |= !pods_of(each).empty();
    scraper |= scrapes(each);
  }
  const At ref = scaler["spec"]["scaleTargetRef"];
  if (target == nullptr && workloads && ref["name"].exists()) {
    report.warning(scaler, ref["name"], "no-such-target",
                   "None of these files has the " +
                       std::string(ref["kind"].exists() ? ref["kind"].text() : "Deployment") + " " +
                       std::string(ref["name"].text()) + " that this scales.",
                   "Correct the name, or give that file too.");
  }
  if (target != nullptr) {
    for (const ServerUse& use : servers_of(*target)) check_series(scaler, use, facts, report);
    if (!scraper && (custom(scaler) || scaler.is("ScaledObject"))) {
      report.warning(
          scaler, scaler.root["spec"], "autoscaler-without-scraping",
          "Nothing in these files scrapes the pods, so the autoscaler has no metric to go by.",
          "Add a PodMonitoring (managed collection) or a PodMonitor.");
    }
    const At replicas = target->root["spec"]["replicas"];
    if (replicas.exists() && replicas.integer().value_or(1) > 1) {
      report.info(
          *target, replicas, "replicas-beside-autoscaler",
          "Applying this file again sets the replicas back, whatever the autoscaler had chosen.",
          "Leave replicas out once the autoscaler runs.");
    }
  }
  if (!custom(scaler)) return;
  report.info(scaler, scaler.root["spec"]["metrics"], "needs-adapter",
              "The metric comes through a metrics adapter that must run in the cluster.",
              "Look whether it does: the API service must be Available.",
              "kubectl get apiservices | grep metrics.k8s.io");
}

}  // namespace

void check_metrics(Objects all, const Facts& facts, Report& report) {
  std::set<std::string> scaled;
  for (const Object& object : all) {
    if (scrapes(object)) check_scraper(all, object, facts, report);
    if (object.is("PrometheusRule") || object.is("Rules")) {
      for (const Object& other : all) {
        for (const ServerUse& use : servers_of(other)) check_series(object, use, facts, report);
      }
    }
    if (!scales(object)) continue;
    check_scaler(all, object, facts, report);
    const At ref = object["spec"]["scaleTargetRef"];
    const std::string target = object.namespace_name + "/" + std::string(ref["kind"].text()) + "/" +
                               std::string(ref["name"].text());
    if (ref["name"].exists() && !scaled.insert(target).second) {
      report.warning(
          object, ref["name"], "scaled-twice",
          "Two autoscalers scale " + std::string(ref["name"].text()) + " against each other.",
          "Keep one.");
    }
  }
}

}  // namespace kneepoint::doctor
