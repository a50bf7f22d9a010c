#include "manifest/picker_metrics.h"

#include "manifest/scaling.h"

namespace kneepoint::manifest {

PickerMetrics picker_metrics(const ObjectMeta& meta, const std::string& base,
                             const std::string& picker_account, const StringMap& picker,
                             Scrape scrape) {
  const std::string space = meta.namespace_name;
  const auto named = [&](const char* suffix) {
    ObjectMeta out = meta;
    out.name = base + suffix;
    return out;
  };
  // A cluster has one namespace for all of its own objects: theirs are told apart by our namespace.
  const auto of_cluster = [&](const char* suffix) {
    ObjectMeta out = meta;
    out.name = space + "-" + base + suffix;
    out.namespace_name.clear();
    return out;
  };
  const std::vector<std::string> read{"get", "watch", "list"};
  PickerMetrics out;
  out.asks = {of_cluster("-picker-asks"),
              "ClusterRole",
              "system:auth-delegator",  // there in every cluster: reviews of tokens and of access
              {{picker_account, space}}};
  out.reader = {named("-picker-metrics")};
  out.token = {named("-picker-metrics"), out.reader.meta.name};
  out.may_read = {of_cluster("-picker-metrics"), {{{}, {}, {"get"}, {}, {"/metrics"}}}};
  out.reads = {of_cluster("-picker-metrics"),
               "ClusterRole",
               out.may_read.meta.name,
               {{out.reader.meta.name, space}}};
  if (scrape == Scrape::ManagedPrometheus) {
    out.opens =
        Role{named("-picker-token"), {{{""}, {"secrets"}, read, {out.token.meta.name}, {}}}};
    // Collectors live in the first namespace, on Autopilot in the second.
    out.opened = RoleBinding{named("-picker-token"),
                             "Role",
                             out.opens->meta.name,
                             {{"collector", "gmp-system"}, {"collector", "gke-gmp-system"}}};
  }
  const auto monitor = [&](auto of) {
    of = {named("-picker-monitoring"),
          picker,
          "metrics",
          "/metrics",
          std::to_string(kScrapeSeconds) + "s",
          out.token.meta.name};
    out.monitor = std::move(of);
  };
  if (scrape == Scrape::ManagedPrometheus)
    monitor(PodMonitoring());
  else
    monitor(PodMonitor());
  return out;
}

std::vector<json::Object> PickerMetrics::objects() const {
  std::vector<json::Object> out{to_json(asks), to_json(reader), to_json(token), to_json(may_read),
                                to_json(reads)};
  if (opens) out.push_back(to_json(*opens));
  if (opened) out.push_back(to_json(*opened));
  out.push_back(std::visit([](const auto& one) { return to_json(one); }, monitor));
  return out;
}

}  // namespace kneepoint::manifest
