#include "sim/setups.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/random.h"
#include "perfmodel/step_time_noise.h"

namespace kneepoint::sim {
namespace {

constexpr std::array<std::string_view, 5> kNames{"kv-bound", "batch-bound", "prefill-bound",
                                                 "noisy", "no-knee"};

/// As likely in each doubling.
double between(Random& random, double least, double most) {
  return least * std::pow(most / least, random.uniform());
}
std::int64_t whole(Random& random, double least, double most) {
  return std::llround(between(random, least, most));
}

workload::LengthSpec lognormal(double mean, double deviation, std::int64_t max) {
  workload::LengthSpec out;
  out.kind = workload::LengthKind::Lognormal;
  out.first = mean;
  out.second = deviation;
  out.min = 1;
  out.max = max;
  return out;
}

struct Shape {
  double input, output;  // mean tokens
};

/// From steady to as scattered as the published conversations.
void set_lengths(TrialSetup& setup, const Shape& shape, double scatter) {
  auto& lengths = setup.workload.lengths;
  const auto most = [](double mean) { return std::llround(8 * mean) + 1; };
  lengths.input = lognormal(shape.input, scatter * shape.input, most(shape.input));
  lengths.output = lognormal(shape.output, scatter * shape.output, most(shape.output));
  setup.engine.max_model_len = most(shape.input) + most(shape.output);
}

/// A cache that holds `sequences` of mean size, and at least two of the greatest.
void set_blocks(TrialSetup& setup, const Shape& shape, double sequences) {
  const double tokens = std::max(sequences * (shape.input + shape.output / 2),
                                 2.0 * static_cast<double>(setup.engine.max_model_len));
  setup.engine.num_blocks =
      static_cast<std::int64_t>(std::ceil(tokens / static_cast<double>(setup.engine.block_size)));
}

/// What limits the setup. The Shape is what set_lengths() is to be given.
Shape draw_limits(TrialSetup& setup, SetupKind limit, Random& random, double& holds) {
  EngineConfig& engine = setup.engine;
  switch (limit) {
    case SetupKind::KvBound:
      engine.max_num_seqs = 512;
      holds = between(random, 24, 96);
      return {between(random, 200, 1500), between(random, 200, 800)};
    case SetupKind::PrefillBound:
      engine.max_num_seqs = 256;
      holds = 400;
      engine.max_num_batched_tokens = std::int64_t{1} << (11 + random.below(3));
      return {between(random, 2000, 6000), between(random, 12, 60)};
    default:
      engine.max_num_seqs = limit == SetupKind::NoKnee ? whole(random, 80, 256)  // far off
                                                       : whole(random, 12, 96);
      holds = 4 * static_cast<double>(engine.max_num_seqs);
      return {between(random, 100, 800), between(random, 100, 500)};
  }
}

TrialSetup draw(SetupKind kind, std::size_t round, std::uint64_t seed, std::size_t index) {
  Random random(seed, "setup", index);
  TrialSetup out;
  out.kind = kind;
  out.seed = split_mix(seed) + index;
  out.axis = round % 2 == 0 ? LoadKind::Concurrency : LoadKind::Rate;
  out.name = fmt::format("{} {}, {}", name(kind), round + 1,
                         out.axis == LoadKind::Rate ? "rate" : "concurrency");
  // From a small model on a fast accelerator to a large one on a slow one.
  out.step_time.base *= between(random, 0.5, 4);
  out.step_time.per_prefill_token *= between(random, 0.5, 4);
  out.step_time.per_sequence *= between(random, 0.5, 4);
  out.step_time.per_context_token *= between(random, 0.5, 2);

  SetupKind limit = kind;
  if (kind == SetupKind::Noisy) {
    limit = std::array{SetupKind::KvBound, SetupKind::BatchBound,
                       SetupKind::PrefillBound}[random.below(3)];
    out.step_noise = between(random, 0.1, 0.6);
  }
  double holds = 0;
  const Shape shape = draw_limits(out, limit, random, holds);
  const double scatter =
      kind == SetupKind::Noisy ? between(random, 0.5, 1) : 0.3 * random.uniform();
  set_lengths(out, shape, scatter);
  set_blocks(out, shape, holds);
  return out;
}

/// Loads from where a request is alone to well past the knee; without one, to a small part of that.
void set_loads(TrialSetup& setup) {
  const auto far = static_cast<double>(2 * std::min<std::int64_t>(setup.engine.max_num_seqs, 256));
  TrialSetup closed = setup;
  closed.axis = LoadKind::Concurrency;
  const auto many = static_cast<std::int64_t>(3 * far) + 200;
  const auto saturated = simulate_point(closed, far, {.requests = many, .seed = setup.seed});
  if (!saturated) return;
  setup.capacity = saturated->requests_per_second;
  const bool none = setup.kind == SetupKind::NoKnee;
  if (setup.axis == LoadKind::Rate) {
    setup.least_load = setup.capacity / 64;
    setup.most_load = setup.capacity * (none ? 0.15 : 2);
    return;
  }
  setup.least_load = 1;
  setup.most_load = none ? std::max(4.0, std::floor(0.1 * far)) : far;
}

}  // namespace

std::string_view name(SetupKind kind) { return kNames[static_cast<std::size_t>(kind)]; }

std::vector<TrialSetup> trial_setups(std::size_t count, std::uint64_t seed) {
  std::vector<TrialSetup> out;
  out.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto kind = static_cast<SetupKind>(i % kNames.size());
    out.push_back(draw(kind, i / kNames.size(), seed, i));
    set_loads(out.back());
  }
  return out;
}

Result<LoadPoint> simulate_point(const TrialSetup& setup, double load,
                                 const PointOptions& options) {
  perfmodel::LinearStepTime plain(setup.step_time);
  perfmodel::NoisyStepTime noisy(plain, setup.step_noise, options.seed);
  return simulate_point(setup.workload, setup.engine, noisy, setup.axis, load, options);
}

}  // namespace kneepoint::sim
