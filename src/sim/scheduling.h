#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

/// What model servers do differently about one engine step: a handful of rules, each a member, and
/// the sets of them that servers have. docs/engine.md shows the rules and where they were read.
namespace kneepoint::sim {

struct Scheduling {
  /// Prompts and decoding sequences share a step. Else prompts go first, in steps of their own, and
  /// the token budget is theirs alone.
  bool mixed = true;
  /// Share of the answers still to come that letting in keeps blocks free for. 0: none, the cache
  /// may run out and then someone is preempted. 1: all of it, nobody ever is.
  double reserve_output = 0;
  /// Without chunked prefill a prompt above the budget is computed in a step without others.
  bool long_prompts_alone = false;
  /// While sequences decode, prompts wait up to `hold_steps` steps for company: until the tokens of
  /// a step would be `hold_share` of the budget.
  std::int64_t hold_steps = 0;
  double hold_share = 0.9;
  /// A preempted request goes to the end of the queue instead of its front.
  bool preempted_go_last = false;

  friend bool operator==(const Scheduling&, const Scheduling&) = default;
};

/// A draft of `draft_tokens` is checked in each decode step. Sequences get `accepted` tokens a step
/// on average, the one that needs no draft included: from 1 to draft_tokens + 1. All get the same
/// number in the same step, so that their sums stay sums.
struct Speculation {
  std::int64_t draft_tokens = 0;
  double accepted = 1;

  friend bool operator==(const Speculation&, const Speculation&) = default;
};

enum class ServerRules { Vllm, VllmV0, TensorRtLlm, Sglang };
std::string_view name(ServerRules rules);  // "vllm", "vllm-v0", "tensorrt-llm", "sglang"
std::optional<ServerRules> parse_server_rules(std::string_view name);

/// Of TensorRT-LLM: GUARANTEED_NO_EVICT. batch_wait_timeout_iters and batch_wait_max_tokens_ratio
/// are hold_steps and hold_share, off as there. Of SGLang: half of the answers to come is kept
/// free, the middle of what its new_token_ratio moves through (0.7 down to 0.1).
Scheduling scheduling_of(ServerRules rules);

}  // namespace kneepoint::sim
