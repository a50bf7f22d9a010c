#include "predict/points_csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>

#include "base/date.h"
#include "base/text.h"
#include "catalog/csv.h"

namespace kneepoint::predict {
namespace {

constexpr std::size_t kMostBytes = 256U << 20U;
constexpr std::size_t kMostRows = 1'000'000;
constexpr double kMostTokens = 1e8;
constexpr std::array<std::string_view, 6> kRequired{"point_id",    "model",     "model_server",
                                                    "accelerator", "load_kind", "load_value"};

/// One row: its cells by column name, and errors that say where they are.
class Row {
 public:
  Row(std::string_view file, std::size_t line, const std::vector<std::string>& cells,
      const std::unordered_map<std::string, std::size_t>& place)
      : file_(file), line_(line), cells_(cells), place_(place) {}

  std::string_view text(std::string_view column) const {
    const auto found = place_.find(std::string(column));
    return found == place_.end() ? std::string_view() : trim(cells_[found->second]);
  }

  tl::unexpected<Error> wrong(std::string_view column, std::string_view wants) const {
    return fail(ErrorCode::InvalidArgument, fmt::format("{}:{}: {}: '{}' is not {}", file_, line_,
                                                        column, text(column).substr(0, 80), wants));
  }

  Result<std::optional<double>> number(std::string_view column, double least, double most) const {
    const std::string_view cell = text(column);
    if (cell.empty()) return std::nullopt;
    const auto value = parse_number(cell);
    if (!value) return wrong(column, "a number");
    if (*value < least || *value > most) {
      return wrong(column, fmt::format("between {} and {}", shortest(least), shortest(most)));
    }
    return value;
  }

  /// Some tools write whole numbers with a decimal point.
  Result<std::optional<int>> count(std::string_view column) const {
    const auto value = number(column, 0, 1e6);
    if (!value) return fail(value.error());
    if (!*value) return std::nullopt;
    if (**value != static_cast<double>(static_cast<int>(**value))) {
      return wrong(column, "a whole number");
    }
    if (**value == 0) return std::nullopt;
    return static_cast<int>(**value);
  }

