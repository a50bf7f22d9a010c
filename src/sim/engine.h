#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "perfmodel/step_time.h"
#include "sim/block_size.h"
#include "sim/kv_cache.h"
#include "sim/scheduling.h"

/// A model server as a machine of steps, in anybody's time: the emulator drives it by the real
/// clock, the simulator by a virtual one. What is modelled and what not: docs/engine.md.
namespace kneepoint::sim {

/// The limits of one engine, by the names that vLLM's flags have. Defaults are an 8B model on an
/// 80 GB accelerator.
struct EngineConfig {
  std::int64_t max_num_seqs = 256;             // sequences running at once
  std::int64_t max_num_batched_tokens = 8192;  // token budget of a step, >= max_num_seqs
  bool chunked_prefill = true;  // a prompt may be spread over steps; else the budget holds any
  std::int64_t max_model_len = 32768;  // prompt and answer together
  std::int64_t block_size = 16;        // tokens
  std::int64_t num_blocks = 26'000;    // that requests can use: vLLM's own count less one
  bool prefix_caching = true;
  /// A prompt is let in only when the cache has room for all of it, not just for its first chunk.
  bool admit_whole_prompt = true;
  double watermark = 0;  // share of the blocks that letting in leaves alone while others run
  Scheduling scheduling{};
  Speculation speculation{};

  friend bool operator==(const EngineConfig&, const EngineConfig&) = default;
};
/// The error names the member.
Result<void> check(const EngineConfig& config);

/// What a request says, as far as others say the same. Two forms: hashes, or a description.
struct Content {
  /// One for each full block from the start of the prompt, each hash covering all before it. They
  /// may go on into the answer, if the caller knows what it will be. Blocks past the last hash are
  /// the request's own. Copied by submit().
  std::span<const std::uint64_t> block_hashes{};

  /// Without hashes: the first `prefix` tokens are those of the group, and what follows is the text
  /// (text numbers name what follows a prefix: one number, one prefix). The first `shared` tokens,
  /// of prompt and answer together, may be asked for again by some other request.
  std::int64_t prefix_group = -1;
  std::int64_t text = -1;
  Tokens prefix{};
  Tokens shared{};
};

struct EngineRequest {
  std::uint64_t id = 0;  // the caller's name for it; the engine only hands it back
  Tokens input{};        // of the prompt, at least 1
  Tokens output{};       // of the answer, at least 1, exactly so many are made
  Content content{};
  /// Leading tokens of the prompt that another engine has computed and sent: fewer than all. They
  /// take their blocks; after a preemption they are computed here. If all but one are there, that
  /// one counts as a decoding sequence.
  Tokens received{};
  std::int64_t priority = 0;  // lower goes first and is preempted last; alike: first come
};

/// A request that was accepted, for cancel(). Never used twice.
struct Ticket {
  std::uint32_t slot = 0;
  std::uint32_t turn = 0;
  friend bool operator==(const Ticket&, const Ticket&) = default;
};

/// Output of one request in one step.
struct Emission {
  std::uint64_t id = 0;
  std::uint32_t tokens = 1;
  bool first = false;     // the first of its answer
  bool finished = false;  // the last
};

/// The emissions that are more than one token among many, with what the engine knows of the
/// request.
struct Milestone {
  std::uint64_t id = 0;
  bool first = false;
  bool finished = false;
  bool returned = false;         // the first since it was preempted; may have another for its end
  Nanos before{};                // returned: when it got the token before
  Nanos submitted{}, started{};  // given to submit(); the begin of the first step it ran in
  Tokens cached{};               // of its prompt, found in the cache when it started
  std::int64_t preemptions = 0;  // so far
};

struct StepResult {
  std::span<const Emission> emissions;    // one for each request that got a token
  std::span<const Milestone> milestones;  // the first and last ones of them
};

struct EngineState {
  // Now.
  std::int64_t waiting = 0;  // preempted ones included
  std::int64_t running = 0;
  std::int64_t blocks_used = 0, blocks_cached = 0, blocks_blank = 0;  // add up to num_blocks
  double kv_use = 0;  // used / all, as servers report it: what is merely cached is free
  // Since the start.
  std::int64_t submitted = 0;  // = refused + completed + cancelled + waiting + running
  std::int64_t refused = 0, completed = 0, cancelled = 0;
  std::int64_t preemptions = 0;
  std::int64_t prefix_queries = 0, prefix_hits = 0;  // tokens, of requests that start anew
  std::int64_t prompt_tokens = 0;                    // of prompts done, cached ones included
  std::int64_t generation_tokens = 0;
  std::int64_t steps = 0;
  std::int64_t scheduled_tokens = 0;       // computed in all steps, recomputed ones again
  std::int64_t last_scheduled_tokens = 0;  // in the last or current step
};

/// Continuous batching as vLLM's V1 scheduler does it: first come, first served; a step gives each
/// decoding sequence one token, then spends what is left of the token budget on prompts; a sequence
/// takes a block of the cache when it crosses into it; when none is left the last of the running
/// gives up all of its own, goes to the front of the queue and is computed again. Scheduling says
/// in what other servers differ.
///
/// Nothing here looks at a clock or draws a number: the same calls give the same answers. One
/// thread. A step costs about the same with one sequence decoding or a thousand: sequences that
/// decode move in step, so their context, the blocks they need and when they end are kept as sums
/// and lists by the step in which something happens. After a warm-up no step allocates.
class Engine {
 public:
  /// The model outlives the engine. The config passes check(), else this throws
  /// std::invalid_argument.
  Engine(const EngineConfig& config, perfmodel::StepTimeModel& model);

