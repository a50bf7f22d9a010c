#include "workload/length.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/first_normals.h"
#include "base/portable_math.h"
#include "workload/length_batch.h"
#include "workload/trace.h"

namespace kneepoint::workload {
namespace {

/// Where every draw ends up: whole tokens within the bounds.
struct Bounds {
  explicit Bounds(const LengthSpec& spec)
      : min(static_cast<double>(spec.min.value_or(1))),
        max(static_cast<double>(spec.max.value_or(kMostTokens))) {}

  double clamp(double tokens) const { return std::clamp(tokens, min, max); }
  Tokens whole(double tokens) const {
    return Tokens(static_cast<std::int64_t>(std::floor(clamp(tokens) + 0.5)));
  }

  double min;
  double max;
};

class FixedLength final : public LengthDistribution {
 public:
  explicit FixedLength(LengthSpec spec) : spec_(std::move(spec)) {}
  Tokens draw(Random&) const override { return Tokens(static_cast<std::int64_t>(spec_.first)); }
  double mean() const override { return spec_.first; }
  std::string describe() const override { return to_text(spec_); }

 private:
  LengthSpec spec_;
};

class UniformLength final : public LengthDistribution {
 public:
  explicit UniformLength(LengthSpec spec) : spec_(std::move(spec)) {}
  Tokens draw(Random& random) const override {
    const auto least = static_cast<std::int64_t>(spec_.first);
    const auto values = static_cast<std::uint64_t>(spec_.second - spec_.first) + 1;
    return Tokens(least + static_cast<std::int64_t>(random.below(values)));
  }
  double mean() const override { return (spec_.first + spec_.second) / 2; }
  std::string describe() const override { return to_text(spec_); }

 private:
  LengthSpec spec_;
};

double normal_below(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }
double normal_density(double z) { return std::exp(-z * z / 2) / std::sqrt(2 * std::acos(-1.0)); }

class NormalLength final : public LengthDistribution {
 public:
  explicit NormalLength(LengthSpec spec) : spec_(std::move(spec)), bounds_(spec_) {}
  Tokens draw(Random& random) const override {
    return bounds_.whole(spec_.first + spec_.second * random.normal());
  }
  void draw_first(const RandomStreams& streams, std::uint64_t first, std::span<Tokens> out) const {
    std::array<double, 32> normals;
    while (!out.empty()) {
      const std::span some(normals.data(), std::min(normals.size(), out.size()));
      first_normals(streams, first, some);
      for (std::size_t i = 0; i < some.size(); ++i) {
        out[i] = bounds_.whole(spec_.first + spec_.second * some[i]);
      }
      out = out.subspan(some.size());
      first += some.size();
    }
  }
  // What lies outside sits on the bounds; inside, the mean of the cut bell.
  double mean() const override {
    if (spec_.second == 0) return bounds_.clamp(spec_.first);
    const double a = (bounds_.min - spec_.first) / spec_.second;
    const double b = (bounds_.max - spec_.first) / spec_.second;
    return bounds_.min * normal_below(a) + bounds_.max * normal_below(-b) +
           spec_.first * (normal_below(b) - normal_below(a)) +
           spec_.second * (normal_density(a) - normal_density(b));
  }
  std::string describe() const override { return to_text(spec_); }

 private:
  LengthSpec spec_;
  Bounds bounds_;
};

class LognormalLength final : public LengthDistribution {
 public:
  explicit LognormalLength(LengthSpec spec) : spec_(std::move(spec)), bounds_(spec_) {
    const double variation = spec_.second / spec_.first;
    const double variance = portable_log(1 + variation * variation);
    sigma_ = std::sqrt(variance);
    mu_ = portable_log(spec_.first) - variance / 2;
  }
  Tokens draw(Random& random) const override {
    return bounds_.whole(portable_exp(mu_ + sigma_ * random.normal()));
  }
  double mean() const override {
    if (sigma_ == 0) return bounds_.clamp(spec_.first);
    const double a = (std::log(bounds_.min) - mu_) / sigma_;
    const double b = (std::log(bounds_.max) - mu_) / sigma_;
    return bounds_.min * normal_below(a) + bounds_.max * normal_below(-b) +
           spec_.first * (normal_below(b - sigma_) - normal_below(a - sigma_));
  }
  std::string describe() const override { return to_text(spec_); }

 private:
  LengthSpec spec_;
  Bounds bounds_;
  double mu_ = 0;
  double sigma_ = 0;
};

class EmpiricalLength final : public LengthDistribution {
 public:
  EmpiricalLength(std::vector<Tokens> values, LengthSpec spec)
      : values_(std::move(values)), spec_(std::move(spec)), bounds_(spec_) {
    for (Tokens& value : values_) value = bounds_.whole(static_cast<double>(value.count()));
  }
  Tokens draw(Random& random) const override { return values_[random.below(values_.size())]; }
  double mean() const override {
    const Tokens sum = std::accumulate(values_.begin(), values_.end(), Tokens());
    return static_cast<double>(sum.count()) / static_cast<double>(values_.size());
  }
  std::string describe() const override { return to_text(spec_); }

