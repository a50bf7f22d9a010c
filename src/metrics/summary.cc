#include "metrics/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace kneepoint::metrics {
namespace {

double milliseconds(std::optional<Nanos> time) {
  return time ? static_cast<double>(time->count()) / 1e6 : kMissing;
}

std::optional<Nanos> value_of(Metric metric, const Timeline& timeline,
                              const StreamingPattern& pattern) {
  switch (metric) {
    case Metric::Ttft:
      return ttft(timeline);
    case Metric::Tpot:
      return tpot(timeline);
    case Metric::Itl:
      return longest_itl(timeline, pattern);
    case Metric::Ntpot:
      return ntpot(timeline);
    case Metric::E2e:
      return e2e(timeline);
  }
  return std::nullopt;
}

/// Two parts of one run that were seen differently were, together, mixed. The greater number of
/// tokens, since a mean of means would depend on the order of merging.
StreamingPattern together(const StreamingPattern& a, const StreamingPattern& b) {
  using Kind = StreamingPattern::Kind;
  if (a == b || b.kind == Kind::Unknown) return a;
  if (a.kind == Kind::Unknown) return b;
  return {Kind::Mixed, std::max(a.tokens_per_event, b.tokens_per_event), false};
}

std::string counted_by(const Tally& tally) {
  if (tally.completed == 0) return "";
  if (tally.counted_by_events == 0) return std::string(name(TokenSource::Usage));
  if (tally.counted_by_usage == 0) return std::string(name(TokenSource::Events));
  return fmt::format("{} of {} requests, {} of {}", name(TokenSource::Usage),
                     tally.counted_by_usage, name(TokenSource::Events), tally.counted_by_events);
}

void add_latencies(Tally& tally, const Timeline& timeline) {
  for (const Metric metric : kMetrics) {
    Histogram& latency = tally.latency[static_cast<std::size_t>(metric)];
    if (metric == Metric::Itl) {
      add_itl(timeline, tally.pattern, latency);
    } else if (const auto value = value_of(metric, timeline, tally.pattern)) {
      latency.record(*value);
    }
  }
}

void add_tokens(Tally& tally, const Timeline& timeline) {
  ++tally.completed;
  ++(timeline.usage ? tally.counted_by_usage : tally.counted_by_events);
  tally.counts_disagree += token_counts_disagree(timeline);
  tally.output += output_tokens(timeline);
  if (timeline.usage) tally.input += timeline.usage->input;
}

void add_counts(Tally& sum, const Tally& other) {
  sum.pattern = together(sum.pattern, other.pattern);
  for (std::size_t i = 0; i < sum.latency.size(); ++i) sum.latency[i].merge(other.latency[i]);
  sum.send_delay.merge(other.send_delay);
  for (std::size_t i = 0; i < sum.by_outcome.size(); ++i) sum.by_outcome[i] += other.by_outcome[i];
  sum.good += other.good;
  sum.completed += other.completed;
  sum.counted_by_usage += other.counted_by_usage;
  sum.counted_by_events += other.counted_by_events;
  sum.counts_disagree += other.counts_disagree;
  sum.input += other.input;
  sum.output += other.output;
}

Requests requests(std::uint64_t n) { return Requests(static_cast<std::int64_t>(n)); }

}  // namespace

Spread spread(const Histogram& histogram) {
  if (histogram.empty()) return {};
  return {.values = histogram.count(),
          .mean = histogram.mean() / 1e6,
          .p50 = milliseconds(histogram.quantile(0.50)),
          .p90 = milliseconds(histogram.quantile(0.90)),
          .p95 = milliseconds(histogram.quantile(0.95)),
          .p99 = milliseconds(histogram.quantile(0.99)),
          .max = milliseconds(histogram.max())};
}

Window whole_run(std::span<const Timeline> timelines) {
  if (timelines.empty()) return {};
  Window out{timelines.front().due, timelines.front().end};
  for (const Timeline& timeline : timelines) {
    out.from = std::min(out.from, timeline.due);
    out.to = std::max(out.to, std::max(timeline.end, timeline.due));
  }
  out.to += Nanos(1);
  return out;
}

