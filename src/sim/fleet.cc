#include "sim/fleet.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sim/clients.h"
#include "sim/plain_engine.h"
#include "sim/replay.h"

namespace kneepoint::sim {

using metrics::Histogram;
using metrics::Metric;
using metrics::Outcome;
using metrics::Tally;
using metrics::Timeline;
using workload::RequestPlan;
using Keep = FleetOptions::Keep;

namespace {

constexpr std::int64_t kMostReplicas = 4096;
constexpr std::int64_t kMostRefusals = 100'000;
/// The gaps between the tokens that one engine gives, from counts alone: who decodes got its last
/// token when the engine last decoded, or in a step of prompts since.
class Gaps {
 public:
  /// `record(gap, times)`
  template <class Record>
  void stepped(const Engine& engine, const StepResult& result, Nanos now, Record record) {
    std::int64_t begin = 0, ended = 0;  // first tokens, of a request or since its preemption
    for (const Milestone& m : result.milestones) {
      begin += m.first || m.returned;
      ended += m.finished;
      if (m.returned) record(now - m.before, 1);
    }
    const auto all = static_cast<std::int64_t>(result.emissions.size());
    const std::int64_t each = engine.tokens_each();
    if (each > 0) {
      std::int64_t left = all - begin;
      for (const Group& group : groups_) {
        const bool last = &group == &groups_.back();
        const std::int64_t some = last ? left : std::min(left, group.count);
        const Nanos gap = each == 1 ? now - group.at : (now - group.at) / each;
        record(gap, some * each);
        left -= some;
      }
      groups_.clear();
    }
    if (all > ended) groups_.push_back({now, all - ended});
  }

  /// After a step in which all who decode got a token.
  template <class Record>
  void glided(std::int64_t decoding, Nanos now, Record record) {
    if (groups_.size() == 1) {
      record(now - groups_[0].at, decoding);
    } else {
      std::int64_t left = decoding;
      for (const Group& group : groups_) {
        const bool last = &group == &groups_.back();
        const std::int64_t some = last ? left : std::min(left, group.count);
        record(now - group.at, some);
        left -= some;
      }
      groups_.resize(1);
    }
    groups_[0] = {now, decoding};
  }

 private:
  struct Group {
    Nanos at{};
    std::int64_t count = 0;
  };
  std::vector<Group> groups_;
};

/// Whether every replica may be a PlainEngine.
bool is_plain(const workload::RunSpec& spec, const FleetConfig& config,
              const FleetOptions& options) {
  const ReplicaConfig& replica = config.replica;
  const bool alone = replica.ranks == 1 && replica.stages == 1 && !replica.disaggregation;
  const bool glides = config.replicas == 1 || (spec.arrivals && !spec.in_flight);
  return alone && glides && options.keep != Keep::EveryToken && !spec.prefix && !spec.sessions &&
         PlainEngine::can_be(replica.engine);
}

class Fleet final : public StepListener {
 public:
  Fleet(const workload::RunSpec& spec, workload::Generator generator, const FleetConfig& config,
        const StepModels& models, const FleetOptions& options, bool plain)
      : options_(options),
        prompts_repeat_(spec.prefix && spec.prefix->prompts_per_group),
        glides_(options.keep != Keep::EveryToken &&
                (config.replicas == 1 || (spec.arrivals && !spec.in_flight && !spec.sessions))),
        whole_run_(options.window.length() <= Nanos(0)),
        clients_(spec, std::move(generator)),
        router_(make_router(config.router)) {
    const auto count = static_cast<std::size_t>(config.replicas);
    loads_.resize(count);
    out_.replicas.resize(count);
    if (plain) {
      for (std::size_t i = 0; i < count; ++i) {
        lanes_.emplace_back(PlainEngine(config.replica.engine, models({i, 0, Seat::Role::Both})));
      }
    } else {
      replicas_.reserve(count);
      for (std::size_t i = 0; i < count; ++i) replicas_.emplace_back(config.replica, i, models);
      engines_ = replicas_[0].engines();
      gaps_.resize(count * engines_);
    }

    const bool apart = config.replica.disaggregation.has_value();
    const EngineConfig& decodes =
        apart ? config.replica.disaggregation->decode : config.replica.engine;
    using Kind = metrics::StreamingPattern::Kind;
    Tally& tally = out_.tally;
    tally.window = whole_run_ ? metrics::Window{Nanos::min(), Nanos::max()} : options.window;
    tally.bounds = options.bounds;
    tally.pattern = {.kind = decodes.speculation.accepted > 1 ? Kind::Mixed : Kind::One,
                     .tokens_per_event = decodes.speculation.accepted};
  }

