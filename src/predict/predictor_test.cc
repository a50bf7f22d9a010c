#include <gtest/gtest.h>

#include <cmath>

#include "predict/calibrate.h"
#include "predict/open.h"
#include "predict/training.h"

namespace kneepoint::predict {
namespace {

using metrics::Metric;
using metrics::Statistic;

const std::filesystem::path kOperators = std::string(KP_BINARY_DIR) + "/kneepoint.operators";

const catalog::Catalog& shipped() {
  static const auto catalog =
      catalog::Catalog::open(std::string(KP_BINARY_DIR) + "/kneepoint.catalog", {});
  return *catalog;
}

Question question(double clients, const std::string& accelerator = "nvidia-h100-80gb") {
  Question q;
  q.setup.model = "Qwen/Qwen3-8B";
  q.setup.model_server = "vllm";
  q.setup.model_server_version = "0.12.0";
  q.setup.accelerator = accelerator;
  q.setup.accelerator_count = 1;
  q.setup.decoding = "serving";
  q.workload.input_tokens_nominal = q.workload.input_tokens_mean = 512;
  q.workload.output_tokens_nominal = q.workload.output_tokens_mean = 64;
  q.load = clients;
  return q;
}

/// Points of a server that is `slower` than the tables say, and answers 30 ms late.
std::vector<MeasuredPoint> measured(double slower) {
  std::vector<MeasuredPoint> out;
  for (const char* accelerator : {"nvidia-h100-80gb", "nvidia-h200-141gb"}) {
    for (const double clients : {1., 2., 4., 8., 16., 32.}) {
      MeasuredPoint& p = out.emplace_back();
      p.question = question(clients, accelerator);
      p.id = std::string(accelerator) + std::to_string(clients);
      p.curve_id = p.series_id = accelerator;
      p.source = "test";
      const double tpot = slower * (6 + 0.08 * clients), ttft = 30 + slower * (12 + 3 * clients);
      p.latency.set(Metric::Tpot, Statistic::Mean, tpot);
      p.latency.set(Metric::Ttft, Statistic::Mean, ttft);
      p.latency.set(Metric::E2e, Statistic::Mean, ttft + 63 * tpot);
    }
  }
  return out;
}

TEST(TrainingSet, PointsBeyondTheDataSheetsArithmeticTeachNothing) {
  const auto tables = perfmodel::OperatorTables::open(kOperators);
  ASSERT_TRUE(tables);
  const auto weight = [&](double faster) {
    std::vector<MeasuredPoint> points = measured(1);
    for (MeasuredPoint& p : points) {
      for (const Metric m : {Metric::Ttft, Metric::Tpot, Metric::E2e}) {
        p.latency.set(m, Statistic::Mean, p.latency.get(m, Statistic::Mean) / faster);
      }
    }
    const FeatureMaker maker(shipped(), *tables, {});
    return training_set(points, maker, 1, {}).points.front().observation.tpot_weight;
  };
  EXPECT_EQ(weight(1), 1);
  EXPECT_LT(weight(500), 0.1);
}

const Calibration& calibration() {
  static const Calibration made = [] {
    CalibrateOptions options;
    options.program_version = "1";
    options.today = "2026-01-01";
    return *calibrate(measured(1), shipped(), kOperators, options);
  }();
  return made;
}

std::unique_ptr<Predictor> open(std::vector<profile::Profile> anchors = {}) {
  auto predictor = open_predictor(shipped(), kOperators, calibration(), std::move(anchors));
  return std::move(*predictor);
}

profile::Profile anchors(const std::vector<double>& clients, double slower) {
  profile::Profile profile;
  profile.id = "mine";
  profile.setup = question(1).setup;
  profile.workload = question(1).workload;
  profile.evidence.kind = profile::EvidenceKind::Measured;
  for (const MeasuredPoint& p : measured(slower)) {
    if (p.question.setup.accelerator != profile.setup.accelerator) continue;
    if (std::find(clients.begin(), clients.end(), p.question.load) == clients.end()) continue;
    profile::Point& point = profile.points.emplace_back();
    point.at.load = p.question.load;
    point.at.latency = p.latency;
  }
  return profile;
}

TEST(Calibrate, ComesNearThePointsItWasMadeOf) {
  const auto predictor = open();
  for (const MeasuredPoint& m : measured(1)) {
    const auto p = predictor->predict(m.question);
    ASSERT_TRUE(p) << p.error().message;
    const double tpot = m.latency.get(Metric::Tpot, Statistic::Mean);
    EXPECT_NEAR(p->tpot_mean_ms.value / tpot, 1, 0.1) << m.id;
    EXPECT_LT(p->tpot_mean_ms.low, p->tpot_mean_ms.value);
    EXPECT_GT(p->tpot_mean_ms.high, p->tpot_mean_ms.value);
    EXPECT_EQ(p->distance, Distance::Near);
    EXPECT_EQ(p->nearest, m.series_id);
  }
}

TEST(Calibrate, ReportsCrossValidatedErrors) {
  const Calibration& c = calibration();
  EXPECT_EQ(c.provenance.points, 12U);
  EXPECT_EQ(c.provenance.sources, std::vector<std::string>{"test"});
  ASSERT_FALSE(c.cross_validated.empty());
  EXPECT_GT(c.cross_validated.front().points, 0U);
}

TEST(Calibrate, SaysWhyTooFewPointsCanBeUsed) {
  std::vector<MeasuredPoint> points = measured(1);
  points.resize(3);
  const auto made = calibrate(points, shipped(), kOperators, {});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message, "3 of 3 points can be used and 5 are needed");
}

TEST(CalibrationFile, ReadsBackToTheSamePredictions) {
  const std::string text = to_text(calibration());
  const auto read = calibration_from_text(text);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(to_text(*read), text);
  EXPECT_EQ(read->hash(), calibration().hash());
  const auto again = open_predictor(shipped(), kOperators, *read);
  const auto a = open()->predict(question(12)), b = (*again)->predict(question(12));
  EXPECT_NEAR(a->tpot_mean_ms.value, b->tpot_mean_ms.value, 1e-4 * a->tpot_mean_ms.value);
  EXPECT_NEAR(a->ttft_mean_ms.high, b->ttft_mean_ms.high, 1e-4 * a->ttft_mean_ms.high);
}

TEST(CalibrationFile, NamesWhatIsWrong) {
  const std::string text = to_text(calibration());
  const auto broken = [&](std::string_view from, std::string_view to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    const auto read = calibration_from_text(changed);
    return read ? std::string() : read.error().message;
  };
  EXPECT_NE(broken("calibration.v2", "calibration.v9").find("format"), std::string::npos);
  EXPECT_NE(broken("\"steps\":", "\"stepz\":").find("steps: missing"), std::string::npos);
  EXPECT_NE(broken("\"log_noise\":", "\"log_noise\":1e99,\"was\":").find("log_noise"),
            std::string::npos);
  EXPECT_NE(broken("\"model\":", "\"modle\":").find("modle"), std::string::npos);
  EXPECT_NE(broken("\"points\":[\n[", "\"points\":[\n[99,").find("points"), std::string::npos);
}

TEST(Anchors, APredictionPassesThroughThemAndItsBandNarrows) {
  const auto plain = open();
  const auto anchored = open({anchors({2, 8, 32}, 1.3)});
  for (const MeasuredPoint& m : measured(1.3)) {
    if (m.question.setup.accelerator != "nvidia-h100-80gb") continue;
    const auto before = plain->predict(m.question), after = anchored->predict(m.question);
    ASSERT_TRUE(after);
    const double load = m.question.load;
    const bool anchor = load == 2 || load == 8 || load == 32;
    const double tpot = m.latency.get(Metric::Tpot, Statistic::Mean);
    const double ttft = m.latency.get(Metric::Ttft, Statistic::Mean);
    EXPECT_NEAR(after->tpot_mean_ms.value / tpot, 1, anchor ? 0.002 : 0.05) << load;
    EXPECT_NEAR(after->ttft_mean_ms.value / ttft, 1, anchor ? 0.005 : 0.15) << load;
    EXPECT_LT(after->tpot_mean_ms.high / after->tpot_mean_ms.low,
              before->tpot_mean_ms.high / before->tpot_mean_ms.low);
    EXPECT_EQ(after->anchors, 3);
  }
}

TEST(Anchors, HidingTwoOfEachFiveTheyAreFoundAgain) {
  const auto anchored = open({anchors({1, 4, 16}, 1.5)});
  for (const double hidden : {2., 8.}) {
    const auto p = anchored->predict(question(hidden));
    ASSERT_TRUE(p);
    EXPECT_NEAR(p->tpot_mean_ms.value / (1.5 * (6 + 0.08 * hidden)), 1, 0.03) << hidden;
  }
}

TEST(Predictor, AnswersWithPercentilesAndThroughput) {
  const auto p = open()->predict(question(16));
  ASSERT_TRUE(p);
  EXPECT_GE(p->at.latency.get(Metric::Ttft, Statistic::P99),
            p->at.latency.get(Metric::Ttft, Statistic::P50));
  EXPECT_NEAR(p->at.requests_per_second * p->e2e_mean_ms.value / 1000, 16, 1e-6);
  EXPECT_NEAR(p->e2e_mean_ms.value, p->ttft_mean_ms.value + 63 * p->tpot_mean_ms.value, 1e-6);
}

TEST(Predictor, TellsAnUnknownModelAndAnswersOnlyIfAskedTo) {
  Question q = question(4);
  q.setup.model = "nobody/Unheard-of-3B";
  EXPECT_FALSE(open()->predict(q));
  q.answer_anyway = true;
  const auto p = open()->predict(q);
  ASSERT_TRUE(p) << p.error().message;
  EXPECT_EQ(p->distance, Distance::Far);
  EXPECT_FALSE(p->extrapolated.empty());
  const auto known = open()->predict(question(4));
  EXPECT_GT(p->tpot_mean_ms.high / p->tpot_mean_ms.low,
            1.2 * known->tpot_mean_ms.high / known->tpot_mean_ms.low);
}

TEST(Predictor, SaysThatAModelDoesNotFit) {
  Question q = question(4);
  q.setup.model = "meta-llama/Llama-3.1-405B-Instruct";
  const auto p = open()->predict(q);
  ASSERT_FALSE(p);
  EXPECT_EQ(p.error().code, ErrorCode::Unsatisfiable);
}

TEST(Predictor, SaysWhenARateIsMoreThanASetupCanDo) {
  Question q = question(1);
  q.load_kind = curve::LoadKind::RequestRate;
  q.load = 5000;
  q.request_count = 3000;
  const auto p = open()->predict(q);
  ASSERT_TRUE(p);
  EXPECT_TRUE(p->saturated);
  EXPECT_LT(p->at.requests_per_second, 5000);
}

}  // namespace
}  // namespace kneepoint::predict
