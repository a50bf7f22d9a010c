#include "sim/engine.h"

#include <algorithm>

// The step itself: what is planned for it and what comes of it. Who gets in: engine_admission.cc;
// who decodes, and many steps at once: engine_decoding.cc; requests come and go:
// engine_requests.cc.
namespace kneepoint::sim {

/// What finish_step() showed has been seen.
void Engine::settle() {
  if (in_step_) return;
  if (const auto decodes = static_cast<std::size_t>(decodes_); emissions_.size() != decodes) {
    emissions_.resize(decodes);
    emitting_.resize(decodes);
  }
  for (const std::uint32_t slot : fresh_) emissions_[sequences_[slot].emission].first = false;
  fresh_.clear();
  milestones_.clear();
}

Nanos Engine::plan_step(Nanos now) {
  settle();
  if (idle()) return Nanos();
  chunks_.clear();
  shape_ = {};
  preempted_ = false;

  ticks_ = 0;
  prompts_output_ = received_ = 0;
  const bool mixed = config_.scheduling.mixed;
  if (mixed) plan_decodes();
  std::int64_t budget = std::max<std::int64_t>(0, config_.max_num_batched_tokens - shape_.decodes);
  continue_prompt(budget);
  // Whoever had to make room for others is not overtaken in the same step.
  if (!preempted_) admit(now, budget);
  if (!mixed && shape_.tokens() == 0) plan_decodes();

  shape_.prefills = chunks_;
  shape_.prompts_ended = static_cast<std::int64_t>(ending_.size()) - received_;
  totals_.last_scheduled_tokens = shape_.tokens();
  totals_.scheduled_tokens += shape_.tokens();
  in_step_ = true;
  gliding_ = may_glide();
  return model_.step_time(shape_);
}

StepResult Engine::finish_step(Nanos now) {
  if (!in_step_) return {};
  in_step_ = false;
  if (ticks_ > 0) decoded_ = now;
  const std::int64_t before = tick_;
  tick_ += ticks_;
  phase_ += ticks_;
  while (phase_ >= config_.block_size) phase_ -= config_.block_size;
  context_sum_ += decodes_ * ticks_;
  ++totals_.steps;

  for (const std::uint32_t slot : cancelled_) {
    std::erase(ending_, slot);
    leave_step(slot);
  }
  cancelled_.clear();
  if (config_.speculation.draft_tokens > 0) {
    for (Emission& emission : emissions_) emission.tokens = static_cast<std::uint32_t>(ticks_);
  }
  totals_.generation_tokens += decodes_ * ticks_ + static_cast<std::int64_t>(ending_.size());
  // In a step of prompts only the sequences that decode get nothing.
  const auto silent = static_cast<std::size_t>(ticks_ == 0 ? decodes_ : 0);

  for (const std::uint32_t slot : ending_) {
    Sequence& s = sequences_[slot];
    const bool first = s.emitted++ == 0;
    start_decoding(slot);
    s.began = now;
    if (!first) {
      milestones_.push_back(milestone_of(s, false, false));
      milestones_.back().returned = true;
      continue;
    }
    totals_.prompt_tokens += s.input;
    emissions_.back().first = true;
    if (s.output == 1) continue;  // it is about to end and has its milestone there
    fresh_.push_back(slot);
    milestones_.push_back(milestone_of(s, true, false));
  }
  ending_.clear();

  done_.clear();
  // An answer of one token ends with the tick before those to come.
  for (std::int64_t tick = std::min(before, tick_ - 1); tick < tick_; ++tick) {
    for (std::uint32_t slot = wheel_[static_cast<std::size_t>(tick) & (kWheel - 1)]; slot != kNone;
         slot = sequences_[slot].wheel.next) {
      // Others in the list end some turns of the wheel later.
      if (sequences_[slot].ends == tick) done_.push_back(slot);
    }
  }
  // The order in which they give back their blocks is that of the running, as in vLLM.
  if (done_.size() > 1)
    std::ranges::sort(done_, {}, [&](std::uint32_t slot) { return sequences_[slot].admission; });
  for (const std::uint32_t slot : done_) complete(slot);
  return {std::span<const Emission>(emissions_).subspan(silent), milestones_};
}

Milestone Engine::milestone_of(const Sequence& s, bool first, bool finished) {
  return {.id = s.id,
          .first = first,
          .finished = finished,
          .returned = false,
          .before = s.before,
          .submitted = s.submitted,
          .started = s.started,
          .cached = Tokens(s.cached),
          .preemptions = s.preemptions};
}

void Engine::complete(std::uint32_t slot) {
  Sequence& s = sequences_[slot];
  Emission& emission = emissions_[s.emission];
  emission.finished = true;
  const std::int64_t beyond = tick_ - 1 - s.ends;  // accepted past the end
  emission.tokens -= static_cast<std::uint32_t>(beyond);
  totals_.generation_tokens -= beyond;
  milestones_.push_back(milestone_of(s, s.output == 1, true));
  stop_decoding(slot);
  let_go(slot, false);
  ++totals_.completed;
  free_slot(slot);
}

EngineState Engine::state() const {
  EngineState out = totals_;
  out.waiting = waiting_.size;
  out.running = running_.size;
  out.blocks_used = cache_.used();
  out.blocks_cached = cache_.cached();
  out.blocks_blank = cache_.blank();
  out.kv_use = kv_use();
  return out;
}

}  // namespace kneepoint::sim
