#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace kneepoint::metrics {

/// A mean with its confidence interval. In the unit of the values.
struct MeanInterval {
  double mean;
  double half_width;  // the interval is mean -+ half_width
  double level;       // 0.95
  std::size_t values;
  std::size_t batches;
  std::size_t batch_size;
  /// Correlation of each batch mean with the next. Far above 0 the batches are too short, the
  /// interval is too narrow, and a longer run is the remedy.
  double batch_correlation;

  double low() const { return mean - half_width; }
  double high() const { return mean + half_width; }
  /// Whether the batch means pass for independent. With 20 of them the correlation of independent
  /// ones exceeds 0.35 in about one run of twenty.
  bool batches_independent() const { return batch_correlation <= 0.35; }
};

/// The mean of a steady series in its order of time, and how sure it is, by non-overlapping batch
/// means. Requests close in time wait in the same queue, so they are not independent and
/// sd / sqrt(n) is far too sure of itself. Means of long enough stretches are nearly independent:
/// Student's t over them gives the interval.
///
/// The rule: kBatches batches of equal size, n / kBatches values each; the n % kBatches values at
/// the front are in no batch and not in the mean. Schmeiser (1982, "Batch size effects in the
/// analysis of simulation output") finds nothing to gain past 30 batches and little past 10, while
/// shorter batches are more correlated. Nothing for fewer than two values a batch. Cut the warm-up
/// first (warmup.h).
inline constexpr std::size_t kBatches = 20;
std::optional<MeanInterval> batch_means(std::span<const double> series, double level = 0.95);

/// The t such that Student's distribution with `degrees` of freedom lies within -t..t with
/// probability `level`. Takes level in [0, 1), degrees >= 1.
double student_t(double level, std::size_t degrees);

}  // namespace kneepoint::metrics