bool is_good(const Timeline& timeline, const StreamingPattern& pattern,
             std::span<const Bound> bounds) {
  if (timeline.outcome != Outcome::Completed) return false;
  return std::ranges::all_of(bounds, [&](const Bound& bound) {
    const auto value = value_of(bound.metric, timeline, pattern);
    if (value) return *value <= bound.at_most;
    return (bound.metric == Metric::Tpot || bound.metric == Metric::Itl) &&
           output_tokens(timeline) == Tokens(1);
  });
}

Result<void> Tally::merge(const Tally& other) {
  if (window != other.window || bounds != other.bounds) {
    return fail(ErrorCode::Conflict,
                "these tallies are of different windows or bounds; merge parts of one run only");
  }
  add_counts(*this, other);
  return {};
}

void Tally::append(const Tally& next) {
  window.to = next.window.to;
  add_counts(*this, next);
}

void Tally::add_due(const Timeline& timeline) {
  ++by_outcome[static_cast<std::size_t>(timeline.outcome)];
  if (const auto delay = metrics::send_delay(timeline)) send_delay.record(*delay);
  if (timeline.outcome == Outcome::Completed) add_latencies(*this, timeline);
  good += is_good(timeline, pattern, bounds);
}

void Tally::add_completed(const Timeline& timeline) { add_tokens(*this, timeline); }

Tally tally(std::span<const Timeline> timelines, const Window& window,
            std::span<const Bound> bounds) {
  return tally(timelines, window, bounds, streaming_pattern(timelines));
}

Tally tally(std::span<const Timeline> timelines, const Window& window,
            std::span<const Bound> bounds, const StreamingPattern& pattern) {
  Tally out;
  out.window = window;
  out.bounds.assign(bounds.begin(), bounds.end());
  out.pattern = pattern;
  for (const Timeline& timeline : timelines) {
    const bool completed = timeline.outcome == Outcome::Completed;
    if (completed && window.holds(timeline.end)) out.add_completed(timeline);
    if (window.holds(timeline.due)) out.add_due(timeline);
  }
  return out;
}

Summary summarize(const Tally& tally) {
  Summary out;
  out.window = tally.window;
  for (std::size_t i = 0; i < out.latency.size(); ++i) out.latency[i] = spread(tally.latency[i]);
  out.send_delay = spread(tally.send_delay);
  out.by_outcome = tally.by_outcome;
  out.requests =
      std::accumulate(tally.by_outcome.begin(), tally.by_outcome.end(), std::uint64_t{0});
  out.bounds = tally.bounds;
  const bool timed = tally.window.length() > Nanos(0);
  if (!tally.bounds.empty() && out.requests > 0) {
    out.good_share = static_cast<double>(tally.good) / static_cast<double>(out.requests);
    if (timed) out.goodput = requests(tally.good) / tally.window.length();
  }
  if (timed) {
    out.requests_per_second = requests(tally.completed) / tally.window.length();
    out.output_rate = tally.output / tally.window.length();
    if (tally.counted_by_events == 0) out.input_rate = tally.input / tally.window.length();
  }
  out.tokens_counted_by = counted_by(tally);
  out.counts_disagree = tally.counts_disagree;
  out.pattern = tally.pattern;
  return out;
}

std::vector<std::string> remarks(const Summary& summary) {
  std::vector<std::string> out;
  if (!summary.tokens_counted_by.empty() && summary.tokens_counted_by != name(TokenSource::Usage)) {
    out.push_back(fmt::format(
        "tokens counted by {}: an event is taken for one token where it does not say; ask the "
        "server for usage",
        summary.tokens_counted_by));
  }
  if (summary.counts_disagree > 0) {
    out.push_back(
        fmt::format("the server's usage and its events disagree on the tokens of {} "
                    "requests; usage is used",
                    summary.counts_disagree));
  }
  if (summary.pattern.itl_marked()) {
    out.push_back(
        fmt::format("the server streams {}: gaps are divided by tokens, read TPOT rather "
                    "than the percentiles of ITL",
                    describe(summary.pattern)));
  }
  if (const auto lost = summary.requests - summary.of(Outcome::Completed); lost > 0) {
    out.push_back(fmt::format("latencies are of {} of {} requests; the others did not complete",
                              summary.of(Outcome::Completed), summary.requests));
  }
  return out;
}

}  // namespace kneepoint::metrics
