#include "app/predict_points.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "app/parallel.h"
#include "base/text.h"
#include "catalog/csv.h"
#include "predict/points_csv.h"

namespace kneepoint::app {
namespace {

using catalog::csv_line;

constexpr std::array kPredictedColumns{
    "predicted_ttft_mean_ms", "predicted_ttft_mean_ms_low", "predicted_ttft_mean_ms_high",
    "predicted_tpot_mean_ms", "predicted_tpot_mean_ms_low", "predicted_tpot_mean_ms_high",
    "predicted_e2e_mean_ms",  "predicted_e2e_mean_ms_low",  "predicted_e2e_mean_ms_high",
    "predicted_saturated",    "predicted_distance",         "predicted_nearest",
    "predicted_anchors",      "predicted_extrapolated",     "predicted_by",
    "predicted_error"};

struct Row {
  std::optional<predict::Question> question;
  std::string error;
  std::optional<predict::Prediction> answer;
};

/// All rows at once; if one of them cannot be read, each by itself, so that the others are.
std::vector<Row> read_rows(std::string_view text, std::string_view file,
                           const std::vector<catalog::CsvRecord>& records) {
  using predict::Columns;
  std::vector<Row> out(records.size() - 1);
  auto points = predict::read_points_csv(text, file, Columns::Configuration);
  if (points && points->size() == out.size()) {
    for (std::size_t i = 0; i < out.size(); ++i) out[i].question = std::move((*points)[i].question);
    return out;
  }
  const std::string header = csv_line(records.front().cells);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::string where = fmt::format("{} (row {})", file, records[i + 1].line);
    auto one = predict::read_points_csv(header + csv_line(records[i + 1].cells), where,
                                        Columns::Configuration);
    if (one && one->size() == 1) {
      out[i].question = std::move(one->front().question);
    } else {
      out[i].error = one ? where + ": no point" : one.error().message;
    }
  }
  return out;
}

std::vector<std::string> cells_of(const Row& row, const std::string& hash) {
  if (!row.answer) {
    std::vector<std::string> out(kPredictedColumns.size());
    out.back() = row.error;
    return out;
  }
  const predict::Prediction& p = *row.answer;
  std::vector<std::string> out;
  for (const auto* estimate : {&p.ttft_mean_ms, &p.tpot_mean_ms, &p.e2e_mean_ms}) {
    for (const double value : {estimate->value, estimate->low, estimate->high}) {
      out.push_back(shortest(*parse_number(fmt::format("{:.6g}", value))));
    }
  }
  out.emplace_back(p.saturated ? "yes" : "no");
  out.emplace_back(p.distance == predict::Distance::Near ? "near" : "far");
  out.push_back(p.nearest);
  out.push_back(std::to_string(p.anchors));
  out.push_back(join(p.extrapolated, "; "));
  out.push_back(hash.substr(0, 16));
  out.emplace_back();
  return out;
}

}  // namespace

Result<PredictedPoints> predict_points(
    const predict::Predictor& predictor, std::string_view text, std::string_view file, int threads,
    const std::function<void(std::size_t, std::size_t)>& progress) {
  const auto records = catalog::parse_csv(text);
  if (!records) return fail(Error(records.error()).during(std::string(file)));
  if (records->size() < 2) {
    return fail(ErrorCode::InvalidArgument, fmt::format("{}: no rows below a header", file));
  }
  const auto& header = records->front().cells;
  std::vector<std::size_t> kept;  // columns of the input; answers of an earlier run are not
  std::vector<std::string> names;
  for (std::size_t c = 0; c < header.size(); ++c) {
    const auto& ours = kPredictedColumns;
    if (std::find(ours.begin(), ours.end(), header[c]) != ours.end()) continue;
    kept.push_back(c);
    names.push_back(header[c]);
  }
  if (std::find(names.begin(), names.end(), "point_id") == names.end()) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("{}: no column point_id, by which an answer is found", file));
  }
  std::vector<Row> rows = read_rows(text, file, *records);
  const std::size_t count = rows.size();
  for_each_index(
      count, threads,
      [&](std::size_t i) {
        Row& row = rows[i];
        if (!row.question) return;
        row.question->answer_anyway = true;
        auto answer = predictor.predict(*row.question);
        if (answer) {
          row.answer = std::move(*answer);
        } else {
          row.error = answer.error().message;
        }
      },
      [&](std::size_t done) {
        if (progress) progress(done, count);
        return true;
      });

  PredictedPoints out;
  out.rows = count;
  names.insert(names.end(), kPredictedColumns.begin(), kPredictedColumns.end());
  out.csv = csv_line(names);
  for (std::size_t i = 0; i < count; ++i) {
    const auto& cells = (*records)[i + 1].cells;
    std::vector<std::string> line;
    for (const std::size_t c : kept) line.push_back(c < cells.size() ? cells[c] : std::string());
    auto answer = cells_of(rows[i], predictor.hash());
    line.insert(line.end(), answer.begin(), answer.end());
    out.csv += csv_line(line);
    if (rows[i].answer) continue;
    if (out.failed++ == 0) {
      out.first_error = fmt::format("row {}: {}", (*records)[i + 1].line, rows[i].error);
    }
  }
  return out;
}

}  // namespace kneepoint::app
