#include "predict/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <unordered_map>

#include "base/hash.h"
#include "predict/covariates.h"

namespace kneepoint::predict {
namespace {

using perfmodel::kParts;

constexpr std::string_view kFormat = "kneepoint.calibration.v2";
constexpr std::array<std::string_view, kParts> kPartNames{"decode_gemm",
                                                          "prefill_gemm",
                                                          "decode_experts",
                                                          "prefill_experts",
                                                          "decode_exchange",
                                                          "prefill_exchange",
                                                          "decode_attention",
                                                          "prefill_attention",
                                                          "elementwise",
                                                          "head",
                                                          "decode_layers",
                                                          "prefill_layers",
                                                          "steps",
                                                          "sequences",
                                                          "prefill_sequences",
                                                          "prefill_tokens"};
constexpr std::array<std::string_view, kExtras> kExtraNames{"request_ms", "thousand_tokens_ms",
                                                            "ten_clients_ms"};
constexpr std::size_t kMostPoints = 100'000, kMostTerms = 32, kMostNames = 100'000;
constexpr double kMostNumber = 1e12;
constexpr int kDigits = 10;
// What stands before and after the points where to_text() wrote the file.
constexpr std::string_view kPointsBegin = ",\"points\":[\n", kPointsEnd = "\n]}\n";

// ---- writing

double rounded(double value, int digits = kDigits) {
  if (value == 0 || !std::isfinite(value)) return value;
  const double unit = std::pow(10.0, digits - 1 - std::floor(std::log10(std::abs(value))));
  return std::round(value * unit) / unit;
}

json::Value number(double value, int digits = kDigits) {
  if (!std::isfinite(value)) return nullptr;
  const double r = rounded(value, digits);
  if (r == std::floor(r) && std::abs(r) < 1e15) return static_cast<std::int64_t>(r);
  return r;
}

json::Object kernel_json(const Kernel& kernel) {
  json::Array terms;
  const KernelShape& shape = kernel.shape;
  for (const KernelTerm& term : kernel.terms) {
    json::Object penalty;
    for (std::size_t r = 0; r < term.log_penalty.size(); ++r) {
      if (term.log_penalty[r] == KernelTerm::kUnused) continue;
      const std::size_t c = shape.categories.size();
      const std::string& name = r < c                             ? shape.categories[r]
                                : r < c + shape.continuous.size() ? shape.continuous[r - c]
                                                                  : "shares";
      penalty[name] = number(term.log_penalty[r]);
    }
    terms.push_back(json::Object{{"weight", term.weight},
                                 {"log_amplitude", number(term.log_amplitude)},
                                 {"log_penalty", std::move(penalty)}});
  }
  return {{"terms", std::move(terms)}, {"log_noise", number(kernel.log_noise)}};
}

json::Object band_json(const BandScale& b) {
  return {{"tpot", number(b.tpot, 5)},
          {"ttft", number(b.ttft, 5)},
          {"e2e", number(b.e2e, 5)},
          {"points", b.points},
          {"inside", json::Array{number(b.tpot_inside, 4), number(b.ttft_inside, 4),
                                 number(b.e2e_inside, 4)}},
          {"width",
           json::Array{number(b.tpot_width, 4), number(b.ttft_width, 4), number(b.e2e_width, 4)}}};
}

/// Names to places in the order of first appearance.
class Dictionary {
 public:
  std::size_t operator()(const std::string& name) {
    const auto [found, fresh] = places_.emplace(name, names_.size());
    if (fresh) names_.emplace_back(name);
    return found->second;
  }
  json::Array take() { return std::move(names_); }

 private:
  std::unordered_map<std::string, std::size_t> places_;
  json::Array names_;
};

/// What one latency adds to the line of a point: its own continuous features (the last but one is
/// what is expected), shares, residual, noise, weight.
void add_latency(json::Array& line, const ResidualProcess& of, std::size_t point) {
  const Covariates& at = of.at[point];
  line.push_back(number(at.continuous[at.continuous.size() - 2]));
  for (const double share : at.shares) line.push_back(number(share));
  line.push_back(number(of.residual[point], 6));
  line.push_back(number(of.noise[point], 6));
  line.push_back(number(of.alpha[point]));
}

// ---- reading

/// A member that is missing or wrong: the error says which.
class Reader {
 public:
  template <class T>
  using Maybe = std::optional<T>;

  bool failed() const { return !error_.empty(); }
  const std::string& error() const { return error_; }
  void wrong(const std::string& message) {
    if (error_.empty()) error_ = message;
  }

