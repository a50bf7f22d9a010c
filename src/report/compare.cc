#include "report/compare.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/text.h"
#include "report/plot_layout.h"
#include "run/measured_profile.h"

namespace kneepoint::report {
namespace {

using metrics::Histogram;
using metrics::Metric;

constexpr double kFamilyLevel = 0.95;
constexpr std::size_t kNormal =
    1'000;  // degrees of freedom: Student's t is then the normal's within 0.2 %

double variance(const Histogram& histogram) {
  const double mean = histogram.mean();
  double sum = 0;
  for (const Histogram::Bucket& bucket : histogram.buckets()) {
    const double middle =
        (static_cast<double>(bucket.first.count()) + static_cast<double>(bucket.last.count())) / 2;
    sum += static_cast<double>(bucket.count) * (middle - mean) * (middle - mean);
  }
  return sum / static_cast<double>(histogram.count());
}

// By how much fewer independent requests the ones measured stand for; at least 1.
double clumping(const run::PointRecord& point, Metric metric,
                const std::optional<metrics::MeanInterval>& interval) {
  const auto at = static_cast<std::size_t>(metric);
  if (!interval || interval->batches < 2 || at >= point.latency.size()) return 1;
  const Histogram& histogram = point.latency[at];
  if (histogram.empty()) return 1;
  const double error_ms =
      interval->half_width / metrics::student_t(interval->level, interval->batches - 1);
  const double independent = variance(histogram) / 1e12 / (error_ms * error_ms);
  if (!(independent > 0)) return 1;
  return std::max(1.0, static_cast<double>(histogram.count()) / independent);
}

Estimate of_mean(const std::optional<metrics::MeanInterval>& interval, double value, double level) {
  Estimate estimate{.value = value};
  if (!interval || interval->batches < 2) return estimate;
  const double half = interval->half_width /
                      metrics::student_t(interval->level, interval->batches - 1) *
                      metrics::student_t(level, interval->batches - 1);
  estimate.value = interval->mean;
  estimate.low = interval->mean - half;
  estimate.high = interval->mean + half;
  return estimate;
}

Estimate of_quantile(const run::PointRecord& point, Metric metric, double q, double level) {
  Estimate estimate;
  const metrics::Spread& spread = point.summary.of(metric);
  estimate.value = q == 0.5 ? spread.p50 : spread.p99;
  const auto at = static_cast<std::size_t>(metric);
  if (at >= point.latency.size() || point.latency[at].empty()) return estimate;
  const Histogram& histogram = point.latency[at];
  const std::uint64_t requests = point.latency[static_cast<std::size_t>(Metric::E2e)].count();
  const double clumped = std::max(clumping(point, Metric::Ttft, point.ttft_interval),
                                  clumping(point, Metric::E2e, point.e2e_interval));
  const double independent =
      static_cast<double>(std::min(histogram.count(), std::max<std::uint64_t>(requests, 1))) /
      clumped;
  const double z = metrics::student_t(level, kNormal);
  const double reach = z * std::sqrt(q * (1 - q) / independent);
  // Past the last value but one there is no upper bound to be had.
  if (q + reach > 1 - 1 / independent || q - reach < 1 / independent) return estimate;
  const auto ms = [&histogram](double share) {
    return static_cast<double>(histogram.quantile(share)->count()) / 1e6;
  };
  estimate.low = std::min(estimate.value, ms(q - reach));
  estimate.high = std::max(estimate.value, ms(q + reach));
  return estimate;
}

Estimate of_failures(const run::PointRecord& point, double level) {
  Estimate estimate;
  const auto sent = static_cast<double>(point.requests_sent);
  if (!(sent > 0)) return estimate;
  const double p = static_cast<double>(point.requests_failed) / sent;
  const double z = metrics::student_t(level, kNormal);
  const double middle = (p + z * z / (2 * sent)) / (1 + z * z / sent);
  const double half =
      z / (1 + z * z / sent) * std::sqrt(p * (1 - p) / sent + z * z / (4 * sent * sent));
  return {100 * p, 100 * std::max(0.0, middle - half), 100 * std::min(1.0, middle + half)};
}

struct Figure {
  const char* key;
  const char* words;
  const char* unit;
  bool more_is_better;
  Estimate (*of)(const run::PointRecord&, double level);
};

template <Metric metric>
Estimate p50(const run::PointRecord& point, double level) {
  return of_quantile(point, metric, 0.5, level);
}
template <Metric metric>
Estimate p99(const run::PointRecord& point, double level) {
  return of_quantile(point, metric, 0.99, level);
}

constexpr Figure kFigures[] = {
    {"output_tokens_per_second", "output tokens/s", "tokens/s", true,
     [](const run::PointRecord& point, double level) {
       const auto& rate = point.summary.output_rate;
       return of_mean(point.output_rate_interval, rate ? rate->per_second() : metrics::kMissing,
                      level);
     }},
    {"ttft_mean_ms", "TTFT mean", "ms", false,
     [](const run::PointRecord& point, double level) {
       return of_mean(point.ttft_interval, point.summary.of(Metric::Ttft).mean, level);
     }},
    {"ttft_p50_ms", "TTFT p50", "ms", false, p50<Metric::Ttft>},
    {"ttft_p99_ms", "TTFT p99", "ms", false, p99<Metric::Ttft>},
    {"itl_p50_ms", "ITL p50", "ms", false, p50<Metric::Itl>},
    {"itl_p99_ms", "ITL p99", "ms", false, p99<Metric::Itl>},
    {"tpot_p50_ms", "TPOT p50", "ms", false, p50<Metric::Tpot>},
    {"e2e_mean_ms", "E2E mean", "ms", false,
     [](const run::PointRecord& point, double level) {
       return of_mean(point.e2e_interval, point.summary.of(Metric::E2e).mean, level);
     }},
    {"e2e_p99_ms", "E2E p99", "ms", false, p99<Metric::E2e>},
    {"failed_percent", "failed requests", "%", false, of_failures},
};

void judge(Difference& difference, bool more_is_better) {
  const Estimate &a = difference.a, &b = difference.b;
  difference.change = a.value > 0 ? b.value / a.value - 1 : metrics::kMissing;
  if (metrics::is_missing(a.low) || metrics::is_missing(b.low)) return;
  const double d = b.value - a.value;
  difference.low = d - std::hypot(b.value - b.low, a.high - a.value);
  difference.high = d + std::hypot(b.high - b.value, a.value - a.low);
  if (difference.low <= 0 && difference.high >= 0) {
    difference.judgement = Judgement::NoDifference;
  } else {
    difference.judgement = (d > 0) == more_is_better ? Judgement::Better : Judgement::Worse;
  }
}

// The members of a workload by their dotted names, without what a sweep varies.
void flatten(const json::Value& value, const std::string& name,
             std::map<std::string, std::string>& out) {
  if (const json::Object* object = value.if_object()) {
    for (const auto& member : *object) {
      const std::string inner = (name.empty() ? "" : name + ".") + std::string(member.key());
      flatten(member.value(), inner, out);
    }
  } else {
    out[name] = json::to_line(value);
  }
}

std::map<std::string, std::string> members_of(const workload::RunSpec& spec) {
  std::map<std::string, std::string> members;
  flatten(workload::to_json(spec), "", members);
  for (const char* varied :
       {"arrivals.rate", "in_flight", "requests", "duration_s", "duration", "seed", "schema"}) {
    members.erase(varied);
  }
  return members;
}

void add_differing(std::vector<Differing>& out, const std::string& what, const std::string& a,
                   const std::string& b) {
  if (a == b) return;
  const bool known =
      std::ranges::any_of(out, [&what](const Differing& d) { return d.what == what; });
  if (!known) out.push_back({what, a.empty() ? "-" : a, b.empty() ? "-" : b});
}

void compare_workloads(const workload::RunSpec& a, const workload::RunSpec& b,
                       Comparison& comparison) {
  auto of_a = members_of(a), of_b = members_of(b);
  for (const auto& [what, words] : of_a) {
    add_differing(comparison.not_comparable, what, words, of_b[what]);
  }
  for (const auto& [what, words] : of_b) {
    add_differing(comparison.not_comparable, what, of_a[what], words);
  }
  add_differing(comparison.context, "seed", std::to_string(a.seed), std::to_string(b.seed));
}

// By load; of points at the same load the last one.
std::map<double, const run::PointRecord*> by_load(const BenchReport& report, curve::LoadKind kind,
                                                  std::string_view which,
                                                  std::vector<std::string>& left_out) {
  std::map<double, const run::PointRecord*> points;
  for (const run::PointRecord& point : report.points) {
    const Load load = load_of(point);
    const std::string words = load_text(load) + " of " + std::string(which);
    if (load.kind != kind || metrics::is_missing(load.value)) {
      left_out.push_back(words + ": another kind of load");
    } else if (!counts(point)) {
      left_out.push_back(words + ": does not count" +
                         (point.self.valid ? "" : ", not valid: " + point.self.reason));
    } else {
      points[load.value] = &point;
    }
  }
  return points;
}

std::string change_words(const Difference& difference, curve::LoadKind kind) {
  std::string words = difference.words + " at " + load_text({kind, difference.load});
  if (!metrics::is_missing(difference.change)) {
    words +=
        std::string(difference.change > 0 ? " +" : " ") + fixed(100 * difference.change, 1) + " %";
  }
  return words + " (" + figure(difference.a.value) + " -> " + figure(difference.b.value) + " " +
         difference.unit + ")";
}

std::string verdict_of(const Comparison& comparison) {
  if (!comparison.not_comparable.empty()) {
    std::vector<std::string> what;
    for (const Differing& differing : comparison.not_comparable) what.push_back(differing.what);
    return "Not comparable: the workloads differ in " + join(what, ", ");
  }
  if (comparison.differences.empty()) return "Not comparable: no load was measured in both";
  std::size_t better = 0, worse = 0, judged = 0;
  const Difference *most_better = nullptr, *most_worse = comparison.worst(0);
  for (const Difference& difference : comparison.differences) {
    judged += difference.judgement == Judgement::CannotTell ? 0 : 1;
    worse += difference.judgement == Judgement::Worse ? 1 : 0;
    if (difference.judgement != Judgement::Better) continue;
    ++better;
    const auto size = [](const Difference* d) { return d == nullptr ? 0 : std::abs(d->change); };
    if (size(&difference) > size(most_better)) most_better = &difference;
  }
  const std::string of = " of " + std::to_string(judged) + " figures";
  if (judged == 0) return "Too few requests to tell A and B apart";
  if (better == 0 && worse == 0) {
    return "No significant difference in any" + of;
  }
  std::string words;
  if (worse > 0) {
    words = "B is significantly worse in " + std::to_string(worse) + of;
    if (most_worse != nullptr) words += ", most in " + change_words(*most_worse, comparison.kind);
  }
  if (better > 0) {
    words += worse > 0 ? "; better in " + std::to_string(better)
                       : "B is significantly better in " + std::to_string(better) + of;
    if (most_better != nullptr) words += ", most in " + change_words(*most_better, comparison.kind);
  }
  return words;
}

}  // namespace

std::string_view name(Judgement judgement) {
  switch (judgement) {
    case Judgement::Better:
      return "better";
    case Judgement::Worse:
      return "worse";
    case Judgement::NoDifference:
      return "no-difference";
    case Judgement::CannotTell:
      break;
  }
  return "cannot-tell";
}

const Difference* Comparison::worst(double share) const {
  // From nothing to something is worse than any share.
  const auto size = [](const Difference& difference) {
    return metrics::is_missing(difference.change) ? HUGE_VAL : std::abs(difference.change);
  };
  const Difference* worst = nullptr;
  for (const Difference& difference : differences) {
    if (difference.judgement != Judgement::Worse || size(difference) <= share) continue;
    if (worst == nullptr || size(difference) > size(*worst)) worst = &difference;
  }
  return worst;
}

Comparison compare(const BenchReport& a, const BenchReport& b) {
  Comparison comparison;
  comparison.kind = curve_of(a).kind;
  add_differing(comparison.context, "model", a.facts.model, b.facts.model);
  add_differing(comparison.context, "target", without_credentials(a.facts.target),
                without_credentials(b.facts.target));
  add_differing(comparison.context, "server", a.facts.server, b.facts.server);
  add_differing(comparison.context, "server version", a.facts.server_version,
                b.facts.server_version);
  add_differing(comparison.context, "accelerator", a.facts.accelerator, b.facts.accelerator);
  add_differing(comparison.context, "client", a.facts.client, b.facts.client);

  const auto of_a = by_load(a, comparison.kind, "A", comparison.left_out);
  const auto of_b = by_load(b, comparison.kind, "B", comparison.left_out);
  std::vector<std::pair<const run::PointRecord*, const run::PointRecord*>> pairs;
  for (const auto& [load, point] : of_a) {
    const auto other = of_b.find(load);
    if (other == of_b.end()) {
      comparison.left_out.push_back(load_text({comparison.kind, load}) + ": only in A");
      continue;
    }
    pairs.emplace_back(point, other->second);
    compare_workloads(point->spec, other->second->spec, comparison);
  }
  for (const auto& [load, point] : of_b) {
    if (!of_a.contains(load)) {
      comparison.left_out.push_back(load_text({comparison.kind, load}) + ": only in B");
    }
  }
  const auto figures =
      static_cast<double>(std::max<std::size_t>(1, pairs.size()) * std::size(kFigures));
  comparison.level = 1 - (1 - kFamilyLevel) / figures;
  for (const auto& [from, to] : pairs) {
    for (const Figure& what : kFigures) {
      Difference difference{.load = load_of(*from).value,
                            .key = what.key,
                            .words = what.words,
                            .unit = what.unit,
                            .a = what.of(*from, comparison.level),
                            .b = what.of(*to, comparison.level)};
      if (metrics::is_missing(difference.a.value) && metrics::is_missing(difference.b.value)) {
        continue;
      }
      judge(difference, what.more_is_better);
      if (!comparison.not_comparable.empty()) difference.judgement = Judgement::CannotTell;
      comparison.differences.push_back(std::move(difference));
    }
  }
  comparison.verdict = verdict_of(comparison);
  return comparison;
}

}  // namespace kneepoint::report
