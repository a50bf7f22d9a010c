#include "report/table.h"

#include <benchmark/benchmark.h>

namespace kneepoint::report {
namespace {

// What `profiles list` prints for the whole catalog, and then some: 10,000 rows of 17 columns.
Table big_table() {
  std::vector<Column> columns;
  for (int i = 0; i < 17; ++i) {
    columns.push_back({"Column " + std::to_string(i), "column" + std::to_string(i)});
  }
  Table table(columns);
  table.reserve(10'000);
  for (int row = 0; row < 10'000; ++row) {
    std::vector<Cell> cells;
    for (int i = 0; i < 17; ++i) {
      if (i < 8) cells.push_back(Cell::text("meta-llama/Llama-3.1-8B-Instruct"));
      if (i >= 8 && i < 12) cells.push_back(Cell::integer(row * 7 + i));
      if (i >= 12 && i < 16) cells.push_back(Cell::number(row * 0.0137 + i, 3));
      if (i == 16) cells.push_back(Cell());
    }
    table.add_row(std::move(cells));
  }
  return table;
}

template <auto Write>
void BM_Write(benchmark::State& state) {
  const Table table = big_table();
  for (auto _ : state) {
    std::string text = Write(table);
    benchmark::DoNotOptimize(text);
  }
  state.SetItemsProcessed(state.iterations() * 10'000);
}

std::string profile_text(const Table& table) { return write_text(table); }

BENCHMARK(BM_Write<profile_text>)->Name("text")->Unit(benchmark::kMillisecond);
BENCHMARK(BM_Write<write_csv>)->Name("csv")->Unit(benchmark::kMillisecond);
BENCHMARK(BM_Write<write_json>)->Name("json")->Unit(benchmark::kMillisecond);
BENCHMARK(BM_Write<write_yaml>)->Name("yaml")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace kneepoint::report
