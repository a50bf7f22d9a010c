#pragma once

#include <atomic>
#include <cmath>
#include <string>

#include "predict/prediction.h"

namespace kneepoint::app {

/// Answers by a formula: steps of 10 ms and 0.1 ms per sequence, 256 of them at once, the others
/// wait. On an accelerator called "broken" nothing is predicted.
class FakePredictor final : public predict::Predictor {
 public:
  explicit FakePredictor(std::string hash = "fake-1") : hash_(std::move(hash)) {}

  Result<predict::Prediction> predict(const predict::Question& q) const override {
    ++asked;
    if (q.setup.accelerator == "broken") {
      return fail(ErrorCode::NotFound, "the accelerator 'broken' is unknown");
    }
    const double output = q.workload.output_tokens_mean.value_or(100);
    const double speed = q.setup.accelerator_count.value_or(1);
    const double step = (10 + 0.1 * std::min(q.load, 256.0)) / speed;
    const double wait = q.load > 256 ? (q.load - 256) / 256 * output * step : 0;
    predict::Prediction out;
    const auto within = [](double value, double ratio) {
      return predict::Estimate{value, value / ratio, value * ratio};
    };
    out.tpot_mean_ms = within(step, 1.1);
    out.ttft_mean_ms = within(50 / speed + wait, 1.5);
    out.e2e_mean_ms = within(out.ttft_mean_ms.value + (output - 1) * step, 1.2);
    out.at.load = q.load;
    out.at.requests_per_second = q.load / out.e2e_mean_ms.value * 1000;
    out.at.output_tokens_per_second = out.at.requests_per_second * output;
    out.at.latency.set(metrics::Metric::Tpot, metrics::Statistic::Mean, step);
    out.at.latency.set(metrics::Metric::Ttft, metrics::Statistic::Mean, out.ttft_mean_ms.value);
    out.at.latency.set(metrics::Metric::Ttft, metrics::Statistic::P99, 2 * out.ttft_mean_ms.value);
    out.at.latency.set(metrics::Metric::E2e, metrics::Statistic::Mean, out.e2e_mean_ms.value);
    out.nearest = "g-nearest";
    out.extrapolated = {"no kernel table; roofline"};
    return out;
  }
  const std::string& hash() const override { return hash_; }
  std::string provenance() const override { return "a formula"; }

  mutable std::atomic<int> asked = 0;

 private:
  std::string hash_;
};

}  // namespace kneepoint::app
