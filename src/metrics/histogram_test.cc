#include "metrics/histogram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "base/hash.h"

namespace kneepoint::metrics {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr std::int64_t kHour = 3'600'000'000'000;
constexpr std::int64_t kGreatest = std::numeric_limits<std::int64_t>::max();

Histogram of(const std::vector<std::int64_t>& values) {
  Histogram out;
  for (const std::int64_t ns : values) out.record(Nanos(ns));
  return out;
}

/// The definition, with whole numbers: the value at place ceil(permille * n / 1000).
std::int64_t exact_quantile(const std::vector<std::int64_t>& sorted, std::size_t permille) {
  const std::size_t place = (permille * sorted.size() + 999) / 1000;
  return sorted[place == 0 ? 0 : place - 1];
}

struct Kind {
  std::string name;
  std::function<std::int64_t(std::mt19937_64&)> draw;
};

std::int64_t whole(double value) { return static_cast<std::int64_t>(value); }

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> kAll{
      {"uniform to 1 h", [](auto& r) { return static_cast<std::int64_t>(r() % kHour); }},
      {"uniform below 2 us", [](auto& r) { return static_cast<std::int64_t>(r() % 2000); }},
      {"lognormal around 20 ms",
       [](auto& r) { return whole(std::lognormal_distribution<>(std::log(20e6), 0.8)(r)); }},
      {"wide lognormal",
       [](auto& r) { return whole(std::lognormal_distribution<>(std::log(1e6), 3.0)(r)); }},
      {"any int64", [](auto& r) { return static_cast<std::int64_t>(r() >> (1 + r() % 63)); }},
      {"constant", [](auto&) { return std::int64_t{15'000'123}; }},
      {"two far apart", [](auto& r) { return r() % 10 == 0 ? kHour : std::int64_t{1000}; }},
      {"ends of the range", [](auto& r) { return r() % 2 == 0 ? kGreatest : std::int64_t{0}; }},
  };
  return kAll;
}

