#include "predict/kernel.h"

#include <algorithm>
#include <cmath>

namespace kneepoint::predict {

double log_agreement(double logit) {
  return logit > 0 ? -std::log1p(std::exp(-logit)) : logit - std::log1p(std::exp(logit));
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
  return out;
}

CompiledKernel::CompiledKernel(const Kernel& of)
    : rough_(of.shape.rough), noise_(std::exp(2 * of.log_noise)) {
  for (const KernelTerm& term : of.terms) {
    Term& t = terms_.emplace_back();
    t.log_variance = 2 * term.log_amplitude;
    variance_ += std::exp(t.log_variance);
    for (const double logit : term.logit_agreement) t.log_agreement.push_back(log_agreement(logit));
    for (std::size_t i = 0; i < term.log_length.size(); ++i) {
      t.factor.push_back(0.5 * std::exp((rough_[i] ? -1 : -2) * term.log_length[i]));
    }
  }
}

double CompiledKernel::log_value(const Term& term, const KernelPoint& a,
                                 const KernelPoint& b) const {
  double log = term.log_variance;
  for (std::size_t c = 0; c < term.log_agreement.size(); ++c) {
    if (a.categories[c] != b.categories[c] || a.categories[c] == KernelPoint::kUnknown) {
      log += term.log_agreement[c];
    }
  }
  for (std::size_t i = 0; i < term.factor.size(); ++i) {
    const double d = std::abs(a.continuous[i] - b.continuous[i]);
    log -= term.factor[i] * (rough_[i] ? d : d * d);
  }
  return log;
}

double CompiledKernel::operator()(const KernelPoint& a, const KernelPoint& b) const {
  double sum = 0;
  for (const Term& term : terms_) {
    const double log = log_value(term, a, b);
    if (log > -30) sum += std::exp(log);
  }
  return sum;
}

void CompiledKernel::terms(const KernelPoint& a, const KernelPoint& b,
                           std::span<double> out) const {
  for (std::size_t t = 0; t < terms_.size(); ++t) out[t] = std::exp(log_value(terms_[t], a, b));
}

}  // namespace kneepoint::predict
