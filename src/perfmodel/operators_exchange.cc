#include <algorithm>
#include <cmath>
#include <vector>

#include "perfmodel/grid_lookup.h"
#include "perfmodel/operators.h"

namespace kneepoint::perfmodel {
namespace {

constexpr double kNetworkNanos = 15e3;  // a message to another host and back into a kernel

OperatorKind kind_of(Collective what) {
  switch (what) {
    case Collective::AllReduce:
      return OperatorKind::AllReduce;
    case Collective::AllGather:
      return OperatorKind::AllGather;
    default:
      return OperatorKind::ReduceScatter;
  }
}

/// Bytes that pass each link, per byte of the message.
double passes(Collective what, double ranks) {
  return (what == Collective::AllReduce ? 2 : 1) * (ranks - 1) / ranks;
}

}  // namespace

/// Inside one host, or one rack where the link joins that.
TokenCurve Operators::reduce_within(Collective what, double bytes_per_token, int ranks) const {
  TokenCurve out{};
  if (ranks <= 1) return out;
  // Exchanges depend on the link more than on the chip: the system with the most similar one.
  const System* best = own_ ? relatives_.front().system : nullptr;
  if (!own_) {
    for (const System& system : tables_.systems()) {
      if (system.of(kind_of(what)).empty()) continue;
      if (best == nullptr ||
          square_of_log(system.link_gbs, rates_.link) < square_of_log(best->link_gbs, rates_.link))
        best = &system;
    }
  }
  const Grid* grid = nullptr;
  if (best != nullptr) {
    for (const Grid& each : best->of(kind_of(what))) {
      if (each.numbers[0] < 2) continue;
      if (grid == nullptr ||
          square_of_log(each.numbers[0], ranks) < square_of_log(grid->numbers[0], ranks))
        grid = &each;
    }
  }
  if (grid == nullptr) {
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = 1e4 + passes(what, ranks) * bytes_per_token * TokenGrid::point(i) / rates_.link;
    return out;
  }
  std::vector<double> levels(grid->values.begin(), grid->values.end());
  never_falling(levels);
  // The message that takes the wire as long there as this one does here.
  const double scale =
      best->link_gbs / rates_.link * passes(what, ranks) / passes(what, grid->numbers[0]);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double bytes = TokenGrid::point(i) * bytes_per_token * scale;
    const AxisPlace at = place_on(grid->axes[0], bytes);
    const double low = levels[at.index];
    const double level = at.weight > 0 ? low + at.weight * (levels[at.index + 1] - low) : low;
    out[i] = nanos_of(level) * std::max(1.0, bytes / at.at);
  }
  return out;
}

TokenCurve Operators::collective(Collective what, double bytes_per_token, int ranks) const {
  const int per_host = std::min(ranks, rates_.per_host);
  TokenCurve out = reduce_within(what, bytes_per_token, per_host);
  if (ranks > per_host) {
    const double hosts = std::ceil(static_cast<double>(ranks) / per_host);
    const double trips = what == Collective::AllReduce ? 2 : 1;
    for (std::size_t i = 0; i < out.size(); ++i) {
      const double share = TokenGrid::point(i) * bytes_per_token / per_host;
      out[i] += trips * kNetworkNanos + passes(what, hosts) * share / rates_.network;
    }
  }
  return out;
}

}  // namespace kneepoint::perfmodel