  FleetResult play() {
    for (;;) {
      if (options_.misses_the_step) {
        for (Replica& replica : replicas_) replica.begin(now_);
      }
      send();
      const Nanos due = clients_.next_due_or_never(now_);
      Nanos next = Nanos::max();
      for (playing_ = 0; playing_ < replicas_.size(); ++playing_) {
        Replica& replica = replicas_[playing_];
        replica.begin(now_);
        if (glides_ && !options_.gaps && due == Nanos::max()) replica.leap(*this);
        if (glides_) replica.glide(due, *this);
        next = std::min(next, replica.next());
      }
      // What is due while steps run goes out then; what is due as one ends, after it.
      if (due < next) {
        now_ = due;
        continue;
      }
      if (next == Nanos::max()) break;
      now_ = next;
      for (playing_ = 0; playing_ < replicas_.size(); ++playing_) {
        if (replicas_[playing_].next() == now_) replicas_[playing_].play(*this);
      }
    }
    return finish();
  }

  /// The same where is_plain(): without replicas between. Nothing where one has overrun its cache.
  std::optional<FleetResult> play_plain() {
    for (;;) {
      if (options_.misses_the_step) {
        for (Lane& lane : lanes_) begin(lane);
      }
      send();
      const Nanos due = clients_.next_due_or_never(now_);
      Nanos next = Nanos::max();
      for (Lane& lane : lanes_) {
        begin(lane);
        if (lane.engine.overrun()) return std::nullopt;
        if (!lane.steps) continue;
        if (!options_.gaps && due == Nanos::max()) leap(lane);
        glide(lane, due);
        next = std::min(next, lane.ends);
      }
      if (due < next) {
        now_ = due;
        continue;
      }
      if (next == Nanos::max()) break;
      now_ = next;
      for (Lane& lane : lanes_) {
        if (lane.steps && lane.ends == now_) end_step(lane);
      }
    }
    return finish();
  }

  void stepped(std::size_t engine, const Engine& of, const StepResult& result, bool goes_on,
               Nanos now) override {
    if (options_.keep == Keep::EveryToken) {
      add_events(result, goes_on, now);
    } else {
      const auto record = [&](Nanos gap, std::int64_t times) { add_gaps(now, gap, times); };
      gaps_[playing_ * engines_ + engine].stepped(of, result, now, record);
      if (goes_on) {
        // Before the second token, which is not from the engine of the first.
        for (const Milestone& m : result.milestones) {
          if (m.first) record(now - requests_[m.id].first, 1);
        }
      }
    }
    for (const Milestone& m : result.milestones) {
      if (m.first && !goes_on) requests_[m.id].first = now;
      if (m.finished) complete(m.id, now);
    }
  }

  void glided(std::size_t engine, const Engine& of, Nanos now) override {
    gaps_[playing_ * engines_ + engine].glided(
        of.decoding(), now, [&](Nanos gap, std::int64_t times) { add_gaps(now, gap, times); });
  }

 private:
  /// A replica of one plain engine.
  struct Lane {
    explicit Lane(PlainEngine of) : engine(std::move(of)) {}
    PlainEngine engine;
    bool steps = false;
    Nanos ends{};     // of the step under way
    Nanos decoded{};  // the end of the last one
    Replica::Use use;
    std::int64_t requests() const { return engine.running() + engine.waiting(); }
  };

