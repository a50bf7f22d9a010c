#include "metrics/batch_means.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace kneepoint::metrics {
namespace {

/// Each value leans on the one before: x = 100 + phi * (before - 100) + noise. Its mean is 100.
std::vector<double> leaning(std::mt19937_64& random, double phi, std::size_t n) {
  std::normal_distribution<> noise(0, 10);
  std::vector<double> out(n);
  double away = noise(random) / std::sqrt(1 - phi * phi);
  for (double& x : out) {
    x = 100 + away;
    away = phi * away + noise(random);
  }
  return out;
}

/// Of 1,000 runs, the share whose 95 % interval holds the true mean.
double coverage(double phi, std::size_t n) {
  std::mt19937_64 random(42);
  int held = 0;
  for (int run = 0; run < 1000; ++run) {
    const auto interval = batch_means(leaning(random, phi, n)).value();
    held += interval.low() <= 100 && 100 <= interval.high();
  }
  return held / 1000.0;
}

TEST(StudentT, AgreesWithPrintedTables) {
  EXPECT_NEAR(student_t(0.95, 1), 12.7062, 5e-5);
  EXPECT_NEAR(student_t(0.95, 2), 4.30265, 5e-6);
  EXPECT_NEAR(student_t(0.90, 3), 2.35336, 5e-6);
  EXPECT_NEAR(student_t(0.95, 10), 2.22814, 5e-6);
  EXPECT_NEAR(student_t(0.95, 19), 2.09302, 5e-6);
  EXPECT_NEAR(student_t(0.99, 19), 2.86093, 5e-6);
  EXPECT_NEAR(student_t(0.95, 30), 2.04227, 5e-6);
  EXPECT_NEAR(student_t(0.95, 100'000), 1.95999, 5e-5);
  EXPECT_NEAR(student_t(0, 19), 0, 1e-9);
}

TEST(BatchMeans, HoldTheTrueMeanAsOftenAsPromised) {
  EXPECT_NEAR(coverage(0.0, 1000), 0.95, 0.02);
  EXPECT_NEAR(coverage(0.5, 2000), 0.95, 0.02);
  for (const double phi : {0.8, 0.9}) {
    const double share = coverage(phi, 4000);
    EXPECT_GE(share, 0.90) << phi;
    EXPECT_LE(share, 0.99) << phi;
  }
}

// Why batches at all: values taken for independent hold the mean in fewer than half of the runs.
TEST(BatchMeans, AreNeededWhereValuesLeanOnEachOther) {
  std::mt19937_64 random(42);
  int held = 0;
  for (int run = 0; run < 1000; ++run) {
    const auto values = leaning(random, 0.9, 4000);
    double sum = 0, squares = 0;
    for (const double x : values) sum += x;
    const double mean = sum / 4000;
    for (const double x : values) squares += (x - mean) * (x - mean);
    held += std::abs(mean - 100) <= 1.96 * std::sqrt(squares / 3999 / 4000);
  }
  EXPECT_LT(held, 500);
}

TEST(BatchMeans, SayWhenTheRunWasTooShort) {
  std::mt19937_64 random(1);
  int short_ones = 0, long_ones = 0;
  for (int run = 0; run < 200; ++run) {
    short_ones += !batch_means(leaning(random, 0.99, 200))->batches_independent();
    long_ones += !batch_means(leaning(random, 0.5, 4000))->batches_independent();
  }
  EXPECT_GT(short_ones, 150);
  EXPECT_LT(long_ones, 20);
}

TEST(BatchMeans, LeaveOutWhatFillsNoBatchAtTheFront) {
  std::vector<double> values(7, 1e9);
  values.resize(47, 5.0);
  const auto interval = batch_means(values).value();
  EXPECT_EQ(interval.values, 40U);
  EXPECT_EQ(interval.batches, 20U);
  EXPECT_EQ(interval.batch_size, 2U);
  EXPECT_DOUBLE_EQ(interval.mean, 5);
  EXPECT_DOUBLE_EQ(interval.half_width, 0);
  EXPECT_TRUE(interval.batches_independent());
}

TEST(BatchMeans, WidenWithTheLevel) {
  std::mt19937_64 random(3);
  const auto values = leaning(random, 0.2, 400);
  EXPECT_LT(batch_means(values, 0.90)->half_width, batch_means(values, 0.95)->half_width);
  EXPECT_LT(batch_means(values, 0.95)->half_width, batch_means(values, 0.99)->half_width);
}

TEST(BatchMeans, HaveNoIntervalForTooFewValues) {
  EXPECT_FALSE(batch_means(std::vector<double>(39, 1.0)));
  EXPECT_TRUE(batch_means(std::vector<double>(40, 1.0)));
  EXPECT_FALSE(batch_means({}));
}

}  // namespace
}  // namespace kneepoint::metrics
