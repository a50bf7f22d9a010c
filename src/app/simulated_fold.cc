#include "app/simulated_fold.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace kneepoint::app {
namespace {

using metrics::Metric;
using metrics::Outcome;
using sim::RequestRecord;

constexpr Nanos kLeastSlice = std::chrono::seconds(1);  // of the time series
constexpr std::size_t kMostReserved = 1 << 20;

double ms(Nanos time) { return static_cast<double>(time.count()) / 1e6; }

bool completed(const RequestRecord& request) { return request.outcome == Outcome::Completed; }

}  // namespace

WarmupFound find_warmup(const std::vector<Nanos>& due, const std::vector<double>& ttft_ms,
                        const std::vector<double>& e2e_ms) {
  WarmupFound out;
  out.warmup = metrics::mser5(ttft_ms);
  const std::size_t cut = out.warmup.settled ? out.warmup.cut : 0;
  if (due.empty()) return out;
  out.from = cut == 0 ? Nanos(0) : due[cut];
  out.ttft = metrics::batch_means(std::span<const double>(ttft_ms).subspan(cut));
  out.e2e = metrics::batch_means(std::span<const double>(e2e_ms).subspan(cut));
  return out;
}

SimulatedFold::SimulatedFold(std::vector<metrics::Bound> bounds, Late late, std::size_t requests)
    : bounds_(std::move(bounds)), late_(late) {
  requests_.reserve(std::min(requests, kMostReserved));
}

void SimulatedFold::Slice::add(const Slice& other) {
  tokens += other.tokens;
  itl.merge(other.itl);
}

/// As in loadgen::Fold: when there are too many, neighbours are put together. Until the run is over
/// only tokens and gaps are in them.
SimulatedFold::Slice& SimulatedFold::slice_at(Nanos time) {
  if (from_ <= time && time < to_) return slices_[at_];
  at_ = static_cast<std::size_t>(std::max<std::int64_t>(0, time / length_));
  while (at_ >= kSlices) {
    for (std::size_t i = 0; i < kSlices; i += 2) {
      slices_[i].add(slices_[i + 1]);
      if (i > 0) slices_[i / 2] = std::move(slices_[i]);
    }
    for (std::size_t i = kSlices / 2; i < kSlices; ++i) slices_[i] = Slice{};
    used_ = (used_ + 1) / 2;
    length_ *= 2;
    at_ /= 2;
  }
  used_ = std::max(used_, at_ + 1);
  from_ = length_ * static_cast<std::int64_t>(at_);
  to_ = from_ + length_;
  return slices_[at_];
}

void SimulatedFold::gaps(Nanos now, Nanos gap, std::uint64_t times) {
  Slice& slice = slice_at(now);
  slice.tokens += times;
  slice.itl.record(gap, times);
}

void SimulatedFold::ended(std::size_t number, const RequestRecord& request) {
  if (number >= requests_.size()) requests_.resize(number + 1);
  RequestRecord& kept = requests_[number];
  kept = request;
  if (!completed(kept)) return;
  const Nanos late(
      std::llround(late_.request_ns + late_.prompt_token_ns * static_cast<double>(kept.input)));
  kept.first += late;
  kept.end += late;
}

void SimulatedFold::starts_again() {
  const std::size_t reserved = requests_.capacity();
  *this = SimulatedFold(std::move(bounds_), late_, reserved);
}

void SimulatedFold::put_in_slices() {
  // Before anything counts, all slices are as long as they get.
  Nanos latest{};
  for (const RequestRecord& r : requests_) latest = std::max({latest, r.end, r.due});
  if (!requests_.empty()) slice_at(latest);
  for (const RequestRecord& r : requests_) {
    ++slice_at(r.due).sent;
    if (completed(r)) {
      ++slice_at(r.first).tokens;
      ++slice_at(r.end).completed;
    } else {
      ++slice_at(r.end).failed;
    }
    for (Nanos from = r.sent; from < r.end;) {
      Slice& slice = slice_at(from);
      const Nanos until = std::min(to_, r.end);
      slice.in_flight += static_cast<double>((until - from).count());
      from = until;
    }
  }
}