  const json::Object& object(const json::Object& in, std::string_view name) {
    const json::Value* v = in.if_contains(name);
    if (v != nullptr && v->is_object()) return v->get_object();
    wrong(fmt::format("{}: not an object", name));
    return empty_object_;
  }
  const json::Array& array(const json::Object& in, std::string_view name, std::size_t most) {
    const json::Value* v = in.if_contains(name);
    if (v != nullptr && v->is_array() && v->get_array().size() <= most) return v->get_array();
    wrong(fmt::format("{}: not an array of at most {}", name, most));
    return empty_array_;
  }
  std::string text(const json::Object& in, std::string_view name) {
    const json::Value* v = in.if_contains(name);
    if (v != nullptr && v->is_string()) return std::string(v->get_string());
    wrong(fmt::format("{}: not a text", name));
    return "";
  }
  double number(const json::Value& v, std::string_view name) {
    double out = 0;
    if (v.is_double()) {
      out = v.get_double();
    } else if (v.is_int64()) {
      out = static_cast<double>(v.get_int64());
    } else if (v.is_uint64()) {
      out = static_cast<double>(v.get_uint64());
    } else {
      wrong(fmt::format("{}: not a number", name));
    }
    if (!(std::abs(out) <= kMostNumber)) wrong(fmt::format("{}: out of range", name));
    return out;
  }
  double number(const json::Object& in, std::string_view name) {
    const json::Value* v = in.if_contains(name);
    if (v != nullptr) return number(*v, name);
    wrong(fmt::format("{}: missing", name));
    return 0;
  }
  double positive(const json::Object& in, std::string_view name) {
    const double out = number(in, name);
    if (!(out > 0)) wrong(fmt::format("{}: must be above 0", name));
    return out;
  }
  std::size_t count(const json::Value& v, std::string_view name, std::size_t most) {
    return count(number(v, name), name, most);
  }
  std::size_t count(double out, std::string_view name, std::size_t most) {
    if (out >= 0 && out == std::floor(out) && out <= static_cast<double>(most)) {
      return static_cast<std::size_t>(out);
    }
    wrong(fmt::format("{}: not a whole number of at most {}", name, most));
    return 0;
  }

 private:
  std::string error_;
  json::Object empty_object_;
  json::Array empty_array_;
};

void skip_blanks(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
}

/// The file in two: the points, which are nearly all of it, and the rest as values.
struct Parts {
  json::Value head;
  std::optional<std::string_view> points{};  // what stands between the brackets of their list
};

/// `written` holds the points where somebody else than to_text() wrote the file.
Result<Parts> parts_of(std::string_view text, std::string& written) {
  const std::size_t at = text.find(kPointsBegin);
  if (at != std::string_view::npos && text.ends_with(kPointsEnd)) {
    const std::string_view rest = text.substr(at + kPointsBegin.size());
    auto head = json::parse(std::string(text.substr(0, at)) + "}");
    if (head && rest.size() >= kPointsEnd.size()) {
      return Parts{std::move(*head), rest.substr(0, rest.size() - kPointsEnd.size())};
    }
  }
  auto whole = json::parse(text);
  if (!whole) return fail(std::move(whole).error());
  Parts out{std::move(*whole)};
  if (!out.head.is_object()) return out;
  const json::Value* points = out.head.get_object().if_contains("points");
  if (points != nullptr && points->is_array()) {
    written = json::to_line(*points);
    out.points = std::string_view(written).substr(1, written.size() - 2);
  }
  return out;
}

Kernel read_kernel(Reader& reader, const json::Object& in, Latency of) {
  Kernel kernel;
  kernel.shape = start_kernel(of).shape;
  const KernelShape& shape = kernel.shape;
  kernel.log_noise = reader.number(in, "log_noise");
  if (std::abs(kernel.log_noise) > 20) reader.wrong("log_noise: out of range");
  for (const json::Value& v : reader.array(in, "terms", kMostTerms)) {
    if (!v.is_object()) {
      reader.wrong("terms: not an object");
      break;
    }
    KernelTerm& term = kernel.terms.emplace_back();
    const json::Object& t = v.get_object();
    term.log_amplitude = reader.number(t, "log_amplitude");
    const double weight = reader.number(t, "weight");
    if (weight < KernelTerm::kVaried || weight > KernelTerm::kLinear ||
        std::abs(term.log_amplitude) > 20) {
      reader.wrong("terms: weight or log_amplitude is out of range");
      break;
    }
    term.weight = static_cast<int>(weight);
    term.log_penalty.assign(shape.respects(), KernelTerm::kUnused);
    for (const auto& [name, value] : reader.object(t, "log_penalty")) {
      const std::string_view key(name.data(), name.size());
      std::size_t place = shape.respects();
      for (std::size_t r = 0; r < shape.categories.size(); ++r) {
        if (shape.categories[r] == key) place = r;
      }
      for (std::size_t r = 0; r < shape.continuous.size(); ++r) {
        if (shape.continuous[r] == key) place = shape.categories.size() + r;
      }
      if (key == "shares") place = shape.respects() - 1;
      if (place == shape.respects()) {
        reader.wrong(fmt::format("log_penalty: '{}' is no feature of this version", key));
        break;
      }
      const double log = reader.number(value, key);
      if (std::abs(log) > 30) reader.wrong("log_penalty: out of range");
      term.log_penalty[place] = log;
    }
  }
  return kernel;
}

Coefficients read_coefficients(Reader& reader, const json::Object& in) {
  Coefficients out;
  const json::Object& parts = reader.object(in, "parts_ns");
  const json::Object& extras = reader.object(in, "extras_ms");
  for (std::size_t i = 0; i < kParts; ++i) out.parts[i] = reader.positive(parts, kPartNames[i]);
  for (std::size_t i = 0; i < kExtras; ++i) out.extras[i] = reader.positive(extras, kExtraNames[i]);
  return out;
}

BandScale read_band(Reader& reader, const json::Object& in) {
  BandScale b;
  b.tpot = reader.positive(in, "tpot");
  b.ttft = reader.positive(in, "ttft");
  b.e2e = reader.positive(in, "e2e");
  if (const json::Value* v = in.if_contains("points")) {
    b.points = reader.count(*v, "points", kMostPoints * 100);
  }
  const json::Array& inside = reader.array(in, "inside", 3);
  const json::Array& width = reader.array(in, "width", 3);
  if (inside.size() == 3 && width.size() == 3) {
    b.tpot_inside = reader.number(inside[0], "inside");
    b.ttft_inside = reader.number(inside[1], "inside");
    b.e2e_inside = reader.number(inside[2], "inside");
    b.tpot_width = reader.number(width[0], "width");
    b.ttft_width = reader.number(width[1], "width");
    b.e2e_width = reader.number(width[2], "width");
  }
  return b;
}

/// The line of a point, number by number, taken off the front of what is left of the points: half
/// a million numbers are not made JSON values first.
class Line {
 public:
  Line(Reader& reader, std::string_view& rest) : reader_(reader), rest_(rest) {
    if (!take('[')) reader_.wrong("points: not an array of numbers");
  }

