#include "store/with_predictions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "catalog/container.h"
#include "profile/predicted_table.h"
#include "store/testing/random_profiles.h"
#include "store/testing/test_stores.h"

namespace kneepoint::store {
namespace {

using metrics::Metric;
using metrics::Statistic;
using profile::Profile;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

Profile predicted(const std::string& model, const std::string& accelerator, double input = 1024) {
  Profile p;
  p.setup.model = model;
  p.setup.model_server = "vllm";
  p.setup.model_server_version = "0.20.0";
  p.setup.accelerator = accelerator;
  p.setup.accelerator_count = 2;
  p.setup.tensor_parallel = 2;
  p.setup.weight_precision = "bf16";
  p.setup.decoding = "serving";
  p.setup.speculative_decoding = "none";
  p.workload = profile::fixed_lengths(input, 128);
  p.load_kind = curve::LoadKind::Concurrency;
  p.evidence.kind = profile::EvidenceKind::Predicted;
  p.evidence.source = profile::kPredictedSource;
  p.evidence.prediction = {.by = "abc", .nearest = "g-1", .extrapolated = "no table;new model"};
  for (const double load : {1.0, 16.0, 64.0}) {
    profile::Point& point = p.points.emplace_back();
    point.at.load = load;
    point.at.latency.set(Metric::Ttft, Statistic::Mean, 120 * load);
    point.at.latency.set(Metric::Tpot, Statistic::Mean, 40 + load);
    profile::derive_from_means(point, input, 128);
    const double e2e = point.at.latency.get(Metric::E2e, Statistic::Mean);
    point.bands = {60 * load,         240 * load, (40 + load) / 1.2,
                   (40 + load) * 1.2, e2e / 1.25, e2e * 1.25};
  }
  profile::widest_bands(p.points, p.evidence.prediction);
  p.id = profile::predicted_id(p.setup, p.workload);
  return p;
}

class PredictionsOfACatalog : public testing::Test {
 protected:
  PredictionsOfACatalog() {
    const std::vector<Profile> rows{predicted("us/small", "nvidia-l4"),
                                    predicted("us/small", "nvidia-l4", 8000),
                                    predicted("us/large", "nvidia-b200")};
    const auto tables = profile::write_predicted_tables(rows);
    (void)write_file(folder_ / "predicted.csv", tables.predicted);
    (void)write_file(folder_ / "predicted_notes.csv", tables.notes);
    (void)write_file(
        folder_ / "catalog",
        catalog::pack(must(catalog::read_folder(folder_.path(), catalog::Origin::Shipped))));
    catalog_.emplace(must(catalog::Catalog::open(folder_ / "catalog", {})));
    store_ = with_predictions(must(open(folder_ / "store.db", options())), *catalog_);
  }
  std::vector<std::string> ids(const Query& query) {
    std::vector<std::string> out;
    const auto ranking = must(store_->rank(query));
    for (const auto& row : ranking.rows()) out.emplace_back(row.id);
    std::vector<std::string> found;
    for (const Profile& p : must(store_->find(query, Detail::Full))) found.push_back(p.id);
    EXPECT_EQ(out, found);
    return out;
  }

