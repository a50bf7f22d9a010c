#include "sim/decompose_apart.h"

#include <algorithm>
#include <memory>
#include <queue>
#include <utility>
#include <vector>

#include "sim/decompose_shared.h"

namespace kneepoint::sim {

using namespace decomposing;

namespace {

/// An engine, and of what its steps so far were made.
class Seated {
 public:
  Seated(const Side& side, const perfmodel::PartCoefficients& coefficients)
      : model_(side.parts, coefficients), engine_(side.engine, model_) {}

  Engine& engine() { return engine_; }
  bool stepping() const { return stepping_; }
  Nanos ends() const { return ends_; }

  /// Up to `now`, the share of the step under way included.
  PartAmounts parts(Nanos now) const {
    PartAmounts out = done_;
    if (stepping_ && now > began_) {
      add(out, model_.amounts(),
          static_cast<double>((now - began_).count()) /
              static_cast<double>((ends_ - began_).count()));
    }
    return out;
  }

  /// How long the step is that begins; zero for none.
  Nanos begin(Nanos now) {
    if (stepping_) return {};
    const Nanos takes = engine_.plan_step(now);
    if (takes == Nanos(0)) return {};
    stepping_ = true;
    began_ = now;
    ends_ = now + takes;
    return takes;
  }
  StepResult finish() {
    stepping_ = false;
    add(done_, model_.amounts(), 1);
    return engine_.finish_step(ends_);
  }

  std::int64_t load = 0;  // requests that are with it

 private:
  CountingModel model_;
  Engine engine_;
  PartAmounts done_{};
  Nanos began_{}, ends_{};
  bool stepping_ = false;
};

class Run {
 public:
  Run(const Apart& apart, const perfmodel::PartCoefficients& coefficients, const Load& load,
      const Lengths& lengths)
      : apart_(apart),
        load_(load),
        lengths_(lengths),
        input_stream_(load.seed, "input"),
        output_stream_(load.seed, "output"),
        arrival_stream_(load.seed, "arrival") {
    for (std::int64_t i = 0; i < apart.prefill.engines; ++i) {
      prefill_.push_back(std::make_unique<Seated>(apart.prefill, coefficients));
    }
    for (std::int64_t i = 0; i < apart.decode.engines; ++i) {
      decode_.push_back(std::make_unique<Seated>(apart.decode, coefficients));
    }
  }

  Decomposition play() {
    const bool closed = load_.pattern == LoadPattern::Closed;
    if (closed || load_.pattern == LoadPattern::Burst) {
      const std::int64_t first = closed ? std::llround(load_.load) : load_.requests;
      for (std::int64_t i = 0; i < first; ++i) send({});
    } else if (load_.pattern == LoadPattern::Poisson) {
      next_arrival_ = gap();
    }
    begin_steps();
    while (ended_ < load_.requests && advance()) {
    }
    return summary();
  }

 private:
  struct Place {
    std::int64_t input = 0, output = 0;
    bool counted = false;
    Seated* at = nullptr;
    Nanos sent_at{}, first_at{};
    PartAmounts before{};  // of the engine it is with, when it came there
    PartAmounts ttft{};
  };
  struct Transfer {
    Nanos arrives{};
    std::size_t number = 0;  // of the request: first come, first served
    bool operator>(const Transfer& other) const {
      return arrives != other.arrives ? arrives > other.arrives : number > other.number;
    }
  };
  using Engines = std::vector<std::unique_ptr<Seated>>;

  bool rate() const {
    return load_.pattern == LoadPattern::Constant || load_.pattern == LoadPattern::Poisson;
  }
  bool arrivals_left() const { return rate() && sent_ < load_.requests; }
  Nanos gap() { return Nanos(std::llround(arrival_stream_.exponential() * 1e9 / load_.load)); }

  static Seated& fewest(const Engines& engines) {
    return **std::ranges::min_element(engines, {}, [](const auto& one) { return one->load; });
  }

