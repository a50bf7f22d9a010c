#include "predict/kernel.h"

#include <gtest/gtest.h>

#include <cmath>

#include "predict/learn_kernel.h"
#include "predict/process_fit.h"
#include "predict/process_reader.h"

namespace kneepoint::predict {
namespace {

Kernel small_kernel() {
  Kernel k;
  k.shape = {{"model", "server"}, {"load", "length"}, {false, true}, std::vector<double>(16, 0.5)};
  const double none = KernelTerm::kUnused;
  k.terms.push_back({KernelTerm::kPlain, std::log(0.2), {0.1, -0.5, -1.5, -1, none}});
  k.terms.push_back(
      {static_cast<int>(ShareGroup::Experts), std::log(0.3), {0, none, none, none, 0.3}});
  k.terms.push_back({KernelTerm::kLinear, std::log(0.1), {none, none, none, none, none}});
  k.log_noise = std::log(0.05);
  return k;
}

Covariates covariates(int i) {
  Covariates c;
  c.categories = {i % 3 == 0 ? "a" : "b", i % 2 == 0 ? "x" : "y"};
  c.continuous = {0.7 * (i % 7), 0.4 * (i % 5)};
  c.shares.assign(16, 0.02 + 0.001 * (i % 4));
  c.shares[2] = 0.1 * (i % 6);  // experts
  return c;
}

struct Sample {
  std::vector<KernelPoint> at;
  std::vector<double> residual, weight;
};

Sample sample(int n) {
  Sample s;
  CategoryNames names(small_kernel().shape);
  for (int i = 0; i < n; ++i) {
    const Covariates c = covariates(i);
    s.at.push_back(names.learn(c));
    s.residual.push_back(0.3 * c.shares[2] + 0.05 * std::sin(1.7 * i) + (i % 3 == 0 ? 0.1 : 0));
    s.weight.push_back(i % 5 == 0 ? 0.5 : 1);
  }
  return s;
}

TEST(Kernel, OfAPointWithItselfIsItsVariance) {
  const CompiledKernel k(small_kernel());
  for (const KernelPoint& p : sample(12).at) EXPECT_NEAR(k(p, p), k.variance(p), 1e-12);
}

TEST(Kernel, FallsWithEveryDifference) {
  const CompiledKernel k(small_kernel());
  CategoryNames names(small_kernel().shape);
  Covariates c = covariates(2);
  const KernelPoint here = names.learn(c);
  double before = k(here, here);
  c.continuous[0] += 2;
  double now = k(here, names.learn(c));
  EXPECT_LT(now, before);
  before = now;
  c.categories[0] = "other";
  now = k(here, names.learn(c));
  EXPECT_LT(now, before);
}

TEST(Kernel, ANameNoPointHasEqualsNothing) {
  CategoryNames names(small_kernel().shape);
  (void)names.learn(covariates(1));
  Covariates c = covariates(1);
  c.categories[0] = "never seen";
  const KernelPoint p = names.look_up(c);
  std::vector<double> out(small_kernel().shape.respects());
  differences(small_kernel().shape, p, p, out);
  EXPECT_EQ(out[0], 1);
}

TEST(ProcessFit, LeavesOutAGroupAsIfItHadNeverBeenThere) {
  const Sample s = sample(40);
  const std::vector<double> trusted(40, 1.0);
  const ProcessFit all(small_kernel(), s.at, s.residual, trusted);
  const std::vector<std::size_t> group{3, 4, 5, 20};
  const auto left_out = all.leave_out(group, s.residual);

  // The same noise for the rest, so that only the leaving out is compared.
  std::vector<double> weight;
  const double noise = CompiledKernel(small_kernel()).noise();
  for (const double n : all.process().noise) weight.push_back(noise / n);
  for (const std::size_t i : group) weight[i] = 0;
  ResidualProcess rest;
  {
    const ProcessFit fit(small_kernel(), s.at, s.residual, weight);
    rest = fit.process();
  }
  const ProcessReader reader(rest, s.at);
  for (std::size_t g = 0; g < group.size(); ++g) {
    // Outliers are weighed again in the second fit: near, not the same.
    EXPECT_NEAR(left_out.mean[g], reader.at(s.at[group[g]]).mean, 0.02);
    EXPECT_NEAR(left_out.variance[g] / reader.at(s.at[group[g]]).variance, 1, 0.1);
  }
}

TEST(ProcessFit, DoesNotTrustAPointThatAllOthersContradict) {
  Sample s = sample(40);
  s.residual[7] += 3;
  const ProcessFit fit(small_kernel(), s.at, s.residual, std::vector<double>(40, 1.0));
  double most = 0;
  for (std::size_t i = 0; i < 40; ++i) {
    if (i != 7) most = std::max(most, fit.process().noise[i]);
  }
  EXPECT_GT(fit.process().noise[7], 10 * most);
}

TEST(ProcessFit, PointsWithoutAMeasurementTakeNoPart) {
  Sample s = sample(20);
  s.residual[4] = std::nan("");
  const ProcessFit fit(small_kernel(), s.at, s.residual, s.weight);
  EXPECT_EQ(fit.process().alpha[4], 0);
  EXPECT_TRUE(std::isnan(fit.process().noise[4]));
  EXPECT_FALSE(std::isnan(fit.process().alpha[5]));
}

TEST(LearnKernel, TheSlopeIsThatOfTheLoss) {
  const Sample s = sample(60);
  std::vector<LeftOutGroup> groups;
  for (std::size_t g = 0; g < 6; ++g) {
    LeftOutGroup& group = groups.emplace_back();
    for (std::size_t i = g * 10; i < g * 10 + 10; ++i) group.points.push_back(i);
    group.importance = 1.0 + 0.1 * static_cast<double>(g);
  }
  const Kernel kernel = small_kernel();
  std::vector<double> slope;
  left_out_loss(kernel, s.at, s.residual, s.weight, groups, &slope);
  const std::vector<double> at = parameters(kernel);
  ASSERT_EQ(slope.size(), at.size());
  for (std::size_t i = 0; i < at.size(); ++i) {
    std::vector<double> up = at, down = at;
    up[i] += 1e-4;
    down[i] -= 1e-4;
    const auto loss = [&](const std::vector<double>& p) {
      return left_out_loss(with_parameters(kernel, p), s.at, s.residual, s.weight, groups, nullptr);
    };
    EXPECT_NEAR(slope[i], (loss(up) - loss(down)) / 2e-4, 1e-3 * std::abs(slope[i]) + 2e-5) << i;
  }
}

TEST(LearnKernel, FindsAKernelThatPredictsWhatIsLeftOutBetter) {
  const Sample s = sample(80);
  std::vector<LeftOutGroup> groups;
  for (std::size_t g = 0; g < 8; ++g) {
    LeftOutGroup& group = groups.emplace_back();
    for (std::size_t i = g * 10; i < g * 10 + 10; ++i) group.points.push_back(i);
  }
  const Kernel learned = learn_kernel(small_kernel(), s.at, s.residual, s.weight, groups);
  EXPECT_LT(left_out_loss(learned, s.at, s.residual, s.weight, groups, nullptr),
            0.95 * left_out_loss(small_kernel(), s.at, s.residual, s.weight, groups, nullptr));
}

}  // namespace
}  // namespace kneepoint::predict
