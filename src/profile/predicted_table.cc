#include "profile/predicted_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/hash.h"
#include "base/text.h"
#include "catalog/csv.h"

namespace kneepoint::profile {
namespace {

using metrics::Metric;
using metrics::Statistic;

constexpr std::size_t kMostLoads = 64;
constexpr double kSameBand = 1.05;

/// The fewest digits that are right to one part in 500.
std::string brief(double value) {
  for (int digits = 1; digits < 3; ++digits) {
    const std::string text = fmt::format("{:.{}g}", value, digits);
    if (std::abs(*parse_number(text) - value) <= std::abs(value) * 1e-3) {
      return shortest(*parse_number(text));
    }
  }
  return shortest(*parse_number(fmt::format("{:.3g}", value)));
}

std::string words(const std::vector<double>& values) {
  std::vector<std::string> texts;
  for (const double value : values) texts.push_back(brief(value));
  return join(texts, " ");
}

/// One number, the widest, where all are about the same.
std::string band_words(const std::vector<double>& ratios) {
  const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
  if (*most <= *least * kSameBand) return brief(*most);
  return words(ratios);
}

double ratio(const std::optional<double>& low, double value, const std::optional<double>& high) {
  if (!low || !high || !(*low > 0) || !(value > 0)) return 1;
  return std::max({1.0, value / *low, *high / value});
}

std::optional<int> above_one(std::string_view text) {
  const auto value = parse_integer(text);
  return value ? std::optional<int>(static_cast<int>(*value)) : std::nullopt;
}

std::string unless_one(const std::optional<int>& value) {
  return value.value_or(1) == 1 ? std::string() : std::to_string(*value);
}

}  // namespace

std::string predicted_id(const ServingSetup& s, const Workload& w) {
  const auto number = [](const std::optional<int>& value) { return value.value_or(1); };
  std::string key = fmt::format(
      "{}\x1f{}\x1f{}\x1f{}\x1f{}\x1f{}\x1f{}\x1f{}\x1f{}\x1f{}\x1f{}\x1f{}\x1f{}", s.model,
      s.model_server, s.model_server_version, s.accelerator, number(s.accelerator_count),
      number(s.tensor_parallel), number(s.pipeline_parallel), number(s.data_parallel),
      number(s.expert_parallel), s.weight_precision, s.kv_precision,
      shortest(w.input_tokens_mean.value_or(0)), shortest(w.output_tokens_mean.value_or(0)));
  if (!s.server_settings.empty()) key += "\x1f" + s.server_settings;
  return "predicted-" + content_hash(key).substr(0, 16);
}

Workload fixed_lengths(double input, double output) {
  return {.name = fmt::format("random:{}/{}", shortest(input), shortest(output)),
          .input_tokens_nominal = input,
          .output_tokens_nominal = output,
          .input_tokens_mean = input,
          .output_tokens_mean = output};
}

void derive_from_means(Point& point, double input, double output) {
  metrics::LatencyTable& latency = point.at.latency;
  const double ttft = latency.get(Metric::Ttft, Statistic::Mean);
  const double tpot = latency.get(Metric::Tpot, Statistic::Mean);
  const double e2e = ttft + std::max(0.0, output - 1) * tpot;
  latency.set(Metric::E2e, Statistic::Mean, e2e);
  latency.set(Metric::Itl, Statistic::Mean, tpot);
  latency.set(Metric::Ntpot, Statistic::Mean, metrics::ntpot_ms(e2e, output));
  point.at.requests_per_second = point.at.load / e2e * 1000;
  point.at.output_tokens_per_second = point.at.requests_per_second * output;
  point.at.input_tokens_per_second = point.at.requests_per_second * input;
  point.input_tokens_mean = input;
  point.output_tokens_mean = output;
}

PredictedProfiles::PredictedProfiles(const catalog::Catalog& catalog, std::size_t layer)
    : table_(catalog.raw(layer, "predicted")), layer_(&catalog.layers()[layer]) {
  const catalog::Table& notes = *catalog.raw(layer, "predicted_notes");
  for (std::size_t r = 0; r < notes.rows(); ++r)
    notes_[notes.text(r, "id")] = notes.text(r, "note");
}

std::size_t PredictedProfiles::rows() const { return table_->rows(); }

Result<std::optional<Profile>> PredictedProfiles::next() {
  if (at_ == table_->rows()) return std::optional<Profile>();
  const catalog::Table& t = *table_;
  const std::size_t row = at_++;
  const auto text = [&](std::string_view column) { return std::string(t.text(row, column)); };
  const auto wrong = [&](std::string_view what) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("layer {}: predicted row {} ({} on {}): {}", layer_->name, row + 1,
                            t.text(row, "model"), t.text(row, "accelerator"), what));
  };
  Profile p;
  ServingSetup& s = p.setup;
  s.model = text("model");
  s.model_server = text("model_server");
  s.model_server_version = text("model_server_version");
  s.accelerator = text("accelerator");
  s.accelerator_count = above_one(t.text(row, "accelerator_count"));
  s.tensor_parallel = above_one(t.text(row, "tensor_parallel"));
  s.pipeline_parallel = above_one(t.text(row, "pipeline_parallel"));
  s.data_parallel = above_one(t.text(row, "data_parallel"));
  s.expert_parallel = above_one(t.text(row, "expert_parallel"));
  s.weight_precision = text("weight_precision");
  s.kv_precision = text("kv_precision");
  s.decoding = "serving";
  s.speculative_decoding = "none";
  const double input = t.number(row, "input_tokens"), output = t.number(row, "output_tokens");
  if (!(input >= 1) || !(output >= 1)) return wrong("lengths are at least 1 token");
  p.workload = fixed_lengths(input, output);
  p.id = predicted_id(s, p.workload);
  p.load_kind = curve::LoadKind::Concurrency;
  p.layer = layer_->name;

  const auto numbers = [&](std::string_view column, std::size_t wanted) {
    std::vector<double> out;
    for (const std::string_view word : split(t.text(row, column), ' ')) {
      const auto value = parse_number(word);
      if (!value || !(*value > 0)) return std::vector<double>();
      out.push_back(*value);
    }
    if (out.size() == 1 && wanted > 1) out.resize(wanted, out.front());
    if (wanted > 0 && out.size() != wanted) out.clear();
    return out;
  };
  const std::vector<double> loads = numbers("loads", 0);
  const std::size_t n = loads.size();
  if (n == 0 || n > kMostLoads || !std::is_sorted(loads.begin(), loads.end())) {
    return wrong("loads must be rising numbers above 0");
  }
  const auto ttft = numbers("ttft_mean_ms", n), tpot = numbers("tpot_mean_ms", n),
             ttft_band = numbers("ttft_band", n), tpot_band = numbers("tpot_band", n),
             e2e_band = numbers("e2e_band", n);
  for (const auto* one : {&ttft, &tpot, &ttft_band, &tpot_band, &e2e_band}) {
    if (one->empty())
      return wrong("latencies and bands must be numbers above 0, one for each load");
  }
  for (std::size_t i = 0; i < n; ++i) {
    Point& point = p.points.emplace_back();
    point.at.load = loads[i];
    point.at.latency.set(Metric::Ttft, Statistic::Mean, ttft[i]);
    point.at.latency.set(Metric::Tpot, Statistic::Mean, tpot[i]);
    derive_from_means(point, input, output);
    const double e2e = point.at.latency.get(Metric::E2e, Statistic::Mean);
    point.bands = {ttft[i] / ttft_band[i], ttft[i] * ttft_band[i], tpot[i] / tpot_band[i],
                   tpot[i] * tpot_band[i], e2e / e2e_band[i],      e2e * e2e_band[i]};
  }
  PredictionEvidence prediction;
  prediction.by = text("predicted_by");
  prediction.nearest = text("nearest");
  std::vector<std::string> extrapolated;
  for (const std::string_view note : split(t.text(row, "extrapolated"), ' ')) {
    const auto found = notes_.find(note);
    if (found == notes_.end()) return wrong("extrapolated names a note that is not there");
    extrapolated.emplace_back(found->second);
  }
  prediction.extrapolated = join(extrapolated, ";");
  widest_bands(p.points, prediction);
  p.evidence = {.kind = EvidenceKind::Predicted,
                .source = std::string(kPredictedSource),
                .licence = {},
                .prediction = std::move(prediction)};
  return std::optional(std::move(p));
}

