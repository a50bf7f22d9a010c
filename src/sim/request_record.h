#pragma once

#include <cstdint>

#include "base/units.h"
#include "metrics/summary.h"

namespace kneepoint::sim {

/// A simulated request that is over. Times are from the start of the run, as in a timeline, but
/// without one: 48 bytes stand for it.
struct RequestRecord {
  Nanos due{}, sent{}, first{}, end{};  // first: of its tokens; of refused ones nothing
  std::uint32_t input = 0, output = 0;  // tokens
  metrics::Outcome outcome = metrics::Outcome::Completed;

  Nanos ttft() const { return first - due; }
  Nanos e2e() const { return end - due; }
};

/// By the definitions of metrics/timeline.h, as Tally::add_due() does with a timeline; ITL aside,
/// which nobody can tell from a record. A bound on it is met by none.
void add_due(const RequestRecord& request, metrics::Tally& tally);
/// As Tally::add_completed().
void add_completed(const RequestRecord& request, metrics::Tally& tally);

}  // namespace kneepoint::sim