 private:
  std::string_view file_;
  std::size_t line_;
  const std::vector<std::string>& cells_;
  const std::unordered_map<std::string, std::size_t>& place_;
};

/// Of files that have prefill and decode apart.
Result<void> read_roles(const Row& row, profile::ServingSetup& setup) {
  const std::pair<std::string, profile::Role*> roles[] = {{"prefill", &setup.prefill},
                                                          {"decode", &setup.decode}};
  for (const auto& [name, role] : roles) {
    const std::pair<std::string, std::optional<int>*> counts[] = {
        {"_workers", &role->workers},
        {"_tensor_parallel", &role->tensor_parallel},
        {"_expert_parallel", &role->expert_parallel}};
    for (const auto& [column, member] : counts) {
      const auto value = row.count(name + column);
      if (!value) return fail(value.error());
      *member = *value;
    }
    const std::string_view attention_dp = row.text(name + "_attention_dp");
    if (attention_dp == "true" || attention_dp == "false") {
      role->attention_dp = attention_dp == "true";
    } else if (!attention_dp.empty()) {
      return row.wrong(name + "_attention_dp", "true or false");
    }
  }
  if (setup.prefill.workers && setup.decode.workers) setup.decoding = "disaggregated";
  return {};
}

Result<void> read_setup(const Row& row, profile::ServingSetup& setup) {
  setup.model = row.text("model");
  setup.checkpoint = row.text("checkpoint");
  setup.model_server = row.text("model_server");
  setup.model_server_version = row.text("model_server_version");
  setup.container_image = row.text("container_image");
  setup.accelerator = row.text("accelerator");
  setup.weight_precision = row.text("weight_precision");
  setup.kv_precision = row.text("kv_precision");
  setup.speculative_decoding = row.text("speculative_decoding");
  const std::string_view draft = setup.speculative_decoding;
  const bool plain =
      draft.empty() || draft == "none" || draft == "unknown" || draft == "likely_none";
  setup.decoding = plain ? "serving" : "speculative";
  setup.server_settings = row.text("server_settings");
  const std::pair<std::string_view, std::optional<int>*> counts[] = {
      {"accelerator_count", &setup.accelerator_count}, {"tensor_parallel", &setup.tensor_parallel},
      {"pipeline_parallel", &setup.pipeline_parallel}, {"data_parallel", &setup.data_parallel},
      {"expert_parallel", &setup.expert_parallel},
  };
  for (const auto& [column, member] : counts) {
    const auto value = row.count(column);
    if (!value) return fail(value.error());
    *member = *value;
  }
  return read_roles(row, setup);
}

Result<void> read_load(const Row& row, Question& question) {
  const std::pair<std::string_view, std::optional<double>*> lengths[] = {
      {"input_tokens_nominal", &question.workload.input_tokens_nominal},
      {"output_tokens_nominal", &question.workload.output_tokens_nominal},
      {"input_tokens_mean", &question.workload.input_tokens_mean},
      {"output_tokens_mean", &question.workload.output_tokens_mean},
  };
  for (const auto& [column, member] : lengths) {
    const auto value = row.number(column, 0, kMostTokens);
    if (!value) return fail(value.error());
    *member = *value;
  }
  question.workload.name = row.text("workload");
  // "offline" is everything at once, which is a burst.
  const std::string_view kind =
      row.text("load_kind") == "offline" ? "burst" : row.text("load_kind");
  const auto load_kind = curve::parse_load_kind(kind);
  if (!load_kind) return row.wrong("load_kind", "one of concurrency, request_rate, burst");
  question.load_kind = *load_kind;
  const auto load = row.number("load_value", 0, 1e7);
  if (!load) return fail(load.error());
  if (!*load || **load <= 0) return row.wrong("load_value", "a number above 0");
  question.load = **load;
  const auto requests = row.number("request_count", 0, 1e9);
  if (!requests) return fail(requests.error());
  if (*requests && **requests >= 1) question.request_count = **requests;
  question.measured_on = row.text("measured_on");
  if (!question.measured_on.empty() && !parse_date(question.measured_on)) {
    return row.wrong("measured_on", "a date such as 2026-08-21");
  }
  question.answer_anyway = true;
  return {};
}

Result<void> read_measured(const Row& row, MeasuredPoint& point) {
  for (const metrics::Metric metric : metrics::kMetrics) {
    for (const metrics::Statistic statistic : metrics::kStatistics) {
      const auto value = row.number(
          fmt::format("{}_{}_ms", metrics::name(metric), metrics::name(statistic)), 0, 1e9);
      if (!value) return fail(value.error());
      if (*value) point.latency.set(metric, statistic, **value);
    }
  }
  point.flags = row.text("flags");
  return {};
}

}  // namespace

Result<std::vector<MeasuredPoint>> read_points_csv(std::string_view text, std::string_view file,
                                                   Columns columns) {
  const auto wrong = [&](std::size_t line, std::string_view message) {
    return fail(ErrorCode::InvalidArgument, fmt::format("{}:{}: {}", file, line, message));
  };
  if (text.size() > kMostBytes) return wrong(1, "larger than 256 MiB; split the file");
  auto records = catalog::parse_csv(text);
  if (!records) {
    return fail(ErrorCode::InvalidArgument, fmt::format("{}:{}", file, records.error().message));
  }
  if (records->empty()) return wrong(1, "no header line");
  if (records->size() > kMostRows + 1) return wrong(1, "more than 1,000,000 rows; split the file");

  const catalog::CsvRecord& header = records->front();
  std::unordered_map<std::string, std::size_t> place;
  for (std::size_t c = 0; c < header.cells.size(); ++c) {
    const std::string name(trim(header.cells[c]));
    if (!place.emplace(name, c).second) {
      return wrong(header.line, fmt::format("column '{}' is there twice", name.substr(0, 80)));
    }
  }
  for (const std::string_view name : kRequired) {
    if (!place.contains(std::string(name))) {
      return wrong(header.line, fmt::format("column '{}' is missing", name));
    }
  }

  std::vector<MeasuredPoint> out;
  out.reserve(records->size() - 1);
  for (std::size_t r = 1; r < records->size(); ++r) {
    const catalog::CsvRecord& record = (*records)[r];
    if (record.cells.size() != header.cells.size()) {
      return wrong(record.line, fmt::format("{} cells where the header has {}", record.cells.size(),
                                            header.cells.size()));
    }
    const Row row(file, record.line, record.cells, place);
    MeasuredPoint& point = out.emplace_back();
    point.line = record.line;
    for (const std::string_view name : kRequired) {
      if (row.text(name).empty()) {
        return wrong(record.line, fmt::format("{}: must not be empty", name));
      }
    }
    point.id = row.text("point_id");
    point.source = row.text("source");
    point.question.measured_by = point.source;
    point.curve_id = row.text("curve_id");
    point.series_id = row.text("series_id");
    if (auto good = read_setup(row, point.question.setup); !good) return fail(good.error());
    if (auto good = read_load(row, point.question); !good) return fail(good.error());
    if (columns == Columns::ConfigurationAndMeasured) {
      if (auto good = read_measured(row, point); !good) return fail(good.error());
    }
  }
  return out;
}

std::string write_predictions_csv(std::span<const MeasuredPoint> points,
                                  std::span<const Prediction> predictions) {
  std::vector<std::string> header{"point_id"};
  for (const std::string_view metric : {"ttft", "tpot", "e2e"}) {
    for (const std::string_view end : {"", "_low", "_high"}) {
      header.push_back(fmt::format("predicted_{}_mean_ms{}", metric, end));
    }
  }
  for (const std::string_view name :
       {"saturated", "distance", "nearest", "anchors", "extrapolated"}) {
    header.emplace_back(name);
  }
  std::string out = catalog::csv_line(header);
  const std::size_t rows = std::min(points.size(), predictions.size());
  for (std::size_t i = 0; i < rows; ++i) {
    const Prediction& p = predictions[i];
    std::vector<std::string> cells{points[i].id};
    for (const Estimate* e : {&p.ttft_mean_ms, &p.tpot_mean_ms, &p.e2e_mean_ms}) {
      for (const double value : {e->value, e->low, e->high}) {
        cells.push_back(fmt::format("{:.6g}", value));
      }
    }
    cells.emplace_back(p.saturated ? "yes" : "no");
    cells.emplace_back(p.distance == Distance::Near ? "near" : "far");
    cells.push_back(p.nearest);
    cells.push_back(fmt::format("{}", p.anchors));
    cells.push_back(join(p.extrapolated, "; "));
    out += catalog::csv_line(cells);
  }
  return out;
}

}  // namespace kneepoint::predict
