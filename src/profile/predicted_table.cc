#include "profile/predicted_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
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
  if (text.empty()) return std::nullopt;
  if (text.size() == 1 && text[0] >= '0' && text[0] <= '9') return text[0] - '0';  // the usual case
  const auto value = parse_integer(text);
  return value ? std::optional<int>(static_cast<int>(*value)) : std::nullopt;
}

/// Of all that makes a row another row. Lists ask for thousands: the key is joined by hand.
std::string id_of(const std::array<std::string_view, 4>& names,
                  const std::array<std::optional<int>, 5>& numbers, std::string_view weights,
                  std::string_view kv, double input, double output, std::string_view settings) {
  fmt::basic_memory_buffer<char, 256> key;
  const auto put = [&key](std::string_view text) {
    key.append(text.data(), text.data() + text.size());
  };
  const auto add = [&](std::string_view text) {
    put(text);
    key.push_back('\x1f');
  };
  for (const std::string_view name : names) add(name);
  for (const std::optional<int>& number : numbers) {
    std::array<char, 16> digits;
    const auto end =
        std::to_chars(digits.data(), digits.data() + digits.size(), number.value_or(1)).ptr;
    add({digits.data(), end});
  }
  add(weights);
  add(kv);
  const auto length = [&](double tokens) {
    std::array<char, 16> digits;
    const bool plain = tokens >= 0 && tokens < 1e9 && tokens == std::floor(tokens);
    if (!plain) return put(shortest(tokens));
    const auto whole = static_cast<std::int64_t>(tokens);
    put({digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), whole).ptr});
  };
  length(input);
  key.push_back('\x1f');
  length(output);
  if (!settings.empty()) {
    key.push_back('\x1f');
    put(settings);
  }
  std::string out = "predicted-";
  return out.append(content_hash({key.data(), key.size()}), 0, 16);
}

std::string unless_one(const std::optional<int>& value) {
  return value.value_or(1) == 1 ? std::string() : std::to_string(*value);
}

}  // namespace

std::string predicted_id(const ServingSetup& s, const Workload& w) {
  return id_of({s.model, s.model_server, s.model_server_version, s.accelerator},
               {s.accelerator_count, s.tensor_parallel, s.pipeline_parallel, s.data_parallel,
                s.expert_parallel},
               s.weight_precision, s.kv_precision, w.input_tokens_mean.value_or(0),
               w.output_tokens_mean.value_or(0), s.server_settings);
}

Workload fixed_lengths(double input, double output) {
  return {.name = fmt::format("random:{}/{}", shortest(input), shortest(output)),
          .input_tokens_nominal = input,
          .output_tokens_nominal = output,
          .input_tokens_mean = input,
          .output_tokens_mean = output};
}

void derive_from_means(curve::LoadPoint& at, double input, double output) {
  metrics::LatencyTable& latency = at.latency;
  const double ttft = latency.get(Metric::Ttft, Statistic::Mean);
  const double tpot = latency.get(Metric::Tpot, Statistic::Mean);
  const double e2e = ttft + std::max(0.0, output - 1) * tpot;
  latency.set(Metric::E2e, Statistic::Mean, e2e);
  latency.set(Metric::Itl, Statistic::Mean, tpot);
  latency.set(Metric::Ntpot, Statistic::Mean, metrics::ntpot_ms(e2e, output));
  at.requests_per_second = at.load / e2e * 1000;
  at.output_tokens_per_second = at.requests_per_second * output;
  at.input_tokens_per_second = at.requests_per_second * input;
}

void derive_from_means(Point& point, double input, double output) {
  derive_from_means(point.at, input, output);
  point.input_tokens_mean = input;
  point.output_tokens_mean = output;
}

/// The figures of one row, each list as long as the loads.
struct PredictedProfiles::Curve {
  std::size_t size = 0;
  std::string_view loads_from;
  std::array<double, kMostLoads> loads, ttft, tpot, ttft_band, tpot_band, e2e_band;
  double input = 0, output = 0;

  Point point(std::size_t i) const {
    Point out;
    out.at.load = loads[i];
    out.at.latency.set(Metric::Ttft, Statistic::Mean, ttft[i]);
    out.at.latency.set(Metric::Tpot, Statistic::Mean, tpot[i]);
    derive_from_means(out.at, input, output);
    return out;
  }
  double widest(const std::array<double, kMostLoads>& bands) const {
    return *std::max_element(bands.begin(), bands.begin() + static_cast<std::ptrdiff_t>(size));
  }
};