  static void use(Lane& lane, Nanos lasts) {
    const auto nanos = static_cast<double>(lasts.count());
    lane.use.busy += nanos;
    lane.use.running += nanos * static_cast<double>(lane.engine.running());
    lane.use.waiting += nanos * static_cast<double>(lane.engine.waiting());
    lane.use.blocks += nanos * static_cast<double>(lane.engine.blocks_used());
  }

  void begin(Lane& lane) {
    if (lane.steps) return;
    const Nanos takes = lane.engine.plan_step();
    if (takes == Nanos(0)) return;
    lane.steps = true;
    lane.ends = now_ + takes;
    use(lane, takes);
  }

  void glide(Lane& lane, Nanos until) {
    while (lane.ends < until) {
      const Nanos takes = lane.engine.glide();
      if (takes == Nanos(0)) return;
      add_gaps(lane.ends, lane.ends - lane.decoded, lane.engine.decoding());
      lane.decoded = lane.ends;
      lane.ends += takes;
      use(lane, takes);
    }
  }

  void leap(Lane& lane) {
    Nanos ended = lane.ends;
    const Nanos takes = lane.engine.leap(ended);
    if (takes == Nanos(0)) return;
    add_gaps(ended, ended - lane.decoded, lane.engine.decoding());
    lane.decoded = ended;
    const Nanos lasts = ended + takes - lane.ends;
    lane.ends = ended + takes;
    use(lane, lasts);
  }

  void end_step(Lane& lane) {
    lane.steps = false;
    const PlainEngine::Step step = lane.engine.finish_step();
    add_gaps(now_, now_ - lane.decoded, step.tokens - static_cast<std::int64_t>(step.first.size()));
    lane.decoded = now_;
    for (const std::uint32_t id : step.first) requests_[id].first = now_;
    for (const std::uint32_t id : step.ended) complete(id, now_);
  }

  struct Request {
    Nanos due{}, sent{}, first{};
    Tokens input{}, output{};
    std::uint32_t session = 0;
    std::size_t number = 0;  // in the order sent; of its timeline
  };

  void add_gaps(Nanos now, Nanos gap, std::int64_t times) {
    if (times <= 0) return;
    if (options_.observer != nullptr) {
      options_.observer->gaps(now, gap, static_cast<std::uint64_t>(times));
    } else if (out_.tally.window.holds(now)) {
      latency(Metric::Itl).record(gap, static_cast<std::uint64_t>(times));
    }
  }

  Histogram& latency(Metric metric) { return out_.tally.latency[static_cast<std::size_t>(metric)]; }

  void add_events(const StepResult& result, bool goes_on, Nanos now) {
    for (const Emission& emission : result.emissions) {
      const Request& request = requests_[emission.id];
      Timeline& timeline = out_.timelines[request.number];
      if (emission.first && !goes_on) {
        timeline.events.reserve(static_cast<std::size_t>(request.output.count()));
      }
      timeline.events.emplace_back(now - timeline.due, emission.tokens);
    }
  }

  void send() {
    while (clients_.may_have(now_)) {
      const auto request = clients_.next(now_);
      if (!request) return;
      std::size_t to = 0;
      if (loads_.size() > 1) {
        for (std::size_t i = 0; i < replicas_.size(); ++i) {
          loads_[i] = {replicas_[i].outstanding(), replicas_[i].kv_use()};
        }
        for (std::size_t i = 0; i < lanes_.size(); ++i) {
          loads_[i] = {lanes_[i].requests(), lanes_[i].engine.kv_use()};
        }
        to = router_->choose(request->plan, loads_);
      }
      send(*request, to);
    }
  }

