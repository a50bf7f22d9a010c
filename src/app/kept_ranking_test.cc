#include "app/kept_ranking.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "app/profiles.h"
#include "recommend/recommend.h"

namespace kneepoint::app {
namespace {

constexpr std::size_t kPlenty = std::size_t{1} << 30;

class KeptRanking : public testing::Test {
 protected:
  KeptRanking() {
    std::string name = std::filesystem::temp_directory_path() / "kp_kept.XXXXXX";
    folder_ = ::mkdtemp(name.data());
    session_ = open();
  }
  ~KeptRanking() override {
    keep_rankings(0);
    session_.reset();
    std::filesystem::remove_all(folder_);
  }
  std::unique_ptr<Session> open() const {
    Settings settings;
    settings.shipped_catalog = KP_BINARY_DIR "/kneepoint.catalog";
    settings.driver_folder = KP_BINARY_DIR;
    settings.store = (folder_ / "store.db").string();
    settings.today = *parse_date("2026-11-22");
    return std::move(*Session::open(settings));
  }
  store::Store& store() { return **session_->store(); }
  std::shared_ptr<const profile::Ranking> must_keep() {
    auto kept = kept_ranking(*session_);
    EXPECT_TRUE(kept && *kept);
    return *kept;
  }

  std::filesystem::path folder_;
  std::unique_ptr<Session> session_;
};

/// Every word of a row and its figures.
std::string text_of(const profile::RankingRow& row) {
  const profile::Profile p = profile::to_profile(row);
  std::string out = p.id + "|" + p.series_id + "|" + p.layer + "|" + p.setup.model + "|" +
                    p.setup.model_server_version + "|" + p.setup.accelerator + "|" +
                    p.workload.name + "|" + p.evidence.source + "|" +
                    p.evidence.prediction.extrapolated + "|" + std::string(row.measured_on) + "|" +
                    std::string(row.flags);
  for (const auto& point : row.points) {
    out += "|" + std::to_string(point.load) + " " + std::to_string(point.output_tokens_per_second);
  }
  return out;
}

using Pointers = std::vector<const profile::RankingRow*>;
Pointers pointers(const profile::Ranking& ranking) {
  Pointers out;
  for (const auto& row : ranking.rows()) out.push_back(&row);
  return out;
}
void expect_same(const Pointers& a, const Pointers& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_EQ(text_of(*a[i]), text_of(*b[i])) << i;
}

TEST_F(KeptRanking, GivesTheRowsThatTheStoreGives) {
  keep_rankings(kPlenty);
  const auto all = must_keep();
  std::vector<store::Query> queries(10);
  queries[1].model = "openai/gpt-oss-120b";
  queries[2].model_server = "sglang";
  queries[2].accelerators = {"nvidia-h100-80gb", "nvidia-b200"};
  queries[3].evidence = {profile::EvidenceKind::Predicted};
  queries[4].evidence = {profile::EvidenceKind::Published, profile::EvidenceKind::Measured};
  queries[5].input_tokens = 1024;
  queries[5].output_tokens = 128;
  queries[6].decoding = "speculative";
  queries[7].model = "nobody/knows";
  queries[8].workload = "random:1024/1024";
  queries[9].id = std::string(all->rows()[all->rows().size() / 2].id);
  for (store::Query& query : queries) {
    query.layers = session_->layers();
    const auto read = store().rank(query);
    ASSERT_TRUE(read);
    expect_same(rows_of_query(*all, query), pointers(*read));
  }
  EXPECT_GT(all->rows().size(), 5000u);
  store::Query servers = queries[2];
  EXPECT_GT(rows_of_query(*all, servers).size(), 10u) << "the tests above test something";
  EXPECT_GT(rows_of_query(*all, queries[5]).size(), 10u);
  EXPECT_EQ(rows_of_query(*all, queries[9]).size(), 1u);
}

TEST_F(KeptRanking, IsOneForAllSessionsUntilAnyOfThemWrites) {
  keep_rankings(kPlenty);
  const auto first = must_keep();
  EXPECT_EQ(must_keep(), first);
  const auto other = open();
  EXPECT_EQ(*kept_ranking(*other), first);
  const auto ordinary = std::ranges::find_if(
      first->rows(), [](const auto& row) { return row.setup.decoding == "serving"; });
  ASSERT_NE(ordinary, first->rows().end());
  profile::Profile own = profile::to_profile(*ordinary);
  own.id = "one-of-our-own";
  own.setup.model = "me/mine";
  ASSERT_TRUE((*other->store())->put(own));
  const auto second = must_keep();
  ASSERT_NE(second, first);
  EXPECT_EQ(second->rows().size(), first->rows().size() + 1);
  Selection selection;
  selection.model = "me/mine";
  const auto found = rank_profiles(*session_, selection, {});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->ranking.rows().size(), 1u);
}

TEST_F(KeptRanking, OutlivesTheSessionThatReadIt) {
  keep_rankings(kPlenty);
  Selection selection;
  selection.model = "openai/gpt-oss-120b";
  const auto list = rank_profiles(*session_, selection, {});
  ASSERT_TRUE(list);
  keep_rankings(0);
  session_.reset();
  for (const auto& row : list->ranking.rows()) EXPECT_EQ(row.setup.model, selection.model);
}

TEST_F(KeptRanking, IsNothingUnlessAskedForAndNothingThatDoesNotFit) {
  EXPECT_EQ(*kept_ranking(*session_), nullptr);
  keep_rankings(1000);
  EXPECT_EQ(*kept_ranking(*session_), nullptr);
  Selection selection;
  selection.model = "openai/gpt-oss-120b";
  EXPECT_TRUE(rank_profiles(*session_, selection, {}));
}

TEST_F(KeptRanking, ChangesNoAnswer) {
  for (const char* model : {"", "openai/gpt-oss-120b"}) {
    Selection selection;
    selection.model = model;
    recommend::Request request;
    request.targets = {{metrics::Metric::Ttft, metrics::Statistic::P50, 500}};
    keep_rankings(0);
    const auto read = rank_profiles(*session_, selection, request);
    keep_rankings(kPlenty);
    const auto kept = rank_profiles(*session_, selection, request);
    ASSERT_TRUE(read && kept);
    EXPECT_NE(kept->kept, nullptr);
    EXPECT_EQ(read->notes, kept->notes);
    expect_same(pointers(read->ranking), pointers(kept->ranking));
    ASSERT_EQ(read->result.ranked.size(), kept->result.ranked.size());
    for (std::size_t i = 0; i < read->result.ranked.size(); ++i) {
      EXPECT_EQ(read->result.ranked[i].profile->id, kept->result.ranked[i].profile->id);
    }
    EXPECT_EQ(read->result.rejected.size(), kept->result.rejected.size());
  }
}

}  // namespace
}  // namespace kneepoint::app
