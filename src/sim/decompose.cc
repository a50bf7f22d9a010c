#include "sim/decompose.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <utility>
#include <vector>

#include "sim/decompose_shared.h"

namespace kneepoint::sim {

using namespace decomposing;

namespace {

constexpr std::uint64_t kWarmer = ~std::uint64_t{0};

/// One run. The engine's ids are numbers of places, given again when a request has ended, so that
/// what is kept of those in flight stays small.
class Run {
 public:
  Run(const StepParts& parts, const perfmodel::PartCoefficients& coefficients,
      const EngineConfig& config, const Load& load, const workload::LengthDistribution& input,
      const workload::LengthDistribution& output)
      : load_(load),
        model_(parts, coefficients),
        engine_(config, model_),
        input_(input),
        output_(output),
        input_stream_(load.seed, "input"),
        output_stream_(load.seed, "output"),
        arrival_stream_(load.seed, "arrival") {
    ttft_.reserve(static_cast<std::size_t>(load.requests));
    tpot_.reserve(ttft_.capacity());
    e2e_.reserve(ttft_.capacity());
  }

  Decomposition play() {
    warm();
    switch (load_.pattern) {
      case LoadPattern::Closed:
        for (std::int64_t i = 0; i < std::llround(load_.load); ++i) due_.push_back({0, {}, {}});
        break;
      case LoadPattern::Burst:
        for (std::int64_t i = 0; i < load_.requests; ++i) send(Nanos(), {});
        break;
      case LoadPattern::Poisson:
        next_arrival_ = gap();
        break;
      case LoadPattern::Constant:
        break;  // the first at once
    }
    while (ended_ < load_.requests) {
      if (load_.pattern == LoadPattern::Closed) send_seen();
      if (rate()) send_arrived(now_, {}, Nanos(1));
      if (!step()) break;
    }
    return summary();
  }

 private:
  struct Place {
    PartAmounts sent{}, first{};  // all parts of the run up to then
    Nanos sent_at{}, first_at{};
    std::int64_t input = 0, output = 0;
    bool counted = false;
  };
  /// Of a client that has been answered.
  struct Next {
    std::int64_t seen = 0;  // in the step of this number
    Nanos at{};
    PartAmounts parts{};
  };

  bool rate() const {
    return load_.pattern == LoadPattern::Constant || load_.pattern == LoadPattern::Poisson;
  }
  bool may_send() const { return load_.most_in_flight == 0 || out_ < load_.most_in_flight; }

  Content content() const {
    if (load_.cached_prefix == 0) return {};
    return {.prefix_group = 0,
            .text = sent_,
            .prefix = Tokens(load_.cached_prefix),
            .shared = Tokens(load_.cached_prefix)};
  }

  /// The shared prefix gets into the cache.
  void warm() {
    if (load_.cached_prefix == 0) return;
    const EngineRequest request{.id = kWarmer,
                                .input = Tokens(load_.cached_prefix + 1),
                                .output = Tokens(1),
                                .content = content()};
    if (!engine_.submit(request, Nanos())) return;
    while (engine_.begin_step(Nanos())) (void)engine_.finish_step(Nanos());
    before_ = engine_.state();
  }

  void send(Nanos at, const PartAmounts& parts) {
    if (sent_ == load_.requests) return;
    const Tokens input = input_.draw(input_stream_), output = output_.draw(output_stream_);
    if (unused_.empty()) {
      unused_.push_back(places_.size());
      places_.emplace_back();
    }
    const std::size_t place = unused_.back();
    EngineRequest request{.id = place, .input = input, .output = output, .content = content()};
    const std::int64_t number = sent_++;
    if (!engine_.submit(request, at)) {
      ++refused_;
      ++ended_;
      if (load_.pattern == LoadPattern::Closed) {
        // Its client goes on; every refusal uses up a request, so this ends.
        due_.push_back({step_, at, parts});
      }
      return;
    }
    unused_.pop_back();
    ++out_;
    Place& p = places_[place];
    p.sent = parts;
    p.sent_at = at;
    p.input = input.count();
    p.output = output.count();
    p.counted = number >= load_.uncounted;
  }

