#include "manifest/dashboard.h"

#include <fmt/format.h>

#include <optional>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/text.h"
#include "manifest/dashboard_queries.h"

namespace kneepoint::manifest {
namespace {

using json::Array;
using json::Object;
/// What is drawn, and what it is called.
using Line = std::pair<std::optional<std::string>, std::string>;

constexpr int kColumns = 3;
constexpr int kWidth = 24 / kColumns;
constexpr int kHeight = 8;

Object source() { return Object{{"type", "prometheus"}, {"uid", "${datasource}"}}; }

/// Places panels in rows, and remembers what there is no metric for.
class Board {
 public:
  void panel(const std::string& title, const std::string& unit, const std::vector<Line>& lines,
             std::optional<double> at_most = std::nullopt) {
    Array targets;
    for (const auto& [expression, legend] : lines) {
      if (!expression) continue;
      targets.emplace_back(
          Object{{"datasource", source()},
                 {"refId", std::string(1, static_cast<char>('A' + targets.size()))},
                 {"expr", *expression},
                 {"legendFormat", legend}});
    }
    if (targets.empty()) {
      missing_.push_back(title);
      return;
    }
    const int at = static_cast<int>(panels_.size());
    Object defaults{{"unit", unit}, {"min", 0}};
    Object custom{{"drawStyle", "line"}, {"showPoints", "never"}};
    if (at_most) {
      custom["thresholdsStyle"] = Object{{"mode", "line"}};
      defaults["thresholds"] =
          Object{{"mode", "absolute"},
                 {"steps", Array{Object{{"color", "green"}, {"value", nullptr}},
                                 Object{{"color", "red"}, {"value", *at_most}}}}};
    }
    defaults["custom"] = std::move(custom);
    panels_.emplace_back(Object{
        {"id", at + 1},
        {"type", "timeseries"},
        {"title", title},
        {"datasource", source()},
        {"gridPos", Object{{"x", at % kColumns * kWidth},
                           {"y", at / kColumns * kHeight},
                           {"w", kWidth},
                           {"h", kHeight}}},
        {"fieldConfig", Object{{"defaults", std::move(defaults)}, {"overrides", Array{}}}},
        {"options", Object{{"legend", Object{{"displayMode", "list"}, {"placement", "bottom"}}},
                           {"tooltip", Object{{"mode", "multi"}}}}},
        {"targets", std::move(targets)}});
  }

  Array panels_;
  std::vector<std::string> missing_;
};

std::optional<double> seconds_allowed(const Request& request, const std::string& metric) {
  for (const WatchedTarget& target : request.delivery.targets) {
    if (target.metric == metric) return target.at_most_ms / 1000;
  }
  return std::nullopt;
}

}  // namespace

json::Object dashboard(const Request& request, const Facts& facts, const std::string& workload) {
  const Watch watch(facts, request.namespace_name, workload);
  Board board;
  const auto latency = [&](const std::string& title, const std::string& signal) {
    board.panel(title, "s",
                {{watch.quantile(signal, 0.5), "p50"},
                 {watch.quantile(signal, 0.95), "p95"},
                 {watch.quantile(signal, 0.99), "p99"},
                 {watch.mean(signal), "mean"}},
                seconds_allowed(request, signal));
  };
  latency("Time to first token", "ttft");
  latency("Time per output token", "tpot");
  latency("End to end", "e2e");
  latency("Between two tokens", "itl");
  latency("In the queue", "queue_time");
  board.panel("Requests", "short",
              {{watch.sum("running"), "running"}, {watch.sum("waiting"), "waiting"}});
  board.panel("KV cache in use, fullest replica", "percentunit",
              {{watch.most("kv_cache_usage"), "in use"}});
  board.panel("Tokens per second", "short",
              {{watch.per_second("generation_tokens"), "output"},
               {watch.per_second("prompt_tokens"), "input"}});
  board.panel("Requests finished per second", "reqps",
              {{watch.per_second("finished"), "finished"}});
  board.panel("Preemptions per second", "short", {{watch.per_second("preemptions"), "preempted"}});
  const auto hits = watch.per_second("prefix_cache_hits");
  const auto asked = watch.per_second("prefix_cache_queries");
  board.panel("Prefix cache, share found", "percentunit",
              {{hits && asked ? std::optional(*hits + " / " + *asked) : std::nullopt, "found"}});
  board.panel("Replicas that answer", "short", {{watch.replicas(), "replicas"}});

  std::string about = fmt::format("{} on {} {}, made by kneepoint manifests create", request.model,
                                  facts.server.name, facts.version);
  if (!board.missing_.empty())
    about += ". This version has no metric for: " + join(board.missing_, ", ");
  return Object{{"uid", content_hash(request.namespace_name + "/" + workload).substr(0, 12)},
                {"title", workload + " in " + request.namespace_name},
                {"description", about},
                {"tags", Array{"kneepoint", json::Value(facts.server.name)}},
                {"schemaVersion", 39},
                {"version", 1},
                {"editable", true},
                {"refresh", "30s"},
                {"time", Object{{"from", "now-1h"}, {"to", "now"}}},
                {"templating", Object{{"list", Array{Object{{"name", "datasource"},
                                                            {"label", "Data source"},
                                                            {"type", "datasource"},
                                                            {"query", "prometheus"}}}}}},
                {"panels", std::move(board.panels_)}};
}

}  // namespace kneepoint::manifest
