#include <gtest/gtest.h>

#include <set>

#include "app/predicted_rows.h"
#include "predict/open.h"
#include "profile/predicted_table.h"

// What ships was made with what ships beside it. After a change of the calibration, the models or
// the accelerators: tools/predicted-rows.
namespace kneepoint::app {
namespace {

constexpr const char* kMend = "; tools/predicted-rows makes the rows again";

const catalog::Catalog& shipped() {
  static const auto opened = catalog::Catalog::open(KP_BINARY_DIR "/kneepoint.catalog", {});
  return *opened;
}

TEST(ShippedPredictions, AreByTheCalibrationThatShips) {
  const auto predictor = predict::open_predictor(shipped(), KP_BINARY_DIR "/kneepoint.operators",
                                                 KP_BINARY_DIR "/kneepoint.calibration", {});
  ASSERT_TRUE(predictor) << predictor.error().message;
  const std::string by = (*predictor)->hash().substr(0, 16);
  const catalog::Table& rows = *shipped().raw(0, "predicted");
  ASSERT_GT(rows.rows(), 0u) << kMend;
  std::set<std::string_view> others;
  for (std::size_t r = 0; r < rows.rows(); ++r) {
    if (rows.text(r, "predicted_by") != by) others.insert(rows.text(r, "predicted_by"));
  }
  EXPECT_TRUE(others.empty()) << "made by " << *others.begin() << ", but " << by << " ships"
                              << kMend;
}

TEST(ShippedPredictions, AreThoseThatWouldBeMade) {
  PredictAllAsk ask;
  ask.model_server = "vllm";
  ask.few_workloads = true;
  const auto plan = plan_rows(shipped(), ask);
  ASSERT_TRUE(plan);
  const profile::PredictedProfiles rows(shipped(), 0);
  std::set<std::string> there;
  for (std::size_t r = 0; r < rows.rows(); ++r) there.insert(rows.id(r));
  std::set<std::string> missing;
  for (const PlannedRow& row : *plan) {
    const auto& setup = row.question.setup;
    const bool made = there.erase(row.id) > 0;
    // Without these nobody can compute a step time.
    const catalog::Accelerator& on = *shipped().accelerator(setup.accelerator);
    const bool known = on.bf16_tflops.has_value() && on.mem_bw_gbs.has_value();
    if (!made && known) missing.insert(setup.model + " on " + setup.accelerator);
  }
  EXPECT_TRUE(there.empty()) << there.size() << " rows nobody would make, the first "
                             << *there.begin() << kMend;
  EXPECT_TRUE(missing.empty()) << missing.size() << ", the first " << *missing.begin() << kMend;
}

TEST(ShippedPredictions, CanAllBeRead) {
  profile::PredictedProfiles rows(shipped(), 0);
  for (std::size_t r = 0; r < rows.rows(); ++r) {
    const auto one = rows.read(r);
    ASSERT_TRUE(one) << one.error().message;
    ASSERT_GE(one->points.size(), 4u) << one->setup.model << " on " << one->setup.accelerator;
  }
}

}  // namespace
}  // namespace kneepoint::app
