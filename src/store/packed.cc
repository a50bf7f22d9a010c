#include "store/packed.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>

#include "store/columns.h"

namespace kneepoint::store {
namespace {

static_assert(std::endian::native == std::endian::little, "the packed column is little-endian");

constexpr std::uint8_t kFormat = 1;
constexpr std::uint8_t kPredictedFormat = 2;
constexpr std::int32_t kUnknownInt = std::numeric_limits<std::int32_t>::min();
constexpr std::size_t kRates = 4;
constexpr std::size_t kFigures = kRates + metrics::kMetrics.size() * metrics::kStatistics.size();

using Figures = std::array<double, kFigures>;

Figures figures(const curve::LoadPoint& at) {
  Figures all;
  std::size_t n = 0;
  visit_rate_columns(at, [&](const char*, double value) { all[n++] = value; });
  for (metrics::Metric m : metrics::kMetrics)
    for (metrics::Statistic s : metrics::kStatistics) all[n++] = at.latency.get(m, s);
  return all;
}

class Writer {
 public:
  template <class T>
  void raw(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void operator()(const char*, const std::string& text) { put_text(text); }
  void operator()(const char*, std::optional<int> value) {
    raw(static_cast<std::int32_t>(value.value_or(kUnknownInt)));
  }
  void operator()(const char*, std::optional<bool> value) {
    raw(static_cast<std::int8_t>(value ? *value : -1));
  }
  void operator()(const char*, std::optional<double> value) {
    raw(value.value_or(metrics::kMissing));
  }
  void operator()(const char*, curve::LoadKind kind) { raw(static_cast<std::uint8_t>(kind)); }
  void operator()(const char*, profile::EvidenceKind kind) { raw(static_cast<std::uint8_t>(kind)); }
  void put_text(std::string_view text) {
    raw(static_cast<std::uint32_t>(text.size()));
    bytes_ += text;
  }
  void close_head() {
    const auto size = static_cast<std::uint32_t>(bytes_.size());
    std::memcpy(bytes_.data() + sizeof kFormat, &size, sizeof size);
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

/// Reads what Writer wrote; past the end it yields zeros and remembers that it did.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : next_(bytes.data()), left_(bytes.size()) {}

  template <class T>
  T raw() {
    T value{};
    if (const char* from = take(sizeof value)) std::memcpy(&value, from, sizeof value);
    return value;
  }
  std::string_view text() {
    const auto size = raw<std::uint32_t>();
    const char* from = take(size);
    return from ? std::string_view(from, size) : std::string_view();
  }
  void operator()(const char*, std::string_view& to) { to = text(); }
  void operator()(const char*, std::optional<int>& to) {
    if (const auto value = raw<std::int32_t>(); value != kUnknownInt) to = value;
  }
  void operator()(const char*, std::optional<bool>& to) {
    if (const auto value = raw<std::int8_t>(); value >= 0) to = value != 0;
  }
  void operator()(const char*, std::optional<double>& to) {
    if (const double value = raw<double>(); !metrics::is_missing(value)) to = value;
  }
  void operator()(const char*, curve::LoadKind& to) { enumerator(to, curve::LoadKind::Burst); }
  void operator()(const char*, profile::EvidenceKind& to) {
    enumerator(to, profile::EvidenceKind::Predicted);
  }
  const char* take(std::size_t size) {
    if (size > left_) {
      failed_ = true;
      left_ = 0;
      return nullptr;
    }
    const char* from = next_;
    next_ += size;
    left_ -= size;
    return from;
  }
  std::size_t left() const { return left_; }
  bool failed() const { return failed_; }

 private:
  template <class Enum>
  void enumerator(Enum& to, Enum last) {
    const auto value = raw<std::uint8_t>();
    if (value > static_cast<std::uint8_t>(last)) failed_ = true;
    to = static_cast<Enum>(value);
  }

  const char* next_;
  std::size_t left_;
  bool failed_ = false;
};

tl::unexpected<Error> damaged() {
  return fail(ErrorCode::Incompatible,
              "the store's packed profiles are damaged: restore a backup, or remove the store and "
              "fill it again");
}

std::uint32_t wanted_bits(std::span<const metrics::Metric> wanted) {
  constexpr std::uint32_t all = (1u << kFigures) - 1;
  if (wanted.empty()) return all;
  std::uint32_t bits = (1u << kRates) - 1;
  for (metrics::Metric m : wanted)
    for (metrics::Statistic s : metrics::kStatistics)
      bits |= 1u << (kRates + static_cast<std::size_t>(latency_bit(m, s)));
  return bits;
}

/// Where figure `n` of a point lies.
void set_figure(curve::LoadPoint& at, std::size_t n, double value) {
  switch (n) {
    case 0:
      at.load = value;
      return;
    case 1:
      at.requests_per_second = value;
      return;
    case 2:
      at.output_tokens_per_second = value;
      return;
    case 3:
      at.input_tokens_per_second = value;
      return;
    default:
      n -= kRates;
      at.latency.set(metrics::kMetrics[n / metrics::kStatistics.size()],
                     metrics::kStatistics[n % metrics::kStatistics.size()], value);
  }
}

}  // namespace

std::string pack(const profile::Profile& profile, std::string_view flags) {
  Writer out;
  const bool predicted = profile.evidence.kind == profile::EvidenceKind::Predicted;
  out.raw(predicted ? kPredictedFormat : kFormat);
  out.raw(std::uint32_t{0});  // the head's size, by close_head
  visit_ranking_columns(profile, out);
  if (predicted) visit_prediction_columns(profile, out);
  std::string_view newest;
  for (const profile::Point& point : profile.points)
    newest = std::max<std::string_view>(newest, point.measured_on);
  out.put_text(newest);
  out.put_text(flags);

  std::vector<Figures> rows;
  rows.reserve(profile.points.size());
  std::uint32_t present = 1;  // the load always stands
  for (const profile::Point& point : profile.points) {
    rows.push_back(figures(point.at));
    for (std::size_t n = 0; n < kFigures; ++n)
      if (!metrics::is_missing(rows.back()[n])) present |= 1u << n;
  }
  out.raw(static_cast<std::uint32_t>(rows.size()));
  out.raw(present);
  out.close_head();
  for (std::size_t n = 0; n < kFigures; ++n)
    if (present >> n & 1)
      for (const Figures& row : rows) out.raw(row[n]);
  return out.take();
}

Result<void> unpack(std::string_view bytes, std::span<const metrics::Metric> wanted,
                    profile::Ranking& into) {
  Reader start(bytes);
  const auto format = start.raw<std::uint8_t>();
  const auto head = start.raw<std::uint32_t>();
  const std::size_t started = bytes.size() - start.left();
  if ((format != kFormat && format != kPredictedFormat) || head < started || head > bytes.size())
    return damaged();
  Reader in(into.keep(bytes.substr(started, head - started)));
  profile::RankingRow& row = into.add_row();
  visit_ranking_columns(row, in);
  if (format == kPredictedFormat) visit_prediction_columns(row, in);
  row.measured_on = in.text();
  row.flags = in.text();
  const auto count = in.raw<std::uint32_t>();
  const auto present = in.raw<std::uint32_t>();

  Reader figures_in(bytes.substr(head));
  const std::size_t column = count * sizeof(double);
  if (in.failed() || in.left() != 0 || present >> kFigures != 0 || !(present & 1) ||
      figures_in.left() != column * static_cast<std::size_t>(std::popcount(present)))
    return damaged();
  const std::span<curve::LoadPoint> points = into.add_points(count);
  const std::uint32_t wanted_figures = wanted_bits(wanted);
  for (std::uint32_t bits = present; bits != 0; bits &= bits - 1) {
    const auto n = static_cast<std::size_t>(std::countr_zero(bits));
    const char* from = figures_in.take(column);
    if (!(wanted_figures >> n & 1)) continue;
    for (std::size_t i = 0; i < count; ++i) {
      double value;
      std::memcpy(&value, from + i * sizeof value, sizeof value);
      set_figure(points[i], n, value);
    }
  }
  row.points = points;
  return {};
}

}  // namespace kneepoint::store
