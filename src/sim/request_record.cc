#include "sim/request_record.h"

#include <algorithm>

namespace kneepoint::sim {
namespace {

using metrics::Metric;

constexpr std::int64_t kExact = std::int64_t{1} << 53;  // every whole number below is a double

/// As dividing whole numbers, which takes several times as long. Below 2^53, here 104 days, the
/// rounded quotient is never above the next whole number when the true one is below it.
Nanos split(Nanos time, std::int64_t parts) {
  if (time.count() >= kExact) return time / parts;
  return Nanos(
      static_cast<std::int64_t>(static_cast<double>(time.count()) / static_cast<double>(parts)));
}

}  // namespace

void add_completed(const RequestRecord& request, metrics::Tally& tally) {
  ++tally.completed;
  ++tally.counted_by_usage;
  tally.input += Tokens(request.input);
  tally.output += Tokens(request.output);
}

void add_due(const RequestRecord& r, metrics::Tally& tally) {
  ++tally.by_outcome[static_cast<std::size_t>(r.outcome)];
  tally.send_delay.record(r.sent - r.due);
  if (r.outcome != metrics::Outcome::Completed) return;
  const auto latency = [&tally](Metric metric) -> metrics::Histogram& {
    return tally.latency[static_cast<std::size_t>(metric)];
  };
  const Nanos ttft = r.ttft(), e2e = r.e2e();
  const std::int64_t tokens = r.output;
  const Nanos tpot = tokens > 1 ? split(e2e - ttft, tokens - 1) : Nanos();
  const Nanos ntpot = split(e2e, tokens);
  latency(Metric::Ttft).record(ttft);
  latency(Metric::E2e).record(e2e);
  latency(Metric::Ntpot).record(ntpot);
  if (tokens > 1) latency(Metric::Tpot).record(tpot);
  tally.good += std::ranges::all_of(tally.bounds, [&](const metrics::Bound& bound) {
    switch (bound.metric) {
      case Metric::Ttft:
        return ttft <= bound.at_most;
      case Metric::Tpot:
        return tpot <= bound.at_most;
      case Metric::Ntpot:
        return ntpot <= bound.at_most;
      case Metric::E2e:
        return e2e <= bound.at_most;
      case Metric::Itl:
        break;
    }
    return false;
  });
}

}  // namespace kneepoint::sim