  /// Closed loop: those whose time to be seen has come, or all if there is nothing else to do.
  void send_seen() {
    while (!due_.empty() && (due_.front().seen <= step_ || engine_.idle())) {
      const Next next = due_.front();
      due_.pop_front();
      if (engine_.idle()) step_ = std::max(step_, next.seen);
      send(next.at, next.parts);
    }
  }

  Nanos gap() { return Nanos(std::llround(arrival_stream_.exponential() * 1e9 / load_.load)); }

  /// Those due by `until`, and first those that found no place before. What they miss of the step
  /// under way, which began now and `takes` so long, does not count for them.
  void send_arrived(Nanos until, const PartAmounts& step, Nanos takes) {
    while (planned_ < load_.requests && next_arrival_ <= until) {
      if (!may_send()) return;
      const Nanos at = std::max(next_arrival_, freed_at_);
      PartAmounts parts = parts_;
      const auto missed = static_cast<double>((at - now_).count());
      if (missed > 0) add(parts, step, missed / static_cast<double>(takes.count()));
      send(at, parts);
      ++planned_;
      if (load_.pattern == LoadPattern::Constant) {
        next_arrival_ = Nanos(std::llround(static_cast<double>(planned_) * 1e9 / load_.load));
      } else {
        next_arrival_ += gap();
      }
      note_queue();
    }
  }

  /// How the queue stands half way through sending and at its end.
  void note_queue() {
    const std::int64_t waiting = engine_.waiting();
    if (planned_ == load_.requests / 2) half_queue_ = waiting + late();
    if (planned_ == load_.requests) end_queue_ = waiting + late();
  }
  /// Due, and not sent for want of a place.
  std::int64_t late() const {
    const double behind = static_cast<double>((now_ - next_arrival_).count());
    return behind > 0 ? static_cast<std::int64_t>(behind * load_.load / 1e9) : 0;
  }

  /// False if there is nothing to do any more.
  bool step() {
    const Nanos takes = engine_.plan_step(now_);
    if (takes == Nanos(0)) {
      if (!rate()) return !due_.empty();
      if (planned_ == load_.requests) return false;
      now_ = std::max(now_, next_arrival_);
      return true;
    }
    const auto lasted = static_cast<double>(takes.count());
    const double kv_use = engine_.kv_use();
    running_ += lasted * static_cast<double>(engine_.running());
    waiting_ += lasted * static_cast<double>(engine_.waiting());
    kv_use_ += lasted * kv_use;
    kv_use_most_ = std::max(kv_use_most_, kv_use);
    const PartAmounts& amounts = model_.amounts();
    if (rate()) send_arrived(now_ + takes - Nanos(1), amounts, takes);
    now_ += takes;
    add(parts_, amounts, 1);
    ++step_;
    for (const Milestone& m : engine_.finish_step(now_).milestones) note(m);
    return true;
  }

  void note(const Milestone& m) {
    Place& place = places_[m.id];
    if (m.first) {
      place.first = parts_;
      place.first_at = now_;
    }
    if (!m.finished) return;
    ++ended_;
    --out_;
    freed_at_ = now_;
    unused_.push_back(m.id);
    if (load_.pattern == LoadPattern::Closed) {
      due_.push_back({step_ + load_.unseen_steps, now_, parts_});
    }
    tokens_ += static_cast<double>(place.output);
    if (!place.counted) return;
    counted_input_ += static_cast<double>(place.input);
    counted_output_ += static_cast<double>(place.output);
    add(ttft_parts_, difference(place.first, place.sent), 1);
    ttft_.push_back(milliseconds(place.first_at - place.sent_at));
    e2e_.push_back(milliseconds(now_ - place.sent_at));
    if (place.output == 1) return;
    const auto rest = static_cast<double>(place.output - 1);
    add(tpot_parts_, difference(parts_, place.first), 1 / rest);
    tpot_.push_back(milliseconds(now_ - place.first_at) / rest);
  }

