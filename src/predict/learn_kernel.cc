#include "predict/learn_kernel.h"

#include <nlopt.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <map>
#include <memory>

#include "base/random.h"

namespace kneepoint::predict {
namespace {

constexpr double kJitter = 1e-8;
constexpr double kMostResidual = 0.6;  // beyond it a point is an outlier and teaches nothing

/// How a pair of points differs in each respect, as one column per pair (r > c) of every respect:
/// the exponent of a term is linear in these.
struct Differences {
  std::vector<Eigen::MatrixXf> category;    // 1 where it differs
  std::vector<Eigen::MatrixXf> continuous;  // half the distance, or half its square

  Differences(const KernelShape& shape, std::span<const KernelPoint> at) {
    const auto n = static_cast<Eigen::Index>(at.size());
    category.assign(shape.categories.size(), Eigen::MatrixXf(n, n));
    continuous.assign(shape.continuous.size(), Eigen::MatrixXf(n, n));
    for (Eigen::Index c = 0; c < n; ++c) {
      const KernelPoint& b = at[static_cast<std::size_t>(c)];
      for (Eigen::Index r = 0; r < n; ++r) {
        const KernelPoint& a = at[static_cast<std::size_t>(r)];
        for (std::size_t k = 0; k < category.size(); ++k) {
          category[k](r, c) = a.categories[k] == b.categories[k] ? 0.F : 1.F;
        }
        for (std::size_t k = 0; k < continuous.size(); ++k) {
          const double d = std::abs(a.continuous[k] - b.continuous[k]);
          continuous[k](r, c) = static_cast<float>(0.5 * (shape.rough[k] ? d : d * d));
        }
      }
    }
  }
};

class Likelihood {
 public:
  Likelihood(const Kernel& shape, std::span<const KernelPoint> at, Eigen::VectorXd y,
             Eigen::VectorXd weight)
      : shape_(shape),
        differences_(shape.shape, at),
        y_(std::move(y)),
        weight_(std::move(weight)) {}

  double operator()(const Kernel& kernel, std::vector<double>* slope) const {
    const auto n = y_.size();
    const double noise = std::exp(2 * kernel.log_noise);
    std::vector<Eigen::MatrixXf> terms;
    Eigen::MatrixXd whole = Eigen::MatrixXd::Zero(n, n);
    for (const KernelTerm& t : kernel.terms) {
      Eigen::MatrixXf log =
          Eigen::MatrixXf::Constant(n, n, static_cast<float>(2 * t.log_amplitude));
      for (std::size_t k = 0; k < t.logit_agreement.size(); ++k) {
        log += differences_.category[k] * static_cast<float>(log_agreement(t.logit_agreement[k]));
      }
      for (std::size_t k = 0; k < t.log_length.size(); ++k) {
        log -= differences_.continuous[k] * static_cast<float>(length_factor(t, k));
      }
      terms.emplace_back(log.array().exp().matrix());
      whole += terms.back().cast<double>();
    }
    whole.diagonal() += noise * weight_.cwiseInverse();
    whole.diagonal().array() += kJitter;
    const Eigen::LLT<Eigen::MatrixXd> factor(whole);
    if (factor.info() != Eigen::Success) {
      if (slope != nullptr) std::fill(slope->begin(), slope->end(), 0.0);
      return 1e9;
    }
    const Eigen::VectorXd alpha = factor.solve(y_);
    double value = 0.5 * y_.dot(alpha);
    for (Eigen::Index i = 0; i < n; ++i) value += std::log(factor.matrixLLT()(i, i));
    if (slope == nullptr) return value;

    // d value / d theta = 1/2 tr((K^-1 - alpha alpha') dK / d theta)
    Eigen::MatrixXd pull = factor.solve(Eigen::MatrixXd::Identity(n, n));
    pull.noalias() -= alpha * alpha.transpose();
    pull *= 0.5;
    const Eigen::MatrixXf pull_f = pull.cast<float>();
    std::size_t at = 0;
    for (std::size_t t = 0; t < terms.size(); ++t) {
      const KernelTerm& term = kernel.terms[t];
      const Eigen::MatrixXf weighted = pull_f.cwiseProduct(terms[t]);
      (*slope)[at++] = 2 * sum(weighted);
      for (std::size_t k = 0; k < term.logit_agreement.size(); ++k) {
        const double share = 1 / (1 + std::exp(term.logit_agreement[k]));  // 1 - agreement
        (*slope)[at++] = share * sum_of_product(weighted, differences_.category[k]);
      }
      for (std::size_t k = 0; k < term.log_length.size(); ++k) {
        const double power = shape_.shape.rough[k] ? 1 : 2;
        (*slope)[at++] =
            power * length_factor(term, k) * sum_of_product(weighted, differences_.continuous[k]);
      }
    }
    (*slope)[at] = 2 * noise * (pull.diagonal().array() / weight_.array()).sum();
    return value;
  }

