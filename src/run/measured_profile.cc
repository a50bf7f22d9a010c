#include "run/measured_profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/hash.h"
#include "base/text.h"

namespace kneepoint::run {
namespace {

using curve::LoadKind;
using metrics::Metric;
using metrics::Statistic;
using workload::LengthKind;
using workload::LengthSpec;

std::optional<double> known(double value) {
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

/// The number a fixed or centred length stands for.
std::optional<double> nominal(const LengthSpec& spec) {
  switch (spec.kind) {
    case LengthKind::Fixed:
    case LengthKind::Normal:
    case LengthKind::Lognormal:
      return spec.first;
    case LengthKind::Uniform:
      return (spec.first + spec.second) / 2;
    case LengthKind::File:
    case LengthKind::SharegptInput:
    case LengthKind::SharegptOutput:
      return std::nullopt;
  }
  return std::nullopt;
}

std::string flags_of_point(const PointRecord& point) {
  std::vector<std::string_view> flags;
  if (!point.self.valid) flags.push_back("generator_was_the_bottleneck");
  if (point.end == PointEnd::Interrupted) flags.push_back("interrupted");
  if (point.end == PointEnd::ServerGone) flags.push_back("server_gone");
  if (point.summary.tokens_counted_by == "events") flags.push_back("tokens_counted_by_events");
  if (point.summary.pattern.itl_marked()) flags.push_back("itl_marked");
  if (point.requests_failed > 0) flags.push_back("requests_failed");
  if (point.warmup.find("not settled") != std::string::npos) flags.push_back("warm_up_not_settled");
  if (point.server && !point.server->warnings.empty()) flags.push_back("server_signals_incomplete");
  std::string joined;
  for (const std::string_view flag : flags) {
    if (!joined.empty()) joined += ';';
    joined += flag;
  }
  return joined;
}

template <class Quantity>
double per_second(const std::optional<Rate<Quantity>>& rate) {
  return rate ? rate->per_second() : metrics::kMissing;
}

profile::ServerLoad server_load(const metrics::ServerSignals& signals) {
  profile::ServerLoad load;
  load.running_mean = known(signals.running.mean);
  load.running_max = known(signals.running.max);
  load.waiting_mean = known(signals.waiting.mean);
  load.waiting_max = known(signals.waiting.max);
  load.kv_use_mean = known(signals.kv_use.mean);
  load.kv_use_max = known(signals.kv_use.max);
  load.preemptions = known(signals.preemptions);
  load.prefix_hit_share = known(signals.prefix_hit_share);
  return load;
}

}  // namespace

std::string workload_name(const workload::RunSpec& spec) {
  const workload::Lengths& lengths = spec.lengths;
  std::string name;
  if (!lengths.pairs.empty()) {
    name = "trace:" + std::filesystem::path(lengths.pairs).stem().string();
  } else if (lengths.input.kind == LengthKind::SharegptInput &&
             lengths.output.kind == LengthKind::SharegptOutput) {
    name = "sharegpt";
  } else {
    name = fmt::format("random:{}/{}", to_text(lengths.input), to_text(lengths.output));
  }
  if (spec.prefix) {
    name += fmt::format(":prefix{}x{}", spec.prefix->groups, spec.prefix->tokens);
  }
  if (spec.sessions) name += ":turns" + to_text(spec.sessions->turns);
  return name;
}

LoadKind load_kind(const workload::RunSpec& spec) {
  return spec.arrivals ? LoadKind::RequestRate : LoadKind::Concurrency;
}

double offered_load(const PointRecord& point) {
  const workload::RunSpec& spec = point.spec;
  if (!spec.arrivals) return static_cast<double>(spec.in_flight.value_or(1));
  if (spec.arrivals->pattern == workload::ArrivalPattern::Trace) return point.self.achieved_rate;
  return spec.arrivals->rate;
}

profile::Point profile_point(const PointRecord& point) {
  profile::Point out;
  const metrics::Summary& summary = point.summary;
  out.at.load = offered_load(point);
  out.at.requests_per_second = per_second(summary.requests_per_second);
  out.at.output_tokens_per_second = per_second(summary.output_rate);
  out.at.input_tokens_per_second = per_second(summary.input_rate);
  for (const Metric metric : metrics::kMetrics) {
    const metrics::Spread& spread = summary.of(metric);
    out.at.latency.set(metric, Statistic::Mean, spread.mean);
    out.at.latency.set(metric, Statistic::P50, spread.p50);
    out.at.latency.set(metric, Statistic::P90, spread.p90);
    out.at.latency.set(metric, Statistic::P99, spread.p99);
  }
  out.id = fmt::format("point-{}", point.index);
  out.request_count = static_cast<double>(point.requests_sent);
  out.error_count = static_cast<double>(point.requests_failed);
  out.input_tokens_mean = known(point.tokens.input_counted_mean);
  out.output_tokens_mean = known(point.tokens.output_counted_mean);
  if (point.server) out.server = server_load(*point.server);
  out.measured_on = point.started_at.substr(0, 10);
  out.flags = flags_of_point(point);
  return out;
}

profile::Profile measured_profile(const profile::ServingSetup& setup, std::string_view identity,
                                  const std::vector<PointRecord>& points) {
  profile::Profile out;
  out.setup = setup;
  if (out.setup.decoding.empty()) out.setup.decoding = "serving";
  out.evidence = {profile::EvidenceKind::Measured, "kneepoint bench", ""};
  const auto by_rate = std::count_if(points.begin(), points.end(), [](const PointRecord& point) {
    return load_kind(point.spec) == LoadKind::RequestRate;
  });
  out.load_kind = 2 * static_cast<std::size_t>(by_rate) > points.size() ? LoadKind::RequestRate
                                                                        : LoadKind::Concurrency;
  double requests = 0;
  double input = 0;
  double output = 0;
  for (const PointRecord& point : points) {
    if (load_kind(point.spec) != out.load_kind || point.requests_completed == 0) continue;
    if (out.points.empty()) {
      out.workload.name = workload_name(point.spec);
      if (point.spec.lengths.pairs.empty()) {
        out.workload.input_tokens_nominal = nominal(point.spec.lengths.input);
        out.workload.output_tokens_nominal = nominal(point.spec.lengths.output);
      }
    }
    profile::Point& added = out.points.emplace_back(profile_point(point));
    if (!(added.at.load > 0)) {
      out.points.pop_back();
      continue;
    }
    added.source_ref = std::string(identity);
    if (added.input_tokens_mean && added.output_tokens_mean) {
      const auto weight = static_cast<double>(point.requests_completed);
      requests += weight;
      input += weight * *added.input_tokens_mean;
      output += weight * *added.output_tokens_mean;
    }
  }
  if (requests > 0) {
    out.workload.input_tokens_mean = input / requests;
    out.workload.output_tokens_mean = output / requests;
  }
  std::stable_sort(
      out.points.begin(), out.points.end(),
      [](const profile::Point& a, const profile::Point& b) { return a.at.load < b.at.load; });
  out.id = "run-" +
           content_hash(fmt::format("{}\n{}", identity, curve::name(out.load_kind))).substr(0, 12);
  out.series_id = out.id;
  out.curve_id = out.id;
  return out;
}

}  // namespace kneepoint::run
