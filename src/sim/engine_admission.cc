#include <algorithm>

#include "sim/engine.h"
#include "sim/engine_lists.h"

namespace kneepoint::sim {

void Engine::continue_prompt(std::int64_t& budget) {
  if (partial_ == kNone) return;
  const Sequence& s = sequences_[partial_];
  const std::int64_t tokens = std::min(s.input + s.emitted - s.context, budget);
  const std::int64_t wanted = blocks_of(s.context + tokens) - blocks_of(s.context);
  while (wanted > cache_.available()) {
    preempt_last();
    if (partial_ == kNone) return;  // it was the last itself
  }
  cache_.take(wanted);
  if (reserves_all()) promised_ -= wanted;
  budget -= tokens;
  compute(partial_, tokens);
}

void Engine::admit(Nanos now, std::int64_t& budget) {
  if (waiting_.size == 0 || running_.size >= config_.max_num_seqs) return;
  if (config_.scheduling.hold_steps > 0 && holds_prompts()) return;
  while (budget > 0 && waiting_.size > 0 && running_.size < config_.max_num_seqs) {
    if (!admit_first(now, budget)) return;
  }
}

/// Whether the waiting are to wait for company.
bool Engine::holds_prompts() {
  const Scheduling& rules = config_.scheduling;
  const std::int64_t tokens = std::min(waiting_tokens_, config_.max_num_batched_tokens) + decodes_;
  const double enough = rules.hold_share * static_cast<double>(config_.max_num_batched_tokens);
  if (decodes_ > 0 && held_steps_ < rules.hold_steps && static_cast<double>(tokens) < enough) {
    ++held_steps_;
    return true;
  }
  held_steps_ = 0;
  return false;
}

/// Tokens in the cache when its answer is complete; the last step may check more than it needs.
std::int64_t Engine::most_context(const Sequence& s) const {
  return s.input + s.output - 1 + config_.speculation.draft_tokens;
}

/// The blocks beyond its prompt that letting it in keeps free: for its answer and those of the
/// running.
std::int64_t Engine::reserved(const Sequence& s, std::int64_t target) const {
  if (reserves_all()) return blocks_of(most_context(s)) - blocks_of(target) + promised_;
  if (config_.scheduling.reserve_output == 0 || running_.size == 0) return 0;
  const std::int64_t to_come =
      s.output - s.emitted + prompts_output_ + ends_sum_ - decodes_ * (tick_ - 1);
  return blocks_of(
      static_cast<std::int64_t>(config_.scheduling.reserve_output * static_cast<double>(to_come)));
}

/// How many leading blocks of its content are in the cache, and how many of them nobody uses: those
/// count against what is available. At least the last token is computed, as its logits are needed.
std::int64_t Engine::find_cached(Sequence& s, std::int64_t target, std::int64_t& idle) {
  idle = 0;
  s.blocks.clear();
  if (!cache_.caching()) return 0;
  const std::int64_t most = block_size_.full(target - 1);
  const std::int64_t keys = std::min(most, s.key_blocks);
  while (static_cast<std::int64_t>(s.blocks.size()) < keys) {
    const KvCache::Block block = cache_.find(key_of(s, static_cast<std::int64_t>(s.blocks.size())));
    if (block == KvCache::kNone) break;
    idle += cache_.is_used(block) ? 0 : 1;
    s.blocks.push_back(block);
  }
  const auto found = static_cast<std::int64_t>(s.blocks.size());
  if (found < s.key_blocks || s.run == KvCache::kNone) return found;
  const std::int64_t own =
      std::clamp<std::int64_t>(cache_.left(s.run) - s.run_skips, 0, most - found);
  idle += own;
  return found + own;
}

bool Engine::admit_first(Nanos now, std::int64_t& budget) {
  const std::uint32_t slot = waiting_.head;
  Sequence& s = sequences_[slot];
  const std::int64_t target = s.input + s.emitted;
  const std::int64_t kept_free = reserved(s, target);
  if (slot == refused_slot_ && cache_.available() <= refused_available_ &&
      refused_needed_ + kept_free > cache_.available() &&
      cache_.published() == refused_published_) {
    return false;
  }
  std::int64_t idle = 0;
  const std::int64_t found = find_cached(s, target, idle);
  const std::int64_t cached = std::max(found * config_.block_size, s.received);
  std::int64_t tokens = std::min(target - cached, budget);
  if (!config_.chunked_prefill && tokens < target - cached) {
    if (!config_.scheduling.long_prompts_alone || !chunks_.empty()) return false;
    tokens = target - cached;
  }

  const std::int64_t wanted = blocks_of(cached + tokens) - found;
  const bool whole = config_.admit_whole_prompt || config_.scheduling.reserve_output > 0;
  const std::int64_t needed = whole ? blocks_of(target) - found : wanted;
  const std::int64_t spared = running_.size > 0 ? watermark_blocks_ : 0;
  if (needed + idle + spared + kept_free > cache_.available()) {
    // The first chunk alone also hangs on the budget, so there it is worked out again.
    refused_slot_ = whole ? slot : kNone;
    refused_available_ = cache_.available();
    refused_published_ = cache_.published();
    refused_needed_ = needed + idle + spared;
    return false;
  }

  refused_slot_ = kNone;

  // What is found is held before anything is taken, or taking might evict it.
  for (const KvCache::Block block : s.blocks) cache_.hold(block);
  if (s.run != KvCache::kNone) {
    cache_.take_back(s.run, found - static_cast<std::int64_t>(s.blocks.size()));
    s.run = KvCache::kNone;
  }
  cache_.take(wanted);
  if (reserves_all()) promised_ += blocks_of(most_context(s)) - found - wanted;
  s.keys_done = std::min(found, s.key_blocks);
  s.context = cached;
  if (s.preemptions == 0) {
    s.started = now;
    s.cached = cached;
    if (cache_.caching()) totals_.prefix_queries += target;
    totals_.prefix_hits += cached;
  }
  dequeue(slot);
  link_back<&Sequence::queue>(running_, slot);
  s.phase = Phase::Prefilling;
  s.admission = ++admissions_;
  partial_ = slot;
  budget -= tokens;
  compute(slot, tokens);
  return true;
}

/// Plans `tokens` of a prompt whose blocks have been taken.
void Engine::compute(std::uint32_t slot, std::int64_t tokens) {
  Sequence& s = sequences_[slot];
  if (s.received > 0 && tokens == 1) {
    ++shape_.decodes;
    ++received_;
    shape_.decode_context += s.context;
  } else {
    chunks_.push_back({tokens, s.context});
    shape_.prefill_tokens += tokens;
  }
  prompts_output_ += s.output - s.emitted;
  s.context += tokens;
  // Findable at once, as in vLLM: a request in the same step may build on them.
  publish_up_to(s, s.context);
  if (s.context < s.input + s.emitted) return;
  ending_.push_back(slot);
  partial_ = kNone;
}

void Engine::publish_up_to(Sequence& s, std::int64_t context) {
  const std::int64_t full = std::min(s.key_blocks, block_size_.full(context));
  for (; s.keys_done < full; ++s.keys_done) {
    const KvCache::Block block = cache_.publish(key_of(s, s.keys_done));
    if (block != KvCache::kNone) s.blocks.push_back(block);
  }
}

}  // namespace kneepoint::sim
