#include "predict/kernel.h"

#include <cmath>

#include "perfmodel/step_parts.h"

namespace kneepoint::predict {
namespace {

// Below it a term adds nothing that could be seen beside the noise.
constexpr double kNothing = 20;
constexpr std::size_t kMostRespects = 64;

}  // namespace

ShareGroup group_of_share(std::size_t part_or_extra) {
  using perfmodel::Part;
  if (part_or_extra >= perfmodel::kParts) return ShareGroup::Requests;
  switch (static_cast<Part>(part_or_extra)) {
    case Part::DecodeGemm:
    case Part::PrefillGemm:
    case Part::Elementwise:
    case Part::Head:
      return ShareGroup::Dense;
    case Part::DecodeExperts:
    case Part::PrefillExperts:
      return ShareGroup::Experts;
    case Part::DecodeExchange:
    case Part::PrefillExchange:
      return ShareGroup::Exchange;
    case Part::DecodeAttention:
    case Part::PrefillAttention:
      return ShareGroup::Attention;
    default:
      return ShareGroup::Overheads;
  }
}

KernelPoint CategoryNames::learn(const Covariates& of) {
  for (std::size_t c = 0; c < numbers_.size(); ++c) {
    numbers_[c].emplace(of.categories[c], static_cast<std::int32_t>(numbers_[c].size()));
  }
  return look_up(of);
}

KernelPoint CategoryNames::look_up(const Covariates& of) const {
  KernelPoint out;
  out.continuous = of.continuous;
  out.categories.reserve(numbers_.size());
  for (std::size_t c = 0; c < numbers_.size(); ++c) {
    const auto found = numbers_[c].find(of.categories[c]);
    out.categories.push_back(found == numbers_[c].end() ? KernelPoint::kUnknown : found->second);
  }
  if (untabled_ < of.continuous.size()) out.untabled = of.continuous[untabled_];
  if (setting_ < of.categories.size()) out.varied = of.categories[setting_] == kVariedSetting;
  out.open.resize(of.shares.size());
  for (std::size_t s = 0; s < of.shares.size(); ++s) {
    out.groups[static_cast<std::size_t>(group_of_share(s))] += of.shares[s];
    out.open[s] = of.shares[s] * (s < share_sd_.size() ? share_sd_[s] : 0);
  }
  return out;
}

void differences(const KernelShape& shape, const KernelPoint& a, const KernelPoint& b,
                 std::span<double> out) {
  std::size_t at = 0;
  for (std::size_t c = 0; c < shape.categories.size(); ++c) {
    const bool alike =
        a.categories[c] == b.categories[c] && a.categories[c] != KernelPoint::kUnknown;
    out[at++] = alike ? 0 : 1;
  }
  for (std::size_t i = 0; i < shape.continuous.size(); ++i) {
    const double d = std::abs(a.continuous[i] - b.continuous[i]);
    out[at++] = shape.squared[i] ? 0.5 * d * d : d;
  }
  double squares = 0;
  for (std::size_t g = 0; g < kShareGroups; ++g) {
    const double d = a.groups[g] - b.groups[g];
    squares += d * d;
  }
  out[at] = squares;
}

double weight_of(int weight, const KernelPoint& a, const KernelPoint& b) {
  if (weight == KernelTerm::kPlain) return 1;
  if (weight == KernelTerm::kUntabled) return a.untabled * b.untabled;
  if (weight == KernelTerm::kVaried) return a.varied * b.varied;
  if (weight != KernelTerm::kLinear) {
    const auto group = static_cast<std::size_t>(weight);
    return a.groups[group] * b.groups[group];
  }
  double sum = 0;
  for (std::size_t s = 0; s < a.open.size(); ++s) sum += a.open[s] * b.open[s];
  return sum;
}

CompiledKernel::CompiledKernel(const Kernel& of)
    : shape_(of.shape), noise_(std::exp(2 * of.log_noise)) {
  // A row of penalties per term, padded so that the sums below come out in whole registers.
  width_ = (of.shape.respects() + 3) / 4 * 4;
  penalties_.assign(width_ * of.terms.size(), 0.0);
  for (std::size_t t = 0; t < of.terms.size(); ++t) {
    const KernelTerm& term = of.terms[t];
    terms_.push_back({term.weight, std::exp(2 * term.log_amplitude)});
    for (std::size_t r = 0; r < term.log_penalty.size(); ++r) {
      penalties_[t * width_ + r] = std::exp(term.log_penalty[r]);  // unused: 0
    }
  }
}

double CompiledKernel::operator()(const KernelPoint& a, const KernelPoint& b) const {
  std::array<double, kMostRespects> difference;
  differences(shape_, a, b, difference);
  for (std::size_t r = shape_.respects(); r < width_; ++r) difference[r] = 0;
  double sum = 0;
  const double* penalty = penalties_.data();
  for (const Term& term : terms_) {
    double log[4] = {};
    for (std::size_t r = 0; r < width_; r += 4) {
      for (std::size_t i = 0; i < 4; ++i) log[i] += penalty[r + i] * difference[r + i];
    }
    penalty += width_;
    const double far = (log[0] + log[1]) + (log[2] + log[3]);
    if (far < kNothing) sum += term.variance * weight_of(term.weight, a, b) * std::exp(-far);
  }
  return sum;
}

double CompiledKernel::variance(const KernelPoint& of) const {
  double sum = 0;
  for (const Term& term : terms_) sum += term.variance * weight_of(term.weight, of, of);
  return sum;
}

}  // namespace kneepoint::predict
