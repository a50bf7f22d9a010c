#include "workload/length.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/file.h"

namespace kneepoint::workload {
namespace {

using testing::HasSubstr;

std::unique_ptr<LengthDistribution> lengths(std::string_view text, Side side = Side::Input) {
  const auto spec = parse_length(text);
  EXPECT_TRUE(spec) << spec.error().message;
  auto made = make_length(*spec, side);
  EXPECT_TRUE(made) << made.error().message;
  return std::move(*made);
}

std::vector<double> sorted_draws(const LengthDistribution& from, int n) {
  Random random(7, "lengths");
  std::vector<double> draws;
  for (int i = 0; i < n; ++i) draws.push_back(static_cast<double>(from.draw(random).count()));
  std::sort(draws.begin(), draws.end());
  return draws;
}

double mean(const std::vector<double>& draws) {
  double sum = 0;
  for (const double draw : draws) sum += draw;
  return sum / static_cast<double>(draws.size());
}

double deviation(const std::vector<double>& draws) {
  const double middle = mean(draws);
  double sum = 0;
  for (const double draw : draws) sum += (draw - middle) * (draw - middle);
  return std::sqrt(sum / static_cast<double>(draws.size()));
}

double percentile(const std::vector<double>& sorted, double p) {
  return sorted[static_cast<std::size_t>(p * static_cast<double>(sorted.size() - 1))];
}

std::string error_of(std::string_view text) {
  const auto spec = parse_length(text);
  EXPECT_FALSE(spec) << text;
  return spec ? "" : spec.error().message;
}

TEST(LengthText, ReadsBackWhatItWrites) {
  for (const std::string_view text :
       {"128", "uniform:64,256", "normal:200,50", "normal:200.5,50,min=1,max=1000",
        "lognormal:200,300,max=4096", "file:a,b:c.csv", "file:a.csv,min=4,max=1024",
        "sharegpt-input", "sharegpt-output:max=512"}) {
    const auto spec = parse_length(text);
    ASSERT_TRUE(spec) << spec.error().message;
    EXPECT_EQ(to_text(*spec), text);
    EXPECT_EQ(parse_length(to_text(*spec)), *spec);
  }
}

TEST(LengthText, ErrorsNameTheColumn) {
  EXPECT_THAT(error_of("uniform:64,x"), HasSubstr("column 12: the most must be a whole number"));
  EXPECT_THAT(error_of("uniform:64"), HasSubstr("column 11: the most is missing"));
  EXPECT_THAT(error_of("uniform:256,64"), HasSubstr("the most (64) is below the least (256)"));
  EXPECT_THAT(error_of("uniform:1,2,3"), HasSubstr("column 13: uniform takes nothing more"));
  EXPECT_THAT(error_of("normal:200,50,mx=4"), HasSubstr("column 15: expected min= or max="));
  EXPECT_THAT(error_of("normal:200,50,min=9,max=4"), HasSubstr("min=9 is above max=4"));
  EXPECT_THAT(error_of("normal:200,50,min=1,min=2"), HasSubstr("min is given twice"));
  EXPECT_THAT(error_of("normal:200,-1"), HasSubstr("the standard deviation must be"));
  EXPECT_THAT(error_of("lognormal:0,1"), HasSubstr("the mean must be"));
  EXPECT_THAT(error_of("zipf:3"), HasSubstr("column 1: expected a number of tokens or one of"));
  EXPECT_THAT(error_of(""), HasSubstr("expected a number of tokens"));
  EXPECT_THAT(error_of("0"), HasSubstr("from 1 to"));
  EXPECT_THAT(error_of("99999999999999999999"), HasSubstr("from 1 to"));
  EXPECT_THAT(error_of("file"), HasSubstr("expected ':'"));
  EXPECT_THAT(error_of("file:"), HasSubstr("expected the path"));
  EXPECT_THAT(error_of("sharegpt-input,max=3"), HasSubstr("expected a number of tokens or one of"));
}

TEST(Lengths, FixedAndUniformKeepToTheirRange) {
  const auto fixed = sorted_draws(*lengths("128"), 10);
  EXPECT_EQ(fixed.front(), 128);
  EXPECT_EQ(fixed.back(), 128);
  const auto uniform = sorted_draws(*lengths("uniform:64,67"), 10'000);
  EXPECT_EQ(uniform.front(), 64);
  EXPECT_EQ(uniform.back(), 67);
  EXPECT_NEAR(mean(uniform), 65.5, 0.05);
}

TEST(Lengths, NormalAndLognormalHaveTheMeanAndDeviationOfTheTokens) {
  for (const std::string_view text : {"normal:2000,50", "lognormal:2000,3000"}) {
    const auto distribution = lengths(text);
    const auto draws = sorted_draws(*distribution, 400'000);
    EXPECT_NEAR(mean(draws), 2000, 20) << text;
    EXPECT_NEAR(distribution->mean(), 2000, 0.1) << text;
  }
  EXPECT_NEAR(deviation(sorted_draws(*lengths("normal:2000,50"), 400'000)), 50, 0.5);
  EXPECT_NEAR(deviation(sorted_draws(*lengths("lognormal:2000,1000"), 400'000)), 1000, 20);
}

TEST(Lengths, TheStatedMeanCountsTheBounds) {
  for (const std::string_view text :
       {"normal:100,80", "normal:100,80,min=50,max=120", "lognormal:200,300,min=100,max=250",
        "normal:10,0,min=20", "sharegpt-input:min=100,max=300", "sharegpt-output:max=50"}) {
    const auto distribution = lengths(text);
    EXPECT_NEAR(mean(sorted_draws(*distribution, 400'000)) / distribution->mean(), 1, 0.005)
        << text;
    EXPECT_EQ(distribution->describe(), text);
  }
}

struct Published {
  const char* name;
  double least, median, mean, p90, p99, most;
};

TEST(Lengths, SharegptHoldsThePublishedTable) {
  for (const Published& table : {Published{"sharegpt-input", 4, 108, 226, 635, 887, 1024},
                                 Published{"sharegpt-output", 1, 132, 195, 488, 778, 1024}}) {
    const auto distribution = lengths(table.name);
    const auto draws = sorted_draws(*distribution, 1'000'000);
    EXPECT_EQ(draws.front(), table.least);
    EXPECT_NEAR(percentile(draws, 0.5) / table.median, 1, 0.01) << table.name;
    EXPECT_NEAR(mean(draws) / table.mean, 1, 0.01) << table.name;
    EXPECT_NEAR(percentile(draws, 0.9) / table.p90, 1, 0.01) << table.name;
    EXPECT_NEAR(percentile(draws, 0.99) / table.p99, 1, 0.01) << table.name;
    EXPECT_EQ(draws.back(), table.most);
    EXPECT_EQ(distribution->mean(), table.mean);
  }
}

TEST(Lengths, OfAFileAreTheColumnOfTheirSide) {
  const auto path = std::filesystem::path(testing::TempDir()) / "kneepoint_lengths.csv";
  ASSERT_TRUE(write_file(path, "prompt_tokens,output_tokens\n10,1\n20,2\n30,3\n"));
  const auto input = lengths("file:" + path.string(), Side::Input);
  EXPECT_EQ(input->mean(), 20);
  EXPECT_EQ(lengths("file:" + path.string(), Side::Output)->mean(), 2);
  EXPECT_EQ(lengths("file:" + path.string() + ",max=15")->mean(), 40.0 / 3);
  const auto draws = sorted_draws(*input, 3000);
  EXPECT_EQ(draws.front(), 10);
  EXPECT_EQ(draws.back(), 30);
  EXPECT_NEAR(mean(draws), 20, 1);
  std::filesystem::remove(path);
  EXPECT_FALSE(make_length(*parse_length("file:" + path.string()), Side::Input));
}

}  // namespace
}  // namespace kneepoint::workload
