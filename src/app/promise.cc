#include "app/promise.h"

#include <array>
#include <cmath>

#include "app/manifests_scaling.h"

namespace kneepoint::app {

json::Value promise_json(Session& session, const recommend::Request& request,
                         const recommend::Choice& choice) {
  using metrics::Metric;
  using metrics::Statistic;
  const curve::LoadPoint& at = choice.operating_point.point;
  json::Object out{{"profile", choice.profile->id},
                   {"evidence", profile::name(choice.profile->evidence.kind)}};
  if (!request.targets.empty()) out["targets"] = in_words(request.targets);
  const auto put = [&out](const char* name, double value) {
    if (!metrics::is_missing(value)) out[name] = std::round(value * 1000) / 1000;
  };
  put("load", at.load);
  out["loadUnit"] = curve::unit(choice.profile->load_kind);
  if (const auto point = replica_point(session, choice)) put("running", point->running);
  put("requestsPerSecond", at.requests_per_second);
  put("outputTokensPerSecond", at.output_tokens_per_second);
  constexpr std::array kLatencies{
      std::pair{"ttftMs", Metric::Ttft}, std::pair{"tpotMs", Metric::Tpot},
      std::pair{"itlMs", Metric::Itl}, std::pair{"ntpotMs", Metric::Ntpot},
      std::pair{"e2eMs", Metric::E2e}};
  for (const auto& [name, metric] : kLatencies) {
    const double mean = at.latency.get(metric, Statistic::Mean);
    put(name, metrics::is_missing(mean) ? at.latency.get(metric, Statistic::P50) : mean);
  }
  return out;
}

}  // namespace kneepoint::app
