#include "manifest/alerts.h"

#include <fmt/format.h>

#include "base/text.h"
#include "manifest/dashboard_queries.h"
#include "manifest/object_json.h"

namespace kneepoint::manifest {
namespace {

using json::Array;
using json::Object;

std::string title(const std::string& metric) {
  std::string out = metric;
  if (!out.empty()) out[0] = static_cast<char>(out[0] - 'a' + 'A');
  return out;
}

void on_targets(const Request& request, const Watch& watch, std::vector<Alert>& out) {
  for (const WatchedTarget& target : request.delivery.targets) {
    // A server tells the end-to-end time, not what it is per token.
    const bool mean = target.quantile <= 0;
    const auto value =
        mean ? watch.mean(target.metric) : watch.quantile(target.metric, target.quantile);
    if (!value || !(target.at_most_ms > 0)) continue;
    const std::string which = mean ? "mean" : "p" + shortest(target.quantile * 100);
    out.push_back({title(target.metric) + "AboveTarget",
                   fmt::format("{} > {}", *value, shortest(target.at_most_ms / 1000)), "10m",
                   "warning",
                   fmt::format("{} {} has been above its target of {} ms for 10 minutes",
                               target.metric, which, shortest(target.at_most_ms))});
  }
}

}  // namespace

std::vector<Alert> alerts(const Request& request, const Facts& facts, const std::string& workload,
                          const std::optional<ScalePlan>& scales) {
  const Watch watch(facts, request.namespace_name, workload);
  const std::string replicas = watch.replicas();
  std::vector<Alert> out;
  on_targets(request, watch, out);
  if (const auto waiting = watch.sum("waiting")) {
    out.push_back({"RequestsWait",
                   fmt::format("{} > {} * {}", *waiting, 2 * kQueueTarget, replicas), "10m",
                   "warning",
                   fmt::format("more than {} requests a replica wait: too few replicas, or they "
                               "start too slowly",
                               2 * kQueueTarget)});
  }
  if (const auto full = watch.most("kv_cache_usage")) {
    out.push_back({"KvCacheFull", *full + " > 0.95", "10m", "warning",
                   "the KV cache of a replica is nearly full: requests wait or are thrown out"});
  }
  if (const auto preempted = watch.per_second("preemptions")) {
    out.push_back({"RequestsPreempted", *preempted + " > 0.1", "15m", "warning",
                   "requests are thrown out of the cache and begin again: allow fewer at once"});
  }
  const auto running = watch.sum("running");
  const auto finished = watch.per_second("finished");
  if (running && finished) {
    out.push_back({"NothingFinishes", fmt::format("{} > 0 and {} == 0", *running, *finished), "15m",
                   "critical", "requests run and none ends: a replica may hang"});
  }
  out.push_back({"NoReplicaAnswers", fmt::format("({}) == 0 or absent({})", replicas, replicas),
                 "5m", "critical", "no replica answers when its metrics are asked for"});
  if (scales && scales->max_replicas > scales->min_replicas) {
    out.push_back({"AsManyReplicasAsAllowed",
                   fmt::format("{} >= {}", replicas, scales->max_replicas), "30m", "warning",
                   "the autoscaler is at its maximum: more load is not followed"});
  }
  return out;
}

json::Object to_json(const AlertRules& rules) {
  Array list;
  for (const Alert& alert : rules.alerts) {
    list.emplace_back(Object{{"alert", alert.name},
                             {"expr", alert.expression},
                             {"for", alert.lasts},
                             {"labels", Object{{"severity", alert.severity}}},
                             {"annotations", Object{{"summary", alert.summary}}}});
  }
  Object group{{"name", rules.meta.name}, {"interval", "30s"}, {"rules", std::move(list)}};
  return typed(rules.managed ? "monitoring.googleapis.com/v1" : "monitoring.coreos.com/v1",
               rules.managed ? "Rules" : "PrometheusRule", rules.meta,
               Object{{"groups", Array{std::move(group)}}});
}

}  // namespace kneepoint::manifest
