#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "base/random.h"
#include "sim/engine.h"
#include "sim/engine_lists.h"

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
      block_size_(std::max<std::int64_t>(config.block_size, 1)),
      model_(model),
      cache_(std::max<std::int64_t>(config.num_blocks, 1), config.prefix_caching) {
  if (auto ok = check(config); !ok) throw std::invalid_argument(ok.error().message);
  watermark_blocks_ =
      static_cast<std::int64_t>(config.watermark * static_cast<double>(config.num_blocks));
  crossings_.assign(static_cast<std::size_t>(config.block_size), 0);
  growth_.assign(static_cast<std::size_t>(config.block_size), List{});
  wheel_.fill(kNone);
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

std::uint64_t Engine::key_of(const Sequence& s, std::int64_t block) const {
  const auto at = static_cast<std::size_t>(block);
  if (!s.hashes.empty()) return s.hashes[at];
  return mixed(block < s.prefix_blocks ? s.prefix_key : s.text_key, at);
}

void Engine::name_content(Sequence& s, const EngineRequest& request) const {
  s.hashes.clear();
  s.prefix_blocks = s.key_blocks = s.keys_done = s.run_skips = 0;
  if (!config_.prefix_caching) return;
  // The answer's last token never gets into the cache.
  const std::int64_t full = block_size_.full(s.input + s.output - 1);
  const Content& content = request.content;
  if (!content.block_hashes.empty()) {
    s.key_blocks = std::min(full, static_cast<std::int64_t>(content.block_hashes.size()));
    s.hashes.assign(content.block_hashes.begin(), content.block_hashes.begin() + s.key_blocks);
    return;
  }
  s.prefix_blocks = std::min(full, block_size_.full(content.prefix.count()));
  s.key_blocks = std::min(full, block_size_.full(content.shared.count()));
  if (s.key_blocks == 0) return;  // the usual case, and nobody asks for a key then
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

}  // namespace kneepoint::sim
