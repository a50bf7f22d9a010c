#include "metrics/metric.h"

#include <algorithm>

namespace kneepoint::metrics {
namespace {

constexpr std::array<MetricInfo, kMetrics.size()> kInfo{{
    {Metric::Ttft, "ttft", "TTFT", "time from when a request was due to its first output token"},
    {Metric::Tpot, "tpot", "TPOT",
     "mean time per output token of a request after its first: (e2e - TTFT) / (output tokens - 1)"},
    {Metric::Itl, "itl", "ITL",
     "gap between two output tokens that follow each other in the stream"},
    {Metric::Ntpot, "ntpot", "NTPOT",
     "end-to-end time of a request divided by its output tokens, waiting and prefill included"},
    {Metric::E2e, "e2e", "E2E", "time from when a request was due to its last output token"},
}};

// The tables are indexed by the enumerator, so their order is held to it here.
constexpr bool in_order() {
  for (std::size_t i = 0; i < kInfo.size(); ++i) {
    if (kInfo[i].metric != kMetrics[i] || static_cast<std::size_t>(kMetrics[i]) != i) return false;
  }
  return true;
}
static_assert(in_order());

constexpr std::array<std::string_view, kStatistics.size()> kStatisticNames{"mean", "p50", "p90",
                                                                           "p99"};

using S = Statistic;
// Seen from p90 and p99, mean and p50 are equally far. Latency leans to the right, so the mean is
// the higher of the two and the more cautious answer.
constexpr std::array<std::array<Statistic, kStatistics.size()>, kStatistics.size()> kByNearness{{
    {S::Mean, S::P50, S::P90, S::P99},
    {S::P50, S::Mean, S::P90, S::P99},
    {S::P90, S::P99, S::Mean, S::P50},
    {S::P99, S::P90, S::Mean, S::P50},
}};

}  // namespace

const MetricInfo& info(Metric metric) { return kInfo[static_cast<std::size_t>(metric)]; }
std::string_view name(Metric metric) { return info(metric).name; }
std::string_view label(Metric metric) { return info(metric).label; }
std::string_view name(Statistic statistic) {
  return kStatisticNames[static_cast<std::size_t>(statistic)];
}

std::optional<Metric> parse_metric(std::string_view name) {
  const auto* found = std::ranges::find(kInfo, name, &MetricInfo::name);
  if (found == kInfo.end()) return std::nullopt;
  return found->metric;
}

std::optional<Statistic> parse_statistic(std::string_view name) {
  const auto* found = std::ranges::find(kStatisticNames, name);
  if (found == kStatisticNames.end()) return std::nullopt;
  return kStatistics[static_cast<std::size_t>(found - kStatisticNames.begin())];
}

const std::array<Statistic, kStatistics.size()>& by_nearness(Statistic wanted) {
  return kByNearness[static_cast<std::size_t>(wanted)];
}

std::optional<ChosenStatistic> choose_statistic(const LatencyTable& table, Metric metric,
                                                Statistic wanted, bool closest) {
  for (const Statistic statistic : by_nearness(wanted)) {
    if (table.has(metric, statistic)) return ChosenStatistic{statistic, statistic == wanted};
    if (!closest) break;
  }
  return std::nullopt;
}

double ntpot_ms(double e2e_ms, double output_tokens) {
  return output_tokens > 0 ? e2e_ms / output_tokens : kMissing;
}

double tpot_ms(double e2e_ms, double ttft_ms, double output_tokens) {
  return output_tokens > 1 ? (e2e_ms - ttft_ms) / (output_tokens - 1) : kMissing;
}

double e2e_ms(double ttft_ms, double tpot_ms, double output_tokens) {
  return output_tokens >= 1 ? ttft_ms + (output_tokens - 1) * tpot_ms : kMissing;
}

}  // namespace kneepoint::metrics
