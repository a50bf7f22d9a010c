#include "workload/prompts.h"

#include <numeric>
#include <utility>

namespace kneepoint::workload {

PromptOrder::PromptOrder(const std::optional<Prefix>& prefix, std::uint64_t seed)
    : random_(seed, "prompts") {
  if (!prefix) return;
  prompts_per_group_ = prefix->prompts_per_group.value_or(0);
  const std::int64_t all = prefix->groups * prefix->prompts_per_group.value_or(1);
  pass_.resize(static_cast<std::size_t>(all));
  std::iota(pass_.begin(), pass_.end(), 0U);
  at_ = pass_.size();
}

PromptOrder::Choice PromptOrder::next() {
  const std::int64_t number = chosen_++;
  if (pass_.empty()) return {std::nullopt, number};
  if (at_ == pass_.size()) {
    // Fisher and Yates; std::shuffle is another one in every library.
    for (std::size_t i = pass_.size() - 1; i > 0; --i) {
      std::swap(pass_[i], pass_[random_.below(i + 1)]);
    }
    at_ = 0;
  }
  const std::int64_t picked = pass_[at_++];
  if (prompts_per_group_ == 0) return {picked, number};
  return {picked / prompts_per_group_, picked};
}

}  // namespace kneepoint::workload
