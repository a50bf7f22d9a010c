#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "doctor/rules.h"
#include "doctor/server_use.h"

namespace kneepoint::doctor {
namespace {

double budget(const At& probe) {
  const auto number = [&](const char* field, long long otherwise) {
    return static_cast<double>(probe[field].integer().value_or(otherwise));
  };
  return number("initialDelaySeconds", 0) +
         number("periodSeconds", 10) * number("failureThreshold", 3);
}

std::string threshold_for(const At& probe, double seconds) {
  const double period =
      static_cast<double>(std::max(1LL, probe["periodSeconds"].integer().value_or(10)));
  return "failureThreshold: " + shortest(std::ceil(seconds / period));
}

}  // namespace

void check_start(const Object& object, const Facts& facts, Report& report) {
  for (const ServerUse& use : servers_of(object)) {
    const At startup = use.container["startupProbe"], liveness = use.container["livenessProbe"];
    const auto weights = weight_bytes_of(use, facts.catalog);
    const double loading = weights ? loading_seconds(*weights, downloads(use)) : 0;
    const std::string time =
        fixed(loading, 0) + " s (estimate: " + human_bytes(weights.value_or(0)) + " of weights)";
    if (startup.exists() && weights && budget(startup) < loading) {
      report.warning(object, startup, "probe-shorter-than-loading",
                     "The startup probe gives up after " + fixed(budget(startup), 0) +
                         " s, and loading takes about " + time + ".",
                     "Let it wait twice as long as loading takes.",
                     threshold_for(startup, 2 * loading));
    }
    if (liveness.exists() && !startup.exists()) {
      const double patience = budget(liveness);
      if (!weights || patience < loading) {
        report.warning(object, liveness, "liveness-without-startup",
                       "The liveness probe kills the container after " + fixed(patience, 0) +
                           " s without an answer" +
                           (weights ? ", and loading takes about " + time : "") +
                           "; nothing holds it back while the model loads.",
                       "Add a startup probe; the liveness probe then begins after it.",
                       "startupProbe: {httpGet: {path: /health, port: http}, periodSeconds: 10, " +
                           threshold_for(At(), weights ? 2 * loading : 1800) + "}");
      }
    }
  }
}

}  // namespace kneepoint::doctor
