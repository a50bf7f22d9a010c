#include "loadgen/series.h"

#include <algorithm>
#include <cmath>

namespace kneepoint::loadgen {

std::uint64_t RequestSeries::start(Nanos due) {
  if (started_ == kMost * per_batch_) {
    for (std::size_t i = 0; i < kMost / 2; ++i) {
      Batch joined = batches_[2 * i];
      const Batch& next = batches_[2 * i + 1];
      joined.started += next.started;
      joined.ended += next.ended;
      joined.values += next.values;
      joined.ttft += next.ttft;
      joined.e2e += next.e2e;
      batches_[i] = joined;
    }
    batches_.resize(kMost / 2);
    per_batch_ *= 2;
  }
  if (started_ % per_batch_ == 0) {
    if (batches_.empty()) batches_.reserve(kMost);
    batches_.push_back({.due = due});
  }
  ++batch_of(started_).started;
  return started_++;
}

void RequestSeries::record(std::uint64_t place, double ttft_ms, double e2e_ms) {
  Batch& batch = batch_of(place);
  ++batch.ended;
  ++batch.values;
  batch.ttft += ttft_ms;
  batch.e2e += e2e_ms;
}

void RequestSeries::skip(std::uint64_t place) { ++batch_of(place).ended; }

RequestSeries::View RequestSeries::settled() const {
  View out;
  out.per_value = per_batch_;
  for (const Batch& batch : batches_) {
    if (batch.ended < batch.started) break;
    if (batch.values == 0) continue;
    out.ttft.push_back(batch.ttft / batch.values);
    out.e2e.push_back(batch.e2e / batch.values);
    out.due.push_back(batch.due);
  }
  return out;
}

void EventSeries::add(Nanos at, std::uint32_t events) {
  if (events == 0) return;
  total_ += events;
  auto bin = static_cast<std::size_t>(std::max<std::int64_t>(0, at / length_));
  while (bin >= kMost) {
    for (std::size_t i = 0; i < bins_.size() / 2; ++i) bins_[i] = bins_[2 * i] + bins_[2 * i + 1];
    if (bins_.size() % 2 == 1) bins_[bins_.size() / 2] = bins_.back();
    bins_.resize((bins_.size() + 1) / 2);
    length_ *= 2;
    bin /= 2;
  }
  if (bin >= bins_.size()) {
    if (bins_.empty()) bins_.reserve(kMost);
    bins_.resize(bin + 1);
  }
  bins_[bin] += events;
}

std::vector<double> EventSeries::rates(Nanos from, Nanos to) const {
  std::vector<double> out;
  const double seconds = std::chrono::duration<double>(length_).count();
  const auto first = static_cast<std::size_t>((from + length_ - Nanos(1)) / length_);
  const auto last = static_cast<std::size_t>(std::max<std::int64_t>(0, to / length_));
  for (std::size_t bin = first; bin < last; ++bin) {
    const double events = bin < bins_.size() ? static_cast<double>(bins_[bin]) : 0;
    out.push_back(events / seconds);
  }
  return out;
}

bool Confidence::within(double relative) const {
  return std::ranges::all_of(std::array{&ttft, &e2e, &rate}, [&](const auto* interval) {
    return interval->has_value() && (*interval)->batches_independent() && (*interval)->mean > 0 &&
           (*interval)->half_width <= relative * (*interval)->mean;
  });
}

Confidence confidence(const RequestSeries& requests, const EventSeries& events, Nanos to,
                      std::optional<Nanos> cut_at) {
  const RequestSeries::View view = requests.settled();
  Confidence out;
  if (cut_at) {
    const auto first = std::ranges::lower_bound(view.due, *cut_at);
    out.cut = {.cut = static_cast<std::size_t>(first - view.due.begin()),
               .values = view.due.size(),
               .settled = true};
    out.from = *cut_at;
  } else {
    out.cut = metrics::mser5(view.ttft);
    if (out.cut.cut > 0) out.from = view.due[out.cut.cut];
  }
  const std::size_t cut = out.cut.cut;
  const auto interval = [&](const std::vector<double>& values) {
    auto found = metrics::batch_means(std::span(values).subspan(cut));
    if (found) {
      found->values *= view.per_value;
      found->batch_size *= view.per_value;
    }
    return found;
  };
  out.ttft = interval(view.ttft);
  out.e2e = interval(view.e2e);
  out.rate = metrics::batch_means(events.rates(out.from, to));
  out.cut.cut *= view.per_value;
  out.cut.values *= view.per_value;
  return out;
}

}  // namespace kneepoint::loadgen
