#include "sim/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "base/random.h"

namespace kneepoint::sim {
namespace {

constexpr std::int64_t kMostSequences = 1 << 20;
constexpr std::int64_t kMostTokens = 1 << 30;  // of a step, a request
constexpr std::int64_t kMostBlockSize = 4096;
constexpr std::int64_t kMostDraft = 64;
constexpr std::int64_t kMostBlocks = std::int64_t{1} << 31;

std::uint64_t mixed(std::uint64_t a, std::uint64_t b) {
  std::uint64_t state = a ^ (b * 0x9E3779B97F4A7C15ull);
  return split_mix(state);
}

tl::unexpected<Error> refuse(std::string message) {
  return fail(ErrorCode::InvalidArgument, std::move(message));
}

}  // namespace

Result<void> check(const EngineConfig& c) {
  const auto in_range = [](std::string_view name, std::int64_t value,
                           std::int64_t most) -> Result<void> {
    if (value >= 1 && value <= most) return {};
    return refuse(fmt::format("{}: must be from 1 to {}, not {}", name, most, value));
  };
  if (auto ok = in_range("max_num_seqs", c.max_num_seqs, kMostSequences); !ok) return ok;
  if (auto ok = in_range("max_num_batched_tokens", c.max_num_batched_tokens, kMostTokens); !ok) {
    return ok;
  }
  if (auto ok = in_range("max_model_len", c.max_model_len, kMostTokens); !ok) return ok;
  if (auto ok = in_range("block_size", c.block_size, kMostBlockSize); !ok) return ok;
  if (auto ok = in_range("num_blocks", c.num_blocks, kMostBlocks); !ok) return ok;
  if (c.max_num_batched_tokens < c.max_num_seqs) {
    return refuse(
        fmt::format("max_num_batched_tokens: {} is less than max_num_seqs ({}); each "
                    "decoding sequence needs a token of the budget",
                    c.max_num_batched_tokens, c.max_num_seqs));
  }
  const Scheduling& rules = c.scheduling;
  if (!c.chunked_prefill && !rules.long_prompts_alone &&
      c.max_num_batched_tokens < c.max_model_len) {
    return refuse(
        fmt::format("max_num_batched_tokens: {} is less than max_model_len ({}); without "
                    "chunked_prefill a step must hold any prompt",
                    c.max_num_batched_tokens, c.max_model_len));
  }
  if (!(c.watermark >= 0 && c.watermark < 1)) {
    return refuse("watermark: must be at least 0 and less than 1");
  }
  if (!(rules.reserve_output >= 0 && rules.reserve_output <= 1)) {
    return refuse("scheduling.reserve_output: must be from 0 to 1");
  }
  if (rules.hold_steps < 0 || rules.hold_steps > kMostTokens) {
    return refuse(fmt::format("scheduling.hold_steps: must be from 0 to {}", kMostTokens));
  }
  if (!(rules.hold_share >= 0 && rules.hold_share <= 1)) {
    return refuse("scheduling.hold_share: must be from 0 to 1");
  }
  const Speculation& draft = c.speculation;
  if (draft.draft_tokens < 0 || draft.draft_tokens > kMostDraft) {
    return refuse(fmt::format("speculation.draft_tokens: must be from 0 to {}", kMostDraft));
  }
  if (!(draft.accepted >= 1 && draft.accepted <= static_cast<double>(draft.draft_tokens + 1))) {
    return refuse(
        fmt::format("speculation.accepted: must be from 1 to {}, the draft and one more token",
                    draft.draft_tokens + 1));
  }
  return {};
}

Engine::Engine(const EngineConfig& config, perfmodel::StepTimeModel& model)
    : config_(config),
      model_(model),
      cache_(std::max<std::int64_t>(config.num_blocks, 1), config.prefix_caching) {
  if (auto ok = check(config); !ok) throw std::invalid_argument(ok.error().message);
  watermark_blocks_ =
      static_cast<std::int64_t>(config.watermark * static_cast<double>(config.num_blocks));
  crossings_.assign(static_cast<std::size_t>(config.block_size), 0);
  growth_.assign(static_cast<std::size_t>(config.block_size), List{});
  wheel_.fill(kNone);
}

// Lists of slots, linked through the sequences themselves.

template <Engine::Links Engine::Sequence::* links>
void Engine::link_back(List& list, std::uint32_t slot) {
  sequences_[slot].*links = {list.tail, kNone};
  (list.tail == kNone ? list.head : (sequences_[list.tail].*links).next) = slot;
  list.tail = slot;
  ++list.size;
}

template <Engine::Links Engine::Sequence::* links>
void Engine::link_front(List& list, std::uint32_t slot) {
  sequences_[slot].*links = {kNone, list.head};
  (list.head == kNone ? list.tail : (sequences_[list.head].*links).previous) = slot;
  list.head = slot;
  ++list.size;
}

/// After `before`, or first.
template <Engine::Links Engine::Sequence::* links>
void Engine::link_after(List& list, std::uint32_t before, std::uint32_t slot) {
  if (before == kNone) return link_front<links>(list, slot);
  const std::uint32_t next = (sequences_[before].*links).next;
  if (next == kNone) return link_back<links>(list, slot);
  sequences_[slot].*links = {before, next};
  (sequences_[before].*links).next = slot;
  (sequences_[next].*links).previous = slot;
  ++list.size;
}

template <Engine::Links Engine::Sequence::* links>
void Engine::unlink(List& list, std::uint32_t slot) {
  const Links at = sequences_[slot].*links;
  (at.previous == kNone ? list.head : (sequences_[at.previous].*links).next) = at.next;
  (at.next == kNone ? list.tail : (sequences_[at.next].*links).previous) = at.previous;
  --list.size;
}

/// A sequence with `context` tokens at this tick needs a block at the ticks whose number leaves
/// this remainder: those at which all of its blocks are full.
std::size_t Engine::crossing(std::int64_t context) const {
  const std::int64_t phase = phase_ - context % config_.block_size;
  return static_cast<std::size_t>(phase < 0 ? phase + config_.block_size : phase);
}

std::int64_t Engine::context_of(const Sequence& s) const {
  return s.phase == Phase::Decoding ? s.context + (tick_ - s.since) : s.context;
}

std::int64_t Engine::emitted_of(const Sequence& s) const {
  return s.phase == Phase::Decoding ? s.emitted + (tick_ - s.since) : s.emitted;
}

std::uint64_t Engine::key_of(const Sequence& s, std::int64_t block) const {
  const auto at = static_cast<std::size_t>(block);
  if (!s.hashes.empty()) return s.hashes[at];
  return mixed(block < s.prefix_blocks ? s.prefix_key : s.text_key, at);
}

std::uint32_t Engine::new_slot() {
  if (unused_ == kNone) {
    sequences_.emplace_back();
    return static_cast<std::uint32_t>(sequences_.size() - 1);
  }
  const std::uint32_t slot = unused_;
  unused_ = sequences_[slot].queue.next;
  return slot;
}

void Engine::free_slot(std::uint32_t slot) {
  Sequence& s = sequences_[slot];
  s.phase = Phase::Unused;
  ++s.turn;
  s.queue.next = unused_;
  unused_ = slot;
  if (refused_slot_ == slot) refused_slot_ = kNone;
}

void Engine::name_content(Sequence& s, const EngineRequest& request) const {
  s.hashes.clear();
  s.prefix_blocks = s.key_blocks = s.keys_done = s.run_skips = 0;
  if (!config_.prefix_caching) return;
  // The answer's last token never gets into the cache.
  const std::int64_t full = (s.input + s.output - 1) / config_.block_size;
  const Content& content = request.content;
  if (!content.block_hashes.empty()) {
    s.key_blocks = std::min(full, static_cast<std::int64_t>(content.block_hashes.size()));
    s.hashes.assign(content.block_hashes.begin(), content.block_hashes.begin() + s.key_blocks);
    return;
  }
  s.prefix_blocks = std::min(full, content.prefix.count() / config_.block_size);
  s.key_blocks = std::min(full, content.shared.count() / config_.block_size);
  s.prefix_key = mixed(1, static_cast<std::uint64_t>(content.prefix_group));
  s.text_key = mixed(2, static_cast<std::uint64_t>(content.text));
}

Result<Ticket> Engine::submit(const EngineRequest& request, Nanos now) {
  const std::int64_t input = request.input.count(), output = request.output.count();
  ++totals_.submitted;
  ++totals_.refused;  // taken back at the end
  if (input < 1 || output < 1) {
    return refuse("a request needs at least one token of prompt and one of answer");
  }
  if (input > config_.max_model_len || output > config_.max_model_len - input) {
    return refuse(
        fmt::format("{} tokens of prompt and {} of answer are more than max_model_len ({})", input,
                    output, config_.max_model_len));
  }
  const std::int64_t most = blocks_of(input + output - 1 + config_.speculation.draft_tokens);
  if (most > config_.num_blocks) {
    return refuse(
        fmt::format("{} tokens of prompt and {} of answer need {} blocks; the KV cache has {}",
                    input, output, most, config_.num_blocks));
  }
  --totals_.refused;

  const std::uint32_t slot = new_slot();
  Sequence& s = sequences_[slot];
  s.id = request.id;
  s.input = input;
  s.output = output;
  s.emitted = s.context = s.preemptions = s.cached = 0;
  s.submitted = now;
  s.cancelled = false;
  s.received = std::clamp<std::int64_t>(request.received.count(), 0, input - 1);
  s.priority = request.priority;
  s.number = totals_.submitted;
  priorities_ = priorities_ || s.priority != 0;
  name_content(s, request);
  s.phase = Phase::Waiting;
  enqueue(slot, false);
  gliding_ = gliding_ && may_glide();
  return Ticket{slot, s.turn};
}

bool Engine::cancel(Ticket ticket) {
  if (ticket.slot >= sequences_.size()) return false;
  Sequence& s = sequences_[ticket.slot];
  if (s.turn != ticket.turn || s.phase == Phase::Unused || s.cancelled) return false;
  settle();
  gliding_ = false;
  if (s.phase == Phase::Waiting) {
    dequeue(ticket.slot);
    if (s.run != KvCache::kNone) cache_.take_back(s.run, 0);
    s.run = KvCache::kNone;
    ++totals_.cancelled;
    free_slot(ticket.slot);
  } else if (in_step_) {
    s.cancelled = true;
    cancelled_.push_back(ticket.slot);
  } else {
    leave_step(ticket.slot);
  }
  return true;
}

/// A running sequence that was cancelled goes.
void Engine::leave_step(std::uint32_t slot) {
  if (sequences_[slot].phase == Phase::Decoding) stop_silently(slot);
  if (partial_ == slot) partial_ = kNone;
  let_go(slot, false);
  ++totals_.cancelled;
  free_slot(slot);
}

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
  const std::int64_t most = (target - 1) / config_.block_size;
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
  const std::int64_t full = std::min(s.key_blocks, context / config_.block_size);
  for (; s.keys_done < full; ++s.keys_done) {
    const KvCache::Block block = cache_.publish(key_of(s, s.keys_done));
    if (block != KvCache::kNone) s.blocks.push_back(block);
  }
}

/// Into the queue: by priority, within one at the end or the front.
void Engine::enqueue(std::uint32_t slot, bool front) {
  const Sequence& s = sequences_[slot];
  waiting_tokens_ += s.input + s.emitted;
  if (!priorities_) {
    front ? link_front<&Sequence::queue>(waiting_, slot)
          : link_back<&Sequence::queue>(waiting_, slot);
    return;
  }
  std::uint32_t before = waiting_.tail;
  while (before != kNone && (sequences_[before].priority > s.priority ||
                             (front && sequences_[before].priority == s.priority))) {
    before = sequences_[before].queue.previous;
  }
  link_after<&Sequence::queue>(waiting_, before, slot);
}

void Engine::dequeue(std::uint32_t slot) {
  waiting_tokens_ -= sequences_[slot].input + sequences_[slot].emitted;
  unlink<&Sequence::queue>(waiting_, slot);
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
  const std::int64_t full = s.context / config_.block_size;
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
