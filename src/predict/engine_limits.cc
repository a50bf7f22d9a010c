#include "predict/engine_limits.h"

#include <algorithm>

namespace kneepoint::predict {

sim::EngineConfig engine_of(const Deployment& d, double kv_tokens, std::int64_t longest) {
  sim::EngineConfig out;
  out.scheduling = sim::scheduling_of(d.rules);
  out.scheduling.hold_steps = static_cast<std::int64_t>(d.hold_steps);
  out.scheduling.hold_share = d.hold_share;
  out.max_num_batched_tokens = static_cast<std::int64_t>(d.token_budget);
  out.max_num_seqs = static_cast<std::int64_t>(std::min(d.max_sequences, d.token_budget));
  out.chunked_prefill = d.rules != sim::ServerRules::TensorRtLlm;
  out.max_model_len = longest;
  if (!out.chunked_prefill && !out.scheduling.long_prompts_alone) {
    out.max_model_len = std::min(out.max_model_len, out.max_num_batched_tokens);
  }
  out.num_blocks = std::max<std::int64_t>(
      64, static_cast<std::int64_t>(kv_tokens / static_cast<double>(out.block_size)));
  // One drafted token of which 0.8 are kept: what published runs with drafts come to.
  if (d.speculative) out.speculation = {.draft_tokens = 1, .accepted = 1.8};
  return out;
}

}  // namespace kneepoint::predict
