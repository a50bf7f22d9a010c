#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "loadgen/fold.h"
#include "metrics/batch_means.h"
#include "metrics/warmup.h"
#include "sim/fleet.h"

namespace kneepoint::app {

/// Where the warm-up ends, by MSER-5 over TTFT in the order in which requests were due, and how
/// well the means behind it are known; as the load generator finds them.
struct WarmupFound {
  metrics::WarmupCut warmup;
  Nanos from{};
  std::optional<metrics::MeanInterval> ttft, e2e;  // milliseconds
};
/// Of completed requests, by when they were due.
WarmupFound find_warmup(const std::vector<Nanos>& due, const std::vector<double>& ttft_ms,
                        const std::vector<double>& e2e_ms);

/// A simulated run as loadgen::Fold would tell it, from what a fleet says while it plays: no
/// timelines, 48 bytes for each request and a few hundred KB besides.
///
/// Gaps between tokens count when they end, not by when their request was due; the window they are
/// taken of begins at the first boundary of a slice after the warm-up, at most a sixteenth of the
/// run later.
class SimulatedFold final : public sim::FleetObserver {
 public:
  /// What is seen of a request comes so much later than it leaves the server.
  struct Late {
    double request_ns = 0, prompt_token_ns = 0;
  };
  SimulatedFold(std::vector<metrics::Bound> bounds, Late late, std::size_t requests);

  void gaps(Nanos now, Nanos gap, std::uint64_t times) override;
  void ended(std::size_t number, const sim::RequestRecord& request) override;
  void starts_again() override;

  struct Told {
    loadgen::Fold::Kept kept;
    WarmupFound warmup;
    bool whole_run = false;  // too short to have a middle: nothing cut, the drain included
    Nanos took{};
    double input_tokens = 0, output_tokens = 0;  // of all that completed
  };
  Told finish(const metrics::StreamingPattern& pattern);

 private:
  static constexpr std::size_t kSlices = loadgen::Fold::kMostSlices;
  struct Slice {
    std::uint64_t sent = 0, completed = 0, failed = 0, tokens = 0;
    double in_flight = 0;  // times nanoseconds
    metrics::Histogram itl;

    void add(const Slice& other);
  };

  Slice& slice_at(Nanos time);
  void put_in_slices();
  metrics::Tally tally_of(metrics::Window window, bool whole_run, std::uint64_t& drained) const;
  std::vector<run::Slice> slices() const;

  std::vector<metrics::Bound> bounds_;
  Late late_;
  std::vector<sim::RequestRecord> requests_;
  std::array<Slice, kSlices> slices_;
  std::size_t used_ = 0;
  Nanos length_ = std::chrono::microseconds(62'500);
  std::size_t at_ = 0;  // the slice last counted in
  Nanos from_{}, to_{};
};

}  // namespace kneepoint::app
