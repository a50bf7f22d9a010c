#include "store/store.h"

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "profile/ranking.h"
#include "store/driver.h"
#include "store/testing/random_profiles.h"

// Where the driver modules lie: this program's build folder. KNEEPOINT_TEST_POSTGRES set runs the
// same on PostgreSQL.
namespace kneepoint::store {
namespace {

namespace fs = std::filesystem;

template <class T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "%s\n", result.error().message.c_str());
  std::abort();
}
void must(Result<void> result) {
  if (result) return;
  std::fprintf(stderr, "%s\n", result.error().message.c_str());
  std::abort();
}

OpenOptions options() { return {.driver_folder = KP_BINARY_DIR}; }

struct Folder {
  fs::path path = fs::temp_directory_path() / ("kp_store_bench_" + std::to_string(::getpid()));
  ~Folder() { fs::remove_all(path); }
};

std::string place(int profiles) {
  static const Folder folder;
  if (const char* postgres = std::getenv("KNEEPOINT_TEST_POSTGRES")) return postgres;
  return folder.path / ("s" + std::to_string(profiles) + ".db");
}

void fill(Store& store, const std::vector<profile::Profile>& profiles) {
  std::size_t at = 0;
  must(store.replace_layer({.name = "catalog", .hash = "h", .origin = "o", .rank = 1},
                           [&]() -> Result<std::optional<profile::Profile>> {
                             if (at == profiles.size()) return std::nullopt;
                             return profiles[at++];
                           }));
}

/// The store with so many profiles in one layer, made on first use.
std::string filled(int profiles) {
  static std::map<int, bool> made;
  static int last = 0;
  const bool shared = std::getenv("KNEEPOINT_TEST_POSTGRES");
  if (shared ? last != profiles : !made[profiles]) {
    fill(*must(open(place(profiles), options())), RandomProfiles(1).take(profiles));
    made[profiles] = true;
    last = profiles;
  }
  return place(profiles);
}

Query with_target() {
  Query query;
  query.targets = {{metrics::Metric::Ttft, metrics::Statistic::P50, 60}};
  query.metrics = {metrics::Metric::Ttft, metrics::Metric::Tpot};
  return query;
}

void BM_Open(benchmark::State& state) {
  const std::string where = filled(1000);
  for (auto _ : state) benchmark::DoNotOptimize(must(open(where, options())));
}
BENCHMARK(BM_Open)->Unit(benchmark::kMicrosecond);

void BM_Fill(benchmark::State& state) {
  const auto profiles = RandomProfiles(1).take(static_cast<int>(state.range(0)));
  std::size_t bytes = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const std::string where = place(-1);
    for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(where + suffix);
    state.ResumeTiming();
    {
      auto store = must(open(where, options()));
      fill(*store, profiles);
    }
    if (fs::exists(where)) bytes = fs::file_size(where);
  }
  state.counters["file_MB"] = static_cast<double>(bytes) / 1e6;
}
BENCHMARK(BM_Fill)->Arg(1450)->Arg(10000)->Unit(benchmark::kMillisecond);

void run_rank(benchmark::State& state, const Query& query, bool reopen) {
  const std::string where = filled(static_cast<int>(state.range(0)));
  auto store = must(open(where, options()));
  std::size_t rows = 0;
  for (auto _ : state) {
    if (reopen) store = must(open(where, options()));
    const auto ranking = must(store->rank(query));
    rows = ranking.rows().size();
  }
  state.counters["rows"] = static_cast<double>(rows);
}
void BM_RankAll(benchmark::State& state) { run_rank(state, {}, false); }
void BM_OpenAndRankAll(benchmark::State& state) { run_rank(state, {}, true); }
void BM_RankWithTarget(benchmark::State& state) { run_rank(state, with_target(), false); }
void BM_RankOneModel(benchmark::State& state) {
  Query query = with_target();
  query.model = "vendor/Model-7-Instruct";
  run_rank(state, query, false);
}
BENCHMARK(BM_RankAll)->Arg(10000)->Arg(100000)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_OpenAndRankAll)->Arg(10000)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_RankWithTarget)->Arg(10000)->Arg(100000)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_RankOneModel)->Arg(10000)->Arg(100000)->Unit(benchmark::kMillisecond);

void run_find(benchmark::State& state, const Query& query, Detail detail) {
  auto store = must(open(filled(static_cast<int>(state.range(0))), options()));
  for (auto _ : state) benchmark::DoNotOptimize(must(store->find(query, detail)));
}
void BM_FindRankingAll(benchmark::State& state) { run_find(state, {}, Detail::Ranking); }
void BM_FindFullAll(benchmark::State& state) { run_find(state, {}, Detail::Full); }
BENCHMARK(BM_FindRankingAll)->Arg(10000)->Arg(100000)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_FindFullAll)->Arg(10000)->Unit(benchmark::kMillisecond);

/// What rank() would cost if it read points as rows: four rates and eight latencies of each.
void BM_PointsAsRows(benchmark::State& state) {
  auto session = must(open_session(filled(static_cast<int>(state.range(0))), options()));
  for (auto _ : state) {
    auto rows = must(session->prepare(
        "SELECT profile, load, requests_per_second, output_tokens_per_second, "
        "input_tokens_per_second, ttft_mean_ms, ttft_p50_ms, ttft_p90_ms, ttft_p99_ms, "
        "tpot_mean_ms, tpot_p50_ms, tpot_p90_ms, tpot_p99_ms FROM point"));
    double sum = 0;
    while (must(rows->step()))
      for (int column = 0; column < 13; ++column) sum += rows->real(column);
    benchmark::DoNotOptimize(sum);
  }
}

void BM_OneOwnLayerAbove(benchmark::State& state) {
  const std::string where = filled(static_cast<int>(state.range(0)));
  auto store = must(open(where, options()));
  must(store->put_all(RandomProfiles(1).take(50)));
  for (auto _ : state) benchmark::DoNotOptimize(must(store->rank({})));
  must(store->drop_layer(kOwnLayer));
}
BENCHMARK(BM_OneOwnLayerAbove)->Arg(10000)->Unit(benchmark::kMillisecond);

void BM_PutOne(benchmark::State& state) {
  auto store = must(open(filled(10000), options()));
  RandomProfiles random(2);
  for (auto _ : state) must(store->put(random.next()));
  must(store->drop_layer(kOwnLayer));
}
BENCHMARK(BM_PutOne)->Unit(benchmark::kMicrosecond);

BENCHMARK(BM_PointsAsRows)->Arg(10000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace kneepoint::store
