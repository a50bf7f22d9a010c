#include "predict/kernel.h"

#include <cmath>

#include "perfmodel/step_parts.h"

namespace kneepoint::predict {
namespace {

// Below it a term adds nothing that could be seen beside the noise.
constexpr double kNothing = -25;
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

double weight_of(const KernelTerm& term, const KernelPoint& a, const KernelPoint& b) {
  if (term.weight == KernelTerm::kPlain) return 1;
  if (term.weight != KernelTerm::kLinear) {
    const auto group = static_cast<std::size_t>(term.weight);
    return a.groups[group] * b.groups[group];
  }
  double sum = 0;
  for (std::size_t s = 0; s < a.open.size(); ++s) sum += a.open[s] * b.open[s];
  return sum;
}

CompiledKernel::CompiledKernel(const Kernel& of)
    : shape_(of.shape), noise_(std::exp(2 * of.log_noise)) {
  for (const KernelTerm& term : of.terms) {
    Term& t = terms_.emplace_back();
    t.source = term;
    t.variance = std::exp(2 * term.log_amplitude);
    for (std::size_t r = 0; r < term.log_penalty.size(); ++r) {
      if (term.log_penalty[r] > KernelTerm::kUnused) {
        t.penalty.emplace_back(r, std::exp(term.log_penalty[r]));
      }
    }
  }
}

double CompiledKernel::operator()(const KernelPoint& a, const KernelPoint& b) const {
  std::array<double, kMostRespects> difference;
  differences(shape_, a, b, difference);
  double sum = 0;
  for (const Term& term : terms_) {
    double log = 0;
    for (const auto& [respect, penalty] : term.penalty) log -= penalty * difference[respect];
    if (log > kNothing) sum += term.variance * weight_of(term.source, a, b) * std::exp(log);
  }
  return sum;
}

double CompiledKernel::variance(const KernelPoint& of) const {
  double sum = 0;
  for (const Term& term : terms_) sum += term.variance * weight_of(term.source, of, of);
  return sum;
}

}  // namespace kneepoint::predict
