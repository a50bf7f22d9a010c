#include "app/manifests_scaling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "app/profiles.h"
#include "base/text.h"

namespace kneepoint::app {
namespace {

using metrics::is_missing;

/// By the load alone; NaN where that does not tell.
double running_at(curve::LoadKind kind, const curve::LoadPoint& point) {
  if (kind == curve::LoadKind::Concurrency) return point.load;
  if (kind != curve::LoadKind::RequestRate) return metrics::kMissing;
  double e2e = point.latency.get(metrics::Metric::E2e, metrics::Statistic::Mean);
  if (is_missing(e2e)) e2e = point.latency.get(metrics::Metric::E2e, metrics::Statistic::P50);
  const double rate =
      is_missing(point.requests_per_second) ? point.load : point.requests_per_second;
  return rate * e2e / 1000;
}

double rate_at(const curve::LoadPoint& point, std::optional<double> output_tokens) {
  if (!is_missing(point.requests_per_second)) return point.requests_per_second;
  return output_tokens && *output_tokens > 0 ? point.output_tokens_per_second / *output_tokens
                                             : metrics::kMissing;
}

/// What the server told at `load`, between its two measured neighbours where it lies between.
std::optional<double> told(const profile::Profile& profile, double load,
                           std::optional<double> profile::ServerLoad::* figure) {
  const profile::Point* below = nullptr;
  for (const profile::Point& point : profile.points) {
    const auto& value = point.server.*figure;
    if (point.at.load == load) return value;
    if (point.at.load > load) {
      if (below == nullptr || !value || !(below->server.*figure)) return std::nullopt;
      const double share = (load - below->at.load) / (point.at.load - below->at.load);
      return *(below->server.*figure) + share * (*value - *(below->server.*figure));
    }
    below = &point;
  }
  return std::nullopt;
}

}  // namespace

std::optional<manifest::ReplicaPoint> replica_point(Session& session,
                                                    const recommend::Choice& choice) {
  const profile::RankingRow& row = *choice.profile;
  const curve::LoadPoint& at = choice.operating_point.point;
  manifest::ReplicaPoint out;
  out.running = running_at(row.load_kind, at);
  out.running_from = row.load_kind == curve::LoadKind::Concurrency
                         ? "clients in flight there"
                         : "requests/s x end-to-end time there";
  if (row.evidence.kind == profile::EvidenceKind::Measured) {
    if (const auto full = get_profile(session, std::string(row.id))) {
      if (const auto running = told(*full, at.load, &profile::ServerLoad::running_mean)) {
        out.running = *running;
        out.running_from = "what the server told when it was measured";
      }
      out.kv_use = told(*full, at.load, &profile::ServerLoad::kv_use_mean);
    }
  }
  if (is_missing(out.running) || !(out.running > 0)) return std::nullopt;

  const auto& workload = row.workload;
  const auto input =
      workload.input_tokens_mean ? workload.input_tokens_mean : workload.input_tokens_nominal;
  const auto output =
      workload.output_tokens_mean ? workload.output_tokens_mean : workload.output_tokens_nominal;
  // On average half of the answer is there.
  if (input && output) out.tokens_per_request = *input + *output / 2;
  for (const curve::LoadPoint& point : row.points) {
    const double running = running_at(row.load_kind, point);
    const double rate = rate_at(point, output);
    if (is_missing(running) || is_missing(rate)) continue;
    if (!out.rates.empty() && running <= out.rates.back().first) continue;
    out.rates.emplace_back(running, rate);
  }
  return out;
}

bool above_reach(const recommend::Choice& choice, const recommend::Request& request) {
  // Before the knee latency goes on rising: a target is above it for certain only by far, and by
  // farther where so little was measured that nobody knows where the knee is.
  const curve::KneeState knee = choice.knee.state;
  if (request.targets.empty()) return false;
  const double margin = knee == curve::KneeState::Found          ? 1
                        : knee == curve::KneeState::TooFewPoints ? 10
                                                                 : 2;
  return std::all_of(request.targets.begin(), request.targets.end(), [&](const auto& target) {
    const curve::Range range = curve::reachable(choice.profile->points, choice.knee, target.metric,
                                                target.statistic, request.statistic_rule);
    return !is_missing(range.max) && target.at_most_ms >= margin * range.max;
  });
}

std::string in_words(const std::vector<curve::Target>& targets) {
  std::vector<std::string> parts;
  for (const curve::Target& target : targets) {
    parts.push_back(fmt::format("{} {} <= {} ms", metrics::label(target.metric),
                                metrics::name(target.statistic), shortest(target.at_most_ms)));
  }
  return join(parts, " and ");
}

}  // namespace kneepoint::app