  void send(const Clients::Request& request, std::size_t to) {
    const RequestPlan& plan = request.plan;
    if (unused_.empty()) {
      unused_.push_back(requests_.size());
      requests_.emplace_back();
    }
    const std::size_t id = unused_.back();
    Request& r = requests_[id];
    r = {.due = request.due,
         .sent = std::max(request.due, now_),
         .input = plan.prompt_tokens(),
         .output = plan.output,
         .session = request.session,
         .number = static_cast<std::size_t>(out_.requests)};
    note_in_flight();
    out_.most_in_flight = std::max(out_.most_in_flight, clients_.out());
    if (++out_.requests == 1) first_due_ = r.due;
    if (options_.keep != Keep::Counts) {
      Timeline& timeline = out_.timelines.emplace_back();
      timeline.due = r.due;
      timeline.sent = r.sent;
    }
    const bool taken = lanes_.empty() ? replicas_[to]
                                            .submit({.id = id,
                                                     .input = r.input,
                                                     .output = r.output,
                                                     .content = content_of(plan, prompts_repeat_)},
                                                    now_)
                                            .has_value()
                                      : lanes_[to].engine.submit(static_cast<std::uint32_t>(id),
                                                                 r.input.count(), r.output.count());
    if (!taken) return refuse(r);
    refused_in_a_row_ = 0;
    unused_.pop_back();
    ++out_.replicas[to].requests;
    if (options_.keep != Keep::Counts) {
      out_.timelines.back().usage = metrics::Usage{r.input, r.output, {}};
    }
  }

  void refuse(const Request& r) {
    ++out_.refused;
    ended(r, Outcome::Rejected, now_);
    // A refusal takes no time, so a closed loop of them would never end.
    if (++refused_in_a_row_ == kMostRefusals) clients_.stop();
  }

  void complete(std::uint64_t id, Nanos now) {
    const Request& r = requests_[id];
    ++out_.completed;
    if (options_.keep == Keep::Timelines) {
      Timeline& timeline = out_.timelines[r.number];
      timeline.events.emplace_back(r.first - r.due, 1);
      if (r.output > Tokens(1)) {
        timeline.events.emplace_back(now - r.due, r.output.count() - 1);
      }
    }
    ended(r, Outcome::Completed, now);
    unused_.push_back(id);
  }

  void ended(const Request& r, Outcome outcome, Nanos at) {
    last_end_ = std::max(last_end_, at);
    count(r, outcome, at);
    if (options_.keep != Keep::Counts) {
      Timeline& timeline = out_.timelines[r.number];
      if (outcome == Outcome::Completed) timeline.first_byte = r.first;
      timeline.outcome = outcome;
      timeline.end = at;
    }
    clients_.ended(r.session, at);
    note_in_flight();
  }

  void count(const Request& r, Outcome outcome, Nanos at) {
    if (options_.keep == Keep::EveryToken) return;  // counted from the timelines
    const RequestRecord record{.due = r.due,
                               .sent = r.sent,
                               .first = r.first,
                               .end = at,
                               .input = static_cast<std::uint32_t>(r.input.count()),
                               .output = static_cast<std::uint32_t>(r.output.count()),
                               .outcome = outcome};
    if (options_.observer != nullptr) return options_.observer->ended(r.number, record);
    Tally& tally = out_.tally;
    if (outcome == Outcome::Completed && tally.window.holds(at)) add_completed(record, tally);
    if (tally.window.holds(r.due)) add_due(record, tally);
  }

  /// Before or after a change, at the time of it.
  void note_in_flight() {
    in_flight_ +=
        static_cast<double>(in_flight_now_) * static_cast<double>((now_ - noted_).count());
    in_flight_now_ = clients_.out();
    noted_ = now_;
  }

  FleetResult finish() {
    out_.took = last_end_;
    const double took = std::max(1.0, static_cast<double>(last_end_.count()));
    out_.in_flight_mean = in_flight_ / took;
    if (whole_run_) {
      out_.tally.window = {first_due_, out_.requests > 0 ? last_end_ + Nanos(1) : first_due_};
    }
    if (options_.keep == Keep::EveryToken) {
      out_.tally = metrics::tally(out_.timelines, out_.tally.window, options_.bounds);
    }
    for (std::size_t i = 0; i < out_.replicas.size(); ++i) {
      ReplicaResult& result = out_.replicas[i];
      if (lanes_.empty()) {
        for (std::size_t j = 0; j < engines_; ++j) {
          add(result.engines, replicas_[i].engine(j).state());
        }
      } else {
        add(result.engines, lanes_[i].engine.state());
      }
      const Replica::Use& use = lanes_.empty() ? replicas_[i].use() : lanes_[i].use;
      const std::size_t units = lanes_.empty() ? replicas_[i].units() : 1;
      const auto blocks = static_cast<double>(
          result.engines.blocks_used + result.engines.blocks_cached + result.engines.blocks_blank);
      result.engines.kv_use = use.blocks / took / blocks;
      result.running = use.running / took;
      result.waiting = use.waiting / took;
      result.busy = use.busy / took / static_cast<double>(units);
      out_.steps += result.engines.steps;
    }
    return std::move(out_);
  }

