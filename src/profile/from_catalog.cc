#include "profile/from_catalog.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace kneepoint::profile {
namespace {

using catalog::Table;
using metrics::Metric;
using metrics::Statistic;

/// Column numbers are looked up once, not per cell.
struct PointColumns {
  std::size_t id, load, requests, errors, rps, output, input, input_mean, output_mean, measured_on,
      source_ref, settings, derived, flags, first_latency;

  explicit PointColumns(const Table& t)
      : id(t.column("point_id")),
        load(t.column("load")),
        requests(t.column("request_count")),
        errors(t.column("error_count")),
        rps(t.column("requests_per_second")),
        output(t.column("output_tokens_per_second")),
        input(t.column("input_tokens_per_second")),
        input_mean(t.column("input_tokens_mean")),
        output_mean(t.column("output_tokens_mean")),
        measured_on(t.column("measured_on")),
        source_ref(t.column("source_ref")),
        settings(t.column("server_settings")),
        derived(t.column("derived")),
        flags(t.column("flags")),
        // ttft, tpot, itl, ntpot, e2e, each as mean, p50, p90, p99: the order of the metric table.
        first_latency(t.column("ttft_mean_ms")) {}
};

std::optional<double> optional(double value) {
  return metrics::is_missing(value) ? std::nullopt : std::optional(value);
}

void note_derived(Point& point, std::string_view what) {
  if (!point.derived.empty()) point.derived += ';';
  point.derived += what;
}

void derive_missing(Point& point) {
  metrics::LatencyTable& latency = point.at.latency;
  if (!latency.has(Metric::Ntpot, Statistic::Mean) && latency.has(Metric::E2e, Statistic::Mean) &&
      point.output_tokens_mean.value_or(0) > 0) {
    latency.set(
        Metric::Ntpot, Statistic::Mean,
        metrics::ntpot_ms(latency.get(Metric::E2e, Statistic::Mean), *point.output_tokens_mean));
    note_derived(point, "ntpot_mean_ms(e2e / mean output tokens, by kneepoint)");
  }
  if (metrics::is_missing(point.at.input_tokens_per_second) &&
      !metrics::is_missing(point.at.requests_per_second) && point.input_tokens_mean) {
    point.at.input_tokens_per_second = point.at.requests_per_second * *point.input_tokens_mean;
    note_derived(point, "input_tokens_per_second(requests/s x mean input tokens, by kneepoint)");
  }
}

Point read_point(const Table& t, const PointColumns& c, std::size_t row) {
  Point p;
  p.at.load = t.number(row, c.load);
  p.at.requests_per_second = t.number(row, c.rps);
  p.at.output_tokens_per_second = t.number(row, c.output);
  p.at.input_tokens_per_second = t.number(row, c.input);
  std::size_t column = c.first_latency;
  for (const Metric metric : metrics::kMetrics) {
    for (const Statistic statistic : metrics::kStatistics) {
      p.at.latency.set(metric, statistic, t.number(row, column++));
    }
  }
  p.id = t.text(row, c.id);
  p.request_count = optional(t.number(row, c.requests));
  p.error_count = optional(t.number(row, c.errors));
  p.input_tokens_mean = optional(t.number(row, c.input_mean));
  p.output_tokens_mean = optional(t.number(row, c.output_mean));
  p.measured_on = t.text(row, c.measured_on);
  p.source_ref = t.text(row, c.source_ref);
  p.server_settings = t.text(row, c.settings);
  p.derived = t.text(row, c.derived);
  p.flags = t.text(row, c.flags);
  derive_missing(p);
  return p;
}

}  // namespace

