#pragma once

#include "base/result.h"

namespace kneepoint::perfmodel {

struct MemorySetup;

/// The split of a replica in one notation: pipeline stages, and inside each stage attention tensor
/// ranks times data-parallel ranks.
struct Layout {
  int stages = 1;
  int attention_ranks = 1;
  int data_ranks = 1;
  int expert_groups = 1;  // experts are dealt out to these; each group slices its experts

  int stage_size() const { return attention_ranks * data_ranks; }
};

/// Error (Unsatisfiable): the degrees of parallelism do not make the number of accelerators.
Result<Layout> layout(const MemorySetup& setup);

}  // namespace kneepoint::perfmodel
