#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <vector>

#include "base/result.h"
#include "perfmodel/step_time.h"
#include "sim/engine.h"

namespace kneepoint::sim {

/// Prompts computed on some engines, answers on others. What the first ones put into their cache is
/// sent over before the answer's second token; the cache it stood in is free at once.
struct Disaggregation {
  EngineConfig decode;  // ReplicaConfig::engine is that of the prompts
  std::int64_t prefill_engines = 1, decode_engines = 1;
  Nanos transfer_base{};             // of each prompt
  double transfer_ns_per_token = 0;  // of its tokens

  friend bool operator==(const Disaggregation&, const Disaggregation&) = default;
};

/// One deployment of a model server.
struct ReplicaConfig {
  EngineConfig engine;  // of each rank
  /// Data-parallel ranks: each an engine with a cache and a queue of its own; a request goes to the
  /// one with the fewest. `together`: they step as one, at the pace of the slowest, as ranks must
  /// that share experts.
  std::int64_t ranks = 1;
  bool ranks_together = false;
  /// Pipeline stages: as many batches as stages are on their way, each with its share of sequences
  /// and cache; a step's time is spread evenly over the stages, and a stage serves one batch at a
  /// time.
  std::int64_t stages = 1;
  std::optional<Disaggregation> disaggregation{};  // not with ranks or stages

  friend bool operator==(const ReplicaConfig&, const ReplicaConfig&) = default;
};
/// The error names the member.
Result<void> check(const ReplicaConfig& config);

/// Which engine a step-time model is for.
struct Seat {
  enum class Role { Both, Prefill, Decode };
  std::size_t replica = 0, engine = 0;
  Role role = Role::Both;
};
/// Makes one for each engine; called in order, at the start.
using StepModels = std::function<std::unique_ptr<perfmodel::StepTimeModel>(const Seat&)>;

/// Hears what the engines of a replica put out.
class StepListener {
 public:
  virtual ~StepListener() = default;
  /// `engine`: numbered over the replica. What an engine calls the first token of an answer that it
  /// goes on with is its second; `goes_on` says so.
  virtual void stepped(std::size_t engine, const Engine& of, const StepResult& result, bool goes_on,
                       Nanos now) = 0;
  /// A step ended in which each decoding sequence got a token, and nothing else happened.
  virtual void glided(std::size_t engine, const Engine& of, Nanos now) = 0;
};

/// A replica in virtual time. Whoever drives it asks when something happens next, plays that, and
/// lets new steps begin once all that is due at that time has been submitted.
class Replica {
 public:
  /// The config passes check(). `number` is for the seats.
  Replica(const ReplicaConfig& config, std::size_t number, const StepModels& models);

  /// Waits for the next step. Refused as the engine says. Ids are small numbers: something is kept
  /// for each up to the greatest.
  Result<void> submit(const EngineRequest& request, Nanos now);

  /// When a step ends or a transfer is over; Nanos::max() if neither is under way.
  Nanos next() const { return next_; }
  /// Plays what happens at next().
  void play(StepListener& listener);
  /// Engines that rest and have work begin a step.
  void begin(Nanos now) {
    if (stepping_ < units_.size()) begin_rested(now);
  }
  /// Plays steps that end before `until` and in which nobody starts or ends, at once: for whoever
  /// knows that nothing is submitted before then. Not where engines step together or prompts and
  /// answers are apart.
  void glide(Nanos until, StepListener& listener) {
    const bool alone = prefill_engines_ == 0 && units_.size() == engines_.size();
    if (next_ < until && alone) glide_on(until, listener);
  }
  /// The same for one engine, up to where somebody ends, many steps at once: the listener is told
  /// of the last of them, and use() takes the cache for as full all the while as it is then.
  void leap(StepListener& listener);

  std::int64_t outstanding() const { return outstanding_; }  // submitted, not ended
  double kv_use() const;                                     // mean of the engines
  std::size_t engines() const { return engines_.size(); }
  std::size_t units() const { return units_.size(); }  // engines or groups that step on their own
  const Engine& engine(std::size_t index) const { return *engines_[index]; }

  /// Sums over the time in which engines step: sequences, blocks of the cache that are used, and
  /// the time itself, each times nanoseconds.
  struct Use {
    double running = 0, waiting = 0, blocks = 0, busy = 0;
  };
  const Use& use() const { return use_; }

 private:
  /// Engines that step together.
  struct Unit {
    std::size_t first = 0, count = 1;
    std::size_t pipeline = 0;
    bool stepping = false;
    Nanos ends{};
  };
  struct Transfer {
    Nanos arrives{};
    std::uint64_t number = 0;  // first come, first served
    EngineRequest request{};
    bool operator>(const Transfer& other) const {
      return arrives != other.arrives ? arrives > other.arrives : number > other.number;
    }
  };
  struct Asked {
    Tokens input{}, output{};
    Content content{};
    std::int64_t priority = 0;
  };

  std::size_t fewest(std::size_t from, std::size_t to) const;
  void begin_rested(Nanos now);
  void begin(Unit& unit, Nanos now);
  void glide_on(Nanos until, StepListener& listener);
  void use(const Engine& engine, Nanos lasts);
  void finish(Unit& unit, StepListener& listener);
  Nanos through_stages(Unit& unit, Nanos takes, Nanos now);
  void hand_over(std::uint64_t id, Nanos now);
  void look_ahead();

  std::int64_t stages_ = 1;
  Disaggregation apart_;             // where there are prefill engines
  std::size_t prefill_engines_ = 0;  // 0: not disaggregated
  std::vector<std::unique_ptr<perfmodel::StepTimeModel>> models_;
  std::vector<std::unique_ptr<Engine>> engines_;
  std::vector<std::int64_t> load_;  // of each engine: what it has and has not ended
  std::vector<Unit> units_;
  std::size_t stepping_ = 0;                    // units
  std::vector<std::vector<Nanos>> stage_free_;  // of each pipeline
  std::vector<Asked> asked_;
  std::priority_queue<Transfer, std::vector<Transfer>, std::greater<>> transfers_;
  std::uint64_t transferred_ = 0;
  std::int64_t outstanding_ = 0;
  Nanos next_ = Nanos::max();
  Use use_;
};

}  // namespace kneepoint::sim