Result<CatalogProfiles> CatalogProfiles::open(const catalog::Catalog& catalog, std::size_t layer) {
  const Table* profiles = catalog.raw(layer, "profiles");
  const Table* points = catalog.raw(layer, "points");
  CatalogProfiles out(*profiles, *points, catalog.layers()[layer]);
  const std::size_t id = profiles->column("id");
  for (std::size_t r = 0; r < profiles->rows(); ++r) out.rows_of_[profiles->text(r, id)];
  const std::size_t owner = points->column("profile");
  for (std::size_t r = 0; r < points->rows(); ++r) {
    const auto found = out.rows_of_.find(points->text(r, owner));
    if (found == out.rows_of_.end()) {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("layer {}: points.csv names profile '{}', which profiles.csv lacks",
                              catalog.layers()[layer].name, points->text(r, owner)));
    }
    found->second.push_back(r);
  }
  return out;
}

Result<std::optional<Profile>> CatalogProfiles::next() {
  if (at_ == profiles_->rows()) return std::optional<Profile>();
  const Table& t = *profiles_;
  const std::size_t row = at_++;
  const auto text = [&](std::string_view column) { return std::string(t.text(row, column)); };
  const auto integer = [&](std::string_view column) -> std::optional<int> {
    const auto value = parse_integer(t.text(row, column));
    return value ? std::optional<int>(static_cast<int>(*value)) : std::nullopt;
  };

  const auto truth = [&](std::string_view column) -> std::optional<bool> {
    const auto cell = t.text(row, column);
    return cell.empty() ? std::nullopt : std::optional(cell == "true" || cell == "yes");
  };

  Profile p;
  p.id = text("id");
  const auto wrong = [&](const std::string& what) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("layer {}: profile {}: {}", layer_->name, p.id, what));
  };
  p.series_id = text("series_id");
  p.curve_id = text("curve_id");
  ServingSetup& s = p.setup;
  s.model = text("model");
  s.checkpoint = text("checkpoint");
  s.model_server = text("model_server");
  s.model_server_version = text("model_server_version");
  s.container_image = text("container_image");
  s.accelerator = text("accelerator");
  s.accelerator_count = integer("accelerator_count");
  s.tensor_parallel = integer("tensor_parallel");
  s.pipeline_parallel = integer("pipeline_parallel");
  s.data_parallel = integer("data_parallel");
  s.expert_parallel = integer("expert_parallel");
  s.weight_precision = text("weight_precision");
  s.kv_precision = text("kv_precision");
  s.decoding = text("kind");
  s.speculative_decoding = text("speculative_decoding");
  s.prefill = {integer("prefill_workers"), integer("prefill_tensor_parallel"),
               integer("prefill_expert_parallel"), truth("prefill_attention_dp")};
  s.decode = {integer("decode_workers"), integer("decode_tensor_parallel"),
              integer("decode_expert_parallel"), truth("decode_attention_dp")};
  s.topology_from = text("topology_from");
  s.recorded_topology = text("recorded_topology");
  s.server_settings = text("server_settings");
  if (s.decoding != "serving" && s.decoding != "speculative" && s.decoding != "disaggregated") {
    return wrong("kind '" + s.decoding + "' is not serving, speculative or disaggregated");
  }
  p.workload.name = text("workload");
  p.workload.input_tokens_nominal = parse_number(t.text(row, "input_tokens_nominal"));
  p.workload.output_tokens_nominal = parse_number(t.text(row, "output_tokens_nominal"));
  p.workload.input_tokens_mean = parse_number(t.text(row, "input_tokens_mean"));
  p.workload.output_tokens_mean = parse_number(t.text(row, "output_tokens_mean"));
  const auto kind = curve::parse_load_kind(t.text(row, "load_kind"));
  if (!kind) return wrong("load_kind '" + text("load_kind") + "' is not known");
  p.load_kind = *kind;
  p.evidence = {EvidenceKind::Published, text("source"), text("licence")};
  p.layer = layer_->name;

  const PointColumns columns(*points_);
  for (const std::size_t point : rows_of_.at(t.text(row, "id"))) {
    p.points.push_back(read_point(*points_, columns, point));
  }
  if (p.points.empty()) return wrong("it has no points");
  std::stable_sort(p.points.begin(), p.points.end(),
                   [](const Point& a, const Point& b) { return a.at.load < b.at.load; });
  return std::optional(std::move(p));
}

}  // namespace kneepoint::profile
