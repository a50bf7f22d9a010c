#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/units.h"
#include "perfmodel/step_time.h"
#include "sim/block_size.h"
#include "sim/engine.h"

namespace kneepoint::sim {

/// The engine of engine.h in the plain case, at a third of its cost: prompts and answers share a
/// step, each answer gets one token a step, nobody has a priority, nobody's words are another's,
/// and the cache is never so short that a sequence must give up its blocks. It decides as Engine
/// does, so that a run gives the same bytes by either (fleet_test); where it cannot it says so.
///
/// Who asks names the requests: small numbers, which may be given again once they have ended.
class PlainEngine {
 public:
  /// Whether an engine of this config is of the plain case as long as its cache suffices.
  static bool can_be(const EngineConfig& config);

  /// The config passes check() and can_be().
  PlainEngine(const EngineConfig& config, std::unique_ptr<perfmodel::StepTimeModel> model);

  /// False where Engine::submit() refuses.
  bool submit(std::uint32_t id, std::int64_t input, std::int64_t output);

  /// As those of Engine; no step is under way when one is planned.
  Nanos plan_step();
  Nanos glide();
  Nanos leap(Nanos& now);
  struct Step {
    std::int64_t tokens = 0;               // that came out of it
    std::span<const std::uint32_t> first;  // whose first token is among them
    std::span<const std::uint32_t> ended;  // whose last, in the order of admission
  };
  /// The spans are valid until the next call.
  Step finish_step();

  /// Somebody would have to give up blocks: nothing here counts from then on.
  bool overrun() const { return overrun_; }

  std::int64_t running() const { return running_; }
  std::int64_t waiting() const { return static_cast<std::int64_t>(queue_.size() - head_); }
  std::int64_t decoding() const { return shape_.decodes; }
  std::int64_t blocks_used() const { return config_.num_blocks - blank_ - cached_; }
  double kv_use() const {
    return static_cast<double>(blocks_used()) / static_cast<double>(config_.num_blocks);
  }
  EngineState state() const;

 private:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  static constexpr std::size_t kWheel = 4096;  // ticks; a power of two

  struct Sequence {
    std::int64_t ends = 0;  // the tick of its last token
    std::int64_t admission = 0;
    std::int64_t input = 0, output = 0, context = 0;
    std::uint32_t crossing = 0;  // the phase at which it needs a block
    std::uint32_t next = kNone;  // on the wheel
  };

  std::uint32_t& bucket(std::int64_t tick) {
    return wheel_[static_cast<std::size_t>(tick) & (kWheel - 1)];
  }
  std::int64_t available() const { return blank_ + cached_; }
  void take(std::int64_t blocks);
  void continue_prompt(std::int64_t& budget);
  bool admit_first(std::int64_t& budget);
  void compute(std::uint32_t id, std::int64_t tokens);
  void start_decoding(Sequence& sequence, std::uint32_t id);
  void complete(const Sequence& sequence);
  void note_gliding();

  EngineConfig config_;
  BlockSize block_size_;
  std::unique_ptr<perfmodel::StepTimeModel> model_;
  std::int64_t watermark_blocks_ = 0;
  std::int64_t blank_, cached_ = 0;

  std::vector<Sequence> sequences_;   // by id
  std::vector<std::uint32_t> queue_;  // from head_ on: those who wait
  std::size_t head_ = 0;
  std::int64_t running_ = 0, decodes_ = 0, context_sum_ = 0, admissions_ = 0;
  std::uint32_t partial_ = kNone;

  std::int64_t tick_ = 0;
  std::int64_t phase_ = 0;  // it modulo block size
  std::vector<std::int64_t> crossings_;
  std::vector<std::uint32_t> wheel_;

  perfmodel::StepShape shape_;
  std::vector<perfmodel::PrefillChunk> chunks_;
  std::vector<std::uint32_t> ending_, first_, done_;
  bool in_step_ = false, gliding_ = false, overrun_ = false;
  EngineState totals_;
};

inline Nanos PlainEngine::glide() {
  if (!gliding_ || bucket(tick_) != kNone) return Nanos();
  const std::int64_t next = phase_ + 1 == config_.block_size ? 0 : phase_ + 1;
  const std::int64_t wanted = crossings_[static_cast<std::size_t>(next)];
  if (wanted > available()) return Nanos();
  ++tick_;
  phase_ = next;
  context_sum_ += decodes_;
  ++totals_.steps;
  if (wanted > 0) take(wanted);
  shape_.decode_context = context_sum_;
  totals_.generation_tokens += decodes_;
  totals_.scheduled_tokens += decodes_;
  return model_->step_time(shape_);
}

}  // namespace kneepoint::sim
