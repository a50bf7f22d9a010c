#include "predict/process_fit.h"

#include <Eigen/Dense>
#include <cmath>
#include <limits>

#include "predict/symmetric_inverse.h"

namespace kneepoint::predict {
namespace {

constexpr int kRounds = 3;      // the last one fits, those before it find outliers
constexpr double kFreedom = 4;  // of Student's t
constexpr double kJitter = 1e-8;

}  // namespace

struct ProcessFit::Matrices {
  std::vector<std::ptrdiff_t> place;  // row of a point; -1: takes no part
  std::vector<std::size_t> point;     // of a row
  Eigen::MatrixXd inverse;            // (K + noise)^-1
  double trusted_noise = 0;
};

ProcessFit::~ProcessFit() = default;

ProcessFit::ProcessFit(const Kernel& kernel, std::span<const KernelPoint> at,
                       std::span<const double> residual, std::span<const double> weight)
    : matrices_(std::make_unique<Matrices>()) {
  Matrices& m = *matrices_;
  const CompiledKernel value(kernel);
  m.trusted_noise = value.noise();
  m.place.assign(at.size(), -1);
  for (std::size_t i = 0; i < at.size(); ++i) {
    if (std::isnan(residual[i]) || weight[i] <= 0) continue;
    m.place[i] = static_cast<std::ptrdiff_t>(m.point.size());
    m.point.push_back(i);
  }
  const auto n = static_cast<Eigen::Index>(m.point.size());
  Eigen::MatrixXd covariance(n, n);
  Eigen::VectorXd y(n), trust(n);
  for (Eigen::Index c = 0; c < n; ++c) {
    const std::size_t i = m.point[static_cast<std::size_t>(c)];
    y[c] = residual[i];
    trust[c] = weight[i];
    covariance(c, c) = value.variance(at[i]);
    for (Eigen::Index r = c + 1; r < n; ++r) {
      covariance(r, c) = covariance(c, r) = value(at[m.point[static_cast<std::size_t>(r)]], at[i]);
    }
  }

  Eigen::VectorXd noise(n), alpha(n);
  Eigen::VectorXd robust = trust;
  for (int round = 0; round < kRounds; ++round) {
    noise = value.noise() * robust.cwiseInverse();
    m.inverse = covariance;
    m.inverse.diagonal() += noise;
    m.inverse.diagonal().array() += kJitter;
    // Noise keeps it positive, whatever the kernel.
    (void)invert_symmetric(m.inverse.data(), static_cast<std::size_t>(n));
    alpha = m.inverse * y;
    if (round + 1 == kRounds) break;
    for (Eigen::Index i = 0; i < n; ++i) {
      const double variance = 1 / m.inverse(i, i);  // of the point given all others, noise included
      const double off = alpha[i] * variance;
      const double generous = std::max(variance - noise[i], 0.0) + kFreedom * value.noise();
      robust[i] = trust[i] * (kFreedom + 1) / (kFreedom + off * off / generous);
    }
  }

  process_.kernel = kernel;
  process_.residual.assign(residual.begin(), residual.end());
  process_.noise.assign(at.size(), std::numeric_limits<double>::quiet_NaN());
  process_.alpha.assign(at.size(), 0);
  for (Eigen::Index i = 0; i < n; ++i) {
    const std::size_t p = m.point[static_cast<std::size_t>(i)];
    process_.noise[p] = noise[i];
    process_.alpha[p] = alpha[i];
  }
  for (std::size_t i = 0; i < at.size(); ++i) {
    if (m.place[i] < 0) process_.residual[i] = std::numeric_limits<double>::quiet_NaN();
  }
}

ProcessFit::LeftOut ProcessFit::leave_out(std::span<const std::size_t> group,
                                          std::span<const double> residual) const {
  const Matrices& m = *matrices_;
  LeftOut out;
  out.mean.assign(group.size(), std::numeric_limits<double>::quiet_NaN());
  out.variance = out.mean;
  std::vector<Eigen::Index> rows;
  std::vector<std::size_t> member;
  for (std::size_t g = 0; g < group.size(); ++g) {
    if (m.place[group[g]] < 0) continue;
    rows.push_back(m.place[group[g]]);
    member.push_back(g);
  }
  if (rows.empty()) return out;

  // With P = (K + noise)^-1 in blocks of the group g and the rest r:
  //     mean_g = -P_gg^-1 P_gr y_r,  variance_g = P_gg^-1 (noise included).
  const auto n = static_cast<Eigen::Index>(m.point.size());
  Eigen::VectorXd y(n);
  for (Eigen::Index i = 0; i < n; ++i) y[i] = residual[m.point[static_cast<std::size_t>(i)]];
  for (const Eigen::Index r : rows) y[r] = 0;
  const auto size = static_cast<Eigen::Index>(rows.size());
  Eigen::MatrixXd own(size, size);
  Eigen::VectorXd pull(size);
  for (Eigen::Index i = 0; i < size; ++i) {
    const auto row = rows[static_cast<std::size_t>(i)];
    pull[i] = m.inverse.col(row).dot(y);  // symmetric
    for (Eigen::Index j = 0; j < size; ++j) {
      own(i, j) = m.inverse(row, rows[static_cast<std::size_t>(j)]);
    }
  }
  const Eigen::LLT<Eigen::MatrixXd> factor(own);
  const Eigen::VectorXd mean = -factor.solve(pull);
  const Eigen::MatrixXd covariance = factor.solve(Eigen::MatrixXd::Identity(size, size));
  for (Eigen::Index i = 0; i < size; ++i) {
    const std::size_t g = member[static_cast<std::size_t>(i)];
    out.mean[g] = mean[i];
    out.variance[g] = covariance(i, i) - process_.noise[group[g]] + m.trusted_noise;
  }
  return out;
}

}  // namespace kneepoint::predict
