#pragma once

#include <array>
#include <bitset>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "metrics/server_signals.h"
#include "metrics/summary.h"
#include "scrape/signal_map.h"

namespace kneepoint::scrape {

/// Pages read one after another, and what they say about any part of a run. Does no I/O and reads
/// no clock; belongs to one thread at a time.
///
/// Counters are followed label set by label set from page to page. One that falls was started anew
/// with its server: what it shows then was added since (as Prometheus' increase() has it), and the
/// window gets a warning. One that was not there before starts from 0.
class Recorder {
 public:
  explicit Recorder(SignalMap map) : map_(std::move(map)) {}

  void add(Nanos at, const Reading& reading);
  void failed(Nanos at, std::string reason);

  std::optional<metrics::SignalSample> latest() const;

  /// Gauges: mean and greatest of the samples in the window. Counters and latencies: from the page
  /// nearest to its start to the one nearest to its end, divided by the time between these two.
  metrics::ServerSignals summarize(const metrics::Window& window) const;

  const SignalMap& map() const { return map_; }

 private:
  struct Moment {
    metrics::SignalSample sample;
    std::array<double, kSignalCount> value{}, count{};  // added since the first page
    std::bitset<kSignalCount> seen;
    bool reset = false;
  };
  struct Failure {
    Nanos at{};
    std::string reason;
  };
  void warn_of_series(const metrics::Window& window, metrics::ServerSignals& out) const;
  void warn_of_gaps(const metrics::Window& window, metrics::ServerSignals& out) const;

  SignalMap map_;
  std::optional<Reading> before_;
  std::array<std::optional<Found>, kSignalCount> last_found_;  // without parts
  std::vector<Moment> moments_;
  std::vector<Failure> failures_;
};

}  // namespace kneepoint::scrape
