#include "metrics/coarse_histogram.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "metrics/histogram.h"

namespace kneepoint::metrics {
namespace {

using namespace std::chrono_literals;

TEST(CoarseHistogram, IsWithinItsErrorOfTheFineOne) {
  for (const double scale : {2e5, 3e6, 8e8}) {
    Random random(7, "coarse");
    Histogram fine;
    CoarseHistogram coarse;
    for (int i = 0; i < 20'000; ++i) {
      const Nanos value(static_cast<std::int64_t>(2e4 + scale * random.exponential()));
      fine.record(value);
      coarse.record(value);
    }
    for (const double q : {0.0, 0.01, 0.5, 0.9, 0.99, 0.999}) {
      const auto exact = static_cast<double>(fine.quantile(q)->count());
      const auto seen = static_cast<double>(coarse.quantile(q)->count());
      EXPECT_NEAR(seen, exact,
                  exact * (Histogram::kRelativeError + CoarseHistogram::kRelativeError))
          << q;
    }
  }
}

TEST(CoarseHistogram, TakesWhatLiesOutsideAsItsEnds) {
  CoarseHistogram times;
  EXPECT_FALSE(times.quantile(0.5));
  times.record(-5ms);
  times.record(0ns);
  EXPECT_LT(*times.quantile(1), 17us);
  times.record(20h, 3);
  EXPECT_GT(*times.quantile(1), 4min);
  EXPECT_EQ(times.count(), 5u);
}

TEST(CoarseHistogram, PartsAddUpToTheWhole) {
  CoarseHistogram left, right, whole;
  for (int i = 1; i <= 1000; ++i) {
    (i % 3 == 0 ? left : right).record(1ms * i);
    whole.record(1ms * i);
  }
  left.merge(right);
  for (const double q : {0.1, 0.5, 0.99}) EXPECT_EQ(left.quantile(q), whole.quantile(q));
}

}  // namespace
}  // namespace kneepoint::metrics
