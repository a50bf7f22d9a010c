#include "app/predicted_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "app/profiles.h"
#include "app/testing/fake_predictor.h"

namespace kneepoint::app {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class PredictedRowsTest : public testing::Test {
 protected:
  PredictedRowsTest() {
    std::string name = std::filesystem::temp_directory_path() / "kp_rows.XXXXXX";
    folder_ = ::mkdtemp(name.data());
    open();
  }
  ~PredictedRowsTest() override {
    session_.reset();
    std::filesystem::remove_all(folder_);
  }

  void open() {
    session_.reset();
    Settings settings;
    settings.shipped_catalog = KP_BINARY_DIR "/kneepoint.catalog";
    settings.driver_folder = KP_BINARY_DIR;
    settings.store = (folder_ / "store.db").string();
    settings.today = *parse_date("2026-11-21");
    session_ = std::move(*Session::open(settings));
  }
  std::vector<PlannedRow> plan(const std::string& model, std::vector<std::string> accelerators) {
    PredictAllAsk ask;
    ask.model = model;
    ask.model_server = "vllm";
    ask.accelerators = std::move(accelerators);
    return *plan_rows(session_->catalog(), ask);
  }
  /// Rows made here, whatever ships.
  std::size_t rows_made(const std::string& model) {
    Selection selection;
    selection.model = model;
    selection.evidence = EvidenceWanted::Predicted;
    const auto list = rank_profiles(*session_, selection, {});
    if (!list) return 0;
    return static_cast<std::size_t>(
        std::count_if(list->ranking.rows().begin(), list->ranking.rows().end(),
                      [](const auto& row) { return row.layer == store::kOwnPredictedLayer; }));
  }

  std::filesystem::path folder_;
  std::unique_ptr<Session> session_;
};

constexpr const char* kGemma = "google/gemma-2-27b-it";

TEST_F(PredictedRowsTest, PlansTheFewestAcceleratorsThatHoldTheModel) {
  const auto rows = plan(kGemma, {"nvidia-l4", "nvidia-h100-80gb"});
  ASSERT_FALSE(rows.empty());
  for (const PlannedRow& row : rows) {
    const int wanted = row.question.setup.accelerator == "nvidia-l4" ? 4 : 1;
    EXPECT_EQ(row.question.setup.accelerator_count, wanted) << row.question.setup.accelerator;
    EXPECT_EQ(row.question.setup.tensor_parallel, wanted);
  }
}

TEST_F(PredictedRowsTest, PlansTwoHostsAsTwoPipelineStages) {
  for (const char* model : {"meta-llama/Llama-3.1-405B", "deepseek-ai/DeepSeek-R1"}) {
    const auto rows = plan(model, {"nvidia-h100-80gb"});
    ASSERT_FALSE(rows.empty()) << model;
    const auto& setup = rows.front().question.setup;
    EXPECT_EQ(setup.accelerator_count, 16);
    EXPECT_EQ(setup.tensor_parallel, 8);
    EXPECT_EQ(setup.pipeline_parallel, 2);
  }
}

TEST_F(PredictedRowsTest, PlansEachRowOnce) {
  PredictAllAsk all;
  const auto rows = plan_rows(session_->catalog(), all);
  ASSERT_TRUE(rows);
  std::set<std::string> ids;
  for (const PlannedRow& row : *rows) EXPECT_TRUE(ids.insert(row.id).second) << row.id;
  EXPECT_GT(ids.size(), 1000u);
}

TEST_F(PredictedRowsTest, NamesNearModelsWhenOneIsUnknown) {
  PredictAllAsk ask;
  ask.model = "google/gemma-2-27b";
  const auto rows = plan_rows(session_->catalog(), ask);
  ASSERT_FALSE(rows);
  EXPECT_THAT(rows.error().message, HasSubstr(kGemma));
}

TEST_F(PredictedRowsTest, AreMadeOnceForEachCalibration) {
  const auto wanted = plan(kGemma, {"nvidia-l4"});
  const FakePredictor first("calibration-one"), second("calibration-two");
  auto done = predict_rows(*session_, first, wanted, {});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->made, wanted.size());
  const int asked = first.asked;
  done = predict_rows(*session_, first, wanted, {});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->made, 0u);
  EXPECT_EQ(done->kept, wanted.size());
  EXPECT_EQ(first.asked, asked);
  done = predict_rows(*session_, second, wanted, {});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->made, wanted.size());
  EXPECT_EQ(rows_made(kGemma), wanted.size());
}

TEST_F(PredictedRowsTest, GoOnWhereARunWasCutOff) {
  const auto wanted = plan(kGemma, {"nvidia-l4", "nvidia-tesla-a100"});
  const FakePredictor predictor;
  const std::vector<PlannedRow> begun(wanted.begin(), wanted.begin() + 3);
  RowsOptions options;
  options.origin = "a calibration of the user's own";
  ASSERT_TRUE(predict_rows(*session_, predictor, begun, options));
  open();
  const auto done = predict_rows(*session_, predictor, wanted, options);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->kept, 3u);
  EXPECT_EQ(done->made, wanted.size() - 3);
}