namespace {

/// Digits with or without a point, as the tables have them, in a third of the time of from_chars
/// and as exact: a whole number below 2^53 over a power of ten below 10^22 is rounded once. Where
/// the number ends; nothing when it has another form.
const char* plain_number(const char* at, const char* end, double& value) {
  constexpr int kMostDigits = 15;
  constexpr std::array<double, kMostDigits + 1> kPower{
      1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  std::uint64_t whole = 0;
  const auto digits = [&] {
    const char* const from = at;
    for (; at != end; ++at) {
      const auto digit = static_cast<unsigned>(*at - '0');
      if (digit > 9) break;
      whole = whole * 10 + digit;
    }
    return at - from;
  };
  auto count = digits();
  std::ptrdiff_t after_point = 0;
  if (at != end && *at == '.') {
    ++at;
    count += after_point = digits();
  }
  if (count == 0 || count > kMostDigits || (at != end && *at != ' ')) return nullptr;
  value = static_cast<double>(whole);
  if (after_point > 0) value /= kPower[static_cast<std::size_t>(after_point)];
  return at;
}

/// As Table::number(), faster for the digits that lengths are.
double number_in(const catalog::Table& table, std::size_t row, std::size_t column) {
  const std::string_view text = table.text(row, column);
  double value = 0;
  const char* const end = text.data() + text.size();
  return plain_number(text.data(), end, value) == end ? value : table.number(row, column);
}

/// Blank-separated numbers above 0 into `out`; how many, 0 when the text is something else.
std::size_t numbers_in(std::string_view text, std::array<double, kMostLoads>& out) {
  std::size_t count = 0;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    double value = 0;
    const char* next = plain_number(at, end, value);
    if (next == nullptr) {
      const auto [stop, error] = std::from_chars(at, end, value);
      if (error != std::errc() || !std::isfinite(value)) return 0;
      next = stop;
    }
    if (count == kMostLoads || !(value > 0)) return 0;
    out[count++] = value;
    if (next == end) break;
    if (*next != ' ' || next + 1 == end) return 0;
    at = next + 1;
  }
  return count;
}

}  // namespace

PredictedProfiles::PredictedProfiles(const catalog::Catalog& catalog, std::size_t layer)
    : table_(catalog.raw(layer, "predicted")), layer_(&catalog.layers()[layer]) {
  const auto at = [this](std::string_view name) { return table_->column(name); };
  if (rows() == 0) return;
  columns_ = {at("model"),
              at("model_server"),
              at("model_server_version"),
              at("accelerator"),
              at("accelerator_count"),
              at("tensor_parallel"),
              at("pipeline_parallel"),
              at("data_parallel"),
              at("expert_parallel"),
              at("weight_precision"),
              at("kv_precision"),
              at("input_tokens"),
              at("output_tokens"),
              at("loads"),
              at("ttft_mean_ms"),
              at("tpot_mean_ms"),
              at("ttft_band"),
              at("tpot_band"),
              at("e2e_band"),
              at("nearest"),
              at("extrapolated"),
              at("predicted_by")};
  const catalog::Table& notes = *catalog.raw(layer, "predicted_notes");
  for (std::size_t r = 0; r < notes.rows(); ++r)
    notes_[notes.text(r, "id")] = notes.text(r, "note");
}

PredictedProfiles::Key PredictedProfiles::key(std::size_t row) const {
  return {table_->text(row, columns_.model),
          table_->text(row, columns_.model_server),
          table_->text(row, columns_.model_server_version),
          table_->text(row, columns_.accelerator),
          number_in(*table_, row, columns_.input_tokens),
          number_in(*table_, row, columns_.output_tokens)};
}

std::string_view PredictedProfiles::weight_precision(std::size_t row) const {
  return table_->text(row, columns_.weight_precision);
}
std::string_view PredictedProfiles::kv_precision(std::size_t row) const {
  return table_->text(row, columns_.kv_precision);
}

std::string_view PredictedProfiles::by() const {
  return rows() == 0 ? std::string_view() : table_->text(0, columns_.predicted_by);
}

std::string PredictedProfiles::id(std::size_t row) const { return id(row, key(row)); }

