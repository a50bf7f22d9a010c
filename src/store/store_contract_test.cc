#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>

#include "curve/curve.h"
#include "store/testing/random_profiles.h"
#include "store/testing/test_stores.h"

// What every database must do: SQLite always; PostgreSQL when KNEEPOINT_TEST_POSTGRES names a
// server (tests/contract/with_postgres.sh gives one).
namespace kneepoint::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class StoreContract : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (!is_postgres(GetParam())) return;
    auto session = must(open_session(GetParam(), options()));
    must(session->exec("DROP SCHEMA IF EXISTS kneepoint CASCADE"));
  }
  std::string where() const {
    return is_postgres(GetParam()) ? GetParam() : (folder_ / "deep/er/store.db").string();
  }
  Store& store() {
    if (!store_) store_ = must(open(where(), options()));
    return *store_;
  }

  TempFolder folder_;
  std::unique_ptr<Store> store_;
};

std::vector<std::string> postgres_if_given() {
  const char* where = std::getenv("KNEEPOINT_TEST_POSTGRES");
  return where ? std::vector<std::string>{where} : std::vector<std::string>{};
}
const auto kNoSuffix = [](const auto& info) { return std::to_string(info.index); };
INSTANTIATE_TEST_SUITE_P(Sqlite, StoreContract, testing::Values("sqlite"), kNoSuffix);
INSTANTIATE_TEST_SUITE_P(Postgres, StoreContract, testing::ValuesIn(postgres_if_given()),
                         kNoSuffix);

/// Every member has a value of its own.
profile::Profile complete_profile() {
  profile::Profile p;
  p.id = "the id";
  p.series_id = "series";
  p.curve_id = "curve";
  p.setup = {.model = "model",
             .checkpoint = "checkpoint",
             .model_server = "server",
             .model_server_version = "1.2",
             .container_image = "image",
             .serving_stack = "stack",
             .serving_stack_version = "3.4",
             .accelerator = "accelerator",
             .accelerator_count = 2,
             .tensor_parallel = 3,
             .pipeline_parallel = 4,
             .data_parallel = 5,
             .expert_parallel = 6,
             .weight_precision = "fp8",
             .kv_precision = "bf16",
             .decoding = "disaggregated",
             .speculative_decoding = "mtp",
             .prefill = {7, 8, 9, true},
             .decode = {11, 12, 13, false},
             .topology_from = "topology from",
             .recorded_topology = "recorded",
             .server_settings = "a=1;b=2"};
  p.workload = {"workload", 100, 200, 101.5, 201.25};
  p.load_kind = curve::LoadKind::RequestRate;
  p.evidence = {profile::EvidenceKind::Measured, "source", "licence"};
  for (int i = 1; i <= 2; ++i) {
    profile::Point& point = p.points.emplace_back();
    point.at.load = i;
    point.at.requests_per_second = 0.1 * i;
    point.at.output_tokens_per_second = 10.1 * i;
    point.at.input_tokens_per_second = 1e-300 * i;
    double ms = i;
    for (metrics::Metric m : metrics::kMetrics)
      for (metrics::Statistic s : metrics::kStatistics) point.at.latency.set(m, s, ms += 1.1);
    point.id = "p" + std::to_string(i);
    point.request_count = 1000 * i;
    point.error_count = i;
    point.input_tokens_mean = 102.5;
    point.output_tokens_mean = 202.5;
    point.server = {.running_mean = 3.5 * i,
                    .running_max = 8,
                    .waiting_mean = 0.25,
                    .waiting_max = 2,
                    .kv_use_mean = 0.5,
                    .kv_use_max = 0.9,
                    .preemptions = 7,
                    .prefix_hit_share = 0};
    point.measured_on = "2026-01-0" + std::to_string(i);
    point.source_ref = "file.csv#" + std::to_string(i);
    point.server_settings = "c=3";
    point.derived = "derived";
    point.flags = i == 1 ? "short" : "odd;short";
  }
  return p;
}

