#include "predict/symmetric_inverse.h"

#include <Eigen/Dense>

namespace kneepoint::predict {
namespace {

using Block = Eigen::Ref<Eigen::MatrixXd, 0, Eigen::OuterStride<>>;
constexpr Eigen::Index kSmall = 96;

/// L to L^-1, both lower: of [A 0; B C] it is [A^-1 0; -C^-1 B A^-1, C^-1].
void invert_lower(Block lower) {
  const auto n = lower.rows();
  if (n <= kSmall) {
    const Eigen::MatrixXd inverse =
        lower.triangularView<Eigen::Lower>().solve(Eigen::MatrixXd::Identity(n, n));
    lower.triangularView<Eigen::Lower>() = inverse;
    return;
  }
  const auto half = n / 2;
  invert_lower(lower.topLeftCorner(half, half));
  invert_lower(lower.bottomRightCorner(n - half, n - half));
  auto b = lower.bottomLeftCorner(n - half, half);
  const Eigen::MatrixXd right = b * lower.topLeftCorner(half, half).triangularView<Eigen::Lower>();
  b = -(lower.bottomRightCorner(n - half, n - half).triangularView<Eigen::Lower>() * right);
}

/// X to the lower triangle of X'X, X being lower.
void square(Block lower) {
  const auto n = lower.rows();
  if (n <= kSmall) {
    const Eigen::MatrixXd x = lower.triangularView<Eigen::Lower>();
    lower.triangularView<Eigen::Lower>() = x.transpose() * x;
    return;
  }
  const auto half = n / 2;
  auto a = lower.topLeftCorner(half, half);
  auto b = lower.bottomLeftCorner(n - half, half);
  auto c = lower.bottomRightCorner(n - half, n - half);
  square(a);
  a.selfadjointView<Eigen::Lower>().rankUpdate(b.transpose());
  const Eigen::MatrixXd product = c.triangularView<Eigen::Lower>().transpose() * b;
  b = product;
  square(c);
}

}  // namespace

bool invert_symmetric(double* matrix, std::size_t rows) {
  const auto n = static_cast<Eigen::Index>(rows);
  Eigen::Map<Eigen::MatrixXd> whole(matrix, n, n);
  const Eigen::LLT<Eigen::Ref<Eigen::MatrixXd>> factor(whole);
  if (factor.info() != Eigen::Success) return false;
  invert_lower(whole);
  square(whole);
  for (Eigen::Index c = 1; c < n; ++c) whole.col(c).head(c) = whole.row(c).head(c).transpose();
  return true;
}

}  // namespace kneepoint::predict
