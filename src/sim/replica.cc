#include "sim/replica.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace kneepoint::sim {
namespace {

constexpr std::int64_t kMostEngines = 4096;

/// Each of the batches of a pipeline has its share of what the engine has.
EngineConfig share_of(EngineConfig config, std::int64_t stages) {
  config.max_num_seqs = std::max<std::int64_t>(1, config.max_num_seqs / stages);
  config.num_blocks = std::max<std::int64_t>(1, config.num_blocks / stages);
  return config;
}

}  // namespace

Result<void> check(const ReplicaConfig& c) {
  const auto in_range = [](std::string_view name, std::int64_t value) -> Result<void> {
    if (value >= 1 && value <= kMostEngines) return {};
    return fail(ErrorCode::InvalidArgument,
                fmt::format("{}: must be from 1 to {}, not {}", name, kMostEngines, value));
  };
  if (auto ok = check(c.engine); !ok) return fail(std::move(ok.error()).during("engine"));
  if (auto ok = in_range("ranks", c.ranks); !ok) return ok;
  if (auto ok = in_range("stages", c.stages); !ok) return ok;
  if (!c.disaggregation) return {};
  const Disaggregation& apart = *c.disaggregation;
  if (c.ranks != 1 || c.stages != 1) {
    return fail(ErrorCode::InvalidArgument,
                "disaggregation: not with ranks or stages; use more prefill and decode engines");
  }
  if (auto ok = check(apart.decode); !ok) {
    return fail(std::move(ok.error()).during("disaggregation.decode"));
  }
  if (auto ok = in_range("prefill_engines", apart.prefill_engines); !ok) return ok;
  if (auto ok = in_range("decode_engines", apart.decode_engines); !ok) return ok;
  if (apart.transfer_base < Nanos(0) ||
      !(apart.transfer_ns_per_token >= 0 && apart.transfer_ns_per_token <= 1e12)) {
    return fail(ErrorCode::InvalidArgument, "disaggregation: a transfer takes no less than 0");
  }
  return {};
}

Replica::Replica(const ReplicaConfig& config, std::size_t number, const StepModels& models)
    : stages_(config.stages) {
  const auto add = [&](const EngineConfig& engine, Seat::Role role) {
    models_.push_back(models({number, engines_.size(), role}));
    engines_.push_back(std::make_unique<Engine>(engine, *models_.back()));
  };
  const auto unit = [&](std::size_t engines, std::size_t pipeline) {
    units_.push_back({.first = engines_.size() - engines, .count = engines, .pipeline = pipeline});
  };
  if (config.disaggregation) {
    apart_ = *config.disaggregation;
    prefill_engines_ = static_cast<std::size_t>(apart_.prefill_engines);
    for (std::size_t i = 0; i < prefill_engines_; ++i) {
      add(config.engine, Seat::Role::Prefill);
      unit(1, 0);
    }
    EngineConfig decode = apart_.decode;
    decode.scheduling.mixed = true;  // there are no prompts to put first
    for (std::int64_t i = 0; i < apart_.decode_engines; ++i) {
      add(decode, Seat::Role::Decode);
      unit(1, 0);
    }
    stage_free_.resize(1);
  } else {
    const EngineConfig lane = share_of(config.engine, config.stages);
    const auto together = static_cast<std::size_t>(config.ranks_together ? config.ranks : 1);
    const std::int64_t groups = config.ranks_together ? 1 : config.ranks;
    for (std::int64_t group = 0; group < groups; ++group) {
      for (std::int64_t stage = 0; stage < config.stages; ++stage) {
        for (std::size_t i = 0; i < together; ++i) add(lane, Seat::Role::Both);
        unit(together, static_cast<std::size_t>(group));
      }
      stage_free_.emplace_back(static_cast<std::size_t>(config.stages));
    }
  }
  load_.resize(engines_.size());
}

/// The engine with the fewest requests, the first of them.
std::size_t Replica::fewest(std::size_t from, std::size_t to) const {
  std::size_t best = from;
  for (std::size_t i = from + 1; i < to; ++i) {
    if (load_[i] < load_[best]) best = i;
  }
  return best;
}

Result<void> Replica::submit(const EngineRequest& request, Nanos now) {
  EngineRequest here = request;
  if (prefill_engines_ > 0) {
    // Who can never be decoded is not let in.
    const EngineConfig& decode = apart_.decode;
    const std::int64_t all = request.input.count() + request.output.count();
    if (all > decode.max_model_len ||
        all - 1 + decode.speculation.draft_tokens > decode.num_blocks * decode.block_size) {
      return fail(
          ErrorCode::InvalidArgument,
          fmt::format("{} tokens of prompt and answer do not fit the engines that decode", all));
    }
    if (asked_.size() <= request.id) asked_.resize(request.id + 1);
    asked_[request.id] = {request.input, request.output, request.content, request.priority};
    asked_[request.id].content.block_hashes = {};
    here.output = Tokens(std::min<std::int64_t>(1, request.output.count()));
  }
  const std::size_t engine = fewest(0, prefill_engines_ > 0 ? prefill_engines_ : engines_.size());
  auto ticket = engines_[engine]->submit(here, now);
  if (!ticket) return fail(std::move(ticket.error()));
  ++load_[engine];
  ++outstanding_;
  return {};
}

void Replica::begin_rested(Nanos now) {
  for (Unit& unit : units_) {
    if (!unit.stepping) begin(unit, now);
  }
}