profile::Profile predicted_profile() {
  profile::Profile p = complete_profile();
  p.id = "predicted";
  p.evidence = {.kind = profile::EvidenceKind::Predicted,
                .source = "kneepoint",
                .licence = "",
                .prediction = {.by = "0123abcd",
                               .nearest = "the id",
                               .extrapolated = "no kernel table;new version",
                               .ttft_error = 1.5,
                               .tpot_error = 1.25,
                               .e2e_error = 1.26}};
  for (profile::Point& point : p.points) point.bands = {1, 2.5, 3, 4.5, 5, 6.5};
  return p;
}

TEST_P(StoreContract, GivesBackWhatStandsBehindAPrediction) {
  const profile::Profile given = predicted_profile();
  must(store().put_all(std::vector{complete_profile(), given}));
  const auto back = must(store().get("predicted", {}));
  ASSERT_TRUE(back);
  EXPECT_EQ(text_of(*back), "own " + json::to_line(profile::to_json(given)));
  Query query;
  query.id = "predicted";
  const auto ranked = must(store().rank(query));
  ASSERT_EQ(ranked.rows().size(), 1u);
  const auto& prediction = ranked.rows()[0].evidence.prediction;
  EXPECT_EQ(prediction.by, "0123abcd");
  EXPECT_EQ(prediction.nearest, "the id");
  EXPECT_EQ(prediction.extrapolated, "no kernel table;new version");
  EXPECT_EQ(prediction.tpot_error, 1.25);
}

TEST_P(StoreContract, FindsByEvidence) {
  must(store().put_all(std::vector{complete_profile(), predicted_profile()}));
  const auto found = [&](std::vector<profile::EvidenceKind> kinds) {
    Query query;
    query.evidence = std::move(kinds);
    return ids_of(must(store().find(query, Detail::Ranking)));
  };
  using enum profile::EvidenceKind;
  EXPECT_THAT(found({}), ElementsAre("the id", "predicted"));
  EXPECT_THAT(found({Predicted}), ElementsAre("predicted"));
  EXPECT_THAT(found({Measured, Published}), ElementsAre("the id"));
}

TEST_P(StoreContract, OnlyPredictionsHidePredictions) {
  const auto named = [](std::string id, std::string model) {
    profile::Profile p = predicted_profile();
    p.id = std::move(id);
    p.setup.model = std::move(model);
    return p;
  };
  must(replace(store(), layer(std::string(kPredictedLayer), -2),
               {named("x", "old"), named("y", "old")}));
  must(replace(store(), layer("shipped", 0), {named("measured", "m")}));
  must(replace(store(), layer(std::string(kOwnPredictedLayer), -1), {named("x", "new")}));
  Query query;
  query.layers = {std::string(kPredictedLayer), std::string(kOwnPredictedLayer), "shipped"};
  const auto all = must(store().find(query, Detail::Ranking));
  EXPECT_THAT(ids_of(all), ElementsAre("y", "measured", "x"));
  EXPECT_EQ(all[2].setup.model, "new");
}

TEST_P(StoreContract, GivesBackEveryMemberOfAProfile) {
  const profile::Profile given = complete_profile();
  must(store().put(given));
  const auto back = must(store().get("the id", {}));
  ASSERT_TRUE(back);
  EXPECT_EQ(text_of(*back), "own " + json::to_line(profile::to_json(given)));
  EXPECT_EQ(back->points[0].at.input_tokens_per_second, 1e-300);
}

TEST_P(StoreContract, ReadsForRankingWhatItReadsInFullWithoutEvidenceTexts) {
  must(store().put(complete_profile()));
  must(store().put_all(RandomProfiles(3).take(100)));
  const auto full = must(store().find({}, Detail::Full));
  const auto lean = must(store().find({}, Detail::Ranking));
  ASSERT_EQ(full.size(), 101u);
  ASSERT_EQ(lean.size(), full.size());
  for (std::size_t i = 0; i < full.size(); ++i) {
    profile::Profile expected = full[i], got = lean[i];
    EXPECT_EQ(profile::flags_of(got), profile::flags_of(expected));
    expected.setup.server_settings.clear();
    for (profile::Profile* p : {&expected, &got}) {
      for (profile::Point& point : p->points) {
        const curve::LoadPoint at = point.at;
        point = {};
        point.at = at;
      }
    }
    EXPECT_EQ(text_of(got), text_of(expected));
  }
}

