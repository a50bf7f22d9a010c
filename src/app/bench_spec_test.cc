#include "app/bench_spec.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kneepoint::app {
namespace {

using ::testing::HasSubstr;

TEST(BenchSpec, IsARunSpecWithATarget) {
  const auto spec = parse_bench_spec(R"(
url: http://127.0.0.1:8000
model: "8"   # quoted: a name
api: chat
seed: 7
arrivals: {pattern: gamma, rate: 4.5, burstiness: 0.5}
lengths:
  input: uniform:64,256
  output: 128
duration_s: 30
)");
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->url, "http://127.0.0.1:8000");
  EXPECT_EQ(spec->model, "8");
  EXPECT_EQ(spec->api, loadgen::Api::Chat);
  EXPECT_EQ(spec->run.seed, 7u);
  EXPECT_EQ(spec->run.arrivals.value().rate, 4.5);
  EXPECT_EQ(spec->run.lengths.output.first, 128);
  EXPECT_EQ(spec->run.duration, Nanos(std::chrono::seconds(30)));
}

TEST(BenchSpec, MayBeJson) {
  const auto spec =
      parse_bench_spec(R"({"in_flight": 4, "lengths": {"input": 8, "output": 8}, "requests": 10})");
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->run.in_flight, 4);
}

TEST(BenchSpec, SaysWhatIsWrongAndWhere) {
  struct Case {
    std::string text;
    const char* message;
  };
  const std::string good = "in_flight: 1\nrequests: 1\nlengths: {input: 1, output: 1}\n";
  ASSERT_TRUE(parse_bench_spec(good));
  for (const Case& c :
       {Case{good + "token: abc\n", "token: unknown member"},
        Case{good + "in_flight: 2\n", "'in_flight' is there twice"},
        Case{good + "api: grpc\n", "must be completions or chat"},
        Case{good + "url: 5\n", "url: must be a text"}, Case{"lengths: [", "line 1"},
        Case{"", "must be a list of members"}, Case{std::string(5000, '['), "too deep"},
        Case{std::string(2 << 20, 'a'), "too large"}}) {
    const auto spec = parse_bench_spec(c.text);
    ASSERT_FALSE(spec) << c.text.substr(0, 80);
    EXPECT_EQ(spec.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(spec.error().message, HasSubstr(c.message));
  }
}

TEST(BenchSpec, DoesNotUnfoldAliasesWithoutEnd) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    bomb += fmt::format("a{0}: &a{0} [*a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}]\n", i, i - 1);
  }
  EXPECT_FALSE(parse_bench_spec(bomb));
}

}  // namespace
}  // namespace kneepoint::app