std::string PredictedProfiles::id(std::size_t row, const Key& of) const {
  const catalog::Table& t = *table_;
  const auto number = [&](std::size_t column) { return above_one(t.text(row, column)); };
  return id_of({of.model, of.model_server, of.model_server_version, of.accelerator},
               {number(columns_.accelerator_count), number(columns_.tensor_parallel),
                number(columns_.pipeline_parallel), number(columns_.data_parallel),
                number(columns_.expert_parallel)},
               weight_precision(row), kv_precision(row), of.input_tokens, of.output_tokens, {});
}

tl::unexpected<Error> PredictedProfiles::wrong(std::size_t row, std::string_view what) const {
  const Key of = key(row);
  return fail(ErrorCode::InvalidArgument,
              fmt::format("layer {}: predicted row {} ({} on {}): {}", layer_->name, row + 1,
                          of.model, of.accelerator, what));
}

Result<void> PredictedProfiles::read_curve(std::size_t row, Curve& out) const {
  const catalog::Table& t = *table_;
  out.input = number_in(t, row, columns_.input_tokens);
  out.output = number_in(t, row, columns_.output_tokens);
  if (!(out.input >= 1) || !(out.output >= 1)) return wrong(row, "lengths are at least 1 token");
  // Most rows have the loads of the row before them: the same place in the pool of texts.
  const std::string_view loads = t.text(row, columns_.loads);
  if (out.size == 0 || loads.data() != out.loads_from.data() ||
      loads.size() != out.loads_from.size()) {
    out.size = numbers_in(loads, out.loads);
    out.loads_from = loads;
    const auto loads_end = out.loads.begin() + static_cast<std::ptrdiff_t>(out.size);
    if (out.size == 0 || !std::is_sorted(out.loads.begin(), loads_end)) {
      out.size = 0;
      return wrong(row, "loads must be rising numbers above 0");
    }
  }
  const std::array<std::pair<std::size_t, std::array<double, kMostLoads>*>, 5> lists{
      {{columns_.ttft_mean, &out.ttft},
       {columns_.tpot_mean, &out.tpot},
       {columns_.ttft_band, &out.ttft_band},
       {columns_.tpot_band, &out.tpot_band},
       {columns_.e2e_band, &out.e2e_band}}};
  for (const auto& [column, into] : lists) {
    const std::size_t count = numbers_in(t.text(row, column), *into);
    if (count == 1) std::fill_n(into->begin() + 1, out.size - 1, into->front());
    if (count != 1 && count != out.size) {
      return wrong(row, "latencies and bands must be numbers above 0, one for each load");
    }
  }
  return {};
}

Result<std::string> PredictedProfiles::sentences(std::size_t row) const {
  std::string out;
  for (const std::string_view note : split(table_->text(row, columns_.extrapolated), ' ')) {
    if (note.empty()) continue;
    const auto found = notes_.find(note);
    if (found == notes_.end()) return wrong(row, "extrapolated names a note that is not there");
    if (!out.empty()) out += ';';
    out += found->second;
  }
  return out;
}

Result<Profile> PredictedProfiles::read(std::size_t row) const {
  const catalog::Table& t = *table_;
  Curve figures;
  if (auto found = read_curve(row, figures); !found) return fail(std::move(found).error());
  auto words = sentences(row);
  if (!words) return fail(std::move(words).error());
  const auto number = [&](std::size_t column) { return above_one(t.text(row, column)); };
  const Key of = key(row);
  Profile p;
  ServingSetup& s = p.setup;
  s.model = of.model;
  s.model_server = of.model_server;
  s.model_server_version = of.model_server_version;
  s.accelerator = of.accelerator;
  s.accelerator_count = number(columns_.accelerator_count);
  s.tensor_parallel = number(columns_.tensor_parallel);
  s.pipeline_parallel = number(columns_.pipeline_parallel);
  s.data_parallel = number(columns_.data_parallel);
  s.expert_parallel = number(columns_.expert_parallel);
  s.weight_precision = weight_precision(row);
  s.kv_precision = kv_precision(row);
  s.decoding = "serving";
  s.speculative_decoding = "none";
  p.workload = fixed_lengths(of.input_tokens, of.output_tokens);
  p.id = id(row);
  p.load_kind = curve::LoadKind::Concurrency;
  p.layer = layer_->name;
  for (std::size_t i = 0; i < figures.size; ++i) {
    const Point& point = p.points.emplace_back(figures.point(i));
    const double ttft = figures.ttft[i], tpot = figures.tpot[i];
    const double e2e = point.at.latency.get(Metric::E2e, Statistic::Mean);
    p.points.back().input_tokens_mean = of.input_tokens;
    p.points.back().output_tokens_mean = of.output_tokens;
    p.points.back().bands = {ttft / figures.ttft_band[i], ttft * figures.ttft_band[i],
                             tpot / figures.tpot_band[i], tpot * figures.tpot_band[i],
                             e2e / figures.e2e_band[i],   e2e * figures.e2e_band[i]};
  }
  PredictionEvidence prediction;
  prediction.by = t.text(row, columns_.predicted_by);
  prediction.nearest = t.text(row, columns_.nearest);
  prediction.extrapolated = std::move(*words);
  widest_bands(p.points, prediction);
  p.evidence = {.kind = EvidenceKind::Predicted,
                .source = std::string(kPredictedSource),
                .licence = {},
                .prediction = std::move(prediction)};
  return p;
}

