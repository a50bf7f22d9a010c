#include "sim/replay.h"

#include <algorithm>
#include <utility>

namespace kneepoint::sim {

using metrics::Outcome;
using metrics::Timeline;
using workload::RequestPlan;

namespace {
constexpr std::int64_t kMostRefusals = 100'000;
}

Result<Replay> Replay::open(const workload::RunSpec& spec, const EngineConfig& config,
                            perfmodel::StepTimeModel& model, const ReplayOptions& options) {
  if (auto ok = check(config); !ok) return fail(std::move(ok.error()).during("engine"));
  auto generator = workload::Generator::open(spec);
  if (!generator) return fail(std::move(generator.error()).during("workload"));
  return Replay(spec, std::move(*generator), config, model, options);
}

Replay::Replay(const workload::RunSpec& spec, workload::Generator generator,
               const EngineConfig& config, perfmodel::StepTimeModel& model,
               const ReplayOptions& options)
    : options_(options),
      prompts_repeat_(spec.prefix && spec.prefix->prompts_per_group),
      clients_(spec, std::move(generator)),
      engine_(config, model) {}

Content content_of(const RequestPlan& plan, bool prompts_repeat) {
  Tokens shared = plan.prefix + plan.history;
  if (prompts_repeat) shared = plan.prompt_tokens();
  if (plan.turn + 1 < plan.turns) shared = plan.prompt_tokens() + plan.output;
  return {.prefix_group = plan.prefix_group.value_or(-1),
          .text = plan.prompt,
          .prefix = plan.prefix,
          .shared = shared};
}

/// What goes out by `until`: when it is due, or once an answer has `freed` a place, now.
void Replay::send(Nanos until, bool freed) {
  while (const auto request = clients_.next(until)) {
    const std::size_t index = timelines_.size();
    Timeline& timeline = timelines_.emplace_back();
    timeline.due = request->due;
    timeline.sent = freed ? std::max(request->due, now_) : request->due;
    sessions_.push_back(request->session);
    ended_.push_back(false);
    most_in_flight_ = std::max(most_in_flight_, clients_.out());

    const RequestPlan& plan = request->plan;
    const auto ticket = engine_.submit({.id = index,
                                        .input = plan.prompt_tokens(),
                                        .output = plan.output,
                                        .content = content_of(plan, prompts_repeat_)},
                                       *timeline.sent);
    if (!ticket) {
      end(index, Outcome::Rejected, *timeline.sent);
      // A refusal takes no time, so a closed loop of them would never end.
      if (++refused_in_a_row_ == kMostRefusals) clients_.stop();
      continue;
    }
    refused_in_a_row_ = 0;
    timeline.usage = metrics::Usage{plan.prompt_tokens(), plan.output, {}};
  }
}

void Replay::end(std::size_t request, Outcome outcome, Nanos at) {
  timelines_[request].outcome = outcome;
  timelines_[request].end = at;
  ended_[request] = true;
  clients_.ended(sessions_[request], at);
}

void Replay::step() {
  const auto takes = engine_.begin_step(now_);
  if (!takes) return;
  // What is due while the step runs goes out then; answers end only with the step.
  const Nanos before_end = now_ + *takes - Nanos(1);
  send(before_end, false);
  now_ += *takes;
  const StepResult result = engine_.finish_step(now_);
  if (options_.every_token) {
    for (const Emission& emission : result.emissions) {
      Timeline& timeline = timelines_[emission.id];
      if (emission.first) {
        timeline.events.reserve(static_cast<std::size_t>(timeline.usage->output.count()));
      }
      timeline.events.emplace_back(now_ - timeline.due, emission.tokens);
    }
  }
  for (const Milestone& milestone : result.milestones) {
    Timeline& timeline = timelines_[milestone.id];
    if (milestone.first) timeline.first_byte = now_;
    if (!options_.every_token) {
      const bool both = milestone.first && milestone.finished;
      const std::int64_t rest = timeline.usage->output.count() - 1;
      if (milestone.first) timeline.events.emplace_back(now_ - timeline.due, 1);
      if (milestone.finished && !both) timeline.events.emplace_back(now_ - timeline.due, rest);
    }
    if (milestone.finished) end(milestone.id, Outcome::Completed, now_);
  }
}

bool Replay::run_until(Nanos until) {
  while (now_ < until) {
    send(now_, true);
    if (engine_.idle()) {
      const auto due = clients_.next_due(now_);
      if (!due) return false;
      now_ = std::min(*due, until);
      continue;
    }
    step();
  }
  return true;
}

void Replay::run() {
  while (run_until(Nanos::max())) {
  }
}

std::vector<Timeline> Replay::take_timelines() && {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < timelines_.size(); ++i) {
    if (!ended_[i]) continue;
    if (kept != i) timelines_[kept] = std::move(timelines_[i]);
    ++kept;
  }
  timelines_.resize(kept);
  return std::move(timelines_);
}

Result<ReplayResult> replay(const workload::RunSpec& spec, const EngineConfig& config,
                            perfmodel::StepTimeModel& model, const ReplayOptions& options) {
  auto run = Replay::open(spec, config, model, options);
  if (!run) return fail(std::move(run.error()));
  run->run();
  ReplayResult out;
  out.engine = run->engine().state();
  out.took = run->now();
  out.most_in_flight = run->most_in_flight();
  out.timelines = std::move(*run).take_timelines();
  return out;
}

}  // namespace kneepoint::sim