TEST_P(StoreContract, RanksWithOnlyTheMetricsWanted) {
  must(store().put(complete_profile()));
  Query query;
  query.metrics = {metrics::Metric::Tpot};
  const auto ranking = must(store().rank(query));
  ASSERT_EQ(ranking.rows().size(), 1u);
  const profile::RankingRow& row = ranking.rows()[0];
  EXPECT_EQ(row.setup.model, "model");
  EXPECT_EQ(row.measured_on, "2026-01-02");
  EXPECT_EQ(row.flags, "short;odd");
  EXPECT_EQ(row.layer, "own");
  ASSERT_EQ(row.points.size(), 2u);
  EXPECT_EQ(row.points[1].load, 2);
  EXPECT_TRUE(row.points[0].latency.has(metrics::Metric::Tpot, metrics::Statistic::P99));
  EXPECT_FALSE(row.points[0].latency.has(metrics::Metric::Ttft, metrics::Statistic::P99));
}

TEST_P(StoreContract, KeepsUnknownUnknown) {
  profile::Profile p;
  p.id = "bare";
  p.points.emplace_back().at.load = 1;
  must(store().put(p));
  for (const Detail detail : {Detail::Full, Detail::Ranking}) {
    const auto back = must(store().find({}, detail));
    ASSERT_EQ(back.size(), 1u);
    EXPECT_FALSE(back[0].setup.accelerator_count);
    EXPECT_FALSE(back[0].setup.prefill.attention_dp);
    EXPECT_FALSE(back[0].workload.input_tokens_mean);
    EXPECT_FALSE(back[0].points[0].request_count);
    EXPECT_TRUE(metrics::is_missing(back[0].points[0].at.requests_per_second));
    EXPECT_FALSE(back[0].points[0].at.latency.has(metrics::Metric::E2e, metrics::Statistic::Mean));
  }
}