 private:
  double length_factor(const KernelTerm& term, std::size_t k) const {
    return std::exp((shape_.shape.rough[k] ? -1 : -2) * term.log_length[k]);
  }
  static double sum(const Eigen::MatrixXf& of) { return of.cast<double>().sum(); }
  static double sum_of_product(const Eigen::MatrixXf& a, const Eigen::MatrixXf& b) {
    return a.cwiseProduct(b).cast<double>().sum();
  }

  Kernel shape_;
  Differences differences_;
  Eigen::VectorXd y_, weight_;
};

/// The points that are looked at: whole groups in random order until there are enough.
std::vector<std::size_t> choose(std::span<const double> residual, std::span<const double> weight,
                                std::span<const std::string> group, const LearnOptions& options) {
  std::map<std::string_view, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < residual.size(); ++i) {
    if (!std::isnan(residual[i]) && weight[i] > 0) groups[group[i]].push_back(i);
  }
  std::vector<const std::vector<std::size_t>*> order;
  for (const auto& [name, members] : groups) order.push_back(&members);
  Random random(options.seed, "kernel");
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  std::vector<std::size_t> chosen;
  for (const auto* members : order) {
    if (chosen.size() + members->size() > options.points && !chosen.empty()) continue;
    chosen.insert(chosen.end(), members->begin(), members->end());
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

Likelihood likelihood_of(const Kernel& kernel, std::span<const KernelPoint> at,
                         std::span<const double> residual, std::span<const double> weight,
                         std::span<const std::size_t> chosen) {
  std::vector<KernelPoint> points;
  Eigen::VectorXd y(static_cast<Eigen::Index>(chosen.size()));
  Eigen::VectorXd w(y.size());
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    points.push_back(at[chosen[i]]);
    const auto row = static_cast<Eigen::Index>(i);
    y[row] = std::clamp(residual[chosen[i]], -kMostResidual, kMostResidual);
    w[row] = weight[chosen[i]];
  }
  return {kernel, points, std::move(y), std::move(w)};
}

struct Search {
  const Likelihood& likelihood;
  const Kernel& start;
  std::vector<double> from;
  double pull;
};

double objective(unsigned n, const double* x, double* slope, void* data) {
  const auto& search = *static_cast<const Search*>(data);
  std::vector<double> gradient(n);
  double value = search.likelihood(with_parameters(search.start, {x, n}),
                                   slope == nullptr ? nullptr : &gradient);
  for (unsigned i = 0; i < n; ++i) {
    const double off = x[i] - search.from[i];
    value += search.pull * off * off;
    if (slope != nullptr) slope[i] = gradient[i] + 2 * search.pull * off;
  }
  return value;
}

}  // namespace

std::vector<double> parameters(const Kernel& kernel) {
  std::vector<double> out;
  for (const KernelTerm& t : kernel.terms) {
    out.push_back(t.log_amplitude);
    out.insert(out.end(), t.logit_agreement.begin(), t.logit_agreement.end());
    out.insert(out.end(), t.log_length.begin(), t.log_length.end());
  }
  out.push_back(kernel.log_noise);
  return out;
}

Kernel with_parameters(Kernel kernel, std::span<const double> parameters) {
  std::size_t at = 0;
  for (KernelTerm& t : kernel.terms) {
    t.log_amplitude = parameters[at++];
    for (double& value : t.logit_agreement) value = parameters[at++];
    for (double& value : t.log_length) value = parameters[at++];
  }
  kernel.log_noise = parameters[at];
  return kernel;
}

double minus_log_likelihood(const Kernel& kernel, std::span<const KernelPoint> at,
                            std::span<const double> residual, std::span<const double> weight,
                            std::vector<double>* slope) {
  std::vector<std::size_t> all(at.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  if (slope != nullptr) slope->assign(parameters(kernel).size(), 0);
  return likelihood_of(kernel, at, residual, weight, all)(kernel, slope);
}

Kernel learn_kernel(const Kernel& start, std::span<const KernelPoint> at,
                    std::span<const double> residual, std::span<const double> weight,
                    std::span<const std::string> group, const LearnOptions& options) {
  const std::vector<std::size_t> chosen = choose(residual, weight, group, options);
  if (chosen.size() < 20) return start;  // fewer say nothing of a dozen hyper-parameters
  const Likelihood likelihood = likelihood_of(start, at, residual, weight, chosen);
  Search search{likelihood, start, parameters(start), options.pull};

  std::vector<double> x = search.from;
  const auto n = static_cast<unsigned>(x.size());
  const std::unique_ptr<nlopt_opt_s, decltype(&nlopt_destroy)> optimizer(
      nlopt_create(NLOPT_LD_LBFGS, n), &nlopt_destroy);
  nlopt_set_min_objective(optimizer.get(), &objective, &search);
  nlopt_set_lower_bounds1(optimizer.get(), -8);
  nlopt_set_upper_bounds1(optimizer.get(), 8);
  nlopt_set_maxeval(optimizer.get(), options.rounds);
  nlopt_set_ftol_rel(optimizer.get(), 1e-5);
  double best = 0;
  // A search that stops early for want of progress has still found the best point it saw.
  nlopt_optimize(optimizer.get(), x.data(), &best);
  return with_parameters(start, x);
}

}  // namespace kneepoint::predict
