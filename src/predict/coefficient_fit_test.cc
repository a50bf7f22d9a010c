#include "predict/coefficient_fit.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace kneepoint::predict {
namespace {

using perfmodel::Part;

/// Points of a server whose true coefficients are known.
std::vector<Observation> observations(const Coefficients& truth, std::size_t count, double noise) {
  Random random(1, "points");
  std::vector<Observation> out(count);
  for (Observation& o : out) {
    for (double& a : o.tpot) a = random.uniform() * 2e6;
    for (double& a : o.ttft) a = random.uniform() * 4e6;
    for (const Part part : {Part::Steps, Part::Sequences, Part::DecodeLayers, Part::PrefillLayers,
                            Part::PrefillSequences, Part::PrefillTokens}) {
      o.tpot[static_cast<std::size_t>(part)] = random.uniform() * 50;
      o.ttft[static_cast<std::size_t>(part)] = random.uniform() * 50;
    }
    o.extras = {1, random.uniform() * 8, random.uniform() * 20};
    o.tpot_ms = tpot_ms(o, truth) * std::exp(noise * random.normal());
    o.ttft_ms = ttft_ms(o, truth) * std::exp(noise * random.normal());
    o.ttft_weight = 1;
  }
  return out;
}

TEST(CoefficientFit, KeepsTheStartWithoutPoints) {
  const Coefficients c = fit_coefficients({});
  for (std::size_t i = 0; i < perfmodel::kParts; ++i) {
    EXPECT_NEAR(c.parts[i], start_values().mean.parts[i], 1e-9 * c.parts[i]);
  }
}

TEST(CoefficientFit, FindsWhatManyPointsSay) {
  Coefficients truth = start_values().mean;
  truth.parts[static_cast<std::size_t>(Part::Steps)] *= 3;
  truth.extras[0] = 40;
  const Coefficients found =
      fit_coefficients(observations(truth, 4000, 0.02), start_values(), 0.05);
  EXPECT_NEAR(found.parts[static_cast<std::size_t>(Part::Steps)] / 900'000, 1, 0.1);
  EXPECT_NEAR(found.extras[0], 40, 8);
}

TEST(CoefficientFit, FewPointsBarelyMoveIt) {
  Coefficients truth = start_values().mean;
  truth.parts[static_cast<std::size_t>(Part::DecodeGemm)] = 2;
  const Coefficients found = fit_coefficients(observations(truth, 5, 0));
  EXPECT_LT(found.parts[static_cast<std::size_t>(Part::DecodeGemm)], 1.1);
  EXPECT_GE(found.parts[static_cast<std::size_t>(Part::DecodeGemm)], 1.0);
}

TEST(CoefficientFit, IsNotLedAstrayByOnePointInTwenty) {
  const Coefficients truth = start_values().mean;
  std::vector<Observation> points = observations(truth, 2000, 0.01);
  for (std::size_t i = 0; i < points.size(); i += 20) points[i].tpot_ms *= 10;
  const Coefficients found = fit_coefficients(points, start_values(), 0.05);
  double off = 0;
  for (const Observation& o : points)
    off += std::abs(std::log(tpot_ms(o, found) / tpot_ms(o, truth)));
  EXPECT_LT(off / static_cast<double>(points.size()), 0.03);
}

TEST(CoefficientFit, PointsWithoutAMeasurementOrWeightTakeNoPart) {
  const Coefficients truth = start_values().mean;
  std::vector<Observation> points = observations(truth, 200, 0);
  const Coefficients before = fit_coefficients(points);
  points.push_back(points.front());
  points.back().tpot_ms = std::nan("");
  points.back().ttft_ms = 0;
  points.push_back(points.front());
  points.back().tpot_ms *= 100;
  points.back().tpot_weight = points.back().ttft_weight = 0;
  const Coefficients after = fit_coefficients(points);
  for (std::size_t i = 0; i < perfmodel::kParts; ++i) EXPECT_EQ(before.parts[i], after.parts[i]);
}

}  // namespace
}  // namespace kneepoint::predict