void Replica::glide_on(Nanos until, StepListener& listener) {
  for (;;) {
    // Whoever ends first: nobody is ahead of what the others may yet bring about.
    Unit* unit = nullptr;
    for (Unit& one : units_) {
      if (one.stepping && (unit == nullptr || one.ends < unit->ends)) unit = &one;
    }
    if (unit == nullptr || unit->ends >= until) break;
    Engine& engine = *engines_[unit->first];
    const Nanos ended = unit->ends;
    const Nanos takes = engine.glide(ended);
    if (takes == Nanos(0)) break;
    listener.glided(unit->first, engine, ended);
    unit->ends = stages_ == 1 ? ended + takes : through_stages(*unit, takes, ended);
    const Nanos lasts = unit->ends - ended;
    use_.busy += static_cast<double>(lasts.count());
    use(engine, lasts);
  }
  look_ahead();
}

void Replica::leap(StepListener& listener) {
  if (engines_.size() != 1 || stepping_ == 0) return;
  Unit& unit = units_[0];
  Engine& engine = *engines_[0];
  Nanos ended = unit.ends;
  const Nanos takes = engine.leap(ended);
  if (takes == Nanos(0)) return;
  listener.glided(0, engine, ended);
  const Nanos lasts = ended + takes - unit.ends;
  use_.busy += static_cast<double>(lasts.count());
  use(engine, lasts);
  unit.ends = ended + takes;
  next_ = unit.ends;
}

void Replica::use(const Engine& engine, Nanos lasts) {
  const auto nanos = static_cast<double>(lasts.count());
  use_.running += nanos * static_cast<double>(engine.running());
  use_.waiting += nanos * static_cast<double>(engine.waiting());
  use_.blocks += nanos * static_cast<double>(engine.blocks_used());
}

void Replica::begin(Unit& unit, Nanos now) {
  Nanos longest{};
  for (std::size_t i = unit.first; i < unit.first + unit.count; ++i) {
    longest = std::max(longest, engines_[i]->plan_step(now));
  }
  if (longest == Nanos(0)) return;
  unit.stepping = true;
  ++stepping_;
  unit.ends = stages_ == 1 ? now + longest : through_stages(unit, longest, now);
  next_ = std::min(next_, unit.ends);
  const Nanos lasts = unit.ends - now;
  use_.busy += static_cast<double>(lasts.count());
  for (std::size_t i = unit.first; i < unit.first + unit.count; ++i) use(*engines_[i], lasts);
}

/// When the batch is through: it goes from stage to stage, waiting where another is.
Nanos Replica::through_stages(Unit& unit, Nanos takes, Nanos now) {
  const Nanos each = std::max(Nanos(1), takes / stages_);
  Nanos at = now;
  for (Nanos& free : stage_free_[unit.pipeline]) {
    at = std::max(at, free) + each;
    free = at;
  }
  return at;
}

void Replica::play(StepListener& listener) {
  const Nanos now = next_;
  while (!transfers_.empty() && transfers_.top().arrives == now) {
    const std::size_t engine = fewest(prefill_engines_, engines_.size());
    // It fits, as submit() has seen to it.
    if (engines_[engine]->submit(transfers_.top().request, now)) ++load_[engine];
    transfers_.pop();
  }
  if (units_.size() == 1) {
    next_ = Nanos::max();
    return finish(units_[0], listener);
  }
  for (Unit& unit : units_) {
    if (unit.stepping && unit.ends == now) finish(unit, listener);
  }
  look_ahead();
}

void Replica::look_ahead() {
  next_ = transfers_.empty() ? Nanos::max() : transfers_.top().arrives;
  for (const Unit& unit : units_) {
    if (unit.stepping) next_ = std::min(next_, unit.ends);
  }
}

void Replica::finish(Unit& unit, StepListener& listener) {
  unit.stepping = false;
  --stepping_;
  for (std::size_t i = unit.first; i < unit.first + unit.count; ++i) {
    Engine& engine = *engines_[i];
    if (!engine.in_step()) continue;
    const StepResult result = engine.finish_step(unit.ends);
    if (i >= prefill_engines_) {
      for (const Milestone& m : result.milestones) {
        if (!m.finished) continue;
        --load_[i];
        --outstanding_;
      }
      listener.stepped(i, engine, result, prefill_engines_ > 0, unit.ends);
      continue;
    }
    // The first token of an answer; what follows comes from elsewhere.
    std::vector<Emission> emissions(result.emissions.begin(), result.emissions.end());
    std::vector<Milestone> milestones(result.milestones.begin(), result.milestones.end());
    for (Emission& e : emissions) e.finished = asked_[e.id].output == Tokens(1);
    for (Milestone& m : milestones) {
      m.finished = asked_[m.id].output == Tokens(1);
      --load_[i];
      if (m.finished) {
        --outstanding_;
      } else {
        hand_over(m.id, unit.ends);
      }
    }
    listener.stepped(i, engine, {emissions, milestones}, false, unit.ends);
  }
}

/// The prompt and the first token go to an engine that decodes.
void Replica::hand_over(std::uint64_t id, Nanos now) {
  const Asked& asked = asked_[id];
  const double tokens = static_cast<double>(asked.input.count());
  const Nanos takes =
      apart_.transfer_base + Nanos(std::llround(apart_.transfer_ns_per_token * tokens));
  transfers_.push({.arrives = now + std::max(takes, Nanos(1)),
                   .number = transferred_++,
                   .request = {.id = id,
                               .input = asked.input + Tokens(1),
                               .output = asked.output - Tokens(1),
                               .content = asked.content,
                               .received = asked.input,
                               .priority = asked.priority}});
}

double Replica::kv_use() const {
  double sum = 0;
  for (const auto& engine : engines_) sum += engine->kv_use();
  return sum / static_cast<double>(engines_.size());
}

}  // namespace kneepoint::sim
