#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <vector>

#include "perfmodel/grid_lookup.h"
#include "perfmodel/operators.h"

namespace kneepoint::perfmodel {
namespace {

// How far (squared logarithms of the sizes, times ten) a table of other numbers may lie and still
// say which kind of kernel is faster.
constexpr double kNear = 0.5;
constexpr double kAnywhere = 1e9;
// Routing and two grouped products: added to both sides of a ratio between systems, so that
// launches are not scaled with the work.
constexpr double kLaunchNanos = 10e3;
constexpr int kSkewed = 110;  // exponent x 100 of the routing's power law; below: balanced
// Served traffic is skewed, and kernels timed under balanced routing take up to 2.5 times as long
// at few tokens (4-bit on B200). With few experts skew means little and both count.
constexpr double kFewExperts = 16;
constexpr double kSkewExponent = 1.2;

/// Share of the experts that a batch reads. Of skewed routing the i-th expert is chosen in
/// proportion to i^-1.2, as by those who timed the kernels; no expert twice by one token.
double share_read(const ExpertShape& of, double tokens, bool skewed) {
  if (!skewed) return 1 - std::pow(1 - of.top_k / of.experts, tokens);
  const int experts = static_cast<int>(of.experts);
  double sum = 0, read = 0;
  for (int i = 1; i <= experts; ++i) sum += std::pow(i, -kSkewExponent);
  for (int i = 1; i <= experts; ++i) {
    const double chosen = 1 - std::pow(1 - std::pow(i, -kSkewExponent) / sum, of.top_k);
    read += 1 - std::pow(1 - chosen, tokens);
  }
  return read / experts;
}

double roofline(const DeviceRates& rates, Dtype type, double tokens, const ExpertShape& of,
                bool skewed = false) {
  const double here = of.experts / of.expert;
  const double wide = of.intermediate / of.tensor;
  const double read = here * share_read(of, tokens, skewed);
  const double compute = 6 * tokens * of.top_k / of.expert * of.hidden * wide / rates.compute(type);
  const double memory =
      (read * 3 * of.hidden * wide * bytes_per_weight(type) + tokens * of.hidden * 4) /
      rates.bandwidth;
  return std::max(compute, memory);
}

ExpertShape shape_of(const Grid& grid) {
  const auto& n = grid.numbers;  // skew, hidden, intermediate, experts, top_k, tp, ep
  const auto number = [&](std::size_t i) { return std::max(1.0, static_cast<double>(n[i])); };
  return {grid.type, number(1), number(2), number(3), number(4), number(5), number(6)};
}

double distance(const ExpertShape& a, const ExpertShape& b) {
  return 10 * (square_of_log(a.hidden, b.hidden) + square_of_log(a.intermediate, b.intermediate) +
               square_of_log(a.experts, b.experts) + square_of_log(a.top_k, b.top_k)) +
         square_of_log(a.tensor, b.tensor) + square_of_log(a.expert, b.expert);
}

}  // namespace

/// Geometric mean over the routings that count, and over the relatives; false: no table of the
/// type is nearer than `farthest`.
bool Operators::expert_tables(Dtype table, const ExpertShape& shape, double farthest,
                              TokenCurve& out) const {
  TokenCurve logs{};
  int count = 0;
  for (const Relative& relative : relatives_with(OperatorKind::Experts)) {
    const auto grids = relative.system->of(OperatorKind::Experts);
    const bool has_skewed = std::ranges::any_of(
        grids, [&](const Grid& grid) { return grid.type == table && grid.numbers[0] >= kSkewed; });
    for (const bool skewed : {false, true}) {
      const Grid* best = nullptr;
      double best_distance = farthest;
      for (const Grid& grid : grids) {
        if (grid.type != table || (grid.numbers[0] >= kSkewed) != skewed) continue;
        const double d = distance(shape_of(grid), shape);
        if (d < best_distance) {
          best_distance = d;
          best = &grid;
        }
      }
      if (best == nullptr) continue;
      if (!skewed && shape.experts > kFewExperts && has_skewed) continue;
      ++count;
      const ExpertShape theirs = shape_of(*best);
      // A wider table (bf16 where fp8 is slower) stands for itself; a table of another type stands
      // for this one by the ratio of the rooflines.
      const double launch = own_ ? 0 : kLaunchNanos;
      const Dtype as = farthest < kAnywhere ? table : shape.type;
      for (std::size_t i = 0; i < logs.size(); ++i) {
        const AxisPlace at = place_on(best->axes[0], TokenGrid::point(i));
        logs[i] += std::log(nanos_of(level_on(best->values, at)) *
                            (roofline(rates_, as, TokenGrid::point(i), shape) + launch) /
                            (roofline(relative.rates, table, at.at, theirs) + launch));
      }
    }
  }
  if (count == 0) return false;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::exp(logs[i] / count);
  return true;
}

/// What the kernels of a type usually reach: every shape that was timed says by its roofline how
/// long this one takes, and the median of them counts. For a shape that was never timed: single
/// shapes have untuned kernels, 2 to 3 times slower than the rest. False: nothing was timed.
bool Operators::usual_experts(Dtype table, const ExpertShape& shape, TokenCurve& out) const {
  ExpertShape as = shape;
  as.type = table;
  for (const Relative& relative : relatives_with(OperatorKind::Experts)) {
    std::map<std::array<std::int32_t, 4>, const Grid*> nearest;  // split as ours, by shape
    for (const Grid& grid : relative.system->of(OperatorKind::Experts)) {
      if (grid.type != table || grid.numbers[0] < kSkewed) continue;
      const ExpertShape theirs = shape_of(grid);
      if (theirs.experts <= kFewExperts) continue;
      const auto far = [&](const Grid& of) {
        return square_of_log(shape_of(of).tensor, shape.tensor) +
               square_of_log(shape_of(of).expert, shape.expert);
      };
      const Grid*& place =
          nearest[{grid.numbers[1], grid.numbers[2], grid.numbers[3], grid.numbers[4]}];
      if (place == nullptr || far(grid) < far(*place)) place = &grid;
    }
    if (nearest.empty()) continue;
    std::vector<double> times;
    for (std::size_t i = 0; i < out.size(); ++i) {
      const double here = roofline(rates_, table, TokenGrid::point(i), as, true) + kLaunchNanos;
      times.clear();
      for (const auto& [numbers, grid] : nearest) {
        const AxisPlace at = place_on(grid->axes[0], TokenGrid::point(i));
        times.push_back(
            nanos_of(level_on(grid->values, at)) * here /
            (roofline(relative.rates, table, at.at, shape_of(*grid), true) + kLaunchNanos));
      }
      const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
      std::nth_element(times.begin(), middle, times.end());
      out[i] = *middle;
    }
    return true;
  }
  return false;
}

TokenCurve Operators::experts(const ExpertShape& shape) const {
  TokenCurve out{};
  bool known = false;
  const auto take = [&](Dtype table, double farthest) {
    TokenCurve one;
    if (!expert_tables(table, shape, farthest, one)) return false;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = known ? std::min(out[i], one[i]) : one[i];
    known = true;
    return true;
  };
  const bool byte = shape.type == Dtype::Fp8 || shape.type == Dtype::Fp8Block;
  if (byte && rates_.native(shape.type)) {
    // The per-tensor kernel is an untuned one on some systems, 2 to 5 times slower than bf16.
    // Weights scaled by block have their own kernel or none.
    take(Dtype::Fp8Block, kNear);
    if (shape.type == Dtype::Fp8) take(Dtype::Fp8, kNear);
    if (shape.type == Dtype::Fp8) take(Dtype::Bf16, kNear);
  } else if (!byte && (shape.type != Dtype::Nvfp4 || rates_.native(shape.type))) {
    take(shape.type, kAnywhere);
    // Servers multiply MXFP4 on the 4-bit units where there are any; that kernel was timed as
    // NVFP4.
    if (shape.type == Dtype::Mxfp4 && rates_.native(Dtype::Nvfp4)) {
      TokenCurve one;
      if (usual_experts(Dtype::Nvfp4, shape, one)) {
        const double lighter = bytes_per_weight(Dtype::Mxfp4) / bytes_per_weight(Dtype::Nvfp4);
        for (std::size_t i = 0; i < out.size(); ++i)
          out[i] = known ? std::min(out[i], one[i] * lighter) : one[i] * lighter;
        known = true;
      }
    }
  }
  // Nothing of the kind: the nearest of another type, by the ratio of the rooflines.
  for (const Dtype table : {Dtype::Fp8Block, Dtype::Fp8, Dtype::Bf16}) {
    if (known) break;
    if (byte && !rates_.native(shape.type) && table != Dtype::Bf16) continue;
    take(table, kAnywhere);
  }
  if (!known)
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = 5e3 + roofline(rates_, shape.type, TokenGrid::point(i), shape) / 0.6;
  never_falling(out);
  return out;
}

}  // namespace kneepoint::perfmodel
