#include "app/simulate.h"

#include <gtest/gtest.h>

#include <array>

#include "profile/predicted_table.h"

namespace kneepoint::app {
namespace {

using metrics::Metric;

/// Without a calibration beside the catalog of the tests the tables alone count: the same numbers
/// whatever ships.
SimulatedServer llama_on_h100() {
  Settings settings;
  settings.shipped_catalog = KP_BINARY_DIR "/kneepoint.catalog";
  static const std::unique_ptr<Session> session = std::move(*Session::open(settings));
  predict::Question question;
  question.setup.model = "meta-llama/Llama-3.1-8B-Instruct";
  question.setup.model_server = "vllm";
  question.setup.accelerator = "nvidia-h100-80gb";
  question.setup.accelerator_count = question.setup.tensor_parallel = 1;
  question.workload = profile::fixed_lengths(512, 64);
  return *SimulatedServers::open(*session, {})->of(question);
}

SimulateAsk ask_for(std::int64_t clients, std::int64_t requests) {
  SimulateAsk out;
  out.setup.model_server = "vllm";
  workload::RunSpec spec;
  spec.lengths.input = *workload::parse_length("512");
  spec.lengths.output = *workload::parse_length("64");
  spec.in_flight = clients;
  spec.requests = requests;
  out.points = {spec};
  return out;
}

run::PointRecord play(const SimulatedServer& server, const SimulateAsk& ask) {
  return *simulate_point(server, ask, 0, "2026-11-21");
}

TEST(Simulate, EveryRequestIsCompletedOrFailed) {
  const auto point = play(llama_on_h100(), ask_for(32, 500));
  EXPECT_EQ(point.requests_sent, 500u);
  EXPECT_EQ(point.requests_completed + point.requests_failed, 500u);
}

TEST(Simulate, LittlesLawHolds) {
  SimulatedServer server = llama_on_h100();
  server.request_ms = server.token_ms = 0;  // outside of the loop, so not in its law
  for (const std::int64_t clients : {1, 8, 64}) {
    const auto point = play(server, ask_for(clients, 50 * clients));
    const double rate = point.summary.requests_per_second->per_second();
    const double e2e = point.summary.of(Metric::E2e).mean / 1000;
    EXPECT_NEAR(rate * e2e / static_cast<double>(clients), 1, 0.05) << clients;
  }
}

TEST(Simulate, ATtftWithoutOthersIsOneStepAndTheOverhead) {
  SimulatedServer server = llama_on_h100();
  server.request_ms = 20;
  server.token_ms = 0.01;
  const std::array chunk{perfmodel::PrefillChunk{512, 0}};
  perfmodel::StepShape shape;
  shape.prefills = chunk;
  shape.prefill_tokens = 512;
  shape.prompts_ended = 1;
  perfmodel::PartedStepTime steps = server.step_time;
  const double step_ms = static_cast<double>(steps.step_time(shape).count()) / 1e6;
  const auto point = play(server, ask_for(1, 100));
  EXPECT_NEAR(point.summary.of(Metric::Ttft).mean, step_ms + 20 + 5.12, 0.01);
}

TEST(Simulate, MoreReplicasAreNeverSlower) {
  const SimulatedServer server = llama_on_h100();
  SimulateAsk ask = ask_for(128, 1000);
  double before = 1e9;
  for (const std::int64_t replicas : {1, 2, 4}) {
    ask.replicas = replicas;
    const double e2e = play(server, ask).summary.of(Metric::E2e).mean;
    EXPECT_LT(e2e, before);
    before = e2e;
  }
}

TEST(Simulate, TheSameSeedGivesTheSameReport) {
  const SimulatedServer server = llama_on_h100();
  SimulateAsk ask = ask_for(1, 300);
  ask.points[0].in_flight.reset();
  ask.points[0].arrivals = workload::Arrivals{.rate = 8};
  const auto report = [&] {
    return json::to_line(simulated_report(server, ask, {play(server, ask)}, "2026-11-21", "0"));
  };
  EXPECT_EQ(report(), report());
}

TEST(Simulate, AReportSaysThatItIsAPrediction) {
  const SimulatedServer server = llama_on_h100();
  const SimulateAsk ask = ask_for(4, 100);
  const auto report = simulated_report(server, ask, {play(server, ask)}, "2026-11-21", "0");
  EXPECT_EQ(report.at("evidence").at("kind").as_string(), "predicted");
  EXPECT_TRUE(run::point_from_json(report.at("points").at(0)));
}

}  // namespace
}  // namespace kneepoint::app