  bool fits(std::int64_t input, std::int64_t output) const {
    const EngineConfig& decode = apart_.decode.engine;
    const std::int64_t all = input + output;
    return all <= decode.max_model_len &&
           all - 1 + decode.speculation.draft_tokens <= decode.num_blocks * decode.block_size;
  }

  void send(Nanos now) {
    while (sent_ < load_.requests) {
      const auto number = static_cast<std::size_t>(sent_++);
      const Tokens input = lengths_.input->draw(input_stream_);
      const Tokens output = lengths_.output->draw(output_stream_);
      places_.emplace_back();
      Seated& engine = fewest(prefill_);
      const EngineRequest request{.id = number, .input = input, .output = Tokens(1)};
      if (fits(input.count(), output.count()) && engine.engine().submit(request, now)) {
        ++engine.load;
        Place& place = places_.back();
        place.input = input.count();
        place.output = output.count();
        place.counted = static_cast<std::int64_t>(number) >= load_.uncounted;
        place.at = &engine;
        place.sent_at = now;
        place.before = engine.parts(now);
        return;
      }
      ++refused_;
      ++ended_;
      if (load_.pattern != LoadPattern::Closed) return;  // else its client goes on
    }
  }

  /// Plays what happens next; false if nothing does.
  bool advance() {
    Nanos next = arrivals_left() ? next_arrival_ : Nanos::max();
    if (!transfers_.empty()) next = std::min(next, transfers_.top().arrives);
    for (const Engines* side : {&prefill_, &decode_}) {
      for (const auto& one : *side) {
        if (one->stepping()) next = std::min(next, one->ends());
      }
    }
    if (next == Nanos::max()) return false;
    count_time(next - now_);
    now_ = next;
    for (const auto& one : prefill_) {
      if (one->stepping() && one->ends() == now_) finish_prompts(*one);
    }
    for (const auto& one : decode_) {
      if (one->stepping() && one->ends() == now_) finish_answers(*one);
    }
    while (!transfers_.empty() && transfers_.top().arrives == now_) receive();
    while (arrivals_left() && next_arrival_ <= now_) {
      send(now_);
      next_arrival_ = load_.pattern == LoadPattern::Poisson
                          ? next_arrival_ + gap()
                          : Nanos(std::llround(static_cast<double>(sent_) * 1e9 / load_.load));
      if (sent_ == load_.requests / 2) half_queue_ = waiting();
      if (sent_ == load_.requests) end_queue_ = waiting();
    }
    begin_steps();
    return true;
  }

  void begin_steps() {
    for (const Engines* side : {&prefill_, &decode_}) {
      for (const auto& one : *side) steps_ += one->begin(now_) > Nanos(0);
    }
  }

  void finish_prompts(Seated& engine) {
    for (const Milestone& m : engine.finish().milestones) {
      if (!m.finished) continue;
      --engine.load;
      Place& place = places_[m.id];
      place.ttft = difference(engine.parts(now_), place.before);
      place.first_at = now_;
      if (place.output == 1) {
        end(place);
        continue;
      }
      const Nanos takes =
          apart_.transfer_base +
          Nanos(std::llround(apart_.transfer_ns_per_token * static_cast<double>(place.input)));
      transfers_.push({now_ + std::max(takes, Nanos(1)), static_cast<std::size_t>(m.id)});
    }
  }

  void receive() {
    const std::size_t number = transfers_.top().number;
    transfers_.pop();
    Place& place = places_[number];
    Seated& engine = fewest(decode_);
    place.at = &engine;
    place.before = engine.parts(now_);
    // It fits, as send() has seen to it.
    if (engine.engine().submit({.id = number,
                                .input = Tokens(place.input + 1),
                                .output = Tokens(place.output - 1),
                                .received = Tokens(place.input)},
                               now_)) {
      ++engine.load;
    }
  }

