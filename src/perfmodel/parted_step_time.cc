#include "perfmodel/parted_step_time.h"

#include <algorithm>
#include <cmath>

namespace kneepoint::perfmodel {

PartCoefficients default_coefficients() {
  PartCoefficients out;
  out.fill(1);
  const auto at = [&](Part part) -> double& { return out[static_cast<std::size_t>(part)]; };
  at(Part::DecodeLayers) = 3.7e3;
  at(Part::PrefillLayers) = 11.9e3;
  at(Part::Steps) = 452e3;
  at(Part::Sequences) = 10.2e3;
  at(Part::PrefillSequences) = 196e3;
  at(Part::PrefillTokens) = 50;
  return out;
}

PartedStepTime::PartedStepTime(const CompiledSteps& steps, const PartCoefficients& coefficients) {
  const auto k = [&](Part part) { return coefficients[static_cast<std::size_t>(part)]; };
  for (std::size_t i = 0; i < TokenGrid::kPoints; ++i) {
    const double light = k(Part::Elementwise) * steps.elementwise[i];
    decode_tokens_[i] = k(Part::DecodeGemm) * steps.gemm[i] +
                        k(Part::DecodeExperts) * steps.experts[i] +
                        k(Part::DecodeExchange) * steps.exchange[i] + light;
    prefill_tokens_[i] = k(Part::PrefillGemm) * steps.gemm[i] +
                         k(Part::PrefillExperts) * steps.experts[i] +
                         k(Part::PrefillExchange) * steps.exchange[i] + light;
    head_[i] = k(Part::Head) * steps.head[i];
    prompt_rate_[i] = k(Part::PrefillAttention) * steps.prefill_attention_rate[i];
  }
  for (std::size_t b = 0; b < attention_.size(); ++b)
    for (std::size_t c = 0; c < attention_[b].size(); ++c)
      attention_[b][c] = k(Part::DecodeAttention) * steps.decode_attention[b][c];
  decode_step_ = k(Part::Steps) + k(Part::DecodeLayers) * steps.layers;
  prefill_step_ = k(Part::Steps) + k(Part::PrefillLayers) * steps.layers;
  per_sequence_ = k(Part::Sequences);
  per_chunk_ = k(Part::Sequences) + k(Part::PrefillSequences);
  per_prompt_token_ = k(Part::PrefillTokens);
  by_batch_.resize(kDense + 1);
  for (std::int64_t b = 1; b <= kDense; ++b)
    by_batch_[static_cast<std::size_t>(b)] = decode_nanos(static_cast<double>(b));
}

double PartedStepTime::decode_nanos(double batch) const {
  const auto place = TokenGrid::place(batch);
  return decode_step_ + per_sequence_ * batch + TokenGrid::at(decode_tokens_, place) +
         TokenGrid::at(head_, place);
}

double PartedStepTime::attention(double batch, double cached) const {
  const auto row = BatchGrid::place(batch);
  const auto column = ContextGrid::place(cached + 1);
  const double low = ContextGrid::at(attention_[row.index], column);
  return low + row.weight * (ContextGrid::at(attention_[row.index + 1], column) - low);
}

Nanos PartedStepTime::decode_time(const StepShape& first, std::int64_t steps) {
  const auto batch = static_cast<double>(first.decodes);
  if (batch <= 0) return StepTimeModel::decode_time(first, steps);
  const double each = first.decodes <= kDense ? by_batch_[static_cast<std::size_t>(first.decodes)]
                                              : decode_nanos(batch);
  double cached = static_cast<double>(first.decode_context) / batch;
  double sum = (each + 0.5) * static_cast<double>(steps);  // a half: whole nanoseconds
  for (std::int64_t left = steps; left > 0;) {
    const double next = std::exp2(std::floor(std::log2(cached + 1)) + 1) - 1;
    const auto here = std::min(left, static_cast<std::int64_t>(next - cached) + 1);
    const auto count = static_cast<double>(here);
    sum += count * (attention(batch, cached) + attention(batch, cached + count - 1)) / 2;
    cached += count;
    left -= here;
  }
  return Nanos(std::llround(sum));
}

Nanos PartedStepTime::step_time(const StepShape& shape) {
  const auto batch = static_cast<double>(shape.decodes);
  double nanos = 0;
  if (shape.decodes > 0)
    nanos = attention(batch, static_cast<double>(shape.decode_context) / batch);
  if (shape.prefill_tokens <= 0) {
    nanos += shape.decodes <= kDense
                 ? by_batch_[static_cast<std::size_t>(std::max<std::int64_t>(shape.decodes, 0))]
                 : decode_nanos(batch);
  } else {
    nanos += prefill_step_ + per_sequence_ * batch +
             TokenGrid::at(prefill_tokens_, static_cast<double>(shape.tokens())) +
             per_prompt_token_ * static_cast<double>(shape.prefill_tokens) +
             per_chunk_ * static_cast<double>(shape.prefills.size());
    if (shape.sampled() > 0) nanos += TokenGrid::at(head_, static_cast<double>(shape.sampled()));
    for (const PrefillChunk& chunk : shape.prefills) {
      const auto cached = static_cast<double>(chunk.cached);
      nanos +=
          prompt_attention(cached + static_cast<double>(chunk.tokens)) - prompt_attention(cached);
    }
  }
  // The next whole nanosecond, and never none: the clock of an engine must move.
  return Nanos(static_cast<std::int64_t>(std::max(nanos, 0.0)) + 1);
}

}  // namespace kneepoint::perfmodel