TEST_F(PredictedRowsTest, OfAnotherCatalogsCalibrationAreDropped) {
  ASSERT_TRUE(
      predict_rows(*session_, FakePredictor("no-longer-shipped"), plan(kGemma, {"nvidia-l4"}), {}));
  EXPECT_GT(rows_made(kGemma), 0u);
  open();
  EXPECT_EQ(rows_made(kGemma), 0u);
}

TEST_F(PredictedRowsTest, KeepThePointsThatSayWhatAllDo) {
  ASSERT_TRUE(predict_rows(*session_, FakePredictor(), plan(kGemma, {"nvidia-l4"}), {}));
  const auto store = session_->store();
  ASSERT_TRUE(store);
  std::size_t profiles = 0, points = 0;
  const std::vector<std::string> own{std::string(store::kOwnPredictedLayer)};
  (void)(*store)->walk(own,
                       [&](const store::LayerState&, const profile::Profile& p) -> Result<void> {
                         ++profiles;
                         points += p.points.size();
                         EXPECT_GE(p.points.size(), 4u);
                         EXPECT_EQ(p.points.front().at.load, 1);
                         return {};
                       });
  ASSERT_GT(profiles, 0u);
  EXPECT_LT(points, profiles * 9);  // nine are predicted of each
}

TEST_F(PredictedRowsTest, StaleOnesThatAreNoLongerWantedAreRemoved) {
  const auto old = plan(kGemma, {"nvidia-l4", "nvidia-tesla-a100"});
  const auto wanted = plan(kGemma, {"nvidia-l4"});
  ASSERT_TRUE(predict_rows(*session_, FakePredictor("one"), old, {}));
  const auto done = predict_rows(*session_, FakePredictor("two"), wanted, {});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->removed, old.size() - wanted.size());
  EXPECT_EQ(rows_made(kGemma), wanted.size());
}

TEST_F(PredictedRowsTest, AnswerWhereNothingWasMeasured) {
  ASSERT_TRUE(predict_rows(*session_, FakePredictor(), plan(kGemma, {"nvidia-l4"}), {}));
  Selection selection;
  selection.model = kGemma;
  selection.accelerators = {"nvidia-l4"};
  recommend::Request request;
  request.targets = {{metrics::Metric::Ntpot, metrics::Statistic::P50, 200}};
  const auto list = rank_profiles(*session_, selection, request);
  ASSERT_TRUE(list) << list.error().message;
  ASSERT_FALSE(list->result.ranked.empty() && list->result.unpriced.empty());
  for (const auto& row : list->ranking.rows()) {
    EXPECT_EQ(row.evidence.kind, profile::EvidenceKind::Predicted);
  }
  selection.evidence = EvidenceWanted::Measured;
  const auto measured = rank_profiles(*session_, selection, request);
  EXPECT_TRUE(!measured || measured->ranking.rows().empty());
}

TEST_F(PredictedRowsTest, AMeasurementOutranksAPrediction) {
  constexpr const char* kModel = "openai/gpt-oss-120b";
  ASSERT_TRUE(predict_rows(*session_, FakePredictor(),
                           plan(kModel, {"nvidia-h100-80gb", "nvidia-l4"}), {}));
  Selection selection;
  selection.model = kModel;
  const auto list = rank_profiles(*session_, selection, {});
  ASSERT_TRUE(list);
  for (const auto& row : list->ranking.rows()) {
    if (row.setup.accelerator == "nvidia-h100-80gb") {
      EXPECT_NE(row.evidence.kind, profile::EvidenceKind::Predicted);
    }
    if (row.setup.accelerator == "nvidia-l4") {
      EXPECT_EQ(row.evidence.kind, profile::EvidenceKind::Predicted);
    }
  }
}

TEST_F(PredictedRowsTest, StandInForAVersionNobodyMeasured) {
  ASSERT_TRUE(predict_rows(*session_, FakePredictor(), plan(kGemma, {"nvidia-l4"}), {}));
  Selection selection;
  selection.model = kGemma;
  selection.model_server = "vllm";
  selection.model_server_version = "0.7.2";
  const auto list = rank_profiles(*session_, selection, {});
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_THAT(list->notes, Contains(HasSubstr("stand in for it")));
  selection.model_server_version = "0.99";  // no version that anybody knows
  EXPECT_FALSE(rank_profiles(*session_, selection, {}));
}

TEST_F(PredictedRowsTest, TheNearestLengthsAnswerAndSaySo) {
  ASSERT_TRUE(predict_rows(*session_, FakePredictor(), plan(kGemma, {"nvidia-l4"}), {}));
  Selection selection;
  selection.model = kGemma;
  selection.input_tokens = 2500;
  selection.output_tokens = 2500;
  const auto list = rank_profiles(*session_, selection, {});
  ASSERT_TRUE(list) << list.error().message;
  ASSERT_FALSE(list->ranking.rows().empty());
  EXPECT_THAT(list->notes, Contains(HasSubstr("estimate")));
  const auto& choice =
      list->result.ranked.empty() ? list->result.unpriced.front() : list->result.ranked.front();
  EXPECT_THAT(recommend::evidence_sentence(session_->catalog(), choice), HasSubstr("estimate"));
  selection.input_tokens = selection.output_tokens = 1;
  EXPECT_FALSE(rank_profiles(*session_, selection, {}));  // too far for an estimate
}

}  // namespace
}  // namespace kneepoint::app
