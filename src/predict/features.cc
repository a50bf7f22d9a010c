#include "predict/features.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"
#include "perfmodel/compiled_steps.h"
#include "predict/covariates.h"
#include "predict/engine_limits.h"
#include "predict/kv_room.h"
#include "predict/load_shape.h"
#include "predict/prefill_side.h"
#include "sim/decompose_apart.h"

namespace kneepoint::predict {
namespace {

constexpr double kNearFull = 0.45;             // kv_load from which sizes are averaged
constexpr std::array kCacheSizes{0.88, 1.14};  // beside 1
constexpr std::array kStepTimes{0.9, 0.8};     // beside 1
constexpr double kOpenLoopTenClients = 0.8;
constexpr double kStepTimeCut = 0.85, kLeastStepTime = 0.2;

bool within_limits(const sim::Decomposition& run, const Deployment& d) {
  return !run.saturated && run.ttft_ms.p99 <= d.ttft_limit_ms.value_or(1e9) &&
         run.tpot_ms.p99 <= d.tpot_limit_ms.value_or(1e9);
}

double total(const perfmodel::PartAmounts& amounts, const perfmodel::PartCoefficients& with) {
  return std::max(perfmodel::dot(amounts, with), 1.0);
}

void scale(perfmodel::PartAmounts& amounts, double by) {
  for (double& a : amounts) a *= by;
}

/// Two operations per active weight and token, at the rate of the data sheet.
double peak_ms(const Deployment& d, double tokens) {
  const catalog::Accelerator& a = *d.accelerator;
  double tflops = a.bf16_tflops.value_or(0);
  if (lower(d.weight_precision).starts_with("fp8")) tflops = a.fp8_tflops.value_or(tflops);
  if (!(tflops > 0)) return 0;
  return 2 * d.model->active_params_b.value_or(0) * tokens / (d.accelerators * tflops);
}

}  // namespace

Result<Features> FeatureMaker::of(const Question& question,
                                  const perfmodel::PartCoefficients& with) const {
  auto deployed = deploy(question, catalog_);
  if (!deployed) return fail(std::move(deployed).error());
  Deployment& d = *deployed;
  auto compiled = perfmodel::compile_steps(tables_, *d.model, *d.accelerator, memory_setup(d));
  if (!compiled && question.answer_anyway) {
    // Degrees of parallelism that make no setup: all of them tensor ranks.
    d.notes.push_back(compiled.error().message);
    d.tensor = d.accelerators;
    d.pipeline = d.data = 1;
    if (d.expert > 1) d.expert = d.accelerators;
    compiled = perfmodel::compile_steps(tables_, *d.model, *d.accelerator, memory_setup(d));
    if (!compiled) {
      // An accelerator without figures: as one that has them.
      if (const auto* known = catalog_.accelerator("nvidia-h100-80gb")) {
        d.notes.push_back(compiled.error().message);
        d.accelerator = known;
        d.stood_in = true;
        compiled = perfmodel::compile_steps(tables_, *d.model, *known, memory_setup(d));
      }
    }
  }
  if (!compiled) return fail(std::move(compiled).error());
  for (double& nanos : compiled->gemm) nanos *= d.gemm_factor;

  Features out;
  out.ranks = d.data * compiled->stages;
  const double length = input_tokens(question) + output_tokens(question);
  auto room = kv_room(d, *compiled, length, question.answer_anyway);
  if (!room) return fail(std::move(room).error());
  const double kv_tokens = *room / compiled->stages;
  const auto prompts =
      prefill_side(d, tables_, length, workload::kMostTokens, question.answer_anyway);
  if (!prompts) return fail(prompts.error());

  Deployment one_rank = d;
  one_rank.data = d.prefill ? 1 : out.ranks;
  const sim::Load load = load_of(question, one_rank);
  const sim::PartsOf<perfmodel::CompiledSteps> parts(*compiled);
  const auto play = [&](double room_factor, double time_factor) {
    // A request that is larger than the cache was served all the same.
    const double tokens = std::max(kv_tokens * room_factor, 1.2 * length + 64);
    perfmodel::PartCoefficients coefficients = with;
    for (double& c : coefficients) c *= time_factor;
    const sim::EngineConfig engine = engine_of(d, tokens, workload::kMostTokens);
    if (*prompts) {
      const PrefillSide& side = **prompts;
      const sim::PartsOf<perfmodel::CompiledSteps> prompt_parts(side.steps);
      return sim::decompose_apart(
          {.prefill = {prompt_parts, side.engine, side.engines},
           .decode = {parts, engine, std::int64_t{d.decode_workers} * d.data},
           .transfer_base = side.transfer_base,
           .transfer_ns_per_token = side.transfer_ns_per_token,
           .first_comes_with_second = true},
          coefficients, load);
    }
    return sim::decompose(parts, coefficients, engine, load);
  };
  auto run = play(1, 1);
  if (!run) return fail(std::move(run).error());
  out.run = *run;
  out.tpot = run->tpot;
  out.ttft = run->ttft;
  const bool by_rate = question.load_kind == curve::LoadKind::RequestRate;
  out.of_coefficients = by_rate || d.prefill;
  const double in_flight = by_rate ? run->running_mean
                           : load.pattern == sim::LoadPattern::Burst
                               ? static_cast<double>(load.requests)
                               : load.load;
  out.clients = in_flight * out.ranks;
  out.kv_load = in_flight * length / kv_tokens;
  if (d.prefill) {
    // As one of the workers that decode sees it.
    out.ranks = 1;
    out.clients = in_flight / d.decode_workers;
    out.kv_load = out.clients / d.data * length / kv_tokens;
    // Transfers are no part of a step.
    scale(out.ttft, std::max(1.0, run->ttft_ms.mean * 1e6 / total(run->ttft, with)));
  }

  double log_ttft = std::log(total(run->ttft, with));
  if (by_rate && (d.ttft_limit_ms || d.tpot_limit_ms)) {
    double factor = 1;
    while (!within_limits(*run, d) && factor > kLeastStepTime) {
      factor *= kStepTimeCut;
      run = play(1, factor);
      if (!run) return fail(std::move(run).error());
    }
    out.run = *run;
    out.tpot = run->tpot;
    out.ttft = run->ttft;
    scale(out.tpot, factor);
    scale(out.ttft, factor);
  } else if (by_rate) {
    for (const double factor : kStepTimes) {
      const auto faster = play(1, factor);
      if (!faster) return fail(faster.error());
      log_ttft += std::log(total(faster->ttft, with));
    }
    scale(out.ttft, std::exp(log_ttft / 3) / total(out.ttft, with));
  } else if (out.kv_load > kNearFull) {
    for (const double factor : kCacheSizes) {
      const auto other = play(factor, 1);
      if (!other) return fail(other.error());
      log_ttft += std::log(total(other->ttft, with));
      for (std::size_t k = 0; k < out.tpot.size(); ++k) out.tpot[k] += other->tpot[k];
    }
    scale(out.tpot, 1.0 / 3);
    scale(out.ttft, std::exp(log_ttft / 3) / total(out.ttft, with));
  }

  const double clients =
      question.load_kind == curve::LoadKind::Concurrency ? question.load / 10 : kOpenLoopTenClients;
  out.extras = {1, input_tokens(question) / 1000, clients};
  if (d.first_chunk_tokens > 0) {
    // Tokens that the server keeps back before it streams the first of them.
    for (std::size_t k = 0; k < out.ttft.size(); ++k) {
      out.ttft[k] += d.first_chunk_tokens * out.tpot[k];
    }
  }
  out.output_tokens = output_tokens(question);
  out.peak_ms = peak_ms(d, length);
  out.place = place_of(question, d, out.clients, out.kv_load,
                       tables_.measured_on(d.accelerator->id) != nullptr, dates_);
  out.stood_in = d.stood_in;
  out.unlike = d.speculative || d.disaggregated;
  out.apart = d.prefill.has_value();
  out.notes = std::move(d.notes);
  out.notes.insert(out.notes.end(), compiled->extrapolated.begin(), compiled->extrapolated.end());
  return out;
}

}  // namespace kneepoint::predict
