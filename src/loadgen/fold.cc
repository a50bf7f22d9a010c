#include "loadgen/fold.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace kneepoint::loadgen {
namespace {

using metrics::Metric;
using metrics::Outcome;
using metrics::StreamingPattern;
using metrics::Timeline;

constexpr Nanos kLeastSlice = std::chrono::seconds(1);  // of the time series
constexpr std::uint64_t kWatchEvery = 8;
constexpr std::uint64_t kWatchLeast = 50;

double seconds(Nanos time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

Fold::Fold(std::vector<metrics::Bound> bounds) : bounds_(std::move(bounds)) {
  parts_.reserve(kMostSlices);
}

Fold::Part& Fold::part_at(Nanos time) {
  auto at = static_cast<std::size_t>(std::max<std::int64_t>(0, time / length_));
  while (at >= kMostSlices) {
    join_neighbours();
    at /= 2;
  }
  while (parts_.size() <= at) {
    const auto i = static_cast<std::int64_t>(parts_.size());
    Part& part = parts_.emplace_back();
    part.tally.window = {length_ * i, length_ * (i + 1)};
    part.tally.bounds = bounds_;
    part.tally.pattern = pattern_;
  }
  return parts_[at];
}

void Fold::join_neighbours() {
  for (std::size_t i = 0; i < parts_.size(); i += 2) {
    Part& left = parts_[i];
    if (i + 1 < parts_.size()) {
      const Part& right = parts_[i + 1];
      left.tally.append(right.tally);
      left.sent += right.sent;
      left.completed += right.completed;
      left.failed += right.failed;
      left.events += right.events;
      left.in_flight += right.in_flight;
    } else {
      left.tally.window.to = left.tally.window.from + 2 * length_;
    }
    if (i > 0) parts_[i / 2] = std::move(left);
  }
  parts_.resize((parts_.size() + 1) / 2);
  length_ *= 2;
}

void Fold::on_sent(Nanos due) { ++part_at(due).sent; }

void Fold::on_in_flight(Nanos from, Nanos to, std::int64_t count) {
  while (from < to) {
    Part& part = part_at(from);
    const Nanos until = std::clamp(part.tally.window.to, from + Nanos(1), to);
    part.in_flight += static_cast<double>(count) * static_cast<double>((until - from).count());
    from = until;
  }
}

void Fold::on_events(Nanos at, std::uint32_t events) {
  if (events > 0) part_at(at).events += events;
}

void Fold::add(const Timeline& timeline) {
  Part& part = part_at(timeline.end);
  ++(timeline.outcome == Outcome::Completed ? part.completed : part.failed);
  if (decided_) {
    watch_pattern(timeline);
    take(timeline);
    return;
  }
  held_.push_back(timeline);
  held_events_ += timeline.events.size();
  held_completed_ += timeline.outcome == Outcome::Completed;
  if (held_completed_ >= kHold || held_events_ >= kHoldEvents || held_.size() >= 16 * kHold) {
    decide();
  }
}

void Fold::decide() {
  decided_ = true;
  pattern_ = metrics::streaming_pattern(held_);
  for (Part& part : parts_) part.tally.pattern = pattern_;
  drain_.pattern = pattern_;
  for (const Timeline& timeline : held_) take(timeline);
  held_.clear();
  held_.shrink_to_fit();
}

void Fold::take(const Timeline& timeline) {
  part_at(timeline.due).tally.add_due(timeline);
  if (timeline.outcome != Outcome::Completed) return;
  const bool drained = load_end_ && timeline.end >= *load_end_;
  (drained ? drain_ : part_at(timeline.end).tally).add_completed(timeline);
}

/// A sample of the later answers, each held against what was decided. One answer of few events fits
/// many patterns, so only longer ones speak.
void Fold::watch_pattern(const Timeline& timeline) {
  if (folded_++ % kWatchEvery != 0 || pattern_.kind == StreamingPattern::Kind::Mixed) return;
  if (timeline.events.size() < 8) return;
  const StreamingPattern seen = metrics::streaming_pattern({&timeline, 1});
  if (seen.kind == StreamingPattern::Kind::Unknown) return;
  ++watched_;
  const bool same = seen.kind == pattern_.kind &&
                    std::abs(seen.tokens_per_event - pattern_.tokens_per_event) < 0.5;
  if (same) return;
  ++differed_;
  other_ = seen;
}

void Fold::end_load(Nanos at) {
  if (!load_end_ || at < *load_end_) load_end_ = at;
}

metrics::Tally Fold::sum(std::size_t first) const {
  metrics::Tally out;
  out.bounds = bounds_;
  out.pattern = pattern_;
  if (first >= parts_.size()) return out;
  out.window = parts_[first].tally.window;
  for (std::size_t i = first; i < parts_.size(); ++i) out.append(parts_[i].tally);
  return out;
}

Fold::Kept Fold::finish(Nanos cut) {
  if (!decided_) decide();
  const auto first = static_cast<std::size_t>((cut + length_ - Nanos(1)) / length_);
  metrics::Tally tally = sum(first < parts_.size() ? first : 0);
  if (load_end_) tally.window.to = std::max(*load_end_, tally.window.from);
  return kept(std::move(tally));
}

Fold::Kept Fold::finish_whole(Nanos end) {
  if (!decided_) decide();
  metrics::Tally tally = sum(0);
  tally.append(drain_);
  tally.window = {Nanos(0), end};
  return kept(std::move(tally));
}

Fold::Kept Fold::kept(metrics::Tally tally) {
  Kept out{.tally = std::move(tally), .slices = slices(), .pattern_changed = {}};
  if (watched_ >= kWatchLeast && differed_ * 10 > watched_) {
    out.pattern_changed = fmt::format(
        "the server streamed {} at first and {} later: gaps between tokens of the later answers "
        "are read by what was seen first",
        metrics::describe(pattern_), metrics::describe(other_));
  }
  return out;
}

std::vector<run::Slice> Fold::slices() const {
  std::vector<run::Slice> out;
  // Slices below a second are put together: they hold too little to have a percentile.
  const std::size_t group =
      length_ < kLeastSlice ? static_cast<std::size_t>(kLeastSlice / length_) : 1;
  std::uint64_t events = 0, tokens = 0;
  for (const Part& part : parts_) {
    events += part.events;
    tokens += static_cast<std::uint64_t>(part.tally.output.count());
  }
  tokens += static_cast<std::uint64_t>(drain_.output.count());
  const double per_event =
      events > 0 && tokens > 0 ? static_cast<double>(tokens) / static_cast<double>(events) : 1;
  for (std::size_t i = 0; i < parts_.size(); i += group) {
    Part joined = parts_[i];
    for (std::size_t k = i + 1; k < std::min(i + group, parts_.size()); ++k) {
      joined.tally.append(parts_[k].tally);
      joined.sent += parts_[k].sent;
      joined.completed += parts_[k].completed;
      joined.failed += parts_[k].failed;
      joined.events += parts_[k].events;
      joined.in_flight += parts_[k].in_flight;
    }
    run::Slice slice;
    slice.from = joined.tally.window.from;
    slice.length = joined.tally.window.length();
    slice.sent = joined.sent;
    slice.completed = joined.completed;
    slice.failed = joined.failed;
    slice.output_tokens_per_second =
        static_cast<double>(joined.events) * per_event / seconds(slice.length);
    slice.in_flight_mean = joined.in_flight / static_cast<double>(slice.length.count());
    const auto ttft = metrics::spread(joined.tally.latency[static_cast<std::size_t>(Metric::Ttft)]);
    const auto itl = metrics::spread(joined.tally.latency[static_cast<std::size_t>(Metric::Itl)]);
    slice.ttft_p50_ms = ttft.p50;
    slice.ttft_p99_ms = ttft.p99;
    slice.itl_p50_ms = itl.p50;
    slice.itl_p99_ms = itl.p99;
    out.push_back(slice);
  }
  return out;
}

std::size_t Fold::memory_bytes() const {
  std::size_t bytes = sizeof *this;
  for (const Part& part : parts_) {
    bytes += sizeof part + part.tally.send_delay.memory_bytes();
    for (const auto& histogram : part.tally.latency) bytes += histogram.memory_bytes();
  }
  for (const Timeline& timeline : held_) {
    bytes += sizeof timeline + timeline.events.capacity() * sizeof(metrics::TokenEvent);
  }
  return bytes;
}

}  // namespace kneepoint::loadgen
