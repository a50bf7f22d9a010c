#include "predict/anchoring.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

namespace kneepoint::predict {
namespace {

// Doublings after which the likeness is 1 / e; found on runs of five and more loads.
constexpr double kLoadDoublings = 24, kLengthDoublings = 8, kCountDoublings = 4;
constexpr double kOtherVersion = 0.7, kOtherPrecision = 0.6, kOtherTopology = 0.8,
                 kOtherProtocol = 0.8;
constexpr double kLeastLikeness = 0.02;
constexpr double kRepeat = 1e-4;  // of the variance: repeats of a point may differ
constexpr std::size_t kMost = 200;

/// 0: the feature follows from others, or from the setup.
double doublings(const std::string& feature) {
  if (feature == "log2 clients") return kLoadDoublings;
  if (feature == "log2 accelerators") return kCountDoublings;
  if (feature == "log2 input tokens" || feature == "log2 output tokens") return kLengthDoublings;
  return 0;
}

double other(const std::string& category) {
  if (category == "version") return kOtherVersion;
  if (category == "precision") return kOtherPrecision;
  if (category == "topology") return kOtherTopology;
  if (category == "protocol") return kOtherProtocol;
  return category == "model" || category == "server" || category == "accelerator" ? 0 : 1;
}

}  // namespace

double error_likeness(const Covariates& a, const Covariates& b, const KernelShape& shape) {
  double out = 1;
  for (std::size_t c = 0; c < shape.categories.size(); ++c) {
    if (a.categories[c] != b.categories[c]) out *= other(shape.categories[c]);
  }
  for (std::size_t i = 0; i < shape.continuous.size(); ++i) {
    if (const double reach = doublings(shape.continuous[i]); reach > 0) {
      out *= std::exp(-std::abs(a.continuous[i] - b.continuous[i]) / reach);
    }
  }
  return out;
}

Correction correct(std::span<const Anchor> anchors, const Covariates& at, double sd,
                   const KernelShape& shape) {
  std::vector<std::pair<double, const Anchor*>> near;
  for (const Anchor& anchor : anchors) {
    const double likeness = error_likeness(anchor.at, at, shape);
    if (likeness >= kLeastLikeness && anchor.sd > 0) near.emplace_back(likeness, &anchor);
  }
  if (near.empty() || !(sd > 0)) return {};
  std::stable_sort(near.begin(), near.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  if (near.size() > kMost) near.resize(kMost);

  // In units of each point's own sd.
  const auto n = static_cast<Eigen::Index>(near.size());
  Eigen::MatrixXd likeness(n, n);
  Eigen::VectorXd value(n), with_point(n);
  for (Eigen::Index c = 0; c < n; ++c) {
    const auto& [alike, anchor] = near[static_cast<std::size_t>(c)];
    with_point[c] = alike;
    value[c] = anchor->log_ratio / anchor->sd;
    likeness(c, c) = 1 + kRepeat;
    for (Eigen::Index r = c + 1; r < n; ++r) {
      likeness(r, c) = likeness(c, r) =
          error_likeness(near[static_cast<std::size_t>(r)].second->at, anchor->at, shape);
    }
  }
  const Eigen::LLT<Eigen::MatrixXd> factor(likeness);
  if (factor.info() != Eigen::Success) return {};
  const double left = 1 - with_point.dot(factor.solve(with_point));
  return {sd * with_point.dot(factor.solve(value)), std::sqrt(std::clamp(left, 0.0, 1.0))};
}

}  // namespace kneepoint::predict