TEST_P(StoreContract, TakesHostileTexts) {
  const std::array<std::string, 6> hostile{
      R"('); DROP TABLE profile; --)", "a\tb\nc\rd\\N \\. \\x00",  "\"quoted\" $1 ?1 :x %s {}",
      std::string(10'000, '\\'),       "Zürich 東京 🚀 e\xcc\x81", " blanks around "};
  for (std::size_t i = 0; i < hostile.size(); ++i) {
    profile::Profile p = complete_profile();
    p.id = hostile[i];
    p.setup.model = hostile[i];
    p.points[1].source_ref = hostile[i];
    must(store().put(p));
    Query query;
    query.model = hostile[i];
    const auto back = must(store().find(query, Detail::Full));
    ASSERT_EQ(back.size(), 1u) << i;
    EXPECT_EQ(text_of(back[0]), "own " + json::to_line(profile::to_json(p)));
    EXPECT_EQ(must(store().rank(query)).rows()[0].id, hostile[i]);
  }
  EXPECT_EQ(must(store().counts({})).profiles, 6);
}

TEST_P(StoreContract, PutReplacesTheSameId) {
  profile::Profile p = complete_profile();
  must(store().put(p));
  p.setup.model = "another";
  p.points.pop_back();
  must(store().put(p));
  EXPECT_EQ(must(store().get("the id", {}))->setup.model, "another");
  const auto counts = must(store().counts({}));
  EXPECT_EQ(counts.profiles, 1);
  EXPECT_EQ(counts.points, 1);
  profile::Profile last = p;
  last.setup.model = "last";
  must(store().put_all(std::array{p, last}));
  EXPECT_EQ(must(store().get("the id", {}))->setup.model, "last");
}

TEST_P(StoreContract, RemovesOwnProfilesOnly) {
  must(replace(store(), layer("catalog"), RandomProfiles(1).take(3)));
  must(store().put(complete_profile()));
  EXPECT_TRUE(must(store().remove("the id")));
  EXPECT_FALSE(must(store().remove("the id")));
  EXPECT_FALSE(must(store().remove("g-1000001")));
  EXPECT_EQ(must(store().counts({})).profiles, 3);
}

TEST_P(StoreContract, ReplacesALayerWhole) {
  RandomProfiles random(1);
  must(replace(store(), layer("catalog"), random.take(20)));
  const auto next = random.take(7);
  LayerState state = layer("catalog", 5);
  state.hash = "newer";
  must(replace(store(), state, next));
  EXPECT_EQ(ids_of(must(store().find({}, Detail::Ranking))), ids_of(next));
  const auto layers = must(store().layers());
  ASSERT_EQ(layers.size(), 1u);
  EXPECT_EQ(layers[0].hash, "newer");
  EXPECT_EQ(layers[0].rank, 5);
  must(store().drop_layer("catalog"));
  must(store().drop_layer("never there"));
  EXPECT_THAT(must(store().layers()), IsEmpty());
  EXPECT_EQ(must(store().counts({})).points, 0);
}

TEST_P(StoreContract, KeepsTheOldLayerWhenTheNewOneFails) {
  const auto old = RandomProfiles(1).take(5);
  must(replace(store(), layer("catalog"), old));
  int left = 3;
  RandomProfiles random(9);
  const auto failed =
      store().replace_layer(layer("catalog"), [&]() -> Result<std::optional<profile::Profile>> {
        if (left-- > 0) return random.next();
        return fail(ErrorCode::InvalidArgument, "row 4 is bad");
      });
  EXPECT_THAT(error_of(failed).message, HasSubstr("row 4 is bad"));
  auto twice = old;
  twice.push_back(old[0]);
  const Error refused = error_of(replace(store(), layer("catalog"), twice));
  EXPECT_EQ(refused.code, ErrorCode::InvalidArgument);
  EXPECT_THAT(refused.message, HasSubstr("appears twice"));
  EXPECT_EQ(ids_of(must(store().find({}, Detail::Full))), ids_of(old));
}

TEST_P(StoreContract, AHigherLayerHidesTheSameIdBelow) {
  const auto make = [](const char* id, const char* model) {
    profile::Profile p = complete_profile();
    p.id = id;
    p.setup.model = model;
    return p;
  };
  must(replace(store(), layer("base", 1),
               {make("a", "base"), make("b", "base"), make("c", "base")}));
  must(replace(store(), layer("overlay", 2), {make("b", "overlay"), make("c", "overlay")}));
  must(store().put(make("c", "own")));

  const auto seen = [&](std::vector<std::string> layers, std::string model = {}) {
    Query query;
    query.layers = std::move(layers);
    query.model = std::move(model);
    std::set<std::string> found;
    for (const auto& p : must(store().find(query, Detail::Full))) found.insert(p.id + p.layer);
    std::set<std::string> lean;
    const auto ranking = must(store().rank(query));
    for (const auto& row : ranking.rows())
      lean.insert(std::string(row.id) + std::string(row.layer));
    EXPECT_EQ(found, lean);
    EXPECT_EQ(must(store().find(query, Detail::Ranking)).size(), found.size());
    return found;
  };
  using Set = std::set<std::string>;
  EXPECT_EQ(seen({}), (Set{"abase", "boverlay", "cown"}));
  EXPECT_EQ(seen({"base"}), (Set{"abase", "bbase", "cown"}));
  EXPECT_EQ(seen({"overlay", "base"}), (Set{"abase", "bbase", "cown"}));
  EXPECT_EQ(seen({"overlay"}), (Set{"boverlay", "cown"}));
  EXPECT_EQ(seen({"no such layer"}), (Set{"cown"}));
  // Hidden is hidden, also where only the hidden one would match.
  EXPECT_EQ(seen({}, "base"), (Set{"abase"}));
  const std::vector<std::string> base_only{"base"};
  EXPECT_EQ(must(store().counts(base_only)).profiles, 3);
  EXPECT_EQ(must(store().get("b", {}))->layer, "overlay");
  EXPECT_EQ(must(store().get("b", base_only))->layer, "base");
  EXPECT_FALSE(must(store().get("z", {})));

  std::vector<std::string> walked;
  must(store().walk({}, [&](const LayerState& of, const profile::Profile& p) -> Result<void> {
    walked.push_back(p.id + of.name);
    return {};
  }));
  EXPECT_THAT(walked, ElementsAre("abase", "bbase", "cbase", "boverlay", "coverlay", "cown"));
}

TEST_P(StoreContract, FindsByEachCondition) {
  must(store().put(complete_profile()));
  must(store().put_all(RandomProfiles(4).take(50)));
  const auto only = [&](auto&& set) {
    Query query;
    set(query);
    EXPECT_THAT(ids_of(must(store().find(query, Detail::Full))), ElementsAre("the id"));
    EXPECT_EQ(must(store().rank(query)).rows().size(), 1u);
  };
  only([](Query& q) { q.model = "model"; });
  only([](Query& q) { q.model_server = "server"; });
  only([](Query& q) { q.model_server_version = "1.2"; });
  only([](Query& q) { q.accelerators = {"accelerator", "none"}; });
  only([](Query& q) { q.id = "the id"; });
  only([](Query& q) { q.serving_stack = "stack"; });
  only([](Query& q) { q.serving_stack_version = "3.4"; });
  only([](Query& q) { q.workload = "workload"; });
  only([](Query& q) { q.model = "model", q.decoding = "disaggregated"; });
  only([](Query& q) { q.model = "model", q.input_tokens = 120, q.output_tokens = 170; });
  Query far;
  far.model = "model";
  far.input_tokens = 130;
  EXPECT_THAT(must(store().find(far, Detail::Full)), IsEmpty());
  far.length_tolerance = 0.25;
  EXPECT_EQ(must(store().find(far, Detail::Full)).size(), 1u);
}

TEST_P(StoreContract, ListsDistinctValues) {
  must(store().put(complete_profile()));
  profile::Profile other = complete_profile();
  other.id = "other";
  other.setup.accelerator = "Another";
  must(store().put(other));
  EXPECT_THAT(must(store().distinct("accelerator", {})), ElementsAre("Another", "accelerator"));
  EXPECT_THAT(must(store().distinct("evidence", {})), ElementsAre("measured"));
  Query query;
  query.accelerators = {"Another"};
  EXPECT_THAT(must(store().distinct("accelerator", query)), ElementsAre("Another"));
  const Error refused = error_of(store().distinct("id; DROP TABLE profile", {}));
  EXPECT_EQ(refused.code, ErrorCode::InvalidArgument);
}

TEST_P(StoreContract, NeverLosesAProfileThatHoldsTheTargets) {
  RandomProfiles random(5);
  const auto profiles = random.take(300);
  must(replace(store(), layer("catalog"), profiles));
  int kept = 0, dropped = 0;
  for (int round = 0; round < 60; ++round) {
    Query query;
    query.statistic_rule = round % 2 ? curve::StatisticRule::Closest : curve::StatisticRule::Exact;
    const int targets = 1 + random.below(2);
    for (int i = 0; i < targets; ++i)
      query.targets.push_back(
          {metrics::kMetrics[static_cast<std::size_t>(random.below(metrics::kMetrics.size()))],
           metrics::kStatistics[static_cast<std::size_t>(
               random.below(metrics::kStatistics.size()))],
           20 + 60 * random.uniform()});
    std::set<std::string> found;
    for (const std::string& id : ids_of(must(store().find(query, Detail::Ranking))))
      found.insert(id);
    for (const profile::Profile& p : profiles) {
      const auto points = profile::curve_of(p);
      if (curve::find_operating_point(points, p.load_kind, query.targets, query.statistic_rule)) {
        EXPECT_TRUE(found.contains(p.id)) << p.id << " in round " << round;
        ++kept;
      } else if (!found.contains(p.id)) {
        ++dropped;
      }
    }
  }
  EXPECT_GT(kept, 500);     // the comparison compared something,
  EXPECT_GT(dropped, 500);  // and SQL did start the ranking
}

TEST_P(StoreContract, AReaderSeesOneMomentWhileAnotherProcessWrites) {
  const auto old = RandomProfiles(1).take(30), fresh = RandomProfiles(2).take(40);
  int go[2], done[2];
  ASSERT_EQ(::pipe(go) | ::pipe(done), 0);
  char byte = 'x';
  // Forked before this process opens the store.
  const pid_t writer = ::fork();
  if (writer == 0) {
    bool well = false;
    try {
      if (::read(go[0], &byte, 1) != 1) ::_exit(1);
      auto other = must(open(where(), options()));
      const std::array both{LayerContent{layer("first", 1), fresh},
                            LayerContent{layer("second", 2), fresh}};
      must(other->put_layers(both));
      well = true;
    } catch (const std::exception& e) {
      std::fprintf(stderr, "writer: %s\n", e.what());
    }
    const bool told = ::write(done[1], &byte, 1) == 1;
    ::_exit(!(well && told));
  }
  must(replace(store(), layer("first", 1), old));
  must(replace(store(), layer("second", 2), old));
  std::vector<std::string> walked;
  must(store().walk({}, [&](const LayerState&, const profile::Profile& p) -> Result<void> {
    if (walked.empty()) {
      EXPECT_EQ(::write(go[1], &byte, 1), 1);
      EXPECT_EQ(::read(done[0], &byte, 1), 1);
    }
    walked.push_back(p.setup.model);
    return {};
  }));
  std::vector<std::string> expected;
  for (int i = 0; i < 2; ++i)
    for (const auto& p : old) expected.push_back(p.setup.model);
  EXPECT_EQ(walked, expected);
  EXPECT_EQ(must(store().counts({})).profiles, 40);
  int status = 1;
  ::waitpid(writer, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST_P(StoreContract, ReadingOnlyChangesNothing) {
  const Error nothing = error_of(open(where(), reading()));
  EXPECT_EQ(nothing.code, ErrorCode::NotFound);
  must(store().put(complete_profile()));
  auto reader = must(open(where(), reading()));
  EXPECT_EQ(must(reader->find({}, Detail::Full)).size(), 1u);
  EXPECT_EQ(error_of(reader->put(complete_profile())).code, ErrorCode::Unavailable);
}

TEST_P(StoreContract, EveryWriteRaisesTheGenerationForEveryReader) {
  auto other = must(open(where(), options()));
  std::int64_t last = must(store().generation());
  const auto risen = [&] {
    const std::int64_t now = must(other->generation());
    EXPECT_EQ(now, must(store().generation()));
    return now > std::exchange(last, now);
  };
  EXPECT_FALSE(risen());
  must(store().put(complete_profile()));
  EXPECT_TRUE(risen());
  must(replace(*other, layer("catalog"), RandomProfiles(1).take(3)));
  EXPECT_TRUE(risen());
  must(store().find({}, Detail::Full));
  EXPECT_FALSE(risen());
  must(store().remove(complete_profile().id));
  EXPECT_TRUE(risen());
  must(store().drop_layer("catalog"));
  EXPECT_TRUE(risen());
  EXPECT_FALSE(store().replace_layer(layer("broken"), [] {
    return Result<std::optional<profile::Profile>>(fail(ErrorCode::NotFound, "x"));
  }));
  EXPECT_FALSE(risen());
}

TEST_P(StoreContract, RefusesANewerSchema) {
  const int version = store().schema_version();
  store_.reset();
  {
    auto session = must(open_session(where(), options()));
    must(session->exec("INSERT INTO migration VALUES (" + std::to_string(version + 41) + ", 'x')"));
  }
  const Error refused = error_of(open(where(), options()));
  EXPECT_EQ(refused.code, ErrorCode::Incompatible);
  EXPECT_THAT(refused.message, HasSubstr("schema version " + std::to_string(version + 41)));
  EXPECT_THAT(refused.message, HasSubstr("up to " + std::to_string(version)));
  EXPECT_THAT(refused.message, HasSubstr("use a newer Kneepoint"));
}

TEST_P(StoreContract, BacksUpToAnSqliteFile) {
  must(replace(store(), layer("catalog"), RandomProfiles(1).take(30)));
  must(store().put(complete_profile()));
  const auto file = folder_ / "backup.db";
  must(store().backup(file));
  must(store().backup(file));  // over the last one
  auto copy = must(open(file, reading()));
  EXPECT_EQ(texts_of(must(copy->find({}, Detail::Full))),
            texts_of(must(store().find({}, Detail::Full))));
  EXPECT_EQ(must(copy->layers()).size(), 2u);
  EXPECT_THAT(error_of(store().backup(folder_ / "no/such/folder")).message, HasSubstr("backup to"));
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
    EXPECT_EQ(entry.path().string().find(".part-"), std::string::npos) << entry.path();
}

TEST_P(StoreContract, SaysWhatItIs) {
  const std::string said = store().describe();
  EXPECT_THAT(said,
              testing::StartsWith(is_postgres(GetParam()) ? "PostgreSQL at " : "SQLite at /"));
}

}  // namespace
}  // namespace kneepoint::store
