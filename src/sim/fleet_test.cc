#include "sim/fleet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/replay.h"

namespace kneepoint::sim {
namespace {

using namespace std::chrono_literals;
using metrics::Metric;
using ::testing::HasSubstr;
using Keep = FleetOptions::Keep;

perfmodel::LinearCoefficients scaled(double by) {
  perfmodel::LinearCoefficients of;
  of.base *= by;
  of.per_prefill_token *= by;
  of.per_sequence *= by;
  of.per_context_token *= by;
  of.per_prefill_context *= by;
  return of;
}
StepModels linear(double scale = 1) {
  return
      [scale](const Seat&) { return std::make_unique<perfmodel::LinearStepTime>(scaled(scale)); };
}

workload::RunSpec at_rate(double rate, std::int64_t requests = 600) {
  workload::RunSpec out;
  out.seed = 7;
  out.arrivals = workload::Arrivals{.rate = rate};
  out.lengths.input = *workload::parse_length("normal:512,256,min=2,max=2048");
  out.lengths.output = *workload::parse_length("normal:64,32,min=1,max=256");
  out.requests = requests;
  return out;
}
workload::RunSpec closed(std::int64_t clients, std::int64_t requests = 600) {
  workload::RunSpec out = at_rate(1, requests);
  out.arrivals.reset();
  out.in_flight = clients;
  return out;
}
workload::RunSpec in_sessions(workload::RunSpec spec) {
  spec.sessions = workload::Sessions{.turns = *workload::parse_length("uniform:1,4"), .think = {}};
  return spec;
}
workload::RunSpec in_groups(workload::RunSpec spec, std::int64_t groups) {
  spec.prefix = workload::Prefix{.groups = groups, .tokens = 2000};
  return spec;
}

FleetConfig fleet(std::int64_t replicas, RouterKind router = RouterKind::LeastRequests) {
  FleetConfig out;
  out.replicas = replicas;
  out.router = router;
  out.replica.engine.num_blocks = 3000;
  return out;
}

FleetResult run(const workload::RunSpec& spec, const FleetConfig& config, Keep keep = Keep::Counts,
                double scale = 1) {
  auto out = simulate_fleet(spec, config, linear(scale), {.keep = keep});
  EXPECT_TRUE(out) << out.error().message;
  return std::move(*out);
}
double mean(const FleetResult& result, Metric metric) {
  return result.tally.latency[static_cast<std::size_t>(metric)].mean();
}

/// Every kind of replica there is.
std::vector<FleetConfig> kinds() {
  std::vector<FleetConfig> out;
  for (const ServerRules rules :
       {ServerRules::Vllm, ServerRules::TensorRtLlm, ServerRules::Sglang}) {
    out.push_back(fleet(2));
    out.back().replica.engine.scheduling = scheduling_of(rules);
  }
  out.push_back(fleet(2, RouterKind::RoundRobin));
  out.back().replica.engine.speculation = {.draft_tokens = 3, .accepted = 2.2};
  out.push_back(fleet(1));
  out.back().replica.ranks = 4;
  out.back().replica.ranks_together = true;
  out.push_back(fleet(1, RouterKind::PrefixAware));
  out.back().replica.ranks = 3;
  out.back().replica.stages = 2;
  out.push_back(fleet(2, RouterKind::LeastKv));
  out.back().replica.disaggregation = Disaggregation{.decode = out.back().replica.engine,
                                                     .prefill_engines = 1,
                                                     .decode_engines = 2,
                                                     .transfer_base = 1ms,
                                                     .transfer_ns_per_token = 300};
  return out;
}

TEST(Fleet, OfOneGivesWhatAReplayGives) {
  for (const auto& spec : {at_rate(8), closed(40), in_sessions(closed(20)), in_sessions(at_rate(2)),
                           in_groups(at_rate(4), 5), at_rate(200)}) {
    const FleetConfig config = fleet(1);
    perfmodel::LinearStepTime model;
    const auto expected = replay(spec, config.replica.engine, model);
    ASSERT_TRUE(expected);
    const FleetResult got = run(spec, config, Keep::EveryToken);
    ASSERT_EQ(got.timelines.size(), expected->timelines.size());
    for (std::size_t i = 0; i < got.timelines.size(); ++i) {
      const auto &a = got.timelines[i], &b = expected->timelines[i];
      ASSERT_EQ(a.due, b.due) << i;
      ASSERT_EQ(a.sent, b.sent) << i;
      ASSERT_EQ(a.first_byte, b.first_byte) << i;
      ASSERT_EQ(a.end, b.end) << i;
      ASSERT_EQ(a.events, b.events) << i;
      ASSERT_EQ(a.usage, b.usage) << i;
    }
    EXPECT_EQ(got.took, expected->took);
    EXPECT_EQ(got.most_in_flight, expected->most_in_flight);
    EXPECT_EQ(got.replicas[0].engines.prefix_hits, expected->engine.prefix_hits);
  }
}

TEST(Fleet, CountsTheSameWithoutTimelines) {
  for (FleetConfig config : kinds()) {
    const auto spec = at_rate(12, 400);
    const FleetResult lean = run(spec, config), whole = run(spec, config, Keep::EveryToken);
    const FleetResult middle = run(spec, config, Keep::Timelines);
    EXPECT_EQ(lean.tally.window, whole.tally.window);
    EXPECT_EQ(lean.tally.by_outcome, whole.tally.by_outcome);
    EXPECT_EQ(lean.tally.completed, whole.tally.completed);
    EXPECT_EQ(lean.tally.output, whole.tally.output);
    EXPECT_EQ(lean.tally.input, whole.tally.input);
    for (const Metric metric : metrics::kMetrics) {
      // With drafts the events carry several tokens, which the tally spreads in its own way.
      const bool drafts = config.replica.engine.speculation.draft_tokens > 0;
      if (metric == Metric::Itl && drafts) continue;
      const auto i = static_cast<std::size_t>(metric);
      EXPECT_EQ(lean.tally.latency[i], whole.tally.latency[i]) << name(metric);
      EXPECT_EQ(lean.tally.latency[i], middle.tally.latency[i]) << name(metric);
    }
    EXPECT_EQ(middle.timelines.size(), 400u);
    EXPECT_TRUE(lean.timelines.empty());
  }
}

TEST(Fleet, CountsThePausesOfThePreempted) {
  for (const ServerRules rules : {ServerRules::Vllm, ServerRules::Sglang}) {
    FleetConfig config = fleet(1);
    config.replica.engine.num_blocks = 400;
    config.replica.engine.scheduling = scheduling_of(rules);
    config.replica.engine.scheduling.reserve_output = 0;  // so that somebody is
    const FleetResult lean = run(closed(40), config);
    const FleetResult whole = run(closed(40), config, Keep::EveryToken);
    ASSERT_GT(lean.replicas[0].engines.preemptions, 10);
    const auto i = static_cast<std::size_t>(Metric::Itl);
    EXPECT_EQ(lean.tally.latency[i], whole.tally.latency[i]);
  }
}

TEST(Fleet, PlayedAheadGivesWhatStepByStepGives) {
  // With every token kept no step is played ahead of the others' events.
  for (const auto& spec :
       {at_rate(3), at_rate(30), closed(1), closed(40), in_sessions(closed(9))}) {
    for (const std::int64_t replicas : {1, 3}) {
      const FleetResult ahead = run(spec, fleet(replicas, RouterKind::LeastKv));
      const FleetResult step = run(spec, fleet(replicas, RouterKind::LeastKv), Keep::EveryToken);
      EXPECT_EQ(ahead.took, step.took);
      EXPECT_EQ(ahead.steps, step.steps);
      for (std::size_t i = 0; i < ahead.replicas.size(); ++i) {
        const auto &a = ahead.replicas[i].engines, &b = step.replicas[i].engines;
        EXPECT_EQ(a.generation_tokens, b.generation_tokens);
        EXPECT_EQ(a.scheduled_tokens, b.scheduled_tokens);
        EXPECT_EQ(a.preemptions, b.preemptions);
        EXPECT_EQ(a.kv_use, b.kv_use);
        EXPECT_EQ(ahead.replicas[i].busy, step.replicas[i].busy);
      }
    }
  }
}

TEST(Fleet, ManyStepsAtOnceTakeTheTimeOfEach) {
  for (const std::int64_t clients : {1, 7, 40}) {
    const workload::RunSpec spec = closed(clients);
    const FleetResult each = run(spec, fleet(1));
    const auto at_once = simulate_fleet(spec, fleet(1), linear(), {.gaps = false});
    ASSERT_TRUE(at_once);
    EXPECT_EQ(at_once->took, each.took);
    EXPECT_EQ(at_once->steps, each.steps);
    for (const Metric metric : {Metric::Ttft, Metric::Tpot, Metric::E2e}) {
      const auto i = static_cast<std::size_t>(metric);
      EXPECT_EQ(at_once->tally.latency[i], each.tally.latency[i]) << clients;
    }
  }
}

TEST(Fleet, WhoFollowsAnAnswerMayMissTheStepThatBeginsWithIt) {
  // Two clients that are out of step: each time one ends, the other is decoding.
  workload::RunSpec spec = closed(2, 40);
  const auto ttft = [&](bool misses) {
    auto out = simulate_fleet(spec, fleet(1), linear(), {.misses_the_step = misses});
    EXPECT_TRUE(out);
    return mean(*out, Metric::Ttft);
  };
  EXPECT_GT(ttft(true), ttft(false) + 4e6);  // most of a step of at least 6.9 ms
}

TEST(Fleet, LosesNeitherRequestsNorBlocks) {
  for (const FleetConfig& config : kinds()) {
    for (const auto& spec : {at_rate(30), in_sessions(closed(60)), in_groups(at_rate(10), 3)}) {
      const FleetResult out = run(spec, config);
      EXPECT_EQ(out.requests, 600);
      EXPECT_EQ(out.requests, out.completed + out.refused);
      std::int64_t routed = 0;
      for (const ReplicaResult& replica : out.replicas) {
        routed += replica.requests;
        const EngineState& engines = replica.engines;
        EXPECT_EQ(engines.submitted, engines.refused + engines.completed);
        EXPECT_EQ(engines.waiting + engines.running, 0);
        EXPECT_EQ(engines.blocks_used, 0);
      }
      EXPECT_EQ(routed, out.completed);
    }
  }
}

TEST(Fleet, HoldsLittlesLaw) {
  for (const FleetConfig& config : kinds()) {
    for (const auto& spec : {at_rate(10, 2000), closed(50, 2000)}) {
      const FleetResult out = run(spec, config);
      // Sent at once, so that what is out is what its end-to-end latency counts.
      const double rate =
          static_cast<double>(out.completed) / static_cast<double>(out.took.count());
      EXPECT_NEAR(out.in_flight_mean, rate * mean(out, Metric::E2e), 1e-6 * out.in_flight_mean);
    }
  }
}

TEST(Fleet, GivesTheSameBytesForTheSameSeed) {
  for (const FleetConfig& config : kinds()) {
    const auto bytes = [&](std::uint64_t seed) {
      auto spec = at_rate(10);
      spec.seed = seed;
      std::string out;
      for (const auto& histogram : run(spec, config).tally.latency) out += histogram.to_bytes();
      return out;
    };
    EXPECT_EQ(bytes(3), bytes(3));
    EXPECT_NE(bytes(3), bytes(4));
  }
}

TEST(Fleet, EndsNoLaterWithFasterSteps) {
  for (const FleetConfig& config : kinds()) {
    for (const auto& spec : {at_rate(20), closed(50)}) {
      const FleetResult slow = run(spec, config), fast = run(spec, config, Keep::Counts, 0.7);
      EXPECT_LE(fast.took, slow.took);
      EXPECT_LT(mean(fast, Metric::E2e), mean(slow, Metric::E2e));
    }
  }
}

TEST(Fleet, AnswersALightLoadInTheTimesOfItsSteps) {
  perfmodel::LinearStepTime model;
  auto spec = closed(1, 5);
  spec.lengths.input = *workload::parse_length("700");
  spec.lengths.output = *workload::parse_length("20");
  const perfmodel::PrefillChunk chunk{.tokens = 700, .cached = 0};
  const Nanos prompt =
      model.step_time({.prefills = {&chunk, 1}, .prefill_tokens = 700, .prompts_ended = 1});
  Nanos answer{};
  for (std::int64_t i = 0; i < 19; ++i) {
    answer += model.step_time({.decodes = 1, .decode_context = 700 + i});
  }
  for (const FleetConfig& config : kinds()) {
    if (config.replica.engine.speculation.draft_tokens > 0) continue;
    const FleetResult out = run(spec, config, Keep::Timelines);
    // A step is cut into the stages in whole nanoseconds.
    const auto near = 20 * static_cast<double>(config.replica.stages);
    const Nanos transfer = config.replica.disaggregation ? 1ms + 210us : 0ns;
    for (const auto& timeline : out.timelines) {
      EXPECT_NEAR(static_cast<double>((*metrics::ttft(timeline) - prompt).count()), 0, near);
      EXPECT_NEAR(
          static_cast<double>((*metrics::e2e(timeline) - prompt - answer - transfer).count()), 0,
          near);
    }
  }
}

TEST(Fleet, WaitsForTheSlowestOfRanksThatStepTogether) {
  auto spec = closed(2, 2);
  spec.lengths.output = *workload::parse_length("2");
  spec.lengths.input = *workload::parse_length("uniform:10,4000");
  FleetConfig config = fleet(1);
  config.replica.ranks = 2;
  config.replica.ranks_together = true;
  const FleetResult out = run(spec, config, Keep::Timelines);
  EXPECT_NE(out.timelines[0].usage->input, out.timelines[1].usage->input);
  EXPECT_EQ(metrics::ttft(out.timelines[0]), metrics::ttft(out.timelines[1]));
  config.replica.ranks_together = false;
  const FleetResult apart = run(spec, config, Keep::Timelines);
  EXPECT_NE(metrics::ttft(apart.timelines[0]), metrics::ttft(apart.timelines[1]));
}

TEST(Fleet, OfAPipelineServesMoreAtOnce) {
  FleetConfig config = fleet(1);
  config.replica.engine.max_num_seqs = 64;
  const FleetResult one = run(closed(64), config);
  config.replica.stages = 4;
  const FleetResult four = run(closed(64), config);
  // Each batch has a quarter of the sequences, and four are on their way at once.
  EXPECT_LT(four.took, one.took * 3 / 4);
}

TEST(Router, ThatSeesPrefixesFindsThemCached) {
  const auto spec = in_groups(at_rate(6, 800), 24);
  std::map<RouterKind, std::int64_t> hits;
  for (const RouterKind kind : {RouterKind::RoundRobin, RouterKind::LeastRequests,
                                RouterKind::LeastKv, RouterKind::PrefixAware}) {
    for (const auto& replica : run(spec, fleet(4, kind)).replicas) {
      hits[kind] += replica.engines.prefix_hits;
      EXPECT_GT(replica.requests, 40) << name(kind);
    }
    EXPECT_EQ(parse_router_kind(name(kind)), kind);
  }
  EXPECT_GT(hits[RouterKind::PrefixAware], hits[RouterKind::RoundRobin] * 5 / 4);
  EXPECT_EQ(parse_router_kind("nearest"), std::nullopt);
}

TEST(Router, ThatSeesLoadIsFasterThanTakingTurns) {
  auto spec = at_rate(40, 2000);
  spec.lengths.output = *workload::parse_length("lognormal:100,300,max=2000");
  const double turns = mean(run(spec, fleet(4, RouterKind::RoundRobin)), Metric::E2e);
  EXPECT_LT(mean(run(spec, fleet(4, RouterKind::LeastRequests)), Metric::E2e), turns);
}

TEST(Fleet, CountsGoodputByItsBounds) {
  FleetOptions options;
  options.bounds = {{Metric::Ttft, 60ms}, {Metric::Tpot, 12ms}};
  const auto spec = at_rate(15);
  const auto lean = simulate_fleet(spec, fleet(1), linear(), options);
  options.keep = Keep::EveryToken;
  const auto whole = simulate_fleet(spec, fleet(1), linear(), options);
  ASSERT_TRUE(lean && whole);
  EXPECT_EQ(lean->tally.good, whole->tally.good);
  EXPECT_GT(lean->tally.good, 10u);
  EXPECT_LT(lean->tally.good, 590u);
}

TEST(Fleet, SaysWhatIsWrong) {
  const auto why = [](const FleetConfig& config, const FleetOptions& options = {}) {
    const auto out = simulate_fleet(at_rate(1, 10), config, linear(), options);
    return out ? "" : out.error().message;
  };
  EXPECT_THAT(why(fleet(0)), HasSubstr("replicas"));
  FleetConfig config = fleet(1);
  config.replica.stages = 0;
  EXPECT_THAT(why(config), HasSubstr("stages"));
  config = kinds().back();
  config.replica.ranks = 2;
  EXPECT_THAT(why(config), HasSubstr("disaggregation"));
  config = kinds().back();
  config.replica.disaggregation->decode.num_blocks = 1;
  EXPECT_EQ(why(config), "");  // all are refused
  EXPECT_THAT(why(fleet(1), {.bounds = {{Metric::Itl, 5ms}}}), HasSubstr("ITL"));
}

}  // namespace
}  // namespace kneepoint::sim