  static void add(EngineState& sum, const EngineState& of) {
    sum.waiting += of.waiting;
    sum.running += of.running;
    sum.blocks_used += of.blocks_used;
    sum.blocks_cached += of.blocks_cached;
    sum.blocks_blank += of.blocks_blank;
    sum.submitted += of.submitted;
    sum.refused += of.refused;
    sum.completed += of.completed;
    sum.cancelled += of.cancelled;
    sum.preemptions += of.preemptions;
    sum.prefix_queries += of.prefix_queries;
    sum.prefix_hits += of.prefix_hits;
    sum.prompt_tokens += of.prompt_tokens;
    sum.generation_tokens += of.generation_tokens;
    sum.steps += of.steps;
    sum.scheduled_tokens += of.scheduled_tokens;
  }

  FleetOptions options_;
  bool prompts_repeat_;
  bool glides_;  // steps are played ahead of the others' events, which cannot reach their replica
  bool whole_run_;
  Clients clients_;
  std::unique_ptr<Router> router_;
  std::vector<Replica> replicas_;  // or
  std::vector<Lane> lanes_;
  std::vector<ReplicaLoad> loads_;
  std::size_t engines_ = 1;  // of each replica
  std::vector<Gaps> gaps_;   // of each engine
  std::size_t playing_ = 0;  // the replica

  Nanos now_{};
  std::vector<Request> requests_;    // those out; ids of the ended are used again
  std::vector<std::size_t> unused_;  // ids
  std::int64_t refused_in_a_row_ = 0;
  Nanos first_due_{}, last_end_{};
  double in_flight_ = 0;  // over time
  std::int64_t in_flight_now_ = 0;
  Nanos noted_{};
  FleetResult out_;
};

}  // namespace

Result<void> check(const FleetConfig& config) {
  if (config.replicas < 1 || config.replicas > kMostReplicas) {
    return fail(ErrorCode::InvalidArgument, fmt::format("replicas: must be from 1 to {}, not {}",
                                                        kMostReplicas, config.replicas));
  }
  if (auto ok = check(config.replica); !ok) return fail(std::move(ok.error()).during("replica"));
  return {};
}

Result<FleetResult> simulate_fleet(const workload::RunSpec& spec, const FleetConfig& config,
                                   const StepModels& models, const FleetOptions& options) {
  if (auto ok = check(config); !ok) return fail(std::move(ok.error()).during("fleet"));
  const bool bounds_gaps = std::ranges::any_of(
      options.bounds, [](const metrics::Bound& b) { return b.metric == Metric::Itl; });
  if (bounds_gaps && options.keep != Keep::EveryToken) {
    return fail(ErrorCode::InvalidArgument,
                "a bound on ITL is one on the longest gap of each request: keep every token");
  }
  const auto fleet = [&](bool plain) -> Result<Fleet> {
    auto generator = workload::Generator::open(spec);
    if (!generator) return fail(std::move(generator.error()).during("workload"));
    return Result<Fleet>(tl::in_place, spec, std::move(*generator), config, models, options, plain);
  };
  if (is_plain(spec, config, options)) {
    auto one = fleet(true);
    if (!one) return fail(std::move(one).error());
    if (auto played = one->play_plain()) return std::move(*played);
    if (options.observer != nullptr) options.observer->starts_again();
  }
  auto one = fleet(false);
  if (!one) return fail(std::move(one).error());
  return one->play();
}

}  // namespace kneepoint::sim