  TempFolder folder_;
  std::optional<catalog::Catalog> catalog_;
  std::unique_ptr<Store> store_;
  const std::string small_ = predicted("us/small", "nvidia-l4").id;
  const std::string long_ = predicted("us/small", "nvidia-l4", 8000).id;
  const std::string large_ = predicted("us/large", "nvidia-b200").id;
};

TEST_F(PredictionsOfACatalog, AreFoundByWhatTheyAreAbout) {
  EXPECT_THAT(ids({}), UnorderedElementsAre(small_, long_, large_));
  Query query;
  query.model = "us/small";
  EXPECT_THAT(ids(query), UnorderedElementsAre(small_, long_));
  query.input_tokens = 1100;
  EXPECT_THAT(ids(query), ElementsAre(small_));
  query = {};
  query.accelerators = {"nvidia-b200"};
  EXPECT_THAT(ids(query), ElementsAre(large_));
  query = {};
  query.workload = "random:8000/128";
  EXPECT_THAT(ids(query), ElementsAre(long_));
  query = {};
  query.model_server_version = "0.20.0";
  query.decoding = "serving";
  EXPECT_EQ(ids(query).size(), 3u);
}

TEST_F(PredictionsOfACatalog, StayOutOfWhatIsNotAboutThem) {
  Query query;
  query.evidence = {profile::EvidenceKind::Measured, profile::EvidenceKind::Published};
  EXPECT_TRUE(ids(query).empty());
  query = {};
  query.decoding = "speculative";
  EXPECT_TRUE(ids(query).empty());
  query = {};
  query.serving_stack = "llm-d";
  EXPECT_TRUE(ids(query).empty());
  query = {};
  query.layers = {std::string(kOwnPredictedLayer)};
  EXPECT_TRUE(ids(query).empty());
}

TEST_F(PredictionsOfACatalog, RankAsTheyRead) {
  const auto ranking = must(store_->rank({}));
  const auto profiles = must(store_->find({}, Detail::Full));
  ASSERT_EQ(ranking.rows().size(), profiles.size());
  for (std::size_t i = 0; i < profiles.size(); ++i) {
    Profile ranked = profile::to_profile(ranking.rows()[i]);
    const Profile& read = profiles[i];
    EXPECT_EQ(ranked.id, read.id);
    EXPECT_EQ(ranked.layer, read.layer);
    EXPECT_EQ(ranked.setup.accelerator_count, read.setup.accelerator_count);
    EXPECT_EQ(ranked.setup.tensor_parallel, 2);
    EXPECT_EQ(ranked.workload.name, read.workload.name);
    const auto &a = ranked.evidence.prediction, &b = read.evidence.prediction;
    EXPECT_EQ(a.extrapolated, "no table;new model");
    EXPECT_EQ(a.nearest, b.nearest);
    EXPECT_NEAR(*a.ttft_error, *b.ttft_error, 1e-9);
    EXPECT_NEAR(*a.tpot_error, *b.tpot_error, 1e-9);
    EXPECT_NEAR(*a.e2e_error, *b.e2e_error, 1e-9);
    ASSERT_EQ(ranked.points.size(), read.points.size());
    for (std::size_t n = 0; n < read.points.size(); ++n) {
      EXPECT_EQ(ranked.points[n].at.requests_per_second, read.points[n].at.requests_per_second);
      for (const Metric metric : metrics::kMetrics) {
        EXPECT_EQ(ranked.points[n].at.latency.get(metric, Statistic::Mean),
                  read.points[n].at.latency.get(metric, Statistic::Mean));
      }
    }
  }
}

TEST_F(PredictionsOfACatalog, AreHiddenByWhatTheUserPredicted) {
  Profile own = predicted("us/small", "nvidia-l4");
  own.evidence.prediction.by = "mine";
  LayerContent content;
  content.layer = {std::string(kOwnPredictedLayer), "mine", "", -1};
  content.profiles = {own};
  must(store_->put_layers(std::span(&content, 1)));
  EXPECT_THAT(ids({}), UnorderedElementsAre(small_, long_, large_));
  const auto ranking = must(store_->rank({}));
  for (const auto& row : ranking.rows()) {
    EXPECT_EQ(row.evidence.prediction.by, row.id == small_ ? "mine" : "abc");
  }
  EXPECT_EQ(must(store_->get(small_, {}))->evidence.prediction.by, "mine");
  EXPECT_EQ(must(store_->counts({})).profiles, 3);
}

TEST_F(PredictionsOfACatalog, AreGotCountedListedAndWalked) {
  EXPECT_EQ(must(store_->get(large_, {}))->setup.model, "us/large");
  EXPECT_FALSE(must(store_->get("predicted-0000", {})));
  EXPECT_EQ(must(store_->counts({})).profiles, 3);
  EXPECT_EQ(must(store_->counts({})).points, 9);
  EXPECT_THAT(must(store_->distinct("model", {})), ElementsAre("us/large", "us/small"));
  EXPECT_THAT(must(store_->distinct("workload", {})),
              ElementsAre("random:1024/128", "random:8000/128"));
  EXPECT_THAT(must(store_->distinct("evidence", {})), ElementsAre("predicted"));
  int walked = 0;
  must(store_->walk({}, [&](const LayerState& layer, const Profile& p) -> Result<void> {
    EXPECT_EQ(layer.name, kPredictedLayer);
    EXPECT_EQ(p.layer, kPredictedLayer);
    ++walked;
    return {};
  }));
  EXPECT_EQ(walked, 3);
}

TEST_F(PredictionsOfACatalog, AreNotStored) {
  LayerContent content;
  content.layer = {std::string(kPredictedLayer), "of another catalog", "", -1000};
  content.profiles = {predicted("us/of-another-catalog", "nvidia-l4")};
  must(store_->put_layers(std::span(&content, 1)));
  EXPECT_THAT(ids({}), UnorderedElementsAre(small_, long_, large_));
}

TEST_F(PredictionsOfACatalog, StandBesideWhatWasMeasured) {
  must(store_->put_all(RandomProfiles(1).take(20)));
  EXPECT_EQ(ids({}).size(), 23u);
  EXPECT_EQ(must(store_->distinct("model_server", {})).size(), 3u);
}

}  // namespace
}  // namespace kneepoint::store
