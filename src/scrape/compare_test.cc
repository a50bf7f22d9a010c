#include "scrape/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kneepoint::scrape {
namespace {

using metrics::Metric;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

metrics::Summary client(Metric metric, double mean) {
  metrics::Summary out;
  out.latency[static_cast<std::size_t>(metric)].mean = mean;
  return out;
}

metrics::ServerSignals server(double metrics::ServerSignals::* figure, double value) {
  metrics::ServerSignals out;
  out.*figure = value;
  return out;
}

TEST(Disagreements, AreNoneWhereEitherSideTellsNothing) {
  EXPECT_THAT(disagreements(client(Metric::Ttft, 500), {}), IsEmpty());
  EXPECT_THAT(disagreements({}, server(&metrics::ServerSignals::ttft_mean_ms, 5)), IsEmpty());
}

TEST(Disagreements, AFifthOrFiveMillisecondsAgree) {
  EXPECT_THAT(
      disagreements(client(Metric::Ttft, 100), server(&metrics::ServerSignals::ttft_mean_ms, 81)),
      IsEmpty());
  EXPECT_THAT(
      disagreements(client(Metric::Ttft, 8), server(&metrics::ServerSignals::ttft_mean_ms, 3.5)),
      IsEmpty());
  EXPECT_THAT(
      disagreements(client(Metric::Ttft, 100), server(&metrics::ServerSignals::ttft_mean_ms, 79)),
      Not(IsEmpty()));
  EXPECT_THAT(
      disagreements(client(Metric::Ttft, 79), server(&metrics::ServerSignals::ttft_mean_ms, 100)),
      Not(IsEmpty()));
  EXPECT_THAT(
      disagreements(client(Metric::Itl, 3), server(&metrics::ServerSignals::itl_mean_ms, 2.1)),
      IsEmpty());
  EXPECT_THAT(
      disagreements(client(Metric::Itl, 4), server(&metrics::ServerSignals::itl_mean_ms, 2)),
      Not(IsEmpty()));
}

TEST(Disagreements, NameBothFiguresAndTheLikelyCause) {
  EXPECT_THAT(
      disagreements(client(Metric::Ttft, 85), server(&metrics::ServerSignals::ttft_mean_ms, 40)),
      ElementsAre(AllOf(HasSubstr("TTFT is 85.0 ms here and 40.0 ms by the server"),
                        HasSubstr("proxy"), Not(HasSubstr("lateness")))));
  EXPECT_THAT(
      disagreements(client(Metric::E2e, 40), server(&metrics::ServerSignals::e2e_mean_ms, 85)),
      ElementsAre(HasSubstr("not in this window")));
  EXPECT_THAT(
      disagreements(client(Metric::Tpot, 9), server(&metrics::ServerSignals::tpot_mean_ms, 4)),
      ElementsAre(HasSubstr("holds tokens back")));
}

TEST(Disagreements, OwnLatenessIsNotPutOnTheServer) {
  metrics::Summary late = client(Metric::Ttft, 85);
  late.send_delay.mean = 30;
  EXPECT_THAT(disagreements(late, server(&metrics::ServerSignals::ttft_mean_ms, 40)),
              ElementsAre(HasSubstr("30.0 ms of it is this client's own lateness")));
}

TEST(Disagreements, TokenRatesTellOfReplicasAndOfOtherClients) {
  metrics::Summary summary;
  summary.output_rate = Rate<Tokens>(1000);
  summary.window = {{}, std::chrono::seconds(30)};
  EXPECT_THAT(
      disagreements(summary, server(&metrics::ServerSignals::generation_tokens_per_second, 500)),
      ElementsAre(HasSubstr("one of several replicas")));
  EXPECT_THAT(
      disagreements(summary, server(&metrics::ServerSignals::generation_tokens_per_second, 1500)),
      ElementsAre(HasSubstr("other clients")));
  EXPECT_THAT(
      disagreements(summary, server(&metrics::ServerSignals::generation_tokens_per_second, 1100)),
      IsEmpty());
}

TEST(Disagreements, OfTokenRatesAreNotReadIntoAFewSeconds) {
  metrics::Summary summary;
  summary.output_rate = Rate<Tokens>(1000);
  for (const auto& [seconds, told] : {std::pair{0, false}, {1, false}, {3, false}, {5, true}}) {
    summary.window = {{}, std::chrono::seconds(seconds)};
    const auto sentences =
        disagreements(summary, server(&metrics::ServerSignals::generation_tokens_per_second, 500));
    EXPECT_EQ(!sentences.empty(), told) << seconds;
  }
}

}  // namespace
}  // namespace kneepoint::scrape