  void finish_answers(Seated& engine) {
    const StepResult result = engine.finish();
    if (result.milestones.empty()) return;
    const PartAmounts parts = engine.parts(now_);
    for (const Milestone& m : result.milestones) {
      Place& place = places_[m.id];
      if (m.first && apart_.first_comes_with_second) {
        add(place.ttft, difference(parts, place.before), 1);
        place.before = parts;
        place.first_at = now_;
      }
      if (!m.finished) continue;
      --engine.load;
      if (place.counted) {
        const auto rest = static_cast<double>(place.output - 1);
        add(tpot_parts_, difference(parts, place.before), 1 / rest);
        tpot_.push_back(milliseconds(now_ - place.first_at) / rest);
      }
      end(place);
    }
  }

  void end(Place& place) {
    ++ended_;
    tokens_ += static_cast<double>(place.output);
    if (place.counted) {
      counted_input_ += static_cast<double>(place.input);
      counted_output_ += static_cast<double>(place.output);
      add(ttft_parts_, place.ttft, 1);
      ttft_.push_back(milliseconds(place.first_at - place.sent_at));
      e2e_.push_back(milliseconds(now_ - place.sent_at));
    }
    if (load_.pattern == LoadPattern::Closed) send(now_);
  }

  std::int64_t waiting() const {
    std::int64_t out = 0;
    for (const Engines* side : {&prefill_, &decode_}) {
      for (const auto& one : *side) out += one->engine().waiting();
    }
    return out;
  }

  void count_time(Nanos lasted) {
    const auto nanos = static_cast<double>(lasted.count());
    double kv_use = 0;
    for (const auto& one : decode_) {
      running_ += nanos * static_cast<double>(one->engine().running());
      kv_use += one->engine().kv_use();
    }
    for (const auto& one : prefill_)
      running_ += nanos * static_cast<double>(one->engine().running());
    kv_use /= static_cast<double>(decode_.size());
    waiting_ += nanos * static_cast<double>(waiting());
    kv_use_ += nanos * kv_use;
    kv_use_most_ = std::max(kv_use_most_, kv_use);
  }

  Decomposition summary() {
    Decomposition out;
    out.requests = static_cast<std::int64_t>(e2e_.size());
    out.refused = refused_;
    out.steps = steps_;
    for (const auto& one : decode_) out.preemptions += one->engine().state().preemptions;
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

  const Apart& apart_;
  const Load& load_;
  const Lengths& lengths_;
  Random input_stream_, output_stream_, arrival_stream_;
  Engines prefill_, decode_;
  std::vector<Place> places_;  // by request
  std::priority_queue<Transfer, std::vector<Transfer>, std::greater<>> transfers_;

  Nanos now_{}, next_arrival_{};
  std::int64_t sent_ = 0, ended_ = 0, refused_ = 0, steps_ = 0;
  std::int64_t half_queue_ = 0, end_queue_ = 0;
  PartAmounts ttft_parts_{}, tpot_parts_{};
  std::vector<double> ttft_, tpot_, e2e_;
  double tokens_ = 0, counted_input_ = 0, counted_output_ = 0;
  double running_ = 0, waiting_ = 0, kv_use_ = 0, kv_use_most_ = 0;
};

}  // namespace

Result<Decomposition> decompose_apart(const Apart& apart,
                                      const perfmodel::PartCoefficients& coefficients,
                                      const Load& load) {
  if (auto ok = check(load); !ok) return fail(std::move(ok.error()).during("load"));
  Apart sides = apart;
  for (Side* side : {&sides.prefill, &sides.decode}) {
    const char* name = side == &sides.prefill ? "prefill" : "decode";
    side->engine.prefix_caching = false;
    if (auto ok = check(side->engine); !ok) return fail(std::move(ok.error()).during(name));
    if (side->engines < 1 || side->engines > 4096) {
      return fail(
          Error(ErrorCode::InvalidArgument, "engines: must be from 1 to 4096").during(name));
    }
  }
  sides.decode.engine.scheduling.mixed = true;  // there are no prompts to put first
  const auto lengths = lengths_of(load);
  if (!lengths) return fail(lengths.error());
  Decomposition out = Run(sides, coefficients, load, *lengths).play();
  if (out.requests == 0 && out.refused > 0) return none_fits();
  return out;
}

}  // namespace kneepoint::sim