  Decomposition summary() {
    Decomposition out;
    const EngineState end = engine_.state();
    out.requests = static_cast<std::int64_t>(e2e_.size());
    out.refused = refused_;
    out.preemptions = end.preemptions - before_.preemptions;
    out.steps = end.steps - before_.steps;
    if (out.requests == 0) return out;
    const auto n = static_cast<double>(out.requests);
    add(out.ttft, ttft_parts_, 1 / n);
    if (!tpot_.empty()) add(out.tpot, tpot_parts_, 1 / static_cast<double>(tpot_.size()));
    out.ttft_ms = quantiles(ttft_);
    out.tpot_ms = quantiles(tpot_);
    out.e2e_ms = quantiles(e2e_);
    out.input_tokens_mean = counted_input_ / n;
    out.output_tokens_mean = counted_output_ / n;
    const auto lasted = static_cast<double>(now_.count());
    out.running_mean = running_ / lasted;
    out.waiting_mean = waiting_ / lasted;
    out.kv_use_mean = kv_use_ / lasted;
    out.kv_use_most = kv_use_most_;
    out.requests_per_second = static_cast<double>(ended_ - refused_) / lasted * 1e9;
    out.output_tokens_per_second = tokens_ / lasted * 1e9;
    out.saturated = rate() && queue_grew(load_.requests, end_queue_ - half_queue_);
    return out;
  }

  const Load& load_;
  CountingModel model_;
  Engine engine_;
  const workload::LengthDistribution &input_, &output_;
  Random input_stream_, output_stream_, arrival_stream_;
  EngineState before_;

  Nanos now_{}, next_arrival_{}, freed_at_{};
  PartAmounts parts_{};    // of all steps so far
  std::int64_t step_ = 0;  // number of the next one
  std::int64_t planned_ = 0, sent_ = 0, out_ = 0, ended_ = 0, refused_ = 0;
  std::int64_t half_queue_ = 0, end_queue_ = 0;
  std::vector<Place> places_;
  std::vector<std::size_t> unused_;
  std::deque<Next> due_;

  PartAmounts ttft_parts_{}, tpot_parts_{};
  std::vector<double> ttft_, tpot_, e2e_;
  double tokens_ = 0, counted_input_ = 0, counted_output_ = 0;
  double running_ = 0, waiting_ = 0, kv_use_ = 0, kv_use_most_ = 0;
};

}  // namespace

workload::LengthSpec up_to(std::int64_t nominal, double least_share) {
  workload::LengthSpec out;
  out.kind = workload::LengthKind::Uniform;
  out.first = std::max(1.0, std::floor(least_share * static_cast<double>(nominal)));
  out.second = static_cast<double>(nominal);
  return out;
}

workload::LengthSpec exactly(std::int64_t tokens) {
  workload::LengthSpec out;
  out.first = static_cast<double>(tokens);
  return out;
}

Result<Decomposition> decompose(const StepParts& parts,
                                const perfmodel::PartCoefficients& coefficients,
                                const EngineConfig& config, const Load& load) {
  if (auto ok = check(load); !ok) return fail(std::move(ok.error()).during("load"));
  EngineConfig engine = config;
  engine.prefix_caching = load.cached_prefix > 0;
  if (auto ok = check(engine); !ok) return fail(std::move(ok.error()).during("engine"));
  auto lengths = lengths_of(load);
  if (!lengths) return fail(std::move(lengths.error()));
  Decomposition out =
      Run(parts, coefficients, engine, load, *lengths->input, *lengths->output).play();
  if (out.requests == 0 && out.refused > 0) return none_fits();
  return out;
}

}  // namespace kneepoint::sim
