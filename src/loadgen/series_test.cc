#include "loadgen/series.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/random.h"

namespace kneepoint::loadgen {
namespace {

using namespace std::chrono_literals;

TEST(RequestSeries, KeepsEachRequestWhileTheyAreFew) {
  RequestSeries series;
  for (int i = 0; i < 100; ++i) series.record(series.start(i * 1ms), i, 2.0 * i);
  const auto view = series.settled();
  ASSERT_EQ(view.ttft.size(), 100u);
  EXPECT_EQ(view.per_value, 1u);
  EXPECT_EQ(view.ttft[42], 42);
  EXPECT_EQ(view.e2e[42], 84);
  EXPECT_EQ(view.due[42], 42ms);
}

TEST(RequestSeries, KeepsMeansOfManyInBoundedMemory) {
  RequestSeries series;
  for (int i = 0; i < 100'000; ++i) series.record(series.start(i * 1ms), i, i);
  const auto view = series.settled();
  EXPECT_LE(view.ttft.size(), RequestSeries::kMost);
  EXPECT_GT(view.ttft.size(), RequestSeries::kMost / 2);
  EXPECT_DOUBLE_EQ(view.ttft[0], (static_cast<double>(view.per_value) - 1) / 2);
}

TEST(RequestSeries, EndsBeforeTheFirstThatIsStillOut) {
  RequestSeries series;
  for (int i = 0; i < 10; ++i) {
    const auto place = series.start(i * 1ms);
    if (i == 6) continue;
    if (i == 3) {
      series.skip(place);
    } else {
      series.record(place, i, i);
    }
  }
  EXPECT_EQ(series.settled().ttft, (std::vector<double>{0, 1, 2, 4, 5}));
}

TEST(EventSeries, KeepsRatesInBoundedMemory) {
  EventSeries events;
  for (int i = 0; i < 100'000; ++i) events.add(i * 10ms, 5);
  const auto rates = events.rates(0s, 1000s);
  EXPECT_LE(rates.size(), EventSeries::kMost);
  const double mean = std::accumulate(rates.begin(), rates.end(), 0.0) / double(rates.size());
  EXPECT_NEAR(mean, 500, 1);
  EXPECT_EQ(events.total(), 500'000u);
}

TEST(Confidence, CutsAWarmUpAndKnowsTheMean) {
  RequestSeries series;
  EventSeries events;
  Random random(3, "series");
  for (int i = 0; i < 2000; ++i) {
    const double slow = i < 200 ? 200 : 0;
    const auto place = series.start(i * 10ms);
    series.record(place, slow + 50 + random.normal(), slow + 90 + random.normal());
    events.add(i * 10ms, 10);
  }
  const Confidence sure = confidence(series, events, 20s);
  EXPECT_TRUE(sure.cut.settled);
  EXPECT_GE(sure.from, 1900ms);
  EXPECT_LT(sure.from, 4s);
  ASSERT_TRUE(sure.ttft && sure.e2e && sure.rate);
  EXPECT_NEAR(sure.ttft->mean, 50, 0.5);
  EXPECT_TRUE(sure.within(0.05));
  EXPECT_FALSE(sure.within(1e-6));
}

}  // namespace
}  // namespace kneepoint::loadgen
