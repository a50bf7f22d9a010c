#include "predict/coefficient_fit.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

namespace kneepoint::predict {
namespace {

using perfmodel::kParts;
using perfmodel::Part;

constexpr std::size_t kAll = kParts + kExtras;
constexpr double kNanosPerMilli = 1e6;
constexpr double kTpotBend = 0.15, kTtftBend = 0.30;  // where Huber's loss turns linear
constexpr int kMostRounds = 20, kMostTries = 6;

double huber(double residual, double bend) {
  const double a = std::abs(residual);
  return a < bend ? 0.5 * a * a : bend * (a - 0.5 * bend);
}

Eigen::VectorXd to_logs(const Coefficients& c) {
  Eigen::VectorXd out(kAll);
  for (std::size_t i = 0; i < kAll; ++i) {
    out[static_cast<Eigen::Index>(i)] = std::log(i < kParts ? c.parts[i] : c.extras[i - kParts]);
  }
  return out;
}

Coefficients from_logs(const Eigen::VectorXd& logs) {
  Coefficients c;
  for (std::size_t i = 0; i < kAll; ++i) {
    (i < kParts ? c.parts[i] : c.extras[i - kParts]) = std::exp(logs[static_cast<Eigen::Index>(i)]);
  }
  return c;
}

/// The points as two matrices: a row times the coefficients is a time in ms.
struct Design {
  Eigen::MatrixXd rows;  // TPOT rows, then TTFT rows
  Eigen::VectorXd target, weight, bend;

  explicit Design(std::span<const Observation> observations) {
    std::vector<std::pair<const Observation*, bool>> used;
    for (const bool first : {false, true}) {
      for (const Observation& o : observations) {
        const double measured = first ? o.ttft_ms : o.tpot_ms;
        const double w = first ? o.ttft_weight : o.tpot_weight;
        if (w > 0 && measured > 0 && std::isfinite(measured)) used.emplace_back(&o, first);
      }
    }
    const auto n = static_cast<Eigen::Index>(used.size());
    rows.setZero(n, kAll);
    target.resize(n);
    weight.resize(n);
    bend.resize(n);
    for (Eigen::Index r = 0; r < n; ++r) {
      const auto& [o, first] = used[static_cast<std::size_t>(r)];
      for (std::size_t k = 0; k < kParts; ++k) {
        rows(r, static_cast<Eigen::Index>(k)) = (first ? o->ttft : o->tpot)[k] / kNanosPerMilli;
      }
      for (std::size_t k = 0; first && k < kExtras; ++k) {
        rows(r, static_cast<Eigen::Index>(kParts + k)) = o->extras[k];
      }
      target[r] = std::log(first ? o->ttft_ms : o->tpot_ms);
      weight[r] = first ? o->ttft_weight : o->tpot_weight;
      bend[r] = first ? kTtftBend : kTpotBend;
    }
  }
};

}  // namespace

double tpot_ms(const Observation& of, const Coefficients& with) {
  return perfmodel::dot(of.tpot, with.parts) / kNanosPerMilli;
}

double ttft_ms(const Observation& of, const Coefficients& with) {
  double sum = perfmodel::dot(of.ttft, with.parts) / kNanosPerMilli;
  for (std::size_t i = 0; i < kExtras; ++i) sum += of.extras[i] * with.extras[i];
  return sum;
}

CoefficientPrior start_values() {
  CoefficientPrior p;
  p.mean.parts.fill(1.0);
  p.log_sd.parts.fill(0.12);
  const auto overhead = [&](Part part, double ns) {
    p.mean.parts[static_cast<std::size_t>(part)] = ns;
    p.log_sd.parts[static_cast<std::size_t>(part)] = 0.7;
  };
  p.log_sd.parts[static_cast<std::size_t>(Part::Elementwise)] = 0.7;
  overhead(Part::DecodeLayers, 3'000);
  overhead(Part::PrefillLayers, 12'000);
  overhead(Part::Steps, 300'000);
  overhead(Part::Sequences, 10'000);
  overhead(Part::PrefillSequences, 200'000);
  overhead(Part::PrefillTokens, 50);
  p.mean.extras = {10, 3, 0.3};
  p.log_sd.extras = {1, 1, 1};
  return p;
}

Coefficients fit_coefficients(std::span<const Observation> observations,
                              const CoefficientPrior& prior, double spread) {
  const Design design(observations);
  const Eigen::VectorXd mean = to_logs(prior.mean);
  // log_sd holds standard deviations, not logs of times: no conversion.
  Eigen::VectorXd sd(kAll);
  for (std::size_t i = 0; i < kAll; ++i) {
    sd[static_cast<Eigen::Index>(i)] =
        i < kParts ? prior.log_sd.parts[i] : prior.log_sd.extras[i - kParts];
  }

  // A step has every kind of part in it or none of that kind; a time is never zero, but a point
  // without weights would be.
  const auto explained = [&](const Eigen::VectorXd& logs) -> Eigen::VectorXd {
    return (design.rows * logs.array().exp().matrix()).cwiseMax(1e-9);
  };
  const auto loss = [&](const Eigen::VectorXd& logs) {
    const Eigen::VectorXd residual = design.target - explained(logs).array().log().matrix();
    double sum = 0;
    for (Eigen::Index r = 0; r < residual.size(); ++r) {
      sum += design.weight[r] * huber(residual[r], design.bend[r]);
    }
    return sum / (spread * spread) + 0.5 * ((logs - mean).array() / sd.array()).square().sum();
  };

  Eigen::VectorXd logs = mean;
  double damping = 1e-3;
  for (int round = 0; round < kMostRounds; ++round) {
    const Eigen::VectorXd value = explained(logs);
    const Eigen::VectorXd residual = design.target - value.array().log().matrix();
    // d log(time) / d log(coefficient) is the share of that part of the time.
    Eigen::MatrixXd shares = design.rows * logs.array().exp().matrix().asDiagonal();
    shares.array().colwise() /= value.array();
    const Eigen::ArrayXd scale =
        (design.weight.array() * (design.bend.array() / residual.array().abs().max(1e-9)).min(1.0))
            .sqrt() /
        spread;
    shares.array().colwise() *= scale;
    const Eigen::VectorXd scaled = (residual.array() * scale).matrix();
    // In units of the prior, which makes the problem well conditioned.
    const Eigen::MatrixXd whitened = shares * sd.asDiagonal();
    const Eigen::MatrixXd normal = whitened.transpose() * whitened;
    const Eigen::VectorXd slope =
        whitened.transpose() * scaled - ((logs - mean).array() / sd.array()).matrix();
    const double before = loss(logs);
    double after = before;
    for (int attempt = 0; attempt < kMostTries; ++attempt) {
      Eigen::MatrixXd damped = normal;
      damped.diagonal().array() += 1 + damping;
      const Eigen::VectorXd next = logs + (sd.array() * damped.llt().solve(slope).array()).matrix();
      if (const double there = loss(next); there < before) {
        logs = next;
        after = there;
        damping = std::max(damping / 5, 1e-4);
        break;
      }
      damping = std::max(damping * 10, 0.1);
    }
    if (before - after < 1e-4 * before) break;
  }
  return from_logs(logs);
}

}  // namespace kneepoint::predict
