#include "predict/learn_kernel.h"

#include <nlopt.h>

#include <Eigen/Dense>
#include <algorithm>
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

using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// The points that take part, a column of numbers per respect, and the groups of them.
struct Problem {
  const KernelShape& shape;
  Eigen::MatrixXd categories, continuous, shares, open;  // a row per point
  Eigen::VectorXd untabled, varied;
  Eigen::VectorXd y, weight;
  struct Group {
    std::vector<Eigen::Index> rows;
    Eigen::VectorXd count;  // what the error of each row counts for
  };
  std::vector<Group> groups;

  Problem(const KernelShape& shape_of, std::span<const KernelPoint> points,
          std::span<const double> residual, std::span<const double> weights,
          std::span<const LeftOutGroup> left_out)
      : shape(shape_of) {
    std::vector<Eigen::Index> row(points.size(), -1);
    std::vector<const KernelPoint*> at;
    std::vector<double> ys, ws;
    for (std::size_t i = 0; i < points.size(); ++i) {
      if (std::isnan(residual[i]) || !(weights[i] > 0)) continue;
      row[i] = static_cast<Eigen::Index>(at.size());
      at.push_back(&points[i]);
      ys.push_back(std::clamp(residual[i], -kMostResidual, kMostResidual));
      ws.push_back(weights[i]);
    }
    y = Eigen::Map<const Eigen::VectorXd>(ys.data(), static_cast<Eigen::Index>(ys.size()));
    weight = Eigen::Map<const Eigen::VectorXd>(ws.data(), y.size());
    take_features(at);
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

  /// As differences() of kernel.h: of point c and each point from it on, a row per respect.
  void differences_from(Eigen::Index c, RowMatrix& out) const {
    const auto left = y.size() - c;
    out.resize(static_cast<Eigen::Index>(shape.respects()), left);
    Eigen::Index at = 0;
    const auto column = [&](const Eigen::MatrixXd& of, Eigen::Index k) {
      return (of.col(k).tail(left).array() - of(c, k)).abs().transpose();
    };
    for (Eigen::Index k = 0; k < categories.cols(); ++k) {
      out.row(at++) = column(categories, k).min(1.0);
    }
    for (Eigen::Index k = 0; k < continuous.cols(); ++k, ++at) {
      out.row(at) = column(continuous, k);
      if (shape.squared[static_cast<std::size_t>(k)])
        out.row(at).array() *= 0.5 * out.row(at).array();
    }
    out.row(at) = (shares.bottomRows(left).rowwise() - shares.row(c)).rowwise().squaredNorm();
  }

  /// As weight_of() of kernel.h: of point c and each point from it on.
  void multiply_by_weight(int weight_kind, Eigen::Index c,
                          Eigen::Ref<Eigen::RowVectorXd> by) const {
    const auto left = y.size() - c;
    if (weight_kind == KernelTerm::kPlain) return;
    if (weight_kind == KernelTerm::kUntabled) {
      by.array() *= untabled.tail(left).transpose().array() * untabled[c];
    } else if (weight_kind == KernelTerm::kVaried) {
      by.array() *= varied.tail(left).transpose().array() * varied[c];
    } else if (weight_kind == KernelTerm::kLinear) {
      by.array() *= (open.bottomRows(left) * open.row(c).transpose()).transpose().array();
    } else {
      by.array() *= shares.col(weight_kind).tail(left).transpose().array() * shares(c, weight_kind);
    }
  }

 private:
  void take_features(const std::vector<const KernelPoint*>& at) {
    const auto n = static_cast<Eigen::Index>(at.size());
    const auto wide = [](const auto& list) { return static_cast<Eigen::Index>(list.size()); };
    categories.resize(n, wide(shape.categories));
    continuous.resize(n, wide(shape.continuous));
    shares.resize(n, static_cast<Eigen::Index>(kShareGroups));
    open.resize(n, n == 0 ? 0 : wide(at.front()->open));
    untabled.resize(n);
    varied.resize(n);
    for (Eigen::Index i = 0; i < n; ++i) {
      const KernelPoint& p = *at[static_cast<std::size_t>(i)];
      const auto fill = [&](Eigen::MatrixXd& to, const auto& from) {
        for (Eigen::Index k = 0; k < to.cols(); ++k) {
          to(i, k) = static_cast<double>(from[static_cast<std::size_t>(k)]);
        }
      };
      fill(categories, p.categories);
      fill(continuous, p.continuous);
      fill(shares, p.groups);
      fill(open, p.open);
      untabled[i] = p.untabled;
      varied[i] = p.varied;
      for (Eigen::Index k = 0; k < categories.cols(); ++k) {
        // A name nobody knows equals no other point.
        if (categories(i, k) < 0) categories(i, k) = -2 - static_cast<double>(i);
      }
    }
  }
};

/// A kernel with its penalties as a matrix: all terms of a column of points in two products.
struct Columns {
  const Kernel& kernel;
  const Problem& problem;
  Eigen::MatrixXd penalty;          // term, respect
  RowMatrix difference{}, value{};  // respect, point; term, point

