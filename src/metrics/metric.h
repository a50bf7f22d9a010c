#pragma once

#include <array>
#include <cstddef>
#include <limits>
#include <optional>
#include <string_view>

/// The latency metrics of the project, described once: flags, columns, docs and API names come from
/// this table. Definitions with pictures: docs/metrics/.
namespace kneepoint::metrics {

enum class Metric { Ttft, Tpot, Itl, Ntpot, E2e };
enum class Statistic { Mean, P50, P90, P99 };

inline constexpr std::array kMetrics{Metric::Ttft, Metric::Tpot, Metric::Itl, Metric::Ntpot,
                                     Metric::E2e};
inline constexpr std::array kStatistics{Statistic::Mean, Statistic::P50, Statistic::P90,
                                        Statistic::P99};

struct MetricInfo {
  Metric metric;
  std::string_view name;      // "ttft": flags, columns, JSON
  std::string_view label;     // "TTFT": tables, plots
  std::string_view sentence;  // what it is, one sentence
};

const MetricInfo& info(Metric metric);
std::string_view name(Metric metric);
std::string_view label(Metric metric);
std::string_view name(Statistic statistic);  // "mean", "p50", ...

std::optional<Metric> parse_metric(std::string_view name);
std::optional<Statistic> parse_statistic(std::string_view name);

inline constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr bool is_missing(double value) { return value != value; }

/// Milliseconds for each metric and statistic; NaN where nobody published the figure.
class LatencyTable {
 public:
  constexpr LatencyTable() {
    for (double& cell : cells_) cell = kMissing;
  }
  constexpr double get(Metric m, Statistic s) const { return cells_[index(m, s)]; }
  constexpr void set(Metric m, Statistic s, double ms) { cells_[index(m, s)] = ms; }
  constexpr bool has(Metric m, Statistic s) const { return !is_missing(get(m, s)); }

 private:
  static constexpr std::size_t index(Metric m, Statistic s) {
    return static_cast<std::size_t>(m) * kStatistics.size() + static_cast<std::size_t>(s);
  }
  std::array<double, kMetrics.size() * kStatistics.size()> cells_{};
};

/// Every statistic, the nearest to `wanted` first: the mean stands beside p50, percentiles are as
/// far apart as their numbers, and where two are equally far the more cautious one comes first.
const std::array<Statistic, kStatistics.size()>& by_nearness(Statistic wanted);

/// The statistic of `metric` to use when `wanted` was asked for. Exact when the table has it;
/// otherwise, if `closest` is allowed, the first of by_nearness() there is. Nothing when neither is
/// published.
struct ChosenStatistic {
  Statistic statistic;
  bool exact;
};
std::optional<ChosenStatistic> choose_statistic(const LatencyTable& table, Metric metric,
                                                Statistic wanted, bool closest);

/// NTPOT = e2e / output tokens (all times in ms). TPOT = (e2e - TTFT) / (output tokens - 1).
/// e2e = TTFT + (output tokens - 1) * TPOT. Each is NaN when an input is, and where the formula has
/// no meaning: no output token, or for TPOT fewer than two.
double ntpot_ms(double e2e_ms, double output_tokens);
double tpot_ms(double e2e_ms, double ttft_ms, double output_tokens);
double e2e_ms(double ttft_ms, double tpot_ms, double output_tokens);

}  // namespace kneepoint::metrics
