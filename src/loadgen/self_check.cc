#include "loadgen/self_check.h"

#include <fmt/format.h>

#include <algorithm>

namespace kneepoint::loadgen {

void judge(run::SelfCheck& self, double ttft_p50_ms, const SelfBounds& bounds) {
  self.valid = false;
  const bool many = self.send_lateness.values >= 100;
  const double late = many ? self.send_lateness.p99 : self.send_lateness.p90;
  const double may_be_late = std::max(
      bounds.late_ms, metrics::is_missing(ttft_p50_ms) ? 0.0 : bounds.late_share * ttft_p50_ms);
  if (self.core_share > bounds.core_share) {
    self.reason = fmt::format(
        "the load generator used {:.0f} % of its core (bound {:.0f} %): give it a faster or a free "
        "one, or offer less",
        self.core_share * 100, bounds.core_share * 100);
  } else if (late > may_be_late) {
    self.reason = fmt::format(
        "requests were sent late by the load generator itself: {} {:.2f} ms (bound {:.2f} ms); "
        "other work on its core, or too much load for one",
        many ? "p99" : "p90", late, may_be_late);
  } else if (self.offered_rate > 0 &&
             self.achieved_rate < bounds.achieved_share * self.offered_rate) {
    self.reason =
        fmt::format("{:.4g} requests per second were sent of {:.4g} that were due (bound {:.0f} %)",
                    self.achieved_rate, self.offered_rate, bounds.achieved_share * 100);
  } else if (self.read_lag.p99 > bounds.read_lag_ms) {
    self.reason = fmt::format(
        "answers were looked at late: p99 {:.2f} ms after they came (bound {:.0f} ms), so events "
        "were read together",
        self.read_lag.p99, bounds.read_lag_ms);
  } else {
    self.valid = true;
    self.reason.clear();
  }
}

}  // namespace kneepoint::loadgen