PredictedTables write_predicted_tables(std::span<const Profile> profiles) {
  const auto header = [](std::string_view table) {
    std::vector<std::string> names;
    for (const auto& column : catalog::schema(table)->columns) names.emplace_back(column.name);
    return catalog::csv_line(names);
  };
  PredictedTables out{header("predicted"), header("predicted_notes")};
  std::map<std::string, std::size_t, std::less<>> notes;
  for (const Profile& p : profiles) {
    std::vector<double> loads, ttft, tpot, ttft_band, tpot_band, e2e_band;
    for (const Point& point : p.points) {
      const auto mean = [&](Metric metric) {
        return point.at.latency.get(metric, Statistic::Mean);
      };
      loads.push_back(point.at.load);
      ttft.push_back(mean(Metric::Ttft));
      tpot.push_back(mean(Metric::Tpot));
      ttft_band.push_back(ratio(point.bands.ttft_low, ttft.back(), point.bands.ttft_high));
      tpot_band.push_back(ratio(point.bands.tpot_low, tpot.back(), point.bands.tpot_high));
      e2e_band.push_back(ratio(point.bands.e2e_low, mean(Metric::E2e), point.bands.e2e_high));
    }
    std::vector<std::string> cited;
    for (const std::string_view note : split(p.evidence.prediction.extrapolated, ';')) {
      const auto [at, fresh] = notes.try_emplace(std::string(note), notes.size() + 1);
      cited.push_back(std::to_string(at->second));
      if (fresh) out.notes += catalog::csv_line({cited.back(), std::string(note)});
    }
    const ServingSetup& s = p.setup;
    out.predicted += catalog::csv_line({s.model,
                                        s.model_server,
                                        s.model_server_version,
                                        s.accelerator,
                                        std::to_string(s.accelerator_count.value_or(1)),
                                        std::to_string(s.tensor_parallel.value_or(1)),
                                        unless_one(s.pipeline_parallel),
                                        unless_one(s.data_parallel),
                                        unless_one(s.expert_parallel),
                                        s.weight_precision,
                                        s.kv_precision,
                                        shortest(p.workload.input_tokens_mean.value_or(0)),
                                        shortest(p.workload.output_tokens_mean.value_or(0)),
                                        words(loads),
                                        words(ttft),
                                        words(tpot),
                                        band_words(ttft_band),
                                        band_words(tpot_band),
                                        band_words(e2e_band),
                                        p.evidence.prediction.nearest,
                                        join(cited, " "),
                                        p.evidence.prediction.by});
  }
  return out;
}

}  // namespace kneepoint::profile
