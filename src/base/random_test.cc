#include "base/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/first_normals.h"
#include "base/portable_math.h"

namespace kneepoint {
namespace {

struct Moments {
  double mean = 0;
  double variance = 0;
};

template <class Draw>
Moments moments(Draw draw, int n = 400'000) {
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < n; ++i) {
    const double x = draw();
    sum += x;
    squares += x * x;
  }
  const double mean = sum / n;
  return {mean, squares / n - mean * mean};
}

double ulps(double a, double b) {
  return std::abs(a - b) / (std::nextafter(std::abs(b), INFINITY) - std::abs(b));
}

TEST(PortableMath, IsWithinFourUnitsOfTheLibrary) {
  Random random(1, "math");
  for (int i = 0; i < 200'000; ++i) {
    const double x = std::ldexp(0.5 + random.uniform(), static_cast<int>(random.below(200)) - 100);
    ASSERT_LE(ulps(portable_log(x), std::log(x)), 4) << x;
    const double y = 1400 * random.uniform() - 700;
    ASSERT_LE(ulps(portable_exp(y), std::exp(y)), 4) << y;
  }
  EXPECT_EQ(portable_log(1), 0);
  EXPECT_EQ(portable_exp(0), 1);
  EXPECT_EQ(portable_exp(-1000), 0);
  EXPECT_TRUE(std::isinf(portable_exp(1000)));
}

/// As it is told in portable_math.cc, step by step: what a seed has meant since the first release.
double log_by_the_book(double x) {
  int k = 0;
  double m = std::frexp(x, &k);
  if (m < 0.70710678118654757) {
    m *= 2;
    --k;
  }
  const double s = (m - 1) / (m + 1);
  const double s2 = s * s;
  double series = 0;
  for (int n = 23; n >= 3; n -= 2) series = (series + 1.0 / n) * s2;
  return k * 0x1.62e42feep-1 + (k * 0x1.a39ef35793c76p-33 + (2 * s * series + 2 * s));
}

TEST(PortableMath, TheLogarithmIsTheSameToTheLastBit) {
  Random random(2, "math");
  for (int i = 0; i < 200'000; ++i) {
    const double near = 0.5 + random.uniform();
    const double far = std::ldexp(near, static_cast<int>(random.below(2000)) - 1000);
    ASSERT_EQ(portable_log(near), log_by_the_book(near)) << near;
    ASSERT_EQ(portable_log(far), log_by_the_book(far)) << far;
  }
  for (const double edge :
       {0x1p-1074, 0x1.8p-1060, 0x1p-1022, std::nextafter(0x1p-1022, 0.0), 0.5, 0.70710678118654757,
        std::nextafter(0.70710678118654757, 0.0), 1.0, 1.4142135623730951,
        std::nextafter(1.4142135623730951, 2.0), 0x1p1023, std::numeric_limits<double>::max()}) {
    EXPECT_EQ(portable_log(edge), log_by_the_book(edge)) << edge;
  }
}

TEST(Random, GeneratorsGiveThePublishedSequences) {
  std::uint64_t state = 1234567;
  EXPECT_EQ(split_mix(state), 6457827717110365317U);
  EXPECT_EQ(split_mix(state), 3203168211198807973U);
  Random random({1, 2, 3, 4});
  EXPECT_EQ(random.bits(), 41943041U);
  EXPECT_EQ(random.bits(), 58720359U);
  EXPECT_EQ(random.bits(), 3588806011781223U);
  EXPECT_EQ(random.bits(), 3591011842654386U);
}

// To the last bit: a change here changes every run that anybody recorded with its seed.
TEST(Random, ASeedMeansTheSameNumbersForEver) {
  Random random(42, "arrivals");
  EXPECT_EQ(random.bits(), 4045920938211597371U);
  EXPECT_EQ(random.uniform(), 0x1.c3bd71dae8349p-1);
  EXPECT_EQ(random.exponential(), 0x1.7a0d6626eff9ap-2);
  EXPECT_EQ(random.normal(), -0x1.ebd128324b3c3p-1);
  EXPECT_EQ(random.gamma(2.5), 0x1.4f73f04050a6bp+1);
  EXPECT_EQ(random.gamma(0.25), 0x1.ae6b6c607c92ep-11);
  EXPECT_EQ(random.below(1000), 412U);
}

TEST(Random, StreamsDifferInSeedNameAndIndex) {
  const auto first = [](std::uint64_t seed, std::string_view name, std::uint64_t index) {
    return Random(seed, name, index).bits();
  };
  EXPECT_EQ(first(1, "a", 0), first(1, "a", 0));
  EXPECT_NE(first(1, "a", 0), first(2, "a", 0));
  EXPECT_NE(first(1, "a", 0), first(1, "b", 0));
  EXPECT_NE(first(1, "a", 0), first(1, "a", 1));
  EXPECT_NE(first(1, "a", 1), first(1, "a", 2));
}

TEST(RandomStreams, AreThoseOfTheirName) {
  const RandomStreams streams(7, "input");
  for (const std::uint64_t index : {0ull, 1ull, 99'999ull}) {
    Random one(7, "input", index);
    Random same = streams.at(index);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(same.bits(), one.bits()) << index;
  }
}

TEST(Random, UniformStaysBelowOneAndHasItsMoments) {
  Random random(7, "uniform");
  const Moments m = moments([&] {
    const double u = random.uniform();
    EXPECT_GE(u, 0);
    EXPECT_LT(u, 1);
    return u;
  });
  EXPECT_NEAR(m.mean, 0.5, 0.002);
  EXPECT_NEAR(m.variance, 1.0 / 12, 0.001);
}

TEST(Random, FirstNormalsOfManyStreamsAreThoseOfEach) {
  std::vector<double> many(100);
  first_normals(RandomStreams(7, "lengths"), 1000, many);
  for (std::size_t i = 0; i < many.size(); ++i) {
    EXPECT_EQ(many[i], Random(7, "lengths", 1000 + i).normal());
  }
}

TEST(Random, BelowReachesEveryNumberEquallyOften) {
  Random random(7, "below");
  std::vector<int> seen(7);
  for (int i = 0; i < 70'000; ++i) ++seen.at(random.below(7));
  for (const int n : seen) EXPECT_NEAR(n, 10'000, 500);
  EXPECT_EQ(random.below(1), 0U);
}

TEST(Random, ExponentialNormalAndGammaHaveTheirMoments) {
  Random random(7, "moments");
  const Moments exponential = moments([&] { return random.exponential(); });
  EXPECT_NEAR(exponential.mean, 1, 0.01);
  EXPECT_NEAR(exponential.variance, 1, 0.02);
  const Moments normal = moments([&] { return random.normal(); });
  EXPECT_NEAR(normal.mean, 0, 0.01);
  EXPECT_NEAR(normal.variance, 1, 0.01);
  for (const double shape : {0.1, 0.5, 1.0, 4.0, 50.0}) {
    const Moments gamma = moments([&] { return random.gamma(shape); });
    EXPECT_NEAR(gamma.mean, shape, 0.02 * shape) << shape;
    EXPECT_NEAR(gamma.variance, shape, 0.05 * shape) << shape;
  }
}

}  // namespace
}  // namespace kneepoint
