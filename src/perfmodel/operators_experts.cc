#include <algorithm>
#include <cmath>

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
constexpr std::size_t kNearShapes = 5;

double roofline(const DeviceRates& rates, Dtype type, double tokens, const ExpertShape& of) {
  const double here = of.experts / of.expert;
  const double wide = of.intermediate / of.tensor;
  const double read = here * (1 - std::pow(1 - of.top_k / of.experts, tokens));
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

/// The 4-bit kernel of MXFP4, which was timed as NVFP4 and for other shapes: the middle of what the
/// nearest five reach of their roofline. One alone may be a shape that nobody tuned (on B200 the
/// nearest to gpt-oss takes twice as long as all others).
bool Operators::native_mxfp4(const ExpertShape& shape, TokenCurve& out) const {
  struct Near {
    const Grid* grid;
    const Relative* on;
    double distance;
  };
  const std::vector<Relative> relatives = relatives_with(OperatorKind::Experts);
  std::vector<Near> near;  // the best split of each shape
  for (const Relative& relative : relatives) {
    for (const Grid& grid : relative.system->of(OperatorKind::Experts)) {
      if (grid.type != Dtype::Nvfp4 || grid.numbers[0] < kSkewed) continue;
      const double d = distance(shape_of(grid), shape);
      const auto same = std::ranges::find_if(near, [&](const Near& n) {
        return n.on == &relative && std::equal(grid.numbers.begin() + 1, grid.numbers.begin() + 5,
                                               n.grid->numbers.begin() + 1);
      });
      if (same == near.end()) {
        near.push_back({&grid, &relative, d});
      } else if (d < same->distance) {
        *same = {&grid, &relative, d};
      }
    }
  }
  if (near.empty()) return false;
  std::ranges::stable_sort(near, {}, &Near::distance);
  if (near.size() > kNearShapes) near.resize(kNearShapes);
  const double launch = own_ ? 0 : kLaunchNanos;
  const double lighter = bytes_per_weight(Dtype::Mxfp4) / bytes_per_weight(Dtype::Nvfp4);
  std::vector<double> times(near.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    for (std::size_t n = 0; n < near.size(); ++n) {
      const Near& it = near[n];
      const AxisPlace at = place_on(it.grid->axes[0], TokenGrid::point(i));
      times[n] = nanos_of(level_on(it.grid->values, at)) *
                 (roofline(rates_, Dtype::Nvfp4, TokenGrid::point(i), shape) + launch) /
                 (roofline(it.on->rates, Dtype::Nvfp4, at.at, shape_of(*it.grid)) + launch);
    }
    std::ranges::sort(times);
    out[i] = times[times.size() / 2] * lighter;
  }
  return true;
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
      if (native_mxfp4(shape, one)) {
        for (std::size_t i = 0; i < out.size(); ++i)
          out[i] = known ? std::min(out[i], one[i]) : one[i];
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