  const EngineConfig& config() const { return config_; }

  /// `now` is kept for Milestone::submitted and may not run backwards. Refused, with the limit that
  /// stands against it, if the request could never run. During a step it waits for the next.
  Result<Ticket> submit(const EngineRequest& request, Nanos now);

  /// False if it ended before. A request in the step under way leaves at the end of it, without
  /// output; nothing is emitted for it any more.
  bool cancel(Ticket ticket);

  /// Plans a step and says how long it takes; nothing when there is nothing to do. Then
  /// finish_step() comes before the next.
  std::optional<Nanos> begin_step(Nanos now) {
    const Nanos takes = plan_step(now);
    return takes > Nanos(0) ? std::optional(takes) : std::nullopt;
  }
  /// The same, zero for nothing: for a loop of millions of steps, where an optional costs a stall.
  Nanos plan_step(Nanos now);
  /// What the step under way computes; valid until finish_step().
  const perfmodel::StepShape& shape() const { return shape_; }
  /// Ends the step. The spans are valid until the next call of begin_step() or cancel().
  StepResult finish_step(Nanos now);
  /// finish_step() and plan_step() in one, at a fraction of their cost, where all that comes of it
  /// is a token for each of decoding(): nobody ends, waits for a place or is out of blocks. How
  /// long the next step takes; zero, and nothing has changed, where it is not so.
  Nanos glide(Nanos now);
  /// Many such at once, up to where one is no such; `now` becomes the end of the last step that is
  /// over. Zero, and nothing has changed, where it is not worth it.
  Nanos leap(Nanos& now);

  bool in_step() const { return in_step_; }
  bool idle() const { return running_.size == 0 && waiting_.size == 0; }
  EngineState state() const;
  // Of the state, those that are asked for in every step.
  std::int64_t waiting() const { return waiting_.size; }
  std::int64_t running() const { return running_.size; }
  std::int64_t decoding() const { return decodes_; }
  std::int64_t blocks_used() const { return cache_.used(); }
  double kv_use() const {
    return static_cast<double>(cache_.used()) / static_cast<double>(cache_.total());
  }
  /// In the step under way or the last one: the tokens each decoding sequence gets; 0 if the step
  /// has only prompts.
  std::int64_t tokens_each() const { return ticks_; }

 private:
  static constexpr std::uint32_t kNone = KvCache::kNone;
  static constexpr std::size_t kWheel = 4096;  // steps; a power of two

  enum class Phase : std::uint8_t { Unused, Waiting, Prefilling, Decoding };
  struct Links {
    std::uint32_t previous = kNone, next = kNone;
  };
  struct List {
    std::uint32_t head = kNone, tail = kNone;
    std::int64_t size = 0;
  };

  struct Sequence {
    std::uint64_t id = 0;
    std::int64_t input = 0, output = 0;
    std::int64_t emitted = 0;  // while decoding: when it began to
    std::int64_t context = 0;  // tokens in the cache; while decoding: when it began to
    std::int64_t since = 0;    // the tick at which it began to decode
    std::int64_t ends = 0;     // the tick of its last token
    std::int64_t received = 0;
    std::int64_t priority = 0;
    std::int64_t number = 0;  // in the order of submit()
    Nanos submitted{}, started{};
    std::int64_t preemptions = 0, cached = 0;
    Nanos began{};               // to decode
    Nanos before{};              // preempted: its last token until then
    std::int64_t admission = 0;  // rises along the running

    // Its leading blocks that have keys: named by hashes, or made from two numbers.
    std::vector<std::uint64_t> hashes;
    std::uint64_t prefix_key = 0, text_key = 0;
    std::int64_t prefix_blocks = 0, key_blocks = 0;
    std::int64_t keys_done = 0;          // of key_blocks: found or published
    std::vector<KvCache::Block> blocks;  // held, with keys
    KvCache::Run run = KvCache::kNone;   // preempted: what it left without keys
    std::int64_t run_skips = 0;          // blocks at the start of the run whose keys others had

    Links queue, wheel, growth;
    std::uint32_t emission = kNone;
    std::uint32_t turn = 0;
    Phase phase = Phase::Unused;
    bool cancelled = false;
    bool growing = false;  // in a growth list
  };