  Columns(const Kernel& of, const Problem& over)
      : kernel(of),
        problem(over),
        penalty(Eigen::MatrixXd::Zero(static_cast<Eigen::Index>(kernel.terms.size()),
                                      static_cast<Eigen::Index>(kernel.shape.respects()))) {
    for (std::size_t t = 0; t < kernel.terms.size(); ++t) {
      const std::vector<double>& logs = kernel.terms[t].log_penalty;
      for (std::size_t k = 0; k < logs.size(); ++k) {
        penalty(static_cast<Eigen::Index>(t), static_cast<Eigen::Index>(k)) = std::exp(logs[k]);
      }
    }
  }

  /// What each term adds, for point c and each point from it on.
  void compute(Eigen::Index c) {
    problem.differences_from(c, difference);
    value.noalias() = -penalty * difference;
    for (Eigen::Index t = 0; t < value.rows(); ++t) {
      const KernelTerm& term = kernel.terms[static_cast<std::size_t>(t)];
      value.row(t) = (value.row(t).array() + 2 * term.log_amplitude).exp();
      problem.multiply_by_weight(term.weight, c, value.row(t));
    }
  }
};

double loss(const Kernel& kernel, const Problem& problem, std::vector<double>* slope) {
  const auto n = problem.y.size();
  const double noise = std::exp(2 * kernel.log_noise);
  Columns columns_of(kernel, problem);
  Eigen::MatrixXd covariance(n, n);
  for (Eigen::Index c = 0; c < n; ++c) {
    columns_of.compute(c);
    covariance.col(c).tail(n - c) = columns_of.value.colwise().sum().transpose();
    covariance(c, c) += noise / problem.weight[c] + kJitter;
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
  const Eigen::MatrixXd by_entry = u * v.transpose() + v * u.transpose();
  Eigen::MatrixXd by_penalty =
      Eigen::MatrixXd::Zero(columns_of.penalty.rows(), columns_of.penalty.cols());
  Eigen::VectorXd by_amplitude = Eigen::VectorXd::Zero(by_penalty.rows());
  for (Eigen::Index c = 0; c < n; ++c) {
    columns_of.compute(c);
    Eigen::RowVectorXd entry = by_entry.col(c).tail(n - c).transpose();
    entry[0] /= 2;
    columns_of.value.array().rowwise() *= entry.array();
    by_penalty.noalias() += columns_of.value * columns_of.difference.transpose();
    by_amplitude += columns_of.value.rowwise().sum();
  }
  std::size_t at = 0;
  for (std::size_t t = 0; t < kernel.terms.size(); ++t) {
    const auto row = static_cast<Eigen::Index>(t);
    (*slope)[at++] = 2 * by_amplitude[row];
    for (std::size_t k = 0; k < kernel.terms[t].log_penalty.size(); ++k) {
      const auto column = static_cast<Eigen::Index>(k);
      if (kernel.terms[t].log_penalty[k] > KernelTerm::kUnused) {
        (*slope)[at++] = -columns_of.penalty(row, column) * by_penalty(row, column);
      }
    }
  }
  (*slope)[at] = noise * (by_entry.diagonal().array() / problem.weight.array()).sum();
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
  return loss(kernel, Problem(kernel.shape, at, residual, weight, groups), slope);
}

Kernel learn_kernel(const Kernel& start, std::span<const KernelPoint> at,
                    std::span<const double> residual, std::span<const double> weight,
                    std::span<const LeftOutGroup> groups, const LearnOptions& options) {
  const Problem problem(start.shape, at, residual, weight, groups);
  if (problem.y.size() < 50 || problem.groups.size() < 2) return start;  // says nothing of dozens
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
