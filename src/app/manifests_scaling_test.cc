#include "app/manifests_scaling.h"

#include <gtest/gtest.h>

#include "catalog/catalog.h"
#include "manifest/manifest.h"
#include "manifest/scaling.h"
#include "scrape/signal_map.h"

namespace kneepoint::app {
namespace {

// An autoscaler must look at the very series that a load run scrapes: of every server and version
// of the catalog, what a manifest names is what the scraper reads without a warning.
TEST(ManifestsScaling, TheAutoscalersSeriesIsTheOneThatIsScraped) {
  const auto catalog = catalog::Catalog::open(KP_BINARY_DIR "/kneepoint.catalog", {}).value();
  using Pair = std::pair<manifest::SignalWanted, scrape::Signal>;
  int compared = 0;
  for (const auto& version : catalog.server_versions()) {
    manifest::Request request;
    request.model = "meta-llama/Llama-3.1-8B-Instruct";
    request.model_server = version.server;
    request.model_server_version = version.version;
    request.accelerator = "nvidia-h100-80gb";
    request.autoscaling.by = manifest::Autoscaler::Keda;
    request.autoscaling.point.emplace().running = 10;
    const auto facts = manifest::resolve(catalog, request);
    if (!facts) continue;
    const auto numbers = manifest::plan(request, *facts);
    ASSERT_TRUE(numbers) << numbers.error().message;
    for (const auto& [wanted, signal] :
         {Pair{manifest::SignalWanted::Running, scrape::Signal::Running},
          Pair{manifest::SignalWanted::Queue, scrape::Signal::Waiting},
          Pair{manifest::SignalWanted::KvCache, scrape::Signal::KvUse}}) {
      request.autoscaling.signal = wanted;
      const auto found = manifest::scaling(request, *facts, *numbers);
      if (!found) continue;  // this version has no such metric
      const auto map = scrape::SignalMap::of(catalog, version.server, facts->version);
      ASSERT_TRUE(map) << map.error().message;
      std::string page = found->plan->series + "{";
      for (const auto& [name, value] : found->plan->labels) page += name + "=\"" + value + "\",";
      page += "pod=\"a\"} 3\n";
      const auto reading = map->read(page);
      ASSERT_TRUE(reading);
      const scrape::Found& read = (*reading)[scrape::at(signal)];
      ASSERT_EQ(read.parts.size(), 1U) << version.server << " " << version.version << " " << page;
      EXPECT_EQ(map->warning(signal, &read), "") << version.server << " " << version.version;
      ++compared;
    }
  }
  EXPECT_GT(compared, 100);
}

TEST(ManifestsScaling, TargetsAreSaidInWords) {
  using metrics::Metric;
  using metrics::Statistic;
  EXPECT_EQ(in_words({}), "");
  EXPECT_EQ(in_words({{Metric::Ttft, Statistic::P50, 300}, {Metric::Tpot, Statistic::P50, 40.5}}),
            "TTFT p50 <= 300 ms and TPOT p50 <= 40.5 ms");
}

/// A choice on a curve over clients whose TTFT rises from 100 to 500 ms.
struct OnACurve {
  std::vector<curve::LoadPoint> points;
  profile::RankingRow row;
  recommend::Choice choice;

  explicit OnACurve(curve::LoadKind kind,
                    const std::vector<double>& loads = {1.0, 2.0, 4.0, 8.0, 16.0}) {
    for (const double load : loads) {
      curve::LoadPoint point;
      point.load = load;
      point.requests_per_second = load / (1 + load / 8);
      point.latency.set(metrics::Metric::Ttft, metrics::Statistic::P50, 100 + 25 * load);
      point.latency.set(metrics::Metric::E2e, metrics::Statistic::Mean,
                        1000 * load / point.requests_per_second);
      points.push_back(point);
    }
    row.points = points;
    row.load_kind = kind;
    row.workload.input_tokens_mean = 1000;
    row.workload.output_tokens_mean = 200;
    choice.profile = &row;
    choice.operating_point.point = points[points.size() > 3 ? 3 : 0];
    choice.knee = curve::find_knee(points, kind);
  }
};

TEST(ManifestsScaling, ATargetFarAboveTheCurveIsAboveReach) {
  const OnACurve on(curve::LoadKind::Concurrency);
  recommend::Request request;
  EXPECT_FALSE(above_reach(on.choice, request));
  const auto asked = [&](double ms) {
    request.targets = {{metrics::Metric::Ttft, metrics::Statistic::P50, ms}};
    return above_reach(on.choice, request);
  };
  EXPECT_FALSE(asked(200));
  EXPECT_TRUE(asked(1001));  // twice 500: also where the knee was not reached
}

TEST(ManifestsScaling, ATargetFarAboveTwoPointsIsAboveReachToo) {
  const OnACurve on(curve::LoadKind::Concurrency, {1.0, 16.0});
  ASSERT_EQ(on.choice.knee.state, curve::KneeState::TooFewPoints);
  recommend::Request request;
  const auto asked = [&](double ms) {
    request.targets = {{metrics::Metric::Ttft, metrics::Statistic::P50, ms}};
    return above_reach(on.choice, request);
  };
  EXPECT_FALSE(asked(200));
  EXPECT_FALSE(asked(4999));  // ten times 500
  EXPECT_TRUE(asked(9999999));
}

}  // namespace
}  // namespace kneepoint::app
