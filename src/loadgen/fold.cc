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

constexpr int kEarliest = 32;
constexpr Nanos kLeastSlice = std::chrono::seconds(1);  // of the time series
constexpr std::uint64_t kWatchEvery = 8;
constexpr std::uint64_t kWatchLeast = 50;

double seconds(Nanos time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

Fold::Fold(std::vector<metrics::Bound> bounds, std::optional<Nanos> cut)
    : bounds_(std::move(bounds)), cut_(cut), slices_(kMostSlices) {
  open_part();
}

void Fold::open_part() {
  const Nanos from = parts_.empty() ? Nanos(0) : parts_.back().window.to;
  Nanos to = std::max(from + kFirstPart, from + from / 2);
  if (cut_) to = from < *cut_ ? *cut_ : Nanos::max();
  metrics::Tally& part = parts_.emplace_back();
  part.window = {from, to};
  part.bounds = bounds_;
  part.pattern = pattern_;
  // What lies far back is of no more use in small parts.
  const Nanos least = from / kEarliest;
  std::size_t last = 0;
  for (std::size_t i = 1; i < parts_.size(); ++i) {
    if (parts_[i].window.to - parts_[last].window.from <= least) {
      parts_[last].append(parts_[i]);
    } else if (++last != i) {
      parts_[last] = std::move(parts_[i]);
    }
  }
  parts_.resize(last + 1);
}

metrics::Tally& Fold::part_at(Nanos time) {
  while (time >= parts_.back().window.to) open_part();
  std::size_t at = parts_.size() - 1;
  while (at > 0 && time < parts_[at].window.from) --at;
  return parts_[at];
}

void Fold::Slice::add(const Slice& other) {
  sent += other.sent;
  completed += other.completed;
  failed += other.failed;
  events += other.events;
  in_flight += other.in_flight;
  ttft.merge(other.ttft);
  itl.merge(other.itl);
}

Fold::Slice& Fold::slice_at(Nanos time) {
  auto at = static_cast<std::size_t>(std::max<std::int64_t>(0, time / length_));
  while (at >= kMostSlices) {
    for (std::size_t i = 0; i < kMostSlices; i += 2) {
      slices_[i].add(slices_[i + 1]);
      if (i > 0) slices_[i / 2] = slices_[i];
    }
    std::fill(slices_.begin() + kMostSlices / 2, slices_.end(), Slice{});
    used_ = (used_ + 1) / 2;
    length_ *= 2;
    at /= 2;
  }
  used_ = std::max(used_, at + 1);
  return slices_[at];
}

void Fold::on_sent(Nanos due) { ++slice_at(due).sent; }

void Fold::on_in_flight(Nanos from, Nanos to, std::int64_t count) {
  while (from < to) {
    Slice& slice = slice_at(from);
    const Nanos next = length_ * (from / length_ + 1);
    const Nanos until = std::min(next, to);
    slice.in_flight += static_cast<double>(count) * static_cast<double>((until - from).count());
    from = until;
  }
}

void Fold::on_events(Nanos at, std::uint32_t events) {
  if (events > 0) slice_at(at).events += events;
}

void Fold::add(const Timeline& timeline) {
  Slice& slice = slice_at(timeline.end);
  ++(timeline.outcome == Outcome::Completed ? slice.completed : slice.failed);
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
  for (metrics::Tally& part : parts_) part.pattern = pattern_;
  drain_.pattern = pattern_;
  for (const Timeline& timeline : held_) take(timeline);
  held_.clear();
  held_.shrink_to_fit();
}

void Fold::take(const Timeline& timeline) {
  part_at(timeline.due).add_due(timeline);
  if (timeline.outcome != Outcome::Completed) return;
  const bool drained = load_end_ && timeline.end >= *load_end_;
  (drained ? drain_ : part_at(timeline.end)).add_completed(timeline);
  Slice& slice = slice_at(timeline.due);
  if (const auto ttft = metrics::ttft(timeline)) slice.ttft.record(*ttft);
  metrics::add_itl(timeline, pattern_, slice.itl);
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
  out.window = parts_[first].window;
  for (std::size_t i = first; i < parts_.size(); ++i) out.append(parts_[i]);
  return out;
}

Fold::Kept Fold::finish(Nanos cut) {
  if (!decided_) decide();
  std::size_t first = 0;
  while (first + 1 < parts_.size() && parts_[first].window.from < cut) ++first;
  metrics::Tally tally = sum(first);
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
  Kept out{.tally = std::move(tally),
           .slices = slices(),
           .drained = drain_.completed,
           .pattern_changed = {}};
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
  std::uint64_t events = 0;
  auto tokens = static_cast<std::uint64_t>(drain_.output.count());
  for (const Slice& slice : slices_) events += slice.events;
  for (const metrics::Tally& part : parts_) {
    tokens += static_cast<std::uint64_t>(part.output.count());
  }
  const double per_event =
      events > 0 && tokens > 0 ? static_cast<double>(tokens) / static_cast<double>(events) : 1;
  const auto ms = [](const metrics::CoarseHistogram& times, double q) {
    const auto value = times.quantile(q);
    return value ? static_cast<double>(value->count()) / 1e6 : metrics::kMissing;
  };
  for (std::size_t i = 0; i < used_; i += group) {
    const std::size_t end = std::min(i + group, used_);
    Slice joined = slices_[i];
    for (std::size_t k = i + 1; k < end; ++k) joined.add(slices_[k]);
    run::Slice slice;
    slice.from = length_ * static_cast<std::int64_t>(i);
    slice.length = length_ * static_cast<std::int64_t>(end - i);
    slice.sent = joined.sent;
    slice.completed = joined.completed;
    slice.failed = joined.failed;
    slice.output_tokens_per_second =
        static_cast<double>(joined.events) * per_event / seconds(slice.length);
    slice.in_flight_mean = joined.in_flight / static_cast<double>(slice.length.count());
    slice.ttft_p50_ms = ms(joined.ttft, 0.5);
    slice.ttft_p99_ms = ms(joined.ttft, 0.99);
    slice.itl_p50_ms = ms(joined.itl, 0.5);
    slice.itl_p99_ms = ms(joined.itl, 0.99);
    out.push_back(slice);
  }
  return out;
}

std::size_t Fold::memory_bytes() const {
  std::size_t bytes = sizeof *this + slices_.size() * sizeof(Slice);
  for (const metrics::Tally& part : parts_) {
    bytes += sizeof part + part.send_delay.memory_bytes();
    for (const auto& histogram : part.latency) bytes += histogram.memory_bytes();
  }
  for (const Timeline& timeline : held_) {
    bytes += sizeof timeline + timeline.events.capacity() * sizeof(metrics::TokenEvent);
  }
  return bytes;
}

}  // namespace kneepoint::loadgen
