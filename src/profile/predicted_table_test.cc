#include "profile/predicted_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "catalog/container.h"

namespace kneepoint::profile {
namespace {

using metrics::Metric;
using metrics::Statistic;
using testing::HasSubstr;

Profile curve_of_three() {
  Profile p;
  p.setup.model = "google/gemma-2-27b-it";
  p.setup.model_server = "vllm";
  p.setup.accelerator = "nvidia-l4";
  p.setup.accelerator_count = 4;
  p.setup.tensor_parallel = 4;
  p.setup.weight_precision = "bf16";
  p.workload = fixed_lengths(1024, 128);
  p.evidence.kind = EvidenceKind::Predicted;
  p.evidence.prediction = {.by = "abc", .nearest = "g-1", .extrapolated = "no table;new model"};
  for (const double load : {1.0, 16.0, 64.0}) {
    Point& point = p.points.emplace_back();
    point.at.load = load;
    point.at.latency.set(Metric::Ttft, Statistic::Mean, 123.4 * load);
    point.at.latency.set(Metric::Tpot, Statistic::Mean, 45.67);
    derive_from_means(point, 1024, 128);
    const double e2e = point.at.latency.get(Metric::E2e, Statistic::Mean);
    point.bands = {61.7 * load, 246.8 * load, 45.67 / 1.2, 45.67 * 1.2, e2e / 1.25, e2e * 1.25};
  }
  p.id = predicted_id(p.setup, p.workload);
  return p;
}

/// A catalog whose only layer holds the tables.
class PredictedTable : public testing::Test {
 protected:
  PredictedTable() {
    std::string name = std::filesystem::temp_directory_path() / "kp_predicted.XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~PredictedTable() override { std::filesystem::remove_all(folder_); }

  Result<std::vector<Profile>> read(const PredictedTables& tables) {
    (void)write_file(folder_ / "predicted.csv", tables.predicted);
    (void)write_file(folder_ / "predicted_notes.csv", tables.notes);
    const auto rows = catalog::read_folder(folder_, catalog::Origin::Shipped);
    if (!rows) return fail(rows.error());
    (void)write_file(folder_ / "catalog", catalog::pack(*rows));
    const auto catalog = catalog::Catalog::open(folder_ / "catalog", {});
    if (!catalog) return fail(catalog.error());
    PredictedProfiles reader(*catalog, 0);
    std::vector<Profile> out;
    for (;;) {
      auto one = reader.next();
      if (!one) return fail(one.error());
      if (!*one) return out;
      out.push_back(std::move(**one));
    }
  }
  std::filesystem::path folder_;
};

TEST_F(PredictedTable, ReadsWhatItWrote) {
  const Profile given = curve_of_three();
  const auto back = read(write_predicted_tables(std::vector{given}));
  ASSERT_TRUE(back) << back.error().message;
  ASSERT_EQ(back->size(), 1u);
  const Profile& p = back->front();
  EXPECT_EQ(p.id, given.id);
  EXPECT_EQ(p.evidence.kind, EvidenceKind::Predicted);
  EXPECT_EQ(p.evidence.prediction.by, "abc");
  EXPECT_EQ(p.evidence.prediction.nearest, "g-1");
  EXPECT_EQ(p.evidence.prediction.extrapolated, "no table;new model");
  EXPECT_NEAR(*p.evidence.prediction.ttft_error, 2, 0.01);
  EXPECT_NEAR(*p.evidence.prediction.e2e_error, 1.25, 0.01);
  ASSERT_EQ(p.points.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto& was = given.points[i];
    const auto& is = p.points[i];
    EXPECT_EQ(is.at.load, was.at.load);
    for (const Metric metric : {Metric::Ttft, Metric::Tpot, Metric::E2e, Metric::Ntpot}) {
      const double value = was.at.latency.get(metric, Statistic::Mean);
      EXPECT_NEAR(is.at.latency.get(metric, Statistic::Mean), value, 0.006 * value);
    }
    EXPECT_NEAR(*is.bands.tpot_high, *was.bands.tpot_high, 0.01 * *was.bands.tpot_high);
  }
}

TEST_F(PredictedTable, KeepsLittlesLaw) {
  for (const Point& point : curve_of_three().points) {
    const double e2e_s = point.at.latency.get(Metric::E2e, Statistic::Mean) / 1000;
    EXPECT_NEAR(point.at.requests_per_second * e2e_s, point.at.load, 1e-9);
  }
}

TEST_F(PredictedTable, WritesABandThatIsTheSameAtAllLoadsOnce) {
  const PredictedTables tables = write_predicted_tables(std::vector{curve_of_three()});
  EXPECT_THAT(tables.predicted,
              HasSubstr(",1 16 64,123 1970 7900,45.7 45.7 45.7,2,1.2,1.25,g-1,1 2,"));
}

TEST_F(PredictedTable, NamesTheRowThatCannotBeRead) {
  PredictedTables tables = write_predicted_tables(std::vector{curve_of_three()});
  tables.notes = "id,note\n1,no table\n";
  const auto back = read(tables);
  ASSERT_FALSE(back);
  EXPECT_THAT(back.error().message,
              HasSubstr("predicted row 1 (google/gemma-2-27b-it on nvidia-l4)"));
  EXPECT_THAT(back.error().message, HasSubstr("note"));
}

TEST_F(PredictedTable, AnIdStandsForTheSetupAndTheLengthsAlone) {
  Profile one = curve_of_three(), other = curve_of_three();
  other.evidence.prediction.by = "def";
  other.points.pop_back();
  EXPECT_EQ(predicted_id(one.setup, one.workload), predicted_id(other.setup, other.workload));
  other.setup.tensor_parallel = 2;
  EXPECT_NE(predicted_id(one.setup, one.workload), predicted_id(other.setup, other.workload));
  EXPECT_NE(predicted_id(one.setup, one.workload),
            predicted_id(one.setup, fixed_lengths(1024, 1024)));
}

}  // namespace
}  // namespace kneepoint::profile
