#include "sim/plain_engine.h"

#include <algorithm>
#include <utility>

namespace kneepoint::sim {

bool PlainEngine::can_be(const EngineConfig& c) {
  const Scheduling& rules = c.scheduling;
  return c.speculation.draft_tokens == 0 && rules.mixed && rules.reserve_output == 0 &&
         rules.hold_steps == 0;
}

PlainEngine::PlainEngine(const EngineConfig& config,
                         std::unique_ptr<perfmodel::StepTimeModel> model)
    : config_(config),
      block_size_(config.block_size),
      model_(std::move(model)),
      watermark_blocks_(
          static_cast<std::int64_t>(config.watermark * static_cast<double>(config.num_blocks))),
      blank_(config.num_blocks),
      crossings_(static_cast<std::size_t>(config.block_size)),
      wheel_(kWheel, kNone) {}

bool PlainEngine::submit(std::uint32_t id, std::int64_t input, std::int64_t output) {
  ++totals_.submitted;
  const bool fits = input >= 1 && output >= 1 && input <= config_.max_model_len &&
                    output <= config_.max_model_len - input &&
                    block_size_.holding(input + output - 1) <= config_.num_blocks;
  if (!fits) {
    ++totals_.refused;
    return false;
  }
  if (sequences_.size() <= id) sequences_.resize(id + std::size_t{1});
  Sequence& s = sequences_[id];
  s.input = input;
  s.output = output;
  s.context = 0;
  if (head_ == queue_.size()) {
    queue_.clear();
    head_ = 0;
  }
  queue_.push_back(id);
  if (gliding_) note_gliding();
  return true;
}

/// Blank blocks first, then those least recently used.
void PlainEngine::take(std::int64_t blocks) {
  const std::int64_t first = std::min(blocks, blank_);
  blank_ -= first;
  cached_ -= blocks - first;
}

void PlainEngine::note_gliding() {
  gliding_ = shape_.tokens() == decodes_ && ending_.empty() && partial_ == kNone &&
             (waiting() == 0 || running_ >= config_.max_num_seqs);
}

Nanos PlainEngine::plan_step() {
  if (running_ == 0 && waiting() == 0) return Nanos();
  const std::int64_t wanted = crossings_[static_cast<std::size_t>(phase_)];
  if (wanted > available()) {
    overrun_ = true;
    return Nanos();
  }
  if (wanted > 0) take(wanted);
  chunks_.clear();
  shape_ = {};
  shape_.decodes = decodes_;
  shape_.decode_context = context_sum_;
  std::int64_t budget = std::max<std::int64_t>(0, config_.max_num_batched_tokens - decodes_);
  if (partial_ != kNone) continue_prompt(budget);
  while (budget > 0 && waiting() > 0 && running_ < config_.max_num_seqs) {
    if (!admit_first(budget)) break;
  }
  if (overrun_) return Nanos();
  shape_.prefills = chunks_;
  shape_.prompts_ended = static_cast<std::int64_t>(ending_.size());
  totals_.last_scheduled_tokens = shape_.tokens();
  totals_.scheduled_tokens += shape_.tokens();
  in_step_ = true;
  note_gliding();
  return model_->step_time(shape_);
}

void PlainEngine::continue_prompt(std::int64_t& budget) {
  const Sequence& s = sequences_[partial_];
  const std::int64_t tokens = std::min(s.input - s.context, budget);
  const std::int64_t wanted =
      block_size_.holding(s.context + tokens) - block_size_.holding(s.context);
  if (wanted > available()) {
    overrun_ = true;
    return;
  }
  take(wanted);
  budget -= tokens;
  compute(partial_, tokens);
}

bool PlainEngine::admit_first(std::int64_t& budget) {
  const std::uint32_t id = queue_[head_];
  Sequence& s = sequences_[id];
  std::int64_t tokens = std::min(s.input, budget);
  if (!config_.chunked_prefill && tokens < s.input) {
    if (!config_.scheduling.long_prompts_alone || !chunks_.empty()) return false;
    tokens = s.input;
  }
  const std::int64_t wanted = block_size_.holding(tokens);
  const std::int64_t needed = config_.admit_whole_prompt ? block_size_.holding(s.input) : wanted;
  const std::int64_t spared = running_ > 0 ? watermark_blocks_ : 0;
  if (needed + spared > available()) return false;
  take(wanted);
  if (config_.prefix_caching) totals_.prefix_queries += s.input;
  ++head_;
  ++running_;
  s.admission = ++admissions_;
  partial_ = id;
  budget -= tokens;
  compute(id, tokens);
  return true;
}

void PlainEngine::compute(std::uint32_t id, std::int64_t tokens) {
  Sequence& s = sequences_[id];
  chunks_.push_back({tokens, s.context});
  shape_.prefill_tokens += tokens;
  s.context += tokens;
  if (s.context < s.input) return;
  ending_.push_back(id);
  partial_ = kNone;
}

/// tick_ is that of the step to come.
void PlainEngine::start_decoding(Sequence& s, std::uint32_t id) {
  s.ends = tick_ + s.output - 2;
  ++decodes_;
  context_sum_ += s.input;
  const std::int64_t crossing = phase_ - block_size_.rest(s.input);
  s.crossing = static_cast<std::uint32_t>(crossing < 0 ? crossing + config_.block_size : crossing);
  ++crossings_[s.crossing];
  s.next = std::exchange(bucket(s.ends), id);
}

void PlainEngine::complete(const Sequence& s) {
  const std::int64_t context = s.input + s.output - 1;
  --decodes_;
  --running_;
  context_sum_ -= context;
  --crossings_[s.crossing];
  const std::int64_t full = block_size_.full(context);
  blank_ += block_size_.holding(context) - full;
  (config_.prefix_caching ? cached_ : blank_) += full;
  ++totals_.completed;
}

PlainEngine::Step PlainEngine::finish_step() {
  in_step_ = false;
  ++tick_;
  if (++phase_ == config_.block_size) phase_ = 0;
  context_sum_ += decodes_;
  ++totals_.steps;
  const std::int64_t tokens = decodes_ + static_cast<std::int64_t>(ending_.size());
  totals_.generation_tokens += tokens;
  for (const std::uint32_t id : ending_) {
    start_decoding(sequences_[id], id);
    totals_.prompt_tokens += sequences_[id].input;
  }
  first_.swap(ending_);
  ending_.clear();

  done_.clear();
  std::uint32_t* link = &bucket(tick_ - 1);
  while (*link != kNone) {
    Sequence& s = sequences_[*link];
    if (s.ends == tick_ - 1) {
      done_.push_back(*link);
      *link = s.next;
    } else {  // it ends some turns of the wheel later
      link = &s.next;
    }
  }
  if (done_.size() > 1) {
    std::ranges::sort(done_, {}, [&](std::uint32_t id) { return sequences_[id].admission; });
  }
  for (const std::uint32_t id : done_) complete(sequences_[id]);
  return {tokens, first_, done_};
}

Nanos PlainEngine::leap(Nanos& now) {
  constexpr std::int64_t kLeast = 4;
  if (!gliding_) return Nanos();
  std::int64_t steps = 0;  // that end: the one under way and those after it
  while (steps < static_cast<std::int64_t>(kWheel) && bucket(tick_ + steps) == kNone) ++steps;
  if (steps < kLeast) return Nanos();
  const auto lists = static_cast<std::int64_t>(crossings_.size());
  std::int64_t wanted = steps / lists * decodes_;
  for (std::int64_t i = 1; i <= steps % lists; ++i) {
    wanted += crossings_[static_cast<std::size_t>((phase_ + i) % lists)];
  }
  if (wanted > available()) return Nanos();
  shape_.decode_context = context_sum_ + decodes_;
  now += model_->decode_time(shape_, steps - 1);
  tick_ += steps;
  phase_ = (phase_ + steps) % lists;
  context_sum_ += decodes_ * steps;
  totals_.steps += steps;
  totals_.generation_tokens += decodes_ * steps;
  totals_.scheduled_tokens += decodes_ * steps;
  if (wanted > 0) take(wanted);
  shape_.decode_context = context_sum_;
  return model_->step_time(shape_);
}

EngineState PlainEngine::state() const {
  EngineState out = totals_;
  out.waiting = waiting();
  out.running = running_;
  out.blocks_used = blocks_used();
  out.blocks_cached = cached_;
  out.blocks_blank = blank_;
  out.kv_use = kv_use();
  return out;
}

}  // namespace kneepoint::sim
