#include "report/bench_report.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "base/text.h"
#include "report/plot_layout.h"
#include "run/measured_profile.h"

namespace kneepoint::report {
namespace {

using metrics::Metric;
using metrics::Statistic;

std::string count_of(std::size_t n, std::string_view one, std::string_view many) {
  return figure(static_cast<double>(n)) + " " + std::string(n == 1 ? one : many);
}

std::string latency_words(const curve::LoadPoint& point) {
  std::string words;
  for (const Metric metric : {Metric::Ttft, Metric::Itl}) {
    const double ms = point.latency.get(metric, Statistic::P50);
    if (metrics::is_missing(ms)) continue;
    words += ", " + std::string(metrics::label(metric)) + " p50 " + figure(ms) + " ms";
  }
  return words;
}

std::string headline_of(const BenchReport& report, const BenchCurve& curve) {
  if (report.points.empty()) return "No load point was measured";
  const curve::Knee& knee = curve.knee;
  switch (knee.state) {
    case curve::KneeState::Found: {
      const curve::LoadPoint& at = curve.points[knee.index];
      return "Knee at " + load_text({curve.kind, at.load}) + ": " +
             figure(at.output_tokens_per_second) + " output tokens/s" + latency_words(at);
    }
    case curve::KneeState::NotReached:
      return "No knee up to " + load_text({curve.kind, knee.highest_load}) +
             ": throughput still rises at the highest load measured";
    case curve::KneeState::TooFewPoints:
      if (curve.points.size() == 1) {
        const curve::LoadPoint& at = curve.points.front();
        return "One load, " + load_text({curve.kind, at.load}) + ": " +
               figure(at.output_tokens_per_second) + " output tokens/s" + latency_words(at);
      }
      return "No statement about the knee: " + count_of(knee.loads, "load counts", "loads count") +
             ", it takes " + std::to_string(curve::kFewestLoads);
    case curve::KneeState::NotASteadyState:
      break;
  }
  return "Bursts have no steady state and so no knee";
}

// "2026-11-21T14:03:07Z" -> "2026-11-21 14:03"
std::string minute_of(std::string_view stamp) {
  std::string text(stamp.substr(0, 16));
  if (text.size() == 16 && text[10] == 'T') text[10] = ' ';
  return text;
}

std::string evidence_of(const BenchReport& report) {
  std::string first = report.facts.started_at, last;
  for (const run::PointRecord& point : report.points) {
    if (point.started_at.empty()) continue;
    if (first.empty() || point.started_at < first) first = point.started_at;
    last = std::max(last, point.started_at);
  }
  std::string line = report.facts.predicted ? "Simulated, a prediction" : "Measured";
  if (!first.empty()) line += " " + minute_of(first);
  if (!last.empty() && minute_of(last) != minute_of(first)) {
    const std::string end = minute_of(last);
    const bool same_day = end.substr(0, 10) == first.substr(0, 10) && end.size() == 16;
    line += " to " + (same_day ? end.substr(11) : end);
  }
  if (!first.empty()) line += " UTC";
  const RunFacts& facts = report.facts;
  line += " by " + (facts.client.empty() ? "kneepoint" : facts.client);
  if (!facts.host.empty()) line += " on " + facts.host;
  if (!facts.target.empty()) line += ", against " + without_credentials(facts.target);
  return line;
}

}  // namespace

Load load_of(const run::PointRecord& point) {
  return {run::load_kind(point.spec), run::offered_load(point)};
}

std::string load_text(const Load& load) {
  if (load.kind == curve::LoadKind::Concurrency && load.value == 1) return "1 client";
  return figure(load.value) + " " + std::string(curve::unit(load.kind));
}

bool counts(const run::PointRecord& point) {
  return point.self.valid && point.end != run::PointEnd::ServerGone;
}

BenchCurve curve_of(const BenchReport& report) {
  BenchCurve result;
  const auto of_rate = std::ranges::count_if(report.points, [](const run::PointRecord& point) {
    return load_of(point).kind == curve::LoadKind::RequestRate;
  });
  if (2 * static_cast<std::size_t>(of_rate) > report.points.size()) {
    result.kind = curve::LoadKind::RequestRate;
  }
  for (std::size_t i = 0; i < report.points.size(); ++i) {
    const bool same = load_of(report.points[i]).kind == result.kind;
    (same ? result.order : result.of_another_kind).push_back(i);
  }
  std::ranges::stable_sort(result.order, {}, [&report](std::size_t i) {
    const double load = load_of(report.points[i]).value;
    return std::isnan(load) ? HUGE_VAL : load;
  });

  std::vector<curve::LoadPoint> counted;
  std::vector<std::size_t> at;
  for (const std::size_t i : result.order) {
    result.points.push_back(run::profile_point(report.points[i]).at);
    result.counts.push_back(counts(report.points[i]));
    if (!result.counts.back()) continue;
    at.push_back(result.points.size() - 1);
    counted.push_back(result.points.back());
  }
  result.knee = curve::find_knee(counted, result.kind);
  if (result.knee.index < at.size()) result.knee.index = at[result.knee.index];
  result.zones.assign(result.points.size(), curve::Zone::Unknown);
  const std::vector<curve::Zone> zones = curve::zones(counted, result.knee);
  for (std::size_t i = 0; i < at.size(); ++i) result.zones[at[i]] = zones[i];
  return result;
}

Verdict verdict_of(const BenchReport& report, const BenchCurve& curve) {
  Verdict verdict;
  verdict.headline = headline_of(report, curve);
  verdict.evidence = evidence_of(report);

  std::size_t invalid = 0, gone = 0, interrupted = 0;
  std::uint64_t sent = 0, failed = 0;
  for (const run::PointRecord& point : report.points) {
    invalid += point.self.valid ? 0 : 1;
    gone += point.end == run::PointEnd::ServerGone ? 1 : 0;
    interrupted += point.end == run::PointEnd::Interrupted ? 1 : 0;
    sent += point.requests_sent;
    failed += point.requests_failed;
  }
  std::vector<std::string> doubts;
  if (invalid > 0) {
    doubts.push_back("the load generator was the bottleneck at " +
                     count_of(invalid, "point, which is", "points, which are") +
                     " left out of the knee");
  }
  if (gone > 0) doubts.push_back("the server went away at " + count_of(gone, "point", "points"));
  if (interrupted > 0) {
    doubts.push_back(count_of(interrupted, "point was", "points were") + " interrupted");
  }
  if (failed > 0) {
    const double share = 100.0 * static_cast<double>(failed) / static_cast<double>(sent);
    doubts.push_back(figure(static_cast<double>(failed)) + " of " +
                     figure(static_cast<double>(sent)) + " requests failed (" + figure(share) +
                     " %)");
  }
  verdict.sound = doubts.empty();
  if (verdict.sound) {
    verdict.validity = report.points.empty()
                           ? "Nothing to judge"
                           : "Valid: the load generator kept up at every point and no request of " +
                                 figure(static_cast<double>(sent)) + " failed";
  } else {
    verdict.validity = join(doubts, "; ");
    verdict.validity.front() =
        static_cast<char>(std::toupper(static_cast<unsigned char>(verdict.validity.front())));
  }
  return verdict;
}

std::string without_credentials(std::string_view url) {
  const std::size_t scheme = url.find("://");
  const std::size_t host = scheme == std::string_view::npos ? 0 : scheme + 3;
  const std::size_t path = std::min(url.find_first_of("/?#", host), url.size());
  const std::size_t at = url.substr(0, path).rfind('@');
  if (at == std::string_view::npos || at < host) return std::string(url);
  return std::string(url.substr(0, host)) + std::string(url.substr(at + 1));
}

}  // namespace kneepoint::report
