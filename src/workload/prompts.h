#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/random.h"
#include "workload/spec.h"

namespace kneepoint::workload {

/// Which prompt the next session uses. Without prefix groups every prompt is new. With them the
/// order is a shuffled pass over all there is (groups, or each group's prompts), then another:
/// after any number of whole passes every group and prompt was used equally often, exactly.
class PromptOrder {
 public:
  struct Choice {
    std::optional<std::int64_t> group;
    std::int64_t prompt = 0;
  };

  PromptOrder(const std::optional<Prefix>& prefix, std::uint64_t seed);

  Choice next();

 private:
  Random random_;
  std::int64_t prompts_per_group_ = 0;  // 0: prompts are not used again
  std::vector<std::uint32_t> pass_;     // the order of this pass; empty without groups
  std::size_t at_ = 0;
  std::int64_t chosen_ = 0;
};

}  // namespace kneepoint::workload