  double number() {
    if (const auto value = next()) return *value;
    reader_.wrong("points: not a number");
    return 0;
  }
  double number_or_nan() { return next().value_or(std::nan("")); }
  std::size_t place(std::size_t most) { return reader_.count(number(), "points", most); }
  void close() {
    if (!take(']')) reader_.wrong("points: a line is too long");
  }

 private:
  bool take(char wanted) {
    skip_blanks(rest_);
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  /// Nothing for null.
  std::optional<double> next() {
    if (!first_ && !take(',')) {
      reader_.wrong("points: a line is too short");
      return 0;
    }
    first_ = false;
    skip_blanks(rest_);
    if (rest_.starts_with("null")) {
      rest_.remove_prefix(4);
      return std::nullopt;
    }
    double value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc()) reader_.wrong("points: not a number");
    if (!(std::abs(value) <= kMostNumber)) reader_.wrong("points: out of range");
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return value;
  }

  Reader& reader_;
  std::string_view& rest_;
  bool first_ = true;
};

void read_latency(Reader& reader, Line& line, ResidualProcess& of, Covariates at,
                  std::size_t shares) {
  at.continuous[at.continuous.size() - 2] = line.number();
  for (std::size_t s = 0; s < shares; ++s) at.shares.push_back(line.number());
  of.at.push_back(std::move(at));
  of.residual.push_back(line.number_or_nan());
  of.noise.push_back(line.number_or_nan());
  of.alpha.push_back(line.number());
  if (of.noise.back() <= 0) reader.wrong("points: a noise is not above 0");
}

void read_points(Reader& reader, const json::Object& in, std::string_view points,
                 Calibration& out) {
  const KernelShape& shape = out.tpot.kernel.shape;
  std::vector<std::vector<std::string>> names;
  const auto words = [&](const json::Array& of) {
    std::vector<std::string> list;
    for (const json::Value& v : of) {
      if (v.is_string()) {
        list.emplace_back(v.get_string());
      } else {
        reader.wrong("names: not a text");
      }
    }
    return list;
  };
  for (const json::Value& v : reader.array(in, "names", shape.categories.size())) {
    if (!v.is_array() || v.get_array().size() > kMostNames) {
      return reader.wrong("names: not an array of texts");
    }
    names.push_back(words(v.get_array()));
  }
  if (names.size() != shape.categories.size()) return reader.wrong("names: one list per category");
  const std::vector<std::string> series = words(reader.array(in, "series", kMostNames));
  for (skip_blanks(points); !points.empty(); skip_blanks(points)) {
    if (out.series.size() == kMostPoints) {
      return reader.wrong(fmt::format("points: not an array of at most {}", kMostPoints));
    }
    if (!out.series.empty()) {
      if (!points.starts_with(',')) return reader.wrong("points: not an array of arrays");
      points.remove_prefix(1);
    }
    Line line(reader, points);
    const std::size_t run = line.place(series.size());
    if (run >= series.size()) return reader.wrong("points: no such series");
    out.series.push_back(series[run]);
    Covariates at;
    for (const auto& list : names) {
      const std::size_t place = line.place(list.size());
      if (place >= list.size()) return reader.wrong("points: no such name");
      at.categories.push_back(list[place]);
    }
    at.continuous.resize(shape.continuous.size());
    for (std::size_t i = 0; i < at.continuous.size(); ++i) {
      if (i != at.continuous.size() - 2) at.continuous[i] = line.number();
    }
    read_latency(reader, line, out.tpot, at, kParts);
    read_latency(reader, line, out.ttft, at, kParts + kExtras);
    line.close();
    if (reader.failed()) return;
  }
}

}  // namespace

std::string Calibration::hash() const { return content_hash(to_text(*this)); }

std::string to_text(const Calibration& c) {
  json::Object provenance{
      {"program_version", c.provenance.program_version},
      {"made_on", c.provenance.made_on},
      {"sources", json::Array(c.provenance.sources.begin(), c.provenance.sources.end())},
      {"data_hash", c.provenance.data_hash},
      {"tables_hash", c.provenance.tables_hash},
      {"points", c.provenance.points},
      {"weighted_down", c.provenance.weighted_down}};
  json::Array errors;
  for (const SchemeErrors& e : c.cross_validated) {
    errors.push_back(
        json::Object{{"left_out", e.scheme},
                     {"points", e.points},
                     {"tpot", json::Array{number(e.tpot_median, 4), number(e.tpot_mean, 4)}},
                     {"ttft", json::Array{number(e.ttft_median, 4), number(e.ttft_mean, 4)}},
                     {"e2e", json::Array{number(e.e2e_median, 4), number(e.e2e_mean, 4)}}});
  }
  json::Object parts, extras, dates;
  for (std::size_t i = 0; i < kParts; ++i) {
    parts[kPartNames[i]] = number(c.coefficients.parts[i]);
  }
  for (std::size_t i = 0; i < kExtras; ++i) {
    extras[kExtraNames[i]] = number(c.coefficients.extras[i]);
  }
  for (const auto& [version, years] : c.version_dates) dates[version] = number(years, 6);

  std::vector<Dictionary> names(c.tpot.kernel.shape.categories.size());
  Dictionary series;
  std::string points;
  for (std::size_t i = 0; i < c.tpot.at.size(); ++i) {
    const Covariates& at = c.tpot.at[i];
    json::Array line{series(i < c.series.size() ? c.series[i] : "")};
    for (std::size_t k = 0; k < names.size(); ++k) line.push_back(names[k](at.categories[k]));
    for (std::size_t k = 0; k < at.continuous.size(); ++k) {
      if (k != at.continuous.size() - 2) line.push_back(number(at.continuous[k]));
    }
    add_latency(line, c.tpot, i);
    add_latency(line, c.ttft, i);
    points += (i == 0 ? "\n" : ",\n") + json::to_line(line);
  }
  json::Array name_lists;
  for (Dictionary& d : names) name_lists.push_back(d.take());
  json::Object head{{"format", kFormat},
                    {"provenance", std::move(provenance)},
                    {"cross_validated", std::move(errors)},
                    {"coefficients", json::Object{{"parts_ns", std::move(parts)},
                                                  {"extras_ms", std::move(extras)}}},
                    {"bands", json::Object{{"near", band_json(c.near_scale)},
                                           {"far", band_json(c.far_scale)},
                                           {"varied_near", band_json(c.varied_near_scale)},
                                           {"varied_far", band_json(c.varied_far_scale)}}},
                    {"tpot", kernel_json(c.tpot.kernel)},
                    {"ttft", kernel_json(c.ttft.kernel)},
                    {"version_dates", std::move(dates)},
                    {"names", std::move(name_lists)},
                    {"series", series.take()}};
  // A line per point, so that a change is seen where it is.
  std::string out = json::to_line(head);
  out.pop_back();
  return out + ",\"points\":[" + points + "\n]}\n";
}

Result<Calibration> calibration_from_text(std::string_view text) {
  std::string written;
  auto parts = parts_of(text, written);
  if (!parts) return fail(std::move(parts).error().during("calibration"));
  Reader reader;
  const auto broken = [&](const std::string& what) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("calibration: {}; make the file again with kneepoint calibrate", what));
  };
  if (!parts->head.is_object()) return broken("not an object");
  const json::Object& in = parts->head.get_object();
  const std::string format = reader.text(in, "format");
  if (reader.failed()) return broken(reader.error());
  if (format != kFormat) {
    return fail(ErrorCode::Incompatible,
                fmt::format("calibration: format '{}' is not {}; make the file again with "
                            "kneepoint calibrate",
                            format.substr(0, 80), kFormat));
  }
  Calibration out;
  const json::Object& p = reader.object(in, "provenance");
  out.provenance.program_version = reader.text(p, "program_version");
  out.provenance.made_on = reader.text(p, "made_on");
  for (const json::Value& v : reader.array(p, "sources", kMostNames)) {
    if (v.is_string()) out.provenance.sources.emplace_back(v.get_string());
  }
  out.provenance.data_hash = reader.text(p, "data_hash");
  out.provenance.tables_hash = reader.text(p, "tables_hash");
  out.provenance.points = static_cast<std::size_t>(std::max(0.0, reader.number(p, "points")));
  out.provenance.weighted_down =
      static_cast<std::size_t>(std::max(0.0, reader.number(p, "weighted_down")));
  for (const json::Value& v : reader.array(in, "cross_validated", 100)) {
    if (!v.is_object()) return broken("cross_validated: not an object");
    const json::Object& e = v.get_object();
    SchemeErrors& s = out.cross_validated.emplace_back();
    s.scheme = reader.text(e, "left_out");
    s.points = static_cast<std::size_t>(std::max(0.0, reader.number(e, "points")));
    const auto pair = [&](std::string_view name, double& median, double& mean) {
      const json::Array& a = reader.array(e, name, 2);
      if (a.size() != 2) return reader.wrong(fmt::format("{}: not two numbers", name));
      median = reader.number(a[0], name);
      mean = reader.number(a[1], name);
    };
    pair("tpot", s.tpot_median, s.tpot_mean);
    pair("ttft", s.ttft_median, s.ttft_mean);
    pair("e2e", s.e2e_median, s.e2e_mean);
  }
  out.coefficients = read_coefficients(reader, reader.object(in, "coefficients"));
  const json::Object& bands = reader.object(in, "bands");
  out.near_scale = read_band(reader, reader.object(bands, "near"));
  out.far_scale = read_band(reader, reader.object(bands, "far"));
  out.varied_near_scale = read_band(reader, reader.object(bands, "varied_near"));
  out.varied_far_scale = read_band(reader, reader.object(bands, "varied_far"));
  out.tpot.kernel = read_kernel(reader, reader.object(in, "tpot"), Latency::Tpot);
  out.ttft.kernel = read_kernel(reader, reader.object(in, "ttft"), Latency::Ttft);
  for (const auto& [version, years] : reader.object(in, "version_dates")) {
    out.version_dates[std::string(version)] = reader.number(years, "version_dates");
  }
  if (!parts->points) reader.wrong("points: not an array");
  if (!reader.failed()) read_points(reader, in, *parts->points, out);
  if (reader.failed()) return broken(reader.error());
  return out;
}

Result<StepCalibration> step_calibration_from_text(std::string_view text) {
  // As to_text() writes it: what is asked for here comes before the bands, the points come last.
  const std::size_t bands = text.find(",\"bands\":{\"near\":");
  const std::size_t points = text.find(kPointsBegin);
  if (bands < points && points != std::string_view::npos && text.ends_with(kPointsEnd)) {
    if (const auto head = json::parse(std::string(text.substr(0, bands)) + "}");
        head && head->is_object()) {
      const json::Object& in = head->get_object();
      Reader reader;
      if (reader.text(in, "format") == kFormat) {
        StepCalibration out;
        out.coefficients = read_coefficients(reader, reader.object(in, "coefficients"));
        out.hash = content_hash(text.substr(0, points));
        if (!reader.failed()) return out;
      }
    }
  }
  // Written by somebody else, or wrong: then the error is that of reading all of it.
  auto whole = calibration_from_text(text);
  if (!whole) return fail(std::move(whole).error());
  return StepCalibration{whole->coefficients, whole->hash()};
}

}  // namespace kneepoint::predict