TEST(Histogram, QuantilesAreWithinTheStatedErrorOfSortedData) {
  std::mt19937_64 random(7);
  for (const Kind& kind : kinds()) {
    for (const std::size_t n : {1U, 2U, 3U, 10U, 100U, 999U, 5'000U}) {
      std::vector<std::int64_t> values(n);
      for (std::int64_t& ns : values) ns = kind.draw(random);
      const Histogram histogram = of(values);
      std::ranges::sort(values);
      for (const std::size_t permille : {0U, 1U, 10U, 250U, 500U, 900U, 950U, 990U, 999U, 1000U}) {
        const std::int64_t exact = exact_quantile(values, permille);
        const std::int64_t told =
            histogram.quantile(static_cast<double>(permille) / 1000).value().count();
        ASSERT_LE(std::abs(static_cast<double>(told - exact)),
                  Histogram::kRelativeError * static_cast<double>(exact))
            << kind.name << ", n " << n << ", permille " << permille << ": " << told
            << " instead of " << exact;
      }
    }
  }
}

TEST(Histogram, CountMeanLeastAndGreatestAreExact) {
  std::mt19937_64 random(8);
  for (const Kind& kind : kinds()) {
    std::vector<std::int64_t> values(5'000);
    long double sum = 0;
    for (std::int64_t& ns : values) sum += static_cast<long double>(ns = kind.draw(random));
    const Histogram histogram = of(values);
    EXPECT_EQ(histogram.count(), values.size());
    EXPECT_EQ(histogram.min().count(), *std::ranges::min_element(values)) << kind.name;
    EXPECT_EQ(histogram.max().count(), *std::ranges::max_element(values)) << kind.name;
    EXPECT_DOUBLE_EQ(histogram.mean(), static_cast<double>(sum / 5'000)) << kind.name;
  }
}

// Every edge between buckets, from both sides.
TEST(Histogram, EveryValueLiesInItsBucketAndNoBucketIsTooWide) {
  for (int bits = 0; bits < 63; ++bits) {
    for (const std::int64_t around : {std::int64_t{1} << bits, std::int64_t{3} << (bits / 2)}) {
      for (std::int64_t ns = around - 2; ns <= around + 2; ++ns) {
        if (ns < 0) continue;
        const auto buckets = of({ns}).buckets();
        ASSERT_EQ(buckets.size(), 1U);
        const auto [first, last, count] = buckets[0];
        EXPECT_EQ(count, 1U);
        EXPECT_LE(first.count(), ns);
        EXPECT_GE(last.count(), ns);
        EXPECT_TRUE(ns >= 1024 || first == last) << ns;
        EXPECT_LE((last - first).count(), first.count() / 512) << ns;
      }
    }
  }
}

TEST(Histogram, BucketsDoNotOverlap) {
  std::vector<std::int64_t> values;
  for (std::int64_t ns = 1; ns < kHour; ns += 1 + ns / 3000) values.push_back(ns);
  const auto buckets = of(values).buckets();
  for (std::size_t i = 1; i < buckets.size(); ++i) {
    ASSERT_EQ(buckets[i].first, buckets[i - 1].last + 1ns) << "bucket " << i;
  }
}

TEST(Histogram, MergingIsTheSameAsHavingSeenAll) {
  std::mt19937_64 random(9);
  for (const Kind& kind : kinds()) {
    Histogram all, left, right;
    for (int i = 0; i < 3'000; ++i) {
      const Nanos value(kind.draw(random));
      all.record(value);
      (i % 3 == 0 ? left : right).record(value);
    }
    Histogram one = left, other = right;
    one.merge(right);
    other.merge(left);
    EXPECT_EQ(one, all) << kind.name;
    EXPECT_EQ(other, all) << kind.name;
    EXPECT_EQ(one.to_bytes(), all.to_bytes());
    one.merge(Histogram());
    EXPECT_EQ(one, all);
  }
}

TEST(Histogram, MergingWithItselfDoubles) {
  Histogram histogram = of({5, 7'000'000, kHour});
  histogram.merge(histogram);
  EXPECT_EQ(histogram, of({5, 5, 7'000'000, 7'000'000, kHour, kHour}));
}

TEST(Histogram, RecordingManyAtOnceIsRecordingEach) {
  Histogram at_once;
  at_once.record(20ms, 3);
  at_once.record(5ms, 0);
  EXPECT_EQ(at_once, of({20'000'000, 20'000'000, 20'000'000}));
}

TEST(Histogram, EmptyHasNoQuantileAndNoMean) {
  const Histogram empty;
  EXPECT_TRUE(empty.empty());
  EXPECT_FALSE(empty.quantile(0.5));
  EXPECT_TRUE(std::isnan(empty.mean()));
  EXPECT_EQ(empty.min(), 0ns);
  EXPECT_EQ(empty.max(), 0ns);
}

TEST(Histogram, NegativeDurationsCountAsZero) { EXPECT_EQ(of({-1, -kHour}), of({0, 0})); }

TEST(Histogram, TheSeventhOfAHundredIsNotTheEighth) {
  std::vector<std::int64_t> values;
  for (std::int64_t ns = 1; ns <= 100; ++ns) values.push_back(ns);
  const Histogram histogram = of(values);
  for (int percent = 1; percent <= 100; ++percent) {
    EXPECT_EQ(histogram.quantile(percent / 100.0), Nanos(percent));
  }
  EXPECT_EQ(histogram.quantile(-1), 1ns);
  EXPECT_EQ(histogram.quantile(2), 100ns);
}

TEST(Histogram, TakesNoMoreMemoryThanStated) {
  EXPECT_LE(Histogram().memory_bytes(), 512U);
  Histogram histogram;
  for (std::int64_t ns = 1000; ns <= kHour; ns += ns / 700) histogram.record(Nanos(ns));
  EXPECT_LE(histogram.memory_bytes(), 133U * 1024);
  for (int bits = 0; bits < 63; ++bits) histogram.record(Nanos(std::int64_t{1} << bits));
  EXPECT_LE(histogram.memory_bytes(), 221U * 1024);
}

TEST(Histogram, ACopyIsApart) {
  const Histogram first = of({1, 2, 3'000'000});
  Histogram second = first;
  second.record(3ms);
  EXPECT_EQ(first.count(), 3U);
  EXPECT_EQ(second.buckets().back().count, 2U);
  second = first;
  EXPECT_EQ(second, first);
}

TEST(HistogramBytes, ReadBackTheSame) {
  std::mt19937_64 random(10);
  std::vector<Histogram> all(2);
  all[1].record(Nanos(kGreatest), std::numeric_limits<std::uint64_t>::max());
  for (const Kind& kind : kinds()) {
    Histogram& histogram = all.emplace_back();
    for (int i = 0; i < 1'000; ++i) histogram.record(Nanos(kind.draw(random)));
  }
  for (const Histogram& histogram : all) {
    const std::string bytes = histogram.to_bytes();
    const auto again = Histogram::from_bytes(bytes);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(*again, histogram);
    EXPECT_EQ(again->to_bytes(), bytes);
  }
}

TEST(HistogramBytes, AreFew) {
  Histogram histogram;
  std::mt19937_64 random(11);
  std::lognormal_distribution<> latency(std::log(20e6), 0.5);
  for (int i = 0; i < 100'000; ++i) histogram.record(Nanos(whole(latency(random))));
  EXPECT_LT(histogram.to_bytes().size(), 3 * histogram.buckets().size() + 64);
}

TEST(HistogramBytes, CutOrChangedAnywhereAreRefused) {
  const std::string bytes = of({0, 1'000, 20'000'000, 20'000'001, kHour}).to_bytes();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_FALSE(Histogram::from_bytes(bytes.substr(0, i))) << "cut at " << i;
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 4);
    EXPECT_FALSE(Histogram::from_bytes(changed)) << "changed at " << i;
  }
  EXPECT_FALSE(Histogram::from_bytes(bytes + "x"));
  EXPECT_FALSE(Histogram::from_bytes(""));
}

/// What a writer with a wrong idea, not a broken disk, would hand over: the hash is right.
std::string signed_bytes(std::string body) {
  const std::uint64_t hash = hash64(body);
  for (int shift = 0; shift < 64; shift += 8) body += static_cast<char>(hash >> shift);
  return body;
}
const std::string kHead("KPhist\x01\x09", 8);

TEST(HistogramBytes, ThatDoNotAddUpAreRefused) {
  const auto read = [](const std::vector<int>& numbers) {
    std::string body = kHead;
    for (const int n : numbers) body += static_cast<char>(n);
    return Histogram::from_bytes(signed_bytes(body));
  };
  // count, sum low, sum high, least, greatest, buckets, (after the one before, count)...
  ASSERT_TRUE(read({3, 19, 0, 5, 7, 2, 5, 1, 1, 2}));
  const std::vector<std::pair<std::vector<int>, std::string>> wrong{
      {{4, 19, 0, 5, 7, 2, 5, 1, 1, 2}, "add up"},             // one too many
      {{2, 19, 0, 5, 7, 2, 5, 1, 1, 2}, "add up"},             // one too few
      {{3, 20, 0, 5, 7, 2, 5, 1, 1, 2}, "add up"},             // sum
      {{3, 19, 1, 5, 7, 2, 5, 1, 1, 2}, "add up"},             // sum, high half
      {{3, 19, 0, 4, 7, 2, 5, 1, 1, 2}, "least or greatest"},  // least
      {{3, 19, 0, 5, 8, 2, 5, 1, 1, 2}, "least or greatest"},  // greatest
      {{3, 19, 0, 5, 7, 2, 5, 1, 1}, "missing"},
      {{3, 19, 0, 5, 7}, "missing"},
      {{3, 19, 0, 5, 7, 2, 5, 1, 1, 2, 0}, "after its end"},
      {{3, 19, 0, 5, 7, 3, 5, 1, 1, 2, 1, 0}, "out of place"},        // a bucket of none
      {{3, 19, 0, 5, 7, 2, 5, 1, 255, 255, 127, 2}, "out of place"},  // beyond the last
      {{0, 0, 0, 1, 0, 0}, "empty"},
      {{131, 0, 19, 0, 5, 7, 2, 5, 1, 1, 2}, "missing"},  // 3 written as two bytes
  };
  for (const auto& [numbers, part] : wrong) {
    const auto result = read(numbers);
    ASSERT_FALSE(result) << part;
    EXPECT_EQ(result.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(result.error().message, HasSubstr(part));
  }
}

TEST(HistogramBytes, OfAnotherVersionAreNamedSo) {
  std::string bytes = of({1}).to_bytes();
  bytes[6] = 2;
  const auto result = Histogram::from_bytes(bytes);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::Incompatible);
}

}  // namespace
}  // namespace kneepoint::metrics
