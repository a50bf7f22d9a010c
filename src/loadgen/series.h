#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/units.h"
#include "metrics/batch_means.h"
#include "metrics/warmup.h"

namespace kneepoint::loadgen {

/// TTFTs and end-to-end times of a run in the order the requests were due, in bounded memory: what
/// warm-up and confidence are told from. Up to kMost requests one value each; then neighbours are
/// put together, two by two, and again when it is full.
class RequestSeries {
 public:
  static constexpr std::size_t kMost = 1024;

  /// The next request goes. Returns its place, which record() is given back.
  std::uint64_t start(Nanos due);
  /// It has completed with these times, in milliseconds.
  void record(std::uint64_t place, double ttft_ms, double e2e_ms);
  /// It has ended without.
  void skip(std::uint64_t place);

  /// Means of the leading stretch in which every request has ended.
  struct View {
    std::vector<double> ttft, e2e;
    std::vector<Nanos> due;  // of the first request of each
    std::size_t per_value = 1;
  };
  View settled() const;

 private:
  struct Batch {
    Nanos due{};
    std::uint32_t started = 0, ended = 0, values = 0;
    double ttft = 0, e2e = 0;  // sums
  };
  Batch& batch_of(std::uint64_t place) { return batches_[place / per_batch_]; }

  std::vector<Batch> batches_;
  std::uint64_t per_batch_ = 1;
  std::uint64_t started_ = 0;
};

/// Events over the time of a run, in bounded memory.
class EventSeries {
 public:
  static constexpr std::size_t kMost = 1024;

  void add(Nanos at, std::uint32_t events);
  /// Events per second of each whole bin from..to.
  std::vector<double> rates(Nanos from, Nanos to) const;
  std::uint64_t total() const { return total_; }

 private:
  std::vector<std::uint64_t> bins_;
  Nanos length_ = std::chrono::milliseconds(10);
  std::uint64_t total_ = 0;
};

/// How sure a run is by now, its warm-up cut.
struct Confidence {
  metrics::WarmupCut cut;                          // in requests
  Nanos from{};                                    // when the first request after the cut was due
  std::optional<metrics::MeanInterval> ttft, e2e;  // milliseconds
  std::optional<metrics::MeanInterval> rate;       // events per second
  /// Whether each interval is there, its batches pass for independent, and its half width is at
  /// most `relative` of the mean.
  bool within(double relative) const;
};
/// `cut`: where the warm-up ends, where it is not to be found.
Confidence confidence(const RequestSeries& requests, const EventSeries& events, Nanos to,
                      std::optional<Nanos> cut = {});

}  // namespace kneepoint::loadgen