  template <Links Sequence::* links>
  void link_back(List& list, std::uint32_t slot);
  template <Links Sequence::* links>
  void link_front(List& list, std::uint32_t slot);
  template <Links Sequence::* links>
  void link_after(List& list, std::uint32_t before, std::uint32_t slot);
  template <Links Sequence::* links>
  void unlink(List& list, std::uint32_t slot);

  void enqueue(std::uint32_t slot, bool front);
  void dequeue(std::uint32_t slot);
  std::uint32_t victim() const;
  std::int64_t most_context(const Sequence& s) const;
  bool reserves_all() const { return config_.scheduling.reserve_output == 1; }
  std::int64_t reserved(const Sequence& s, std::int64_t target) const;
  bool holds_prompts();

  std::int64_t blocks_of(std::int64_t tokens) const { return block_size_.holding(tokens); }
  std::size_t crossing(std::int64_t context) const;
  std::int64_t context_of(const Sequence& s) const;
  std::int64_t emitted_of(const Sequence& s) const;
  std::uint64_t key_of(const Sequence& s, std::int64_t block) const;

  void settle();
  std::uint32_t new_slot();
  void free_slot(std::uint32_t slot);
  void name_content(Sequence& s, const EngineRequest& request) const;

  void plan_decodes();
  void make_room_for_decodes();
  std::int64_t blocks_for_ticks() const;
  void publish_filled(List& filled, std::int64_t ahead);
  void continue_prompt(std::int64_t& budget);
  void admit(Nanos now, std::int64_t& budget);
  bool admit_first(Nanos now, std::int64_t& budget);
  std::int64_t find_cached(Sequence& s, std::int64_t target, std::int64_t& idle);
  void compute(std::uint32_t slot, std::int64_t tokens);
  void publish_up_to(Sequence& s, std::int64_t context);
  void preempt_last();
  void let_go(std::uint32_t slot, bool returns);
  void start_decoding(std::uint32_t slot);
  void stop_decoding(std::uint32_t slot);
  void stop_silently(std::uint32_t slot);
  void leave_step(std::uint32_t slot);
  void complete(std::uint32_t slot);
  bool may_glide() const;
  static Milestone milestone_of(const Sequence& s, bool first, bool finished);

  EngineConfig config_;
  BlockSize block_size_;
  perfmodel::StepTimeModel& model_;
  KvCache cache_;
  std::int64_t watermark_blocks_ = 0;

  std::vector<Sequence> sequences_;
  std::uint32_t unused_ = kNone;
  List waiting_, running_;         // running: in order of admission
  std::uint32_t partial_ = kNone;  // the one prompt that is computed in part, last of the running
  bool preempted_ = false;         // in this step

  // The sequences that decode. They all get the same number of tokens in a step, one without
  // speculation, so one counter of tokens, the tick, stands for all of their progress.
  std::int64_t tick_ = 0;
  std::int64_t phase_ = 0;  // of the tick: it modulo block size
  std::int64_t ticks_ = 0;  // of the step under way; 0: it has only prompts
  double tick_rest_ = 0;    // what accepted tokens leave below a whole one
  std::int64_t decodes_ = 0, context_sum_ = 0, ends_sum_ = 0;
  std::vector<std::int64_t> crossings_;      // by tick modulo block size: how many need a block
  std::vector<List> growth_;                 // the same: those of them whose full blocks have keys
  std::array<std::uint32_t, kWheel> wheel_;  // by tick of the last token: lists
  std::vector<Emission> emissions_;  // the decoding ones, then those that ended in the last step
  std::vector<std::uint32_t> emitting_;  // the slot of each
  std::vector<std::uint32_t> fresh_;     // whose emission is marked first
  std::vector<Milestone> milestones_;

  // The step under way.
  bool in_step_ = false;
  bool gliding_ = false;  // it has only decoding sequences, and nobody can join them
  Nanos decoded_{};       // the end of the last step in which they got a token
  perfmodel::StepShape shape_;
  std::vector<perfmodel::PrefillChunk> chunks_;
  std::vector<std::uint32_t> ending_;     // prompts that end in it
  std::vector<std::uint32_t> cancelled_;  // that leave at its end
  std::vector<std::uint32_t> done_;       // that have all their tokens
  std::int64_t admissions_ = 0;

  // Why the first of the queue was not let in: nothing changes until one of these does.
  std::uint32_t refused_slot_ = kNone;
  std::int64_t refused_available_ = 0, refused_needed_ = 0;
  std::uint64_t refused_published_ = 0;

  // Only what the scheduling asks for.
  std::int64_t promised_ = 0;        // blocks that the running will still take, if all is reserved
  std::int64_t waiting_tokens_ = 0;  // of prompts
  std::int64_t received_ = 0;        // prompts in this step that count as decoding
  std::int64_t prompts_output_ = 0;  // tokens to come of those whose prompt is in this step
  std::int64_t held_steps_ = 0;
  bool priorities_ = false;  // someone has one

  EngineState totals_;
};

}  // namespace kneepoint::sim
