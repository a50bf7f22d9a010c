#include "report/bench_text.h"

#include "base/text.h"
#include "report/html_sections.h"
#include "report/plot_layout.h"
#include "report/table.h"
#include "report/text_width.h"
#include "run/measured_profile.h"

namespace kneepoint::report {
namespace {

using metrics::Metric;

// Names and cells are put down together, so that none can slip.
class Row {
 public:
  void text(std::string column, std::string value) {
    put(std::move(column), Cell::text_or_missing(std::move(value)));
  }
  void count(std::string column, std::uint64_t value) {
    put(std::move(column), Cell::integer(static_cast<std::int64_t>(value)));
  }
  void number(std::string column, double value) { put(std::move(column), Cell::number(value)); }
  template <class Quantity>
  void number(std::string column, const std::optional<Rate<Quantity>>& rate) {
    number(std::move(column), rate ? rate->per_second() : metrics::kMissing);
  }
  void flag(std::string column, bool value) { text(std::move(column), value ? "true" : "false"); }

  std::vector<Column> columns;
  std::vector<Cell> cells;

 private:
  void put(std::string column, Cell cell) {
    columns.push_back({column, column});
    cells.push_back(std::move(cell));
  }
};

double seconds(Nanos time) { return static_cast<double>(time.count()) / 1e9; }

void latencies(Row& row, const metrics::Summary& summary) {
  for (const Metric metric : metrics::kMetrics) {
    const metrics::Spread& spread = summary.of(metric);
    const std::string stem(metrics::name(metric));
    row.number(stem + "_mean_ms", spread.mean);
    row.number(stem + "_p50_ms", spread.p50);
    row.number(stem + "_p90_ms", spread.p90);
    row.number(stem + "_p95_ms", spread.p95);
    row.number(stem + "_p99_ms", spread.p99);
    row.number(stem + "_max_ms", spread.max);
  }
}

double half_width(const std::optional<metrics::MeanInterval>& interval) {
  return interval ? interval->half_width : metrics::kMissing;
}

Row row_of(const BenchReport& report, const BenchCurve& curve, std::size_t i) {
  const run::PointRecord& point = report.points[i];
  const metrics::Summary& summary = point.summary;
  const Load load = load_of(point);
  Row row;
  row.count("point", static_cast<std::uint64_t>(point.index));
  row.text("model", report.facts.model);
  row.text("started_at", point.started_at);
  row.text("load_kind", std::string(curve::name(load.kind)));
  row.number("load", load.value);
  row.text("place", std::string(place_words(report, curve, i)));
  row.flag("is_knee", curve.knee_record() == i);
  row.flag("valid", point.self.valid);
  row.text("invalid_reason", point.self.reason);
  row.text("end", std::string(run::name(point.end)));
  row.number("took_s", seconds(point.took));
  row.number("window_s", seconds(summary.window.length()));
  row.text("workload", run::workload_name(point.spec));
  row.count("seed", point.spec.seed);
  row.count("requests_sent", point.requests_sent);
  row.count("requests_completed", point.requests_completed);
  row.count("requests_failed", point.requests_failed);
  row.number("requests_per_second", summary.requests_per_second);
  row.number("output_tokens_per_second", summary.output_rate);
  row.number("input_tokens_per_second", summary.input_rate);
  row.number("goodput_requests_per_second", summary.goodput);
  row.number("good_share", summary.good_share.value_or(metrics::kMissing));
  latencies(row, summary);
  row.number("ttft_mean_half_width_ms", half_width(point.ttft_interval));
  row.number("e2e_mean_half_width_ms", half_width(point.e2e_interval));
  row.number("output_tokens_per_second_half_width", half_width(point.output_rate_interval));
  row.text("tokens_counted_by", summary.tokens_counted_by);
  row.number("input_tokens_mean", point.tokens.input_counted_mean);
  row.number("output_tokens_mean", point.tokens.output_counted_mean);
  row.count("stopped_early", point.tokens.stopped_early);
  row.number("offered_rate", point.self.offered_rate);
  row.number("achieved_rate", point.self.achieved_rate);
  row.number("send_lateness_p50_ms", point.self.send_lateness.p50);
  row.number("send_lateness_p99_ms", point.self.send_lateness.p99);
  row.number("read_lag_p99_ms", point.self.read_lag.p99);
  row.number("core_share", point.self.core_share);
  const metrics::ServerSignals server = point.server.value_or(metrics::ServerSignals{});
  row.text("server", server.server);
  row.text("server_version", server.version);
  row.number("server_running_mean", server.running.mean);
  row.number("server_waiting_mean", server.waiting.mean);
  row.number("server_kv_use_mean", server.kv_use.mean);
  row.number("server_kv_use_max", server.kv_use.max);
  row.number("server_preemptions", server.preemptions);
  row.number("server_prefix_hit_share", server.prefix_hit_share);
  row.number("server_ttft_mean_ms", server.ttft_mean_ms);
  row.number("server_e2e_mean_ms", server.e2e_mean_ms);
  return row;
}

Cell shown(double value) { return metrics::is_missing(value) ? Cell() : Cell::text(figure(value)); }

Table point_table(const BenchReport& report, const BenchCurve& curve) {
  std::vector<Column> columns;
  for (const std::string_view title :
       {"LOAD", "REQ/S", "TOKENS/S", "TTFT P50", "TTFT P99", "ITL P50", "ITL P99", "TPOT P50",
        "E2E P50", "E2E P99", "FAILED", "PLACE"}) {
    columns.push_back({std::string(title), std::string(title), "-"});
  }
  Table table(std::move(columns));
  for (const std::size_t i : all_in_order(curve)) {
    const run::PointRecord& point = report.points[i];
    const curve::LoadPoint at = run::profile_point(point).at;
    std::vector<Cell> cells{Cell::text(load_text(load_of(point))), shown(at.requests_per_second),
                            shown(at.output_tokens_per_second)};
    for (const Metric metric : {Metric::Ttft, Metric::Itl}) {
      cells.push_back(shown(point.summary.of(metric).p50));
      cells.push_back(shown(point.summary.of(metric).p99));
    }
    cells.push_back(shown(point.summary.of(Metric::Tpot).p50));
    cells.push_back(shown(point.summary.of(Metric::E2e).p50));
    cells.push_back(shown(point.summary.of(Metric::E2e).p99));
    cells.push_back(Cell::text(figure(static_cast<double>(point.requests_failed))));
    cells.push_back(Cell::text_or_missing(std::string(place_words(report, curve, i))));
    table.add_row(std::move(cells));
  }
  return table;
}

}  // namespace

std::string bench_csv(const BenchReport& report) {
  const BenchCurve curve = curve_of(report);
  // Of an empty report the columns alone.
  BenchReport one;
  one.points.resize(1);
  Table table(row_of(one, curve_of(one), 0).columns);
  for (const std::size_t i : all_in_order(curve)) {
    table.add_row(row_of(report, curve, i).cells);
  }
  return write_csv(table);
}

std::string bench_table(const BenchReport& report) {
  const BenchCurve curve = curve_of(report);
  const Verdict verdict = verdict_of(report, curve);
  std::string out = printable(report.facts.model.empty() ? "Load test" : report.facts.model);
  if (!report.facts.server.empty()) {
    out += ", " + printable(report.facts.server + " " + report.facts.server_version);
  }
  out += "\n" + verdict.headline + ".\n" + verdict.validity + ".\n" + printable(verdict.evidence) +
         ".\n";
  if (report.points.empty()) return out;
  out += "\n" + write_text(point_table(report, curve), {.gap = 2}) +
         "\nTimes in milliseconds; tokens/s are output tokens.\n";
  std::vector<std::string> remarks = report.warnings;
  for (const std::size_t i : all_in_order(curve)) {
    const run::PointRecord& point = report.points[i];
    const std::string at = load_text(load_of(point)) + ": ";
    if (!point.self.valid) remarks.push_back(at + "not valid: " + point.self.reason);
    for (const std::string& remark : point.remarks) remarks.push_back(at + remark);
    for (const run::ErrorCount& error : point.errors) {
      remarks.push_back(at + figure(static_cast<double>(error.count)) + " x " + error.what);
    }
    if (!point.server) continue;
    for (const std::string& warning : point.server->warnings) remarks.push_back(at + warning);
  }
  for (const std::string& remark : remarks) out += "- " + printable(remark) + "\n";
  return out;
}

}  // namespace kneepoint::report
