#include "predict/process_reader.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

namespace kneepoint::predict {
namespace {

constexpr std::size_t kHeard = 96;

}  // namespace

ProcessReader::Answer ProcessReader::at(const KernelPoint& point) const {
  Answer out;
  std::vector<std::pair<double, std::size_t>> say;
  say.reserve(at_.size());
  double loudest = -1;
  for (std::size_t i = 0; i < at_.size(); ++i) {
    if (std::isnan(process_.noise[i])) continue;
    const double k = kernel_(point, at_[i]);
    out.mean += k * process_.alpha[i];
    say.emplace_back(k, i);
    if (k > loudest) {
      loudest = k;
      out.nearest = i;
    }
  }
  out.variance = variance_of(point, say);
  return out;
}

double ProcessReader::variance(const KernelPoint& point, const std::vector<bool>& left_out) const {
  std::vector<std::pair<double, std::size_t>> say;
  for (std::size_t i = 0; i < at_.size(); ++i) {
    if (!left_out[i] && !std::isnan(process_.noise[i])) say.emplace_back(kernel_(point, at_[i]), i);
  }
  return variance_of(point, say);
}

double ProcessReader::variance_of(const KernelPoint& point,
                                  std::vector<std::pair<double, std::size_t>>& say) const {
  const std::size_t heard = std::min(kHeard, say.size());
  std::partial_sort(say.begin(), say.begin() + static_cast<std::ptrdiff_t>(heard), say.end(),
                    [](const auto& a, const auto& b) {
                      return a.first > b.first || (a.first == b.first && a.second < b.second);
                    });
  const auto n = static_cast<Eigen::Index>(heard);
  Eigen::MatrixXd covariance(n, n);
  Eigen::VectorXd with_point(n);
  for (Eigen::Index c = 0; c < n; ++c) {
    const auto& [k, i] = say[static_cast<std::size_t>(c)];
    with_point[c] = k;
    covariance(c, c) = kernel_.variance(at_[i]) + process_.noise[i];
    for (Eigen::Index r = c + 1; r < n; ++r) {
      covariance(r, c) = kernel_(at_[say[static_cast<std::size_t>(r)].second], at_[i]);
    }
  }
  const Eigen::LLT<Eigen::MatrixXd, Eigen::Lower> factor(covariance);
  const Eigen::VectorXd solved = factor.matrixL().solve(with_point);
  const double left = kernel_.variance(point) - solved.squaredNorm();
  return std::max(left, 1e-6) + kernel_.noise();
}

}  // namespace kneepoint::predict
