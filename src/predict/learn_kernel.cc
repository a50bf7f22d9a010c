#include "predict/learn_kernel.h"

#include <nlopt.h>

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#include "predict/symmetric_inverse.h"

namespace kneepoint::predict {
namespace {

constexpr double kJitter = 1e-6;
constexpr double kMostResidual = 1.5;  // beyond it a point is an outlier and teaches nothing more
constexpr double kRound = 0.02;        // |error| is rounded off below it, to have a slope at 0
constexpr double kReach = 4;           // how far a hyper-parameter may go from its start
constexpr double kHopeless = 1e6;
constexpr std::size_t kMostRespects = 64;

/// The points that take part, and the groups of them.
struct Problem {
  std::vector<KernelPoint> at;
  Eigen::VectorXd y, weight;
  struct Group {
    std::vector<Eigen::Index> rows;
    Eigen::VectorXd count;  // what the error of each row counts for
  };
  std::vector<Group> groups;

  Problem(std::span<const KernelPoint> points, std::span<const double> residual,
          std::span<const double> weights, std::span<const LeftOutGroup> left_out) {
    std::vector<Eigen::Index> row(points.size(), -1);
    std::vector<double> ys, ws;
    for (std::size_t i = 0; i < points.size(); ++i) {
      if (std::isnan(residual[i]) || !(weights[i] > 0)) continue;
      row[i] = static_cast<Eigen::Index>(at.size());
      at.push_back(points[i]);
      ys.push_back(std::clamp(residual[i], -kMostResidual, kMostResidual));
      ws.push_back(weights[i]);
    }
    y = Eigen::Map<const Eigen::VectorXd>(ys.data(), static_cast<Eigen::Index>(ys.size()));
    weight = Eigen::Map<const Eigen::VectorXd>(ws.data(), y.size());
    for (const LeftOutGroup& group : left_out) {
      Group& g = groups.emplace_back();
      for (const std::size_t p : group.points) {
        if (row[p] >= 0) g.rows.push_back(row[p]);
      }
      g.count.resize(static_cast<Eigen::Index>(g.rows.size()));
      for (Eigen::Index i = 0; i < g.count.size(); ++i) {
        g.count[i] = std::min(weight[g.rows[static_cast<std::size_t>(i)]], 1.0);
      }
      const double sum = g.count.sum();
      if (sum > 0) g.count *= group.importance / sum;
      if (g.rows.empty() || g.rows.size() == at.size()) groups.pop_back();
    }
  }
};

double loss(const Kernel& kernel, const Problem& problem, std::vector<double>* slope) {
  const auto n = problem.y.size();
  const CompiledKernel value(kernel);
  Eigen::MatrixXd covariance(n, n);
  for (Eigen::Index c = 0; c < n; ++c) {
    const KernelPoint& b = problem.at[static_cast<std::size_t>(c)];
    covariance(c, c) = value.variance(b) + value.noise() / problem.weight[c] + kJitter;
    for (Eigen::Index r = c + 1; r < n; ++r) {
      covariance(r, c) = value(problem.at[static_cast<std::size_t>(r)], b);
    }
  }
  Eigen::MatrixXd& precision = covariance;  // from here on
  if (!invert_symmetric(covariance.data(), static_cast<std::size_t>(n))) {
    if (slope != nullptr) std::fill(slope->begin(), slope->end(), 0.0);
    return kHopeless;
  }

  // With C = (K + noise)^-1 and a = C y, the error of a group left out is e = C_gg^-1 a_g, and
  //     d loss / d K = sum over groups of u v',  u = C_.g C_gg^-1 g,  v = C_.g e - a,
  // g being the slope of the loss by e.
  const Eigen::VectorXd pull = precision * problem.y;
  const auto groups = static_cast<Eigen::Index>(problem.groups.size());
  Eigen::MatrixXd u(n, groups), v(n, groups);
  double sum = 0;
  for (Eigen::Index i = 0; i < groups; ++i) {
    const Problem::Group& group = problem.groups[static_cast<std::size_t>(i)];
    const Eigen::MatrixXd own = precision(group.rows, group.rows);
    const Eigen::LLT<Eigen::MatrixXd> factor(own);
    const Eigen::VectorXd off = factor.solve(pull(group.rows));
    const Eigen::ArrayXd size = (off.array().square() + kRound * kRound).sqrt();
    sum += (group.count.array() * size).sum();
    if (slope == nullptr) continue;
    const Eigen::VectorXd g = (group.count.array() * off.array() / size).matrix();
    const Eigen::MatrixXd columns = precision(Eigen::all, group.rows);
    u.col(i) = columns * factor.solve(g);
    v.col(i) = columns * off - pull;
  }
  if (slope == nullptr) return sum;

  // What changes K(r, c) changes K(c, r) too.
  const Eigen::MatrixXd by_entry = u * v.transpose();
  const std::size_t respects = kernel.shape.respects();
  std::vector<std::vector<double>> sums(kernel.terms.size(),
                                        std::vector<double>(respects + 1));  // amplitude last
  std::array<double, kMostRespects> difference;
  std::vector<std::vector<double>> penalty;
  for (const KernelTerm& term : kernel.terms) {
    auto& p = penalty.emplace_back();
    for (const double log : term.log_penalty) p.push_back(std::exp(log));
  }
  for (Eigen::Index c = 0; c < n; ++c) {
    const KernelPoint& b = problem.at[static_cast<std::size_t>(c)];
    for (Eigen::Index r = c; r < n; ++r) {
      const KernelPoint& a = problem.at[static_cast<std::size_t>(r)];
      const double g = r == c ? by_entry(c, c) : by_entry(r, c) + by_entry(c, r);
      differences(kernel.shape, a, b, difference);
      if (r == c) difference.fill(0);
      for (std::size_t t = 0; t < kernel.terms.size(); ++t) {
        const KernelTerm& term = kernel.terms[t];
        double log = 2 * term.log_amplitude;
        for (std::size_t k = 0; k < respects; ++k) log -= penalty[t][k] * difference[k];
        const double pulled = g * weight_of(term.weight, a, b) * std::exp(log);
        std::vector<double>& s = sums[t];
        for (std::size_t k = 0; k < respects; ++k) s[k] += pulled * difference[k];
        s[respects] += pulled;
      }
    }
  }
  std::size_t at = 0;
  for (std::size_t t = 0; t < kernel.terms.size(); ++t) {
    (*slope)[at++] = 2 * sums[t][respects];
    for (std::size_t k = 0; k < respects; ++k) {
      if (kernel.terms[t].log_penalty[k] > KernelTerm::kUnused) {
        (*slope)[at++] = -penalty[t][k] * sums[t][k];
      }
    }
  }
  (*slope)[at] = 2 * value.noise() * (by_entry.diagonal().array() / problem.weight.array()).sum();
  return sum;
}

struct Search {
  const Problem& problem;
  const Kernel& start;
  std::vector<double> from;
  double pull;
};

double objective(unsigned n, const double* x, double* slope, void* data) {
  const auto& search = *static_cast<const Search*>(data);
  std::vector<double> gradient(n);
  double value = loss(with_parameters(search.start, {x, n}), search.problem,
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
    for (const double value : t.log_penalty) {
      if (value > KernelTerm::kUnused) out.push_back(value);
    }
  }
  out.push_back(kernel.log_noise);
  return out;
}

Kernel with_parameters(Kernel kernel, std::span<const double> parameters) {
  std::size_t at = 0;
  for (KernelTerm& t : kernel.terms) {
    t.log_amplitude = parameters[at++];
    for (double& value : t.log_penalty) {
      if (value > KernelTerm::kUnused) value = parameters[at++];
    }
  }
  kernel.log_noise = parameters[at];
  return kernel;
}

double left_out_loss(const Kernel& kernel, std::span<const KernelPoint> at,
                     std::span<const double> residual, std::span<const double> weight,
                     std::span<const LeftOutGroup> groups, std::vector<double>* slope) {
  if (slope != nullptr) slope->assign(parameters(kernel).size(), 0);
  return loss(kernel, Problem(at, residual, weight, groups), slope);
}

Kernel learn_kernel(const Kernel& start, std::span<const KernelPoint> at,
                    std::span<const double> residual, std::span<const double> weight,
                    std::span<const LeftOutGroup> groups, const LearnOptions& options) {
  const Problem problem(at, residual, weight, groups);
  if (problem.at.size() < 50 || problem.groups.size() < 2) return start;  // says nothing of dozens
  Search search{problem, start, parameters(start), options.pull};

  std::vector<double> x = search.from;
  const auto n = static_cast<unsigned>(x.size());
  std::vector<double> low(n), high(n);
  for (unsigned i = 0; i < n; ++i) {
    low[i] = x[i] - kReach;
    high[i] = x[i] + kReach;
  }
  const std::unique_ptr<nlopt_opt_s, decltype(&nlopt_destroy)> optimizer(
      nlopt_create(NLOPT_LD_LBFGS, n), &nlopt_destroy);
  nlopt_set_min_objective(optimizer.get(), &objective, &search);
  nlopt_set_lower_bounds(optimizer.get(), low.data());
  nlopt_set_upper_bounds(optimizer.get(), high.data());
  nlopt_set_maxeval(optimizer.get(), options.rounds);
  nlopt_set_ftol_rel(optimizer.get(), 1e-4);
  double best = 0;
  // A search that stops for want of rounds has still found the best point it saw.
  nlopt_optimize(optimizer.get(), x.data(), &best);
  return with_parameters(start, x);
}

}  // namespace kneepoint::predict