 private:
  std::vector<Tokens> values_;
  LengthSpec spec_;
  Bounds bounds_;
};

/// Lengths of which only a table was published: least, median, mean, two percentiles, most.
///
/// A draw is Q(u) for a uniform u, with a quantile function Q that passes through the table:
///
///     u    0 ... 0.5    Q = least + (median - least) (2u)^k
///     u  0.5 ... 0.9    Q goes from the median to p90 along an exponential
///     u  0.9 ... 0.99   Q goes from p90 to p99 along a line, and on to the most the same way
///
/// Every piece rises, so Q does. Token counts lean to the right, which the exponential follows
/// where the table leaves the widest gap; a line there puts the mean of either column well above
/// the published one (255 for 226, 223 for 195). The published mean then settles the one number
/// left open: a piece's part of the mean is its width times its average,
///
///     0.5 (least + (median - least) / (k + 1))
///   + 0.4 (p90 - median) / ln(p90 / median)
///   + 0.09 (p90 + p99) / 2 + 0.01 (p99 + most) / 2  =  mean
///
/// which gives k directly: 0.93 for the inputs (nearly a line), 2.38 for the outputs (many short
/// answers). A lognormal does not do: through the median and the p90 its means are 281 and 222.
struct QuantileTable {
  double least, median, mean, p90, p99, most;

  double exponent() const {
    const double rest = 0.4 * (p90 - median) / portable_log(p90 / median) + 0.09 * (p90 + p99) / 2 +
                        0.01 * (p99 + most) / 2;
    const double lower_half = (mean - rest) / 0.5;
    return (median - least) / (lower_half - least) - 1;
  }
};

constexpr QuantileTable kSharegptInput{4, 108, 226, 635, 887, 1024};
constexpr QuantileTable kSharegptOutput{1, 132, 195, 488, 778, 1024};

class TableLength final : public LengthDistribution {
 public:
  TableLength(const QuantileTable& table, LengthSpec spec)
      : table_(table),
        spec_(std::move(spec)),
        bounds_(spec_),
        exponent_(table.exponent()),
        growth_(portable_log(table.p90 / table.median) / 0.4) {}
  Tokens draw(Random& random) const override { return bounds_.whole(quantile(random.uniform())); }
  double mean() const override {
    if (!spec_.min && !spec_.max) return table_.mean;
    constexpr int kSteps = 100'000;
    double sum = 0;
    for (int i = 0; i < kSteps; ++i) sum += bounds_.clamp(quantile((i + 0.5) / kSteps));
    return sum / kSteps;
  }
  std::string describe() const override { return to_text(spec_); }

 private:
  double quantile(double u) const {
    const QuantileTable& t = table_;
    if (u == 0) return t.least;
    if (u < 0.5) {
      return t.least + (t.median - t.least) * portable_exp(exponent_ * portable_log(2 * u));
    }
    if (u < 0.9) return t.median * portable_exp(growth_ * (u - 0.5));
    if (u < 0.99) return t.p90 + (t.p99 - t.p90) * (u - 0.9) / 0.09;
    return t.p99 + (t.most - t.p99) * (u - 0.99) / 0.01;
  }

  QuantileTable table_;
  LengthSpec spec_;
  Bounds bounds_;
  double exponent_;
  double growth_;
};

}  // namespace

void draw_first(const LengthDistribution& lengths, const RandomStreams& streams,
                std::uint64_t first, std::span<Tokens> out) {
  // Of the others each draw is an affair of its own.
  if (const auto* normal = dynamic_cast<const NormalLength*>(&lengths)) {
    return normal->draw_first(streams, first, out);
  }
  for (Tokens& tokens : out) {
    Random random = streams.at(first++);
    tokens = lengths.draw(random);
  }
}

std::unique_ptr<LengthDistribution> empirical_lengths(std::vector<Tokens> values,
                                                      const LengthSpec& spec) {
  return std::make_unique<EmpiricalLength>(std::move(values), spec);
}

Result<std::unique_ptr<LengthDistribution>> make_length(const LengthSpec& spec, Side side) {
  switch (spec.kind) {
    case LengthKind::Fixed:
      return std::make_unique<FixedLength>(spec);
    case LengthKind::Uniform:
      return std::make_unique<UniformLength>(spec);
    case LengthKind::Normal:
      return std::make_unique<NormalLength>(spec);
    case LengthKind::Lognormal:
      return std::make_unique<LognormalLength>(spec);
    case LengthKind::SharegptInput:
      return std::make_unique<TableLength>(kSharegptInput, spec);
    case LengthKind::SharegptOutput:
      return std::make_unique<TableLength>(kSharegptOutput, spec);
    case LengthKind::File:
      break;
  }
  auto trace = read_trace(spec.path);
  if (!trace) return fail(std::move(trace.error()));
  std::vector<Tokens> values;
  values.reserve(trace->rows.size());
  for (const TraceRow& row : trace->rows) {
    values.push_back(side == Side::Input ? row.input : row.output);
  }
  return empirical_lengths(std::move(values), spec);
}

}  // namespace kneepoint::workload
