#include "metrics/batch_means.h"

#include <array>
#include <cmath>
#include <numbers>
#include <numeric>

namespace kneepoint::metrics {
namespace {

/// The probability of -t..t: finite sums for whole degrees of freedom (Abramowitz and Stegun 26.7.3
/// and 26.7.4), with t = sqrt(degrees) * tan(theta).
double within(double theta, std::size_t degrees) {
  const double sine = std::sin(theta), cosine = std::cos(theta);
  const bool odd = degrees % 2 == 1;
  double term = odd ? cosine : 1.0;
  double sum = degrees == 1 ? 0.0 : term;
  for (std::size_t k = odd ? 3 : 2; k + 2 <= degrees; k += 2) {
    term *= cosine * cosine * static_cast<double>(k - 1) / static_cast<double>(k);
    sum += term;
  }
  return odd ? 2 / std::numbers::pi * (theta + sine * sum) : sine * sum;
}

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

double student_t(double level, std::size_t degrees) {
  // The probability rises with the angle, which lies in a quarter turn: halving finds it.
  double low = 0, high = std::numbers::pi / 2;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (within(middle, degrees) < level ? low : high) = middle;
  }
  return std::sqrt(static_cast<double>(degrees)) * std::tan((low + high) / 2);
}

std::optional<MeanInterval> batch_means(std::span<const double> series, double level) {
  const std::size_t size = series.size() / kBatches;
  if (size < 2) return std::nullopt;
  const auto used = series.last(size * kBatches);

  std::array<double, kBatches> means{};
  for (std::size_t b = 0; b < kBatches; ++b) means[b] = mean_of(used.subspan(b * size, size));
  const double mean = mean_of(means);

  double squares = 0, neighbours = 0;
  for (std::size_t b = 0; b < kBatches; ++b) {
    squares += (means[b] - mean) * (means[b] - mean);
    if (b > 0) neighbours += (means[b] - mean) * (means[b - 1] - mean);
  }
  const double n = kBatches;
  return MeanInterval{
      .mean = mean,
      .half_width = student_t(level, kBatches - 1) * std::sqrt(squares / (n - 1) / n),
      .level = level,
      .values = used.size(),
      .batches = kBatches,
      .batch_size = size,
      .batch_correlation = squares > 0 ? neighbours / squares : 0,
  };
}

}  // namespace kneepoint::metrics
