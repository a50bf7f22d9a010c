#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "metrics/summary.h"
#include "metrics/timeline.h"
#include "run/point.h"

namespace kneepoint::loadgen {

/// Takes a run's timelines one by one and keeps none: memory does not grow with the run.
///
/// What is measured is known only at the end, when the warm-up has been found. So the run is kept
/// in parts, each with its own histograms, and those after the cut are added up. A part is half
/// as long as all before it, and of the first thirty-second of the run only one is kept: a cut
/// moves to the next boundary, at most half later, and there are about ten parts however long the
/// run. Equal parts would be as many more as a late cut has no use for. Where the cut is known
/// before the run, it is the only boundary.
///
/// The time series has equal slices; when there are kMostSlices, neighbours are put together. It
/// has coarse histograms, whose memory is there from the start.
///
/// How the server groups tokens into events decides how gaps are read, and shows only over many
/// answers. So the first timelines are held back until there are enough.
class Fold {
 public:
  static constexpr std::size_t kMostSlices = 32;
  static constexpr std::size_t kHold = 256;            // completed answers
  static constexpr std::size_t kHoldEvents = 1 << 20;  // of all held

  /// `cut`: where the warm-up ends, where that is known.
  explicit Fold(std::vector<metrics::Bound> bounds, std::optional<Nanos> cut = {});

  void on_sent(Nanos due);
  /// `count` requests were out from `from` to `to`.
  void on_in_flight(Nanos from, Nanos to, std::int64_t count);
  void on_events(Nanos at, std::uint32_t events);
  /// The request is over.
  void add(const metrics::Timeline& timeline);
  /// From here on no request is due: what completes later is in no rate.
  void end_load(Nanos at);

  struct Kept {
    metrics::Tally tally;            // of the window
    std::vector<run::Slice> slices;  // of the whole run
    std::uint64_t drained = 0;       // completed after the load
    std::optional<std::string> pattern_changed;
  };
  /// The window begins at the first boundary at or after `cut`, and ends with the load.
  Kept finish(Nanos cut);
  /// From the first request to the end of the last answer: for runs too short to have a middle.
  Kept finish_whole(Nanos end);

  std::size_t memory_bytes() const;
  std::size_t parts() const { return parts_.size(); }

 private:
  static constexpr Nanos kFirstPart = std::chrono::milliseconds(50);
  struct Slice {
    std::uint64_t sent = 0, completed = 0, failed = 0, events = 0;
    double in_flight = 0;  // times nanoseconds
    metrics::CoarseHistogram ttft, itl;

    void add(const Slice& other);
  };
  metrics::Tally& part_at(Nanos time);
  void open_part();
  Slice& slice_at(Nanos time);
  void take(const metrics::Timeline& timeline);
  void decide();
  void watch_pattern(const metrics::Timeline& timeline);
  metrics::Tally sum(std::size_t first) const;
  std::vector<run::Slice> slices() const;
  Kept kept(metrics::Tally tally);

  std::vector<metrics::Bound> bounds_;
  std::optional<Nanos> cut_;
  std::vector<metrics::Tally> parts_;  // one after another, without gaps
  std::vector<Slice> slices_;          // all of them, from the start
  std::size_t used_ = 0;
  Nanos length_ = std::chrono::microseconds(62'500);  // of a slice
  metrics::Tally drain_;                              // completed after the load
  std::optional<Nanos> load_end_;

  bool decided_ = false;
  metrics::StreamingPattern pattern_;
  std::vector<metrics::Timeline> held_;
  std::size_t held_completed_ = 0, held_events_ = 0;
  std::uint64_t folded_ = 0, watched_ = 0, differed_ = 0;
  metrics::StreamingPattern other_;
};

}  // namespace kneepoint::loadgen
