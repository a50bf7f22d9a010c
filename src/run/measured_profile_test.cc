#include "run/measured_profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "profile/json.h"

namespace kneepoint::run {
namespace {

using curve::LoadKind;
using metrics::Metric;
using metrics::Statistic;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

PointRecord closed_loop(std::int64_t index, std::int64_t clients, double tokens_per_second) {
  PointRecord point;
  point.index = index;
  point.spec.in_flight = clients;
  point.spec.lengths.input = *workload::parse_length("128");
  point.spec.lengths.output = *workload::parse_length("32");
  point.spec.requests = 100;
  point.started_at = "2026-11-21T10:00:00Z";
  point.requests_sent = 101;
  point.requests_completed = 100;
  point.requests_failed = 1;
  point.summary.output_rate = Rate<Tokens>(tokens_per_second);
  point.summary.requests_per_second = Rate<Requests>(tokens_per_second / 32);
  point.summary.latency[static_cast<std::size_t>(Metric::Ttft)] = {100, 21, 20, 30, 35, 40, 50};
  point.tokens.input_counted_mean = 128;
  point.tokens.output_counted_mean = 31.5;
  point.server.emplace();
  point.server->waiting = {0.5, 3};
  point.server->kv_use = {0.25, 0.4};
  return point;
}

profile::ServingSetup setup() {
  profile::ServingSetup setup;
  setup.model = "tiny";
  setup.model_server = "vllm";
  setup.accelerator = "nvidia-l4";
  return setup;
}

TEST(MeasuredProfile, HoldsThePointsInAscendingLoad) {
  const profile::Profile profile = measured_profile(
      setup(), "run-a", {closed_loop(0, 4, 400), closed_loop(1, 1, 120), closed_loop(2, 8, 500)});
  EXPECT_EQ(profile.load_kind, LoadKind::Concurrency);
  EXPECT_EQ(profile.workload.name, "random:128/32");
  EXPECT_EQ(profile.workload.input_tokens_nominal, 128);
  EXPECT_EQ(profile.workload.output_tokens_mean, 31.5);
  EXPECT_EQ(profile.evidence.kind, profile::EvidenceKind::Measured);
  EXPECT_EQ(profile.setup.decoding, "serving");
  std::vector<double> loads;
  for (const auto& point : profile.points) loads.push_back(point.at.load);
  EXPECT_THAT(loads, ElementsAre(1, 4, 8));

  const profile::Point& point = profile.points[1];
  EXPECT_EQ(point.at.latency.get(Metric::Ttft, Statistic::P99), 40);
  EXPECT_EQ(point.at.output_tokens_per_second, 400);
  EXPECT_EQ(point.server.waiting_max, 3);
  EXPECT_EQ(point.server.kv_use_mean, 0.25);
  EXPECT_FALSE(point.server.preemptions);
  EXPECT_EQ(point.measured_on, "2026-11-21");
  EXPECT_THAT(point.flags, HasSubstr("requests_failed"));
  EXPECT_EQ(point.id, "point-0");
}

TEST(MeasuredProfile, IsAcceptedAsCanonicalJson) {
  const profile::Profile profile = measured_profile(setup(), "run-a", {closed_loop(0, 4, 400)});
  const auto back = profile::from_json(profile::to_json(profile));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->id, profile.id);
}

TEST(MeasuredProfile, HasTheSameIdForTheSameRun) {
  const auto id = [](std::string_view run) {
    return measured_profile(setup(), run, {closed_loop(0, 4, 400)}).id;
  };
  EXPECT_EQ(id("run-a"), id("run-a"));
  EXPECT_NE(id("run-a"), id("run-b"));
  EXPECT_THAT(id("run-a"), StartsWith("run-"));
}

TEST(MeasuredProfile, LeavesOutWhatMeasuredNothing) {
  PointRecord dead = closed_loop(1, 16, 0);
  dead.requests_completed = 0;
  PointRecord other = closed_loop(2, 1, 100);
  other.spec.arrivals = workload::Arrivals{.rate = 3};
  const auto profile =
      measured_profile(setup(), "run", {closed_loop(0, 4, 400), dead, other, closed_loop(3, 8, 1)});
  EXPECT_EQ(profile.points.size(), 2U);
}

TEST(MeasuredProfile, SaysWhatAReaderMustKnow) {
  PointRecord point = closed_loop(0, 4, 400);
  point.requests_failed = 0;
  EXPECT_EQ(profile_point(point).flags, "");
  point.self.valid = false;
  point.end = PointEnd::ServerGone;
  point.summary.tokens_counted_by = "events";
  EXPECT_EQ(profile_point(point).flags,
            "generator_was_the_bottleneck;server_gone;tokens_counted_by_events");
}

TEST(WorkloadNames, TellLengthsPrefixesAndTurns) {
  workload::RunSpec spec;
  spec.lengths.input = *workload::parse_length("sharegpt-input");
  spec.lengths.output = *workload::parse_length("sharegpt-output");
  EXPECT_EQ(workload_name(spec), "sharegpt");
  spec.lengths.input = *workload::parse_length("uniform:64,256");
  spec.prefix = workload::Prefix{.groups = 4, .tokens = 1024};
  EXPECT_EQ(workload_name(spec), "random:uniform:64,256/sharegpt-output:prefix4x1024");
}

TEST(OfferedLoad, IsTheRateOfAnOpenLoop) {
  PointRecord point = closed_loop(0, 64, 400);
  EXPECT_EQ(offered_load(point), 64);
  point.spec.arrivals = workload::Arrivals{.rate = 3};
  EXPECT_EQ(offered_load(point), 3);
  EXPECT_EQ(load_kind(point.spec), LoadKind::RequestRate);
  point.self.achieved_rate = 2.5;
  point.spec.arrivals->pattern = workload::ArrivalPattern::Trace;
  EXPECT_EQ(offered_load(point), 2.5);
}

}  // namespace
}  // namespace kneepoint::run