metrics::Tally SimulatedFold::tally_of(metrics::Window window, bool whole_run,
                                       std::uint64_t& drained) const {
  metrics::Tally out;
  out.window = window;
  out.bounds = bounds_;
  drained = 0;
  for (const RequestRecord& r : requests_) {
    if (whole_run || r.due >= window.from) sim::add_due(r, out);
    if (!completed(r)) continue;
    const bool late = r.end >= window.to;
    drained += late;
    if (whole_run || (!late && r.end >= window.from)) sim::add_completed(r, out);
  }
  std::size_t first = 0;
  if (!whole_run) {
    while (first + 1 < used_ && length_ * static_cast<std::int64_t>(first) < window.from) ++first;
  }
  metrics::Histogram& itl = out.latency[static_cast<std::size_t>(Metric::Itl)];
  for (std::size_t i = first; i < used_; ++i) itl.merge(slices_[i].itl);
  return out;
}

std::vector<run::Slice> SimulatedFold::slices() const {
  const auto of = [](const std::optional<Nanos>& time) {
    return time ? ms(*time) : metrics::kMissing;
  };
  std::vector<run::Slice> out;
  auto request = requests_.begin();  // by when they were due
  const std::size_t group =
      length_ < kLeastSlice ? static_cast<std::size_t>(kLeastSlice / length_) : 1;
  for (std::size_t i = 0; i < used_; i += group) {
    const std::size_t end = std::min(i + group, used_);
    run::Slice slice;
    metrics::Histogram itl;
    metrics::CoarseHistogram ttft;
    std::uint64_t tokens = 0;
    double in_flight = 0;
    for (std::size_t k = i; k < end; ++k) {
      const Slice& one = slices_[k];
      slice.sent += one.sent;
      slice.completed += one.completed;
      slice.failed += one.failed;
      tokens += one.tokens;
      in_flight += one.in_flight;
      itl.merge(one.itl);
    }
    slice.from = length_ * static_cast<std::int64_t>(i);
    slice.length = length_ * static_cast<std::int64_t>(end - i);
    for (; request != requests_.end() && request->due < slice.from + slice.length; ++request) {
      if (completed(*request)) ttft.record(request->ttft());
    }
    const auto nanos = static_cast<double>(slice.length.count());
    slice.output_tokens_per_second = static_cast<double>(tokens) / nanos * 1e9;
    slice.in_flight_mean = in_flight / nanos;
    slice.ttft_p50_ms = of(ttft.quantile(0.5));
    slice.ttft_p99_ms = of(ttft.quantile(0.99));
    slice.itl_p50_ms = of(itl.quantile(0.5));
    slice.itl_p99_ms = of(itl.quantile(0.99));
    out.push_back(slice);
  }
  return out;
}

SimulatedFold::Told SimulatedFold::finish(const metrics::StreamingPattern& pattern) {
  Told out;
  const auto by_due = [](const RequestRecord& a, const RequestRecord& b) { return a.due < b.due; };
  if (!std::ranges::is_sorted(requests_, by_due)) std::ranges::stable_sort(requests_, by_due);
  std::vector<Nanos> due;
  std::vector<double> ttft, e2e;
  due.reserve(requests_.size());
  ttft.reserve(requests_.size());
  e2e.reserve(requests_.size());
  for (const RequestRecord& r : requests_) {
    out.took = std::max(out.took, r.end);
    if (!completed(r)) continue;
    due.push_back(r.due);
    ttft.push_back(ms(r.ttft()));
    e2e.push_back(ms(r.e2e()));
    out.input_tokens += r.input;
    out.output_tokens += r.output;
  }
  out.warmup = find_warmup(due, ttft, e2e);
  put_in_slices();

  // What completes after the last request was due is in no rate.
  const Nanos last_due = requests_.empty() ? Nanos(0) : requests_.back().due;
  const Nanos from = out.warmup.from;
  std::uint64_t drained = 0;
  metrics::Tally tally = tally_of({from, std::max(last_due, from)}, false, drained);
  if (drained * 2 > due.size() || tally.completed * 10 < due.size()) {
    out.whole_run = true;
    tally = tally_of({Nanos(0), out.took + Nanos(1)}, true, drained);
  }
  tally.pattern = pattern;
  out.kept = {.tally = std::move(tally),
              .slices = slices(),
              .drained = drained,
              .pattern_changed = std::nullopt};
  return out;
}

}  // namespace kneepoint::app
