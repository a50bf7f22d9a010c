#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "report/bench_report.h"

/// Two runs side by side: is B worse than A, or is it noise?
///
/// Each figure has an interval, and the difference of two figures has one by MOVER (Zou and Donner
/// 2008, "Construction of confidence limits about effect measures"): it is significant where that
/// interval does not hold 0. The intervals of the figures:
///
/// - Means and token rates: batch means (metrics/batch_means.h), Student's t.
/// - Percentiles: order statistics. The share of values below the true p99 is binomial, so the
///   values at the ranks of its normal bounds are the interval; nothing is assumed of the shape.
/// - Failed requests: Wilson's interval of the share.
///
/// Requests close in time wait in the same queue, so n of them say less than n independent ones.
/// How much less is read from the batch means: the variance of single values over the square of the
/// mean's standard error is the number of independent requests they are worth, and percentiles use
/// that number. The gaps of one answer count as one value.
///
/// Many figures are compared at once, and one of twenty would differ by chance. So the level of
/// each is raised (Bonferroni): 95 % is the chance that none of the significant ones is there by
/// chance.
namespace kneepoint::report {

struct Estimate {
  double value = metrics::kMissing;
  double low = metrics::kMissing, high = metrics::kMissing;  // missing: too few values to tell
};

enum class Judgement { Better, Worse, NoDifference, CannotTell };
std::string_view name(Judgement judgement);  // "better", "worse", "no-difference", "cannot-tell"

/// One figure at one load.
struct Difference {
  double load = 0;
  std::string key;    // "ttft_p99_ms"
  std::string words;  // "TTFT p99"
  std::string unit;   // "ms"
  Estimate a, b;
  double change = metrics::kMissing;                         // b / a - 1
  double low = metrics::kMissing, high = metrics::kMissing;  // of b - a
  Judgement judgement = Judgement::CannotTell;               // of B
};

struct Differing {
  std::string what;  // "lengths.input"
  std::string a, b;
};

struct Comparison {
  curve::LoadKind kind = curve::LoadKind::Concurrency;
  std::vector<Differing> not_comparable;  // the workloads differ in these: nothing is judged
  std::vector<Differing> context;         // what else differs: model, server version, seed ...
  std::vector<Difference> differences;    // by load
  std::vector<std::string> left_out;      // points that only one has, or that do not count
  double level = 0.95;                    // of each interval, after Bonferroni
  std::string verdict;                    // one sentence

  bool comparable() const { return not_comparable.empty() && !differences.empty(); }
  /// The figure that is significantly worse by the most, where that is more than `share` of A's.
  const Difference* worst(double share) const;
};
Comparison compare(const BenchReport& a, const BenchReport& b);

json::Value to_json(const Comparison& comparison);
std::string compare_table(const Comparison& comparison);

}  // namespace kneepoint::report
