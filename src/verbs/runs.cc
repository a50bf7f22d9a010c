#include "app/runs.h"

#include <chrono>
#include <set>
#include <thread>

#include "verbs/handlers.h"
#include "verbs/pieces.h"
#include "verbs/question.h"

namespace kneepoint::verbs {
namespace {

using json::Array;
using json::Object;

Object summary_json(const app::RunSummary& run) {
  Object out{{"id", run.id}, {"state", run.running ? "running" : "ended"}};
  put(out, "startedAt", run.started_at);
  put(out, "target", run.target);
  put(out, "model", run.model);
  out.emplace("points", run.points);
  return out;
}

/// A load point for a chart: figures of the window, exact ones stand in the report.
Object point_json(const run::PointRecord& record) {
  const report::Load load = report::load_of(record);
  Object out{{"index", record.index}};
  put(out, "load", load.value);
  out.emplace("loadUnit", curve::unit(load.kind));
  if (record.summary.requests_per_second) {
    put(out, "requestsPerSecond", record.summary.requests_per_second->per_second());
  }
  if (record.summary.output_rate) {
    put(out, "outputTokensPerSecond", record.summary.output_rate->per_second());
  }
  Object waits;
  for (const metrics::Metric metric : metrics::kMetrics) {
    const auto& spread = record.summary.of(metric);
    Object figures;
    put(figures, "mean", spread.mean);
    put(figures, "p50", spread.p50);
    put(figures, "p90", spread.p90);
    put(figures, "p99", spread.p99);
    if (!figures.empty()) waits.emplace(metrics::name(metric), std::move(figures));
  }
  out.emplace("latencyMilliseconds", std::move(waits));
  out.emplace("requests", record.requests_completed);
  out.emplace("errors", record.requests_failed);
  out.emplace("end", run::name(record.end));
  out.emplace("counts", report::counts(record));
  put(out, "startedAt", record.started_at);
  return out;
}

}  // namespace

Result<json::Value> list_runs(Call& call) {
  Ask ask(call.ask);
  if (auto done = ask.done(); !done) return fail(done.error());
  const auto all = app::list_runs(call.session.settings());
  if (!all) return fail(all.error());
  Array runs;
  for (const app::RunSummary& run : *all) runs.push_back(summary_json(run));
  return Object{{"runs", std::move(runs)}};
}

Result<json::Value> get_run(Call& call) {
  Ask ask(call.ask);
  const std::string id = ask.required("id", 300);
  if (auto done = ask.done(); !done) return fail(done.error());
  const auto summary = app::find_run(call.session.settings(), id);
  if (!summary) return fail(summary.error());
  const auto stored = app::open_run(call.session.settings(), id);
  if (!stored) return fail(stored.error());
  const report::BenchCurve curve = report::curve_of(stored->report);
  Array points;
  for (std::size_t i = 0; i < curve.order.size(); ++i) {
    Object one = point_json(stored->report.points[curve.order[i]]);
    one.emplace("zone", curve::name(curve.zones[i]));
    points.push_back(std::move(one));
  }
  for (const std::size_t other : curve.of_another_kind) {
    points.push_back(point_json(stored->report.points[other]));
  }
  Object out{{"run", summary_json(*summary)},
             {"knee", knee(curve.knee, curve.kind, profile::EvidenceKind::Measured)},
             {"points", std::move(points)}};
  const report::Verdict verdict = report::verdict_of(stored->report, curve);
  out.emplace("verdict", Object{{"headline", verdict.headline},
                                {"validity", verdict.validity},
                                {"sound", verdict.sound},
                                {"evidence", verdict.evidence}});
  out.emplace("report", stored->document);
  return out;
}

Result<json::Value> watch_run(Call& call) {
  constexpr auto kPause = std::chrono::milliseconds(500);
  Ask ask(call.ask);
  const std::string id = ask.required("id", 300);
  if (auto done = ask.done(); !done) return fail(done.error());
  std::set<std::int64_t> told;
  for (;;) {
    // Asked before the points are read: what it appends last is read after it has ended.
    const auto summary = app::find_run(call.session.settings(), id);
    if (!summary) return fail(summary.error());
    if (summary->points > told.size()) {
      const auto stored = app::open_run(call.session.settings(), id);
      if (!stored) return fail(stored.error());
      for (const run::PointRecord& record : stored->report.points) {
        if (!told.insert(record.index).second) continue;
        Object point = point_json(record);
        point.emplace("event", "point");
        if (call.progress && !call.progress(point)) return Object{};
      }
    }
    if (!summary->running) return Object{{"run", summary_json(*summary)}};
    if (call.progress && !call.progress({{"event", "waiting"}, {"points", told.size()}})) {
      return Object{};
    }
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace kneepoint::verbs
