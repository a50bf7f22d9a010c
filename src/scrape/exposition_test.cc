#include "scrape/exposition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace kneepoint::scrape {
namespace {

std::vector<Sample> all(std::string_view page, std::size_t bad = 0) {
  std::vector<Sample> out;
  ExpositionReader reader(page);
  while (reader.next(true)) {
    if (const auto sample = reader.parse()) out.push_back(*sample);
  }
  EXPECT_EQ(reader.bad_lines(), bad) << reader.first_bad_line();
  return out;
}

TEST(Exposition, ReadsNamesLabelsAndValues) {
  const auto samples =
      all("# HELP a_total What it counts.\n# TYPE a_total counter\n"
          "a_total{engine=\"0\",model_name=\"m\"} 12.5\n"
          "b 3e2\n"
          "\n"
          "  c:d { x = \"1\" , } 4 1700000000000\n");
  ASSERT_EQ(samples.size(), 3u);
  EXPECT_EQ(samples[0].name, "a_total");
  EXPECT_EQ(samples[0].value, 12.5);
  EXPECT_EQ(find_label(samples[0].labels, "model_name"), "m");
  EXPECT_FALSE(find_label(samples[0].labels, "model"));
  EXPECT_EQ(samples[1].value, 300);
  EXPECT_EQ(samples[1].labels, "");
  EXPECT_EQ(samples[2].name, "c:d");
  EXPECT_EQ(samples[2].value, 4) << "the timestamp is not the value";
  EXPECT_EQ(find_label(samples[2].labels, "x"), "1");
}

TEST(Exposition, ToleratesOpenMetricsAndCarriageReturns) {
  const auto samples =
      all("# TYPE a counter\r\n# UNIT a seconds\r\n"
          "a_total{x=\"y\"} 17 1700000000.123 # {trace_id=\"ab}c\"} 0.5 1700000000.1\r\n"
          "a_created 1.7e9\r\n"
          "# EOF\r\n");
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_EQ(samples[0].value, 17);
  EXPECT_EQ(samples[1].value, 1.7e9);
}

TEST(Exposition, ReadsWhatIsNoOrdinaryNumber) {
  const auto samples = all("a NaN\na +Inf\na -Inf\na Nan\na 1e400\na 1e-400\na -0\na +3\n");
  ASSERT_EQ(samples.size(), 8u);
  EXPECT_TRUE(std::isnan(samples[0].value));
  EXPECT_EQ(samples[1].value, HUGE_VAL);
  EXPECT_EQ(samples[2].value, -HUGE_VAL);
  EXPECT_TRUE(std::isnan(samples[3].value));
  EXPECT_EQ(samples[4].value, HUGE_VAL);
  EXPECT_EQ(samples[5].value, 0);
  EXPECT_EQ(samples[7].value, 3);
}

TEST(Exposition, LabelValuesHoldAnything) {
  const auto samples = all(R"(a{x="}{,=\"\\\n# ",y=""} 1)");
  ASSERT_EQ(samples.size(), 1u);
  EXPECT_EQ(find_label(samples[0].labels, "x"), "}{,=\"\\\n# ");
  EXPECT_EQ(find_label(samples[0].labels, "y"), "");
}

TEST(Exposition, LinesThatAreNoSamplesAreCountedAndPassedOver) {
  for (const char* bad :
       {"a", "a{x=\"1\"", "a{x=\"1} 2", "a{x} 2", "a{x=1} 2", "a{=\"1\"} 2", "a{x=\"1\" y=\"2\"} 2",
        "a two", "a ", "1a 2", "{} 2", "a{x=\"1\"}", "a ++1", "a 0x10", "<html>"}) {
    const std::string page = std::string("before 1\n") + bad + "\nafter 2\n";
    const auto samples = all(page, 1);
    ASSERT_EQ(samples.size(), 2u) << bad;
    EXPECT_EQ(samples[1].name, "after");
  }
}

TEST(Exposition, BucketsArePassedOverUnlessWanted) {
  ExpositionReader reader("h_bucket{le=\"1\"} 3\nh_sum 2\n");
  EXPECT_EQ(reader.next(), "h_sum");
  EXPECT_EQ(reader.next(), std::nullopt);
}

}  // namespace
}  // namespace kneepoint::scrape
