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
  if (!c.chunked_prefill && c.max_num_batched_tokens < c.max_model_len) {
    return refuse(
        fmt::format("max_num_batched_tokens: {} is less than max_model_len ({}); without "
                    "chunked_prefill a step must hold any prompt",
                    c.max_num_batched_tokens, c.max_model_len));
  }
  if (!(c.watermark >= 0 && c.watermark < 1)) {
    return refuse("watermark: must be at least 0 and less than 1");
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

template <Engine::Links Engine::Sequence::* links>
void Engine::unlink(List& list, std::uint32_t slot) {
  const Links at = sequences_[slot].*links;
  (at.previous == kNone ? list.head : (sequences_[at.previous].*links).next) = at.next;
  (at.next == kNone ? list.tail : (sequences_[at.next].*links).previous) = at.previous;
  --list.size;
}

/// A sequence with `context` tokens at the begin of this step needs a block in the steps whose
/// number leaves this remainder: those that begin with all of its blocks full.
std::size_t Engine::crossing(std::int64_t context) const {
  const std::int64_t size = config_.block_size;
  return static_cast<std::size_t>(((step_ - context) % size + size) % size);
}

std::int64_t Engine::context_of(const Sequence& s) const {
  return s.phase == Phase::Decoding ? s.context + (step_ - s.since) : s.context;
}

std::int64_t Engine::emitted_of(const Sequence& s) const {
  return s.phase == Phase::Decoding ? s.emitted + (step_ - s.since) : s.emitted;
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
  if (blocks_of(input + output - 1) > config_.num_blocks) {
    return refuse(
        fmt::format("{} tokens of prompt and {} of answer need {} blocks; the KV cache has {}",
                    input, output, blocks_of(input + output - 1), config_.num_blocks));
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
  name_content(s, request);
  s.phase = Phase::Waiting;
  link_back<&Sequence::queue>(waiting_, slot);
  return Ticket{slot, s.turn};
}

bool Engine::cancel(Ticket ticket) {
  if (ticket.slot >= sequences_.size()) return false;
  Sequence& s = sequences_[ticket.slot];
  if (s.turn != ticket.turn || s.phase == Phase::Unused || s.cancelled) return false;
  settle();
  if (s.phase == Phase::Waiting) {
    unlink<&Sequence::queue>(waiting_, ticket.slot);
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
  unlink<&Sequence::queue>(running_, slot);
  let_go(sequences_[slot], false);
  ++totals_.cancelled;
  free_slot(slot);
}

/// What finish_step() showed has been seen.
void Engine::settle() {
  if (in_step_) return;
  emissions_.resize(static_cast<std::size_t>(decodes_));
  emitting_.resize(static_cast<std::size_t>(decodes_));
  for (const std::uint32_t slot : fresh_) emissions_[sequences_[slot].emission].first = false;
  fresh_.clear();
  milestones_.clear();
}

std::optional<Nanos> Engine::begin_step(Nanos now) {
  settle();
  if (idle()) return std::nullopt;
  chunks_.clear();
  shape_ = {};
  preempted_ = false;

  make_room_for_decodes();
  shape_.decodes = decodes_;
  shape_.decode_context = context_sum_;
  std::int64_t budget = config_.max_num_batched_tokens - decodes_;
  continue_prompt(budget);
  // Whoever had to make room for others is not overtaken in the same step.
  if (!preempted_) admit(now, budget);

  shape_.prefills = chunks_;
  shape_.prompts_ended = static_cast<std::int64_t>(ending_.size());
  totals_.last_scheduled_tokens = shape_.tokens();
  totals_.scheduled_tokens += shape_.tokens();
  in_step_ = true;
  return model_.step_time(shape_);
}

void Engine::make_room_for_decodes() {
  const auto phase = static_cast<std::size_t>(step_ % config_.block_size);
  while (crossings_[phase] > cache_.available()) preempt_last();
  cache_.take(crossings_[phase]);

  // Whoever needs a block now has just filled one.
  std::uint32_t slot = growth_[phase].head;
  while (slot != kNone) {
    Sequence& s = sequences_[slot];
    const std::uint32_t next = s.growth.next;
    publish_up_to(s, context_of(s));
    if (s.keys_done == s.key_blocks) {
      unlink<&Sequence::growth>(growth_[phase], slot);
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
  if (wanted > cache_.available()) {
    preempt_last();  // it is the last itself
    return;
  }
  cache_.take(wanted);
  budget -= tokens;
  compute(partial_, tokens);
}

void Engine::admit(Nanos now, std::int64_t& budget) {
  while (budget > 0 && waiting_.size > 0 && running_.size < config_.max_num_seqs) {
    if (!admit_first(now, budget)) return;
  }
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
  if (slot == refused_slot_ && cache_.available() <= refused_available_ &&
      cache_.published() == refused_published_) {
    return false;
  }
  Sequence& s = sequences_[slot];
  const std::int64_t target = s.input + s.emitted;
  std::int64_t idle = 0;
  const std::int64_t found = find_cached(s, target, idle);
  const std::int64_t cached = found * config_.block_size;
  const std::int64_t tokens = std::min(target - cached, budget);
  if (!config_.chunked_prefill && tokens < target - cached) return false;

  const std::int64_t wanted = blocks_of(cached + tokens) - found;
  const std::int64_t needed = config_.admit_whole_prompt ? blocks_of(target) - found : wanted;
  const std::int64_t spared = running_.size > 0 ? watermark_blocks_ : 0;
  if (needed + idle + spared > cache_.available()) {
    // The first chunk alone also hangs on the budget, so there it is worked out again.
    refused_slot_ = config_.admit_whole_prompt ? slot : kNone;
    refused_available_ = cache_.available();
    refused_published_ = cache_.published();
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
  s.keys_done = std::min(found, s.key_blocks);
  s.context = cached;
  if (s.preemptions == 0) {
    s.started = now;
    s.cached = cached;
    if (cache_.caching()) totals_.prefix_queries += target;
    totals_.prefix_hits += cached;
  }
  unlink<&Sequence::queue>(waiting_, slot);
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
  chunks_.push_back({tokens, s.context});
  shape_.prefill_tokens += tokens;
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

void Engine::preempt_last() {
  const std::uint32_t slot = running_.tail;
  Sequence& s = sequences_[slot];
  if (s.phase == Phase::Decoding) stop_silently(slot);
  if (partial_ == slot) partial_ = kNone;
  unlink<&Sequence::queue>(running_, slot);
  let_go(s, true);
  s.phase = Phase::Waiting;
  s.context = 0;
  ++s.preemptions;
  ++totals_.preemptions;
  preempted_ = true;
  link_front<&Sequence::queue>(waiting_, slot);
}

/// Gives back the blocks of a sequence that no longer decodes.
void Engine::let_go(Sequence& s, bool returns) {
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

/// Its prompt is computed and the first token of this stretch is out; step_ is the step to come.
void Engine::start_decoding(std::uint32_t slot) {
  Sequence& s = sequences_[slot];
  s.phase = Phase::Decoding;
  s.since = step_;
  s.ends = step_ + (s.output - s.emitted) - 1;
  ++decodes_;
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

StepResult Engine::finish_step(Nanos /*now*/) {
  if (!in_step_) return {};
  in_step_ = false;
  const std::int64_t step = step_++;
  context_sum_ += decodes_;
  ++totals_.steps;

  for (const std::uint32_t slot : cancelled_) {
    std::erase(ending_, slot);
    leave_step(slot);
  }
  cancelled_.clear();

  for (const std::uint32_t slot : ending_) {
    Sequence& s = sequences_[slot];
    const bool first = s.emitted++ == 0;
    start_decoding(slot);
    if (!first) continue;
    totals_.prompt_tokens += s.input;
    emissions_.back().first = true;
    if (s.output == 1) continue;  // it is about to end and has its milestone there
    fresh_.push_back(slot);
    milestones_.push_back(milestone_of(s, true, false));
  }
  ending_.clear();
  totals_.generation_tokens += decodes_;

  done_.clear();
  for (std::uint32_t slot = wheel_[static_cast<std::size_t>(step) & (kWheel - 1)]; slot != kNone;
       slot = sequences_[slot].wheel.next) {
    // Others in the list end some turns of the wheel later.
    if (sequences_[slot].ends == step) done_.push_back(slot);
  }
  // The order in which they give back their blocks is that of the running, as in vLLM.
  std::ranges::sort(done_, {}, [&](std::uint32_t slot) { return sequences_[slot].admission; });
  for (const std::uint32_t slot : done_) complete(slot);
  return {emissions_, milestones_};
}

Milestone Engine::milestone_of(const Sequence& s, bool first, bool finished) {
  return {.id = s.id,
          .first = first,
          .finished = finished,
          .submitted = s.submitted,
          .started = s.started,
          .cached = Tokens(s.cached),
          .preemptions = s.preemptions};
}

void Engine::complete(std::uint32_t slot) {
  Sequence& s = sequences_[slot];
  emissions_[s.emission].finished = true;
  milestones_.push_back(milestone_of(s, s.output == 1, true));
  stop_decoding(slot);
  unlink<&Sequence::queue>(running_, slot);
  let_go(s, false);
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
  out.kv_use = static_cast<double>(cache_.used()) / static_cast<double>(cache_.total());
  return out;
}

}  // namespace kneepoint::sim
