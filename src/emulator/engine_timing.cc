#include "emulator/engine_timing.h"

#include <algorithm>
#include <utility>

#include "emulator/block_hashes.h"

namespace kneepoint::emulator {
namespace {

constexpr double kMostNoise = 10;
constexpr double kMostSpeed = 1000;

std::unique_ptr<perfmodel::StepTimeModel> or_default(
    std::unique_ptr<perfmodel::StepTimeModel> model) {
  if (model != nullptr) return model;
  return std::make_unique<perfmodel::LinearStepTime>();
}

}  // namespace

Result<std::unique_ptr<EngineTiming>> EngineTiming::make(EngineTimingOptions options) {
  if (auto ok = sim::check(options.engine); !ok) return fail(std::move(ok.error()));
  if (!(options.step_noise >= 0 && options.step_noise <= kMostNoise)) {
    return fail(ErrorCode::InvalidArgument, "step_noise: must be from 0 to 10");
  }
  if (!(options.speed >= 1 / kMostSpeed && options.speed <= kMostSpeed)) {
    return fail(ErrorCode::InvalidArgument, "speed: must be from 0.001 to 1000");
  }
  return std::unique_ptr<EngineTiming>(new EngineTiming(std::move(options)));
}

EngineTiming::EngineTiming(EngineTimingOptions options)
    : step_time_(or_default(std::move(options.step_time))),
      noisy_(options.step_noise > 0 ? std::make_optional<perfmodel::NoisyStepTime>(
                                          *step_time_, options.step_noise, options.seed)
                                    : std::nullopt),
      engine_(options.engine,
              noisy_ ? static_cast<perfmodel::StepTimeModel&>(*noisy_) : *step_time_),
      speed_(options.speed) {}

Result<void> EngineTiming::submit(Ticket ticket, Job job) {
  const sim::EngineConfig& config = engine_.config();
  hashes_.clear();
  if (config.prefix_caching) {
    block_hashes(job.prompt, job.answer, job.output_tokens, config.block_size, config.num_blocks,
                 hashes_);
  }
  if (!engine_.in_step() && engine_.idle()) first_come_ = job.received;
  submitted_ = std::max(submitted_, job.received);
  const auto taken = engine_.submit({.id = ticket,
                                     .input = Tokens(job.prompt_tokens),
                                     .output = Tokens(job.output_tokens),
                                     .content = {.block_hashes = hashes_}},
                                    submitted_);
  if (!taken) return fail(taken.error());
  if (ticket >= tickets_.size()) tickets_.resize(ticket + 1);
  tickets_[ticket] = *taken;
  return {};
}

void EngineTiming::cancel(Ticket ticket) {
  if (ticket >= tickets_.size()) return;
  if (telling_) {
    leavers_.push_back(ticket);
  } else {
    engine_.cancel(tickets_[ticket]);
  }
}

std::optional<Nanos> EngineTiming::next() const {
  if (engine_.in_step()) return step_end_;
  if (engine_.idle()) return std::nullopt;
  return std::max(step_end_, first_come_);
}

void EngineTiming::advance(Nanos now, TokenSink& sink) {
  if (engine_.in_step()) {
    if (now < step_end_) return;
    lag_.record(now - step_end_);
    end_step(sink);
  }
  if (!engine_.idle()) begin_step(now);
}

void EngineTiming::begin_step(Nanos now) {
  Nanos begin = std::max(step_end_, first_come_);
  if (now - begin > kMostLag) {
    ++slips_;
    slipped_ += now - begin;
    begin = now;
  }
  const auto takes = engine_.begin_step(begin);
  if (!takes) return;
  const double real = static_cast<double>(takes->count()) / speed_;
  step_end_ = begin + Nanos(std::max<std::int64_t>(1, static_cast<std::int64_t>(real)));
}

void EngineTiming::end_step(TokenSink& sink) {
  const sim::StepResult result = engine_.finish_step(step_end_);
  telling_ = true;
  for (const sim::Milestone& one : result.milestones) {
    if (!one.first) continue;
    sink.started(static_cast<Ticket>(one.id), std::max(Nanos(0), one.started - one.submitted));
  }
  for (const sim::Emission& emission : result.emissions) {
    const auto ticket = static_cast<Ticket>(emission.id);
    if (!leavers_.empty() && has_left(ticket)) continue;
    sink.tokens(ticket, emission.tokens);
  }
  telling_ = false;
  for (const Ticket ticket : leavers_) engine_.cancel(tickets_[ticket]);
  leavers_.clear();
}

bool EngineTiming::has_left(Ticket ticket) const {
  return std::find(leavers_.begin(), leavers_.end(), ticket) != leavers_.end();
}

EngineState EngineTiming::state() const {
  const sim::EngineState of = engine_.state();
  return {.running = of.running,
          .waiting = of.waiting,
          .kv_use = of.kv_use,
          .block_size = engine_.config().block_size,
          .blocks = engine_.config().num_blocks,
          .sequence_limit = engine_.config().max_num_seqs,
          .preemptions = static_cast<std::uint64_t>(of.preemptions),
          .prefix_queries = static_cast<std::uint64_t>(of.prefix_queries),
          .prefix_hits = static_cast<std::uint64_t>(of.prefix_hits)};
}

EnginePace EngineTiming::pace() const {
  return {.steps = engine_.state().steps,
          .lag_p99 = lag_.quantile(.99).value_or(Nanos(0)),
          .lag_max = lag_.max(),
          .slips = slips_,
          .slipped = slipped_};
}

}  // namespace kneepoint::emulator
