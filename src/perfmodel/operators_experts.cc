#include <algorithm>
#include <cmath>
#include <optional>

#include "perfmodel/grid_lookup.h"
#include "perfmodel/operators.h"

namespace kneepoint::perfmodel {
namespace {

// How far (squared logarithms of the sizes, times ten) a table of other numbers may lie and still
// say which kind of kernel is faster.
constexpr double kNear = 0.5;
constexpr double kAnywhere = 1e9;
constexpr int kSkewed = 110;  // exponent x 100 of the routing's power law; below: balanced

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

/// Geometric mean over balanced and skewed routing, and over the relatives; false: no table of the
/// type is nearer than `farthest`.
bool Operators::expert_tables(Dtype table, const ExpertShape& shape, double farthest,
                              TokenCurve& out) const {
  TokenCurve logs{};
  int count = 0;
  for (const Relative& relative : relatives_with(OperatorKind::Experts)) {
    ExpertShape wanted = shape;
    wanted.intermediate *= relative.wider;
    for (const bool skewed : {false, true}) {
      const Grid* best = nullptr;
      double best_distance = farthest;
      for (const Grid& grid : relative.system->of(OperatorKind::Experts)) {
        if (grid.type != table || (grid.numbers[0] >= kSkewed) != skewed) continue;
        const double d = distance(shape_of(grid), wanted);
        if (d < best_distance) {
          best_distance = d;
          best = &grid;
        }
      }
      if (best == nullptr) continue;
      ++count;
      const ExpertShape theirs = shape_of(*best);
      // A wider table (bf16 where fp8 is slower) stands for itself; a table of another type stands
      // for this one by the ratio of the rooflines.
      const Dtype as = farthest < kAnywhere ? table : shape.type;
      for (std::size_t i = 0; i < logs.size(); ++i) {
        const AxisPlace at = place_on(best->axes[0], TokenGrid::point(i));
        logs[i] += std::log(nanos_of(level_on(best->values, at)) *
                            roofline(rates_, as, TokenGrid::point(i), shape) /
                            roofline(relative.rates, table, at.at, theirs));
      }
    }
  }
  if (count == 0) return false;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::exp(logs[i] / count);
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
