#include <algorithm>

#include "sim/engine.h"
#include "sim/engine_lists.h"

namespace kneepoint::sim {

void Engine::plan_decodes() {
  ticks_ = 1;
  const std::int64_t drafts = config_.speculation.draft_tokens;
  if (drafts > 0) {
    tick_rest_ += config_.speculation.accepted;
    ticks_ = static_cast<std::int64_t>(tick_rest_);
    tick_rest_ -= static_cast<double>(ticks_);
  }
  make_room_for_decodes();
  shape_.decodes = decodes_ * (drafts + 1);
  shape_.decode_context = context_sum_;
}

void Engine::make_room_for_decodes() {
  auto phase = static_cast<std::size_t>(phase_);
  const bool one = ticks_ == 1;  // without drafts always, and then without loops
  std::int64_t wanted = one ? crossings_[phase] : blocks_for_ticks();
  while (wanted > cache_.available()) {
    preempt_last();
    wanted = blocks_for_ticks();
  }
  if (wanted > 0) cache_.take(wanted);
  if (reserves_all()) promised_ -= wanted;
  if (one && growth_[phase].size == 0) return;

  for (std::int64_t ahead = 0; ahead < ticks_; ++ahead) {
    if (growth_[phase].size > 0) publish_filled(growth_[phase], ahead);
    if (++phase == growth_.size()) phase = 0;
  }
}

/// That the decoding sequences need in this step.
std::int64_t Engine::blocks_for_ticks() const {
  std::int64_t blocks = 0;
  auto phase = static_cast<std::size_t>(phase_);
  for (std::int64_t ahead = 0; ahead < ticks_; ++ahead) {
    blocks += crossings_[phase];
    if (++phase == crossings_.size()) phase = 0;
  }
  return blocks;
}

/// Whoever needs a block at a tick has just filled one.
void Engine::publish_filled(List& filled, std::int64_t ahead) {
  std::uint32_t slot = filled.head;
  while (slot != kNone) {
    Sequence& s = sequences_[slot];
    const std::uint32_t next = s.growth.next;
    publish_up_to(s, context_of(s) + ahead);
    if (s.keys_done == s.key_blocks) {
      unlink<&Sequence::growth>(filled, slot);
      s.growing = false;
    }
    slot = next;
  }
}

/// Who gives up its blocks: the last of the running, or of those of the lowest priority whoever
/// came last.
std::uint32_t Engine::victim() const {
  std::uint32_t worst = running_.tail;
  if (!priorities_) return worst;
  for (std::uint32_t slot = worst; slot != kNone; slot = sequences_[slot].queue.previous) {
    const Sequence &s = sequences_[slot], &w = sequences_[worst];
    if (s.priority > w.priority || (s.priority == w.priority && s.number > w.number)) worst = slot;
  }
  return worst;
}

void Engine::preempt_last() {
  const std::uint32_t slot = victim();
  Sequence& s = sequences_[slot];
  if (s.phase == Phase::Decoding) {
    s.before = std::max(s.began, decoded_);
    stop_silently(slot);
  }
  if (partial_ == slot) partial_ = kNone;
  let_go(slot, true);
  s.phase = Phase::Waiting;
  s.context = s.received = 0;
  ++s.preemptions;
  ++totals_.preemptions;
  preempted_ = true;
  enqueue(slot, !config_.scheduling.preempted_go_last);
}

/// Out of the running; gives back the blocks of a sequence that no longer decodes.
void Engine::let_go(std::uint32_t slot, bool returns) {
  Sequence& s = sequences_[slot];
  unlink<&Sequence::queue>(running_, slot);
  if (reserves_all()) promised_ -= blocks_of(most_context(s)) - blocks_of(s.context);
  publish_up_to(s, s.context);
  const auto keyed = static_cast<std::int64_t>(s.blocks.size());
  const std::int64_t full = block_size_.full(s.context);
  cache_.drop(blocks_of(s.context) - full);
  if (returns) {
    s.run = cache_.park_for_return(full - keyed);
    s.run_skips = s.keys_done - keyed;
  } else {
    cache_.park(full - keyed);
  }
  for (auto block = s.blocks.rbegin(); block != s.blocks.rend(); ++block) cache_.release(*block);
  s.blocks.clear();
  s.keys_done = 0;
}

/// Its prompt is computed and the first token of this stretch is out; tick_ is that of the step to
/// come.
void Engine::start_decoding(std::uint32_t slot) {
  Sequence& s = sequences_[slot];
  s.phase = Phase::Decoding;
  s.since = tick_;
  s.ends = tick_ + (s.output - s.emitted) - 1;
  ++decodes_;
  ends_sum_ += s.ends;
  context_sum_ += s.context;
  const std::size_t phase = crossing(s.context);
  ++crossings_[phase];
  s.growing = s.keys_done < s.key_blocks;
  if (s.growing) link_back<&Sequence::growth>(growth_[phase], slot);

  std::uint32_t& head = wheel_[static_cast<std::size_t>(s.ends) & (kWheel - 1)];
  s.wheel = {kNone, head};
  if (head != kNone) sequences_[head].wheel.previous = slot;
  head = slot;

  s.emission = static_cast<std::uint32_t>(emissions_.size());
  emissions_.push_back({.id = s.id});
  emitting_.push_back(slot);
}

/// Takes it out of all sums and lists; what it has in the cache and has said become plain numbers.
/// Its emission is then the first after those of the others that decode.
void Engine::stop_decoding(std::uint32_t slot) {
  Sequence& s = sequences_[slot];
  const auto last = static_cast<std::uint32_t>(decodes_ - 1);
  std::swap(emissions_[s.emission], emissions_[last]);
  std::swap(emitting_[s.emission], emitting_[last]);
  sequences_[emitting_[s.emission]].emission = s.emission;
  s.emission = last;

  s.emitted = emitted_of(s);
  s.context = context_of(s);
  s.phase = Phase::Prefilling;
  --decodes_;
  ends_sum_ -= s.ends;
  context_sum_ -= s.context;
  const std::size_t phase = crossing(s.context);
  --crossings_[phase];
  if (s.growing) unlink<&Sequence::growth>(growth_[phase], slot);
  s.growing = false;

  std::uint32_t& head = wheel_[static_cast<std::size_t>(s.ends) & (kWheel - 1)];
  (s.wheel.previous == kNone ? head : sequences_[s.wheel.previous].wheel.next) = s.wheel.next;
  if (s.wheel.next != kNone) sequences_[s.wheel.next].wheel.previous = s.wheel.previous;
}

/// The same for one whose emission nobody is to see. Emissions that were seen are gone.
void Engine::stop_silently(std::uint32_t slot) {
  stop_decoding(slot);
  emissions_.pop_back();
  emitting_.pop_back();
}

/// In the step under way each decoding sequence gets one token and nobody computes a prompt, nor
/// could in the next.
bool Engine::may_glide() const {
  return ticks_ == 1 && config_.speculation.draft_tokens == 0 && shape_.tokens() == decodes_ &&
         ending_.empty() && partial_ == kNone &&
         (waiting_.size == 0 || running_.size >= config_.max_num_seqs);
}

Nanos Engine::glide(Nanos now) {
  if (!gliding_ || wheel_[static_cast<std::size_t>(tick_) & (kWheel - 1)] != kNone) return Nanos();
  const std::int64_t next = phase_ + 1 == config_.block_size ? 0 : phase_ + 1;
  const auto phase = static_cast<std::size_t>(next);
  const std::int64_t wanted = crossings_[phase];
  if (wanted > cache_.available() || growth_[phase].size > 0) return Nanos();
  decoded_ = now;
  ++tick_;
  phase_ = next;
  context_sum_ += decodes_;
  ++totals_.steps;
  totals_.generation_tokens += decodes_;
  totals_.scheduled_tokens += decodes_;
  if (wanted > 0) cache_.take(wanted);
  if (reserves_all()) promised_ -= wanted;
  shape_.decode_context = context_sum_;
  return model_.step_time(shape_);
}

Nanos Engine::leap(Nanos& now) {
  constexpr std::int64_t kLeast = 4;
  if (!gliding_) return Nanos();
  std::int64_t steps = 0;  // that end: the one under way and those after it
  const auto bucket = [&](std::int64_t tick) {
    return wheel_[static_cast<std::size_t>(tick) & (kWheel - 1)];
  };
  while (steps < static_cast<std::int64_t>(kWheel) && bucket(tick_ + steps) == kNone) ++steps;
  if (steps < kLeast) return Nanos();
  const auto lists = static_cast<std::int64_t>(crossings_.size());
  std::int64_t wanted = steps / lists * decodes_;
  for (std::int64_t i = 0; i < lists; ++i) {
    if (growth_[static_cast<std::size_t>(i)].size > 0) return Nanos();
  }
  for (std::int64_t i = 1; i <= steps % lists; ++i) {
    wanted += crossings_[static_cast<std::size_t>((phase_ + i) % lists)];
  }
  if (wanted > cache_.available()) return Nanos();
  shape_.decode_context = context_sum_ + decodes_;
  now += model_.decode_time(shape_, steps - 1);
  decoded_ = now;
  tick_ += steps;
  phase_ = (phase_ + steps) % lists;
  context_sum_ += decodes_ * steps;
  totals_.steps += steps;
  totals_.generation_tokens += decodes_ * steps;
  totals_.scheduled_tokens += decodes_ * steps;
  if (wanted > 0) cache_.take(wanted);
  if (reserves_all()) promised_ -= wanted;
  shape_.decode_context = context_sum_;
  return model_.step_time(shape_);
}

}  // namespace kneepoint::sim
