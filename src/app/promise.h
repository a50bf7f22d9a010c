#pragma once

#include "app/session.h"
#include "base/json.h"
#include "recommend/recommend.h"

namespace kneepoint::app {

/// What a profile says one replica reaches at its operating point, kept with a deployment so that
/// `status` can hold what is measured against it: profile, evidence, targets, load and its unit,
/// running (requests at a time), requestsPerSecond, outputTokensPerSecond, ttftMs, tpotMs, itlMs,
/// ntpotMs, e2eMs (means where there are, else medians). What is not known is left out.
json::Value promise_json(Session& session, const recommend::Request& request,
                         const recommend::Choice& choice);

}  // namespace kneepoint::app
