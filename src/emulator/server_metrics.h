#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.h"
#include "emulator/engine_state.h"

namespace kneepoint::emulator {

/// Counts by upper bound, as Prometheus keeps them.
class BucketHistogram {
 public:
  explicit BucketHistogram(std::vector<double> bounds = {})
      : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}

  void observe(double value) {
    std::size_t i = 0;
    while (i < bounds_.size() && value > bounds_[i]) ++i;
    ++counts_[i];
    ++count_;
    sum_ += value;
  }
  const std::vector<double>& bounds() const { return bounds_; }
  std::uint64_t count() const { return count_; }
  double sum() const { return sum_; }
  /// In the bucket of that bound, without the ones below; the last has none.
  const std::vector<std::uint64_t>& counts() const { return counts_; }

 private:
  std::vector<double> bounds_;
  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  double sum_ = 0;
};

/// What the service counts as it serves. Durations in seconds.
struct ServedCounts {
  std::uint64_t prompt_tokens = 0;
  std::uint64_t generation_tokens = 0;
  std::uint64_t finished_stop = 0;
  std::uint64_t finished_length = 0;
  double tokens_per_second = 0;  // since the last time somebody asked
  BucketHistogram ttft, itl, tpot, e2e, queue_time;
  BucketHistogram prompt_lengths, output_lengths;
};

/// The text of /metrics under the names of one server and version, as the catalog has them. Where
/// a version has an old name beside a new one, both are there. What the emulator knows and that
/// server does not tell stays out.
class MetricsPage {
 public:
  /// An empty version is the newest. The error names the servers that have metrics.
  static Result<MetricsPage> make(const catalog::Catalog& catalog, const std::string& server,
                                  const std::string& version, const std::string& model);
  /// With nothing in it: for tests without a catalog.
  MetricsPage() = default;

  /// Empty histograms with this server's buckets.
  ServedCounts empty_counts() const;
  std::string text(const EngineState& engine, const ServedCounts& served) const;

 private:
  std::vector<catalog::ServerMetric> series_;
  std::string server_;
  std::string model_;  // escaped
};

}  // namespace kneepoint::emulator