Result<void> PredictedProfiles::rank(std::size_t row, std::string_view layer, Ranking& into) {
  const catalog::Table& t = *table_;
  if (ranked_ == nullptr) ranked_ = std::make_shared<Curve>();
  Curve& figures = *ranked_;
  if (auto found = read_curve(row, figures); !found) return fail(std::move(found).error());
  const std::string_view cited = t.text(row, columns_.extrapolated);
  auto& words = sentences_[cited];
  if (words == nullptr) {
    auto made = sentences(row);
    if (!made) return fail(std::move(made).error());
    words = std::make_unique<std::string>(std::move(*made));
  }
  const auto number = [&](std::size_t column) { return above_one(t.text(row, column)); };
  const Key of = key(row);
  std::string& workload = workloads_[{of.input_tokens, of.output_tokens}];
  if (workload.empty()) workload = fixed_lengths(of.input_tokens, of.output_tokens).name;

  RankingRow& out = into.add_row();
  out.id = into.keep(id(row, of));
  out.setup.model = of.model;
  out.setup.model_server = of.model_server;
  out.setup.model_server_version = of.model_server_version;
  out.setup.accelerator = of.accelerator;
  out.setup.accelerator_count = number(columns_.accelerator_count);
  out.setup.tensor_parallel = number(columns_.tensor_parallel);
  out.setup.pipeline_parallel = number(columns_.pipeline_parallel);
  out.setup.data_parallel = number(columns_.data_parallel);
  out.setup.expert_parallel = number(columns_.expert_parallel);
  out.setup.weight_precision = weight_precision(row);
  out.setup.kv_precision = kv_precision(row);
  out.setup.decoding = "serving";
  out.setup.speculative_decoding = "none";
  out.workload = {workload, of.input_tokens, of.output_tokens, of.input_tokens, of.output_tokens};
  out.load_kind = curve::LoadKind::Concurrency;
  out.evidence.kind = EvidenceKind::Predicted;
  out.evidence.source = kPredictedSource;
  out.evidence.prediction.by = t.text(row, columns_.predicted_by);
  out.evidence.prediction.nearest = t.text(row, columns_.nearest);
  out.evidence.prediction.extrapolated = *words;
  out.evidence.prediction.ttft_error = figures.widest(figures.ttft_band);
  out.evidence.prediction.tpot_error = figures.widest(figures.tpot_band);
  out.evidence.prediction.e2e_error = figures.widest(figures.e2e_band);
  out.layer = layer;
  const std::span<curve::LoadPoint> points = into.add_points(figures.size);
  for (std::size_t i = 0; i < figures.size; ++i) {
    points[i].load = figures.loads[i];
    points[i].latency.set(Metric::Ttft, Statistic::Mean, figures.ttft[i]);
    points[i].latency.set(Metric::Tpot, Statistic::Mean, figures.tpot[i]);
    derive_from_means(points[i], figures.input, figures.output);
  }
  out.points = points;
  return {};
}

Result<std::optional<Profile>> PredictedProfiles::next() {
  if (at_ == rows()) return std::optional<Profile>();
  auto one = read(at_++);
  if (!one) return fail(std::move(one).error());
  return std::optional(std::move(*one));
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
