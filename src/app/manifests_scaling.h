#pragma once

#include <optional>
#include <string>

#include "app/session.h"
#include "manifest/request.h"
#include "recommend/recommend.h"

namespace kneepoint::app {

/// What the curve says of one replica at the operating point: how many requests run there, and how
/// fast it serves at other numbers of them. Nothing where the curve does not tell, as for a burst
/// or a curve over request rates without end-to-end times.
///
/// Running requests are those the server told of when it was measured; else the clients of a closed
/// loop; else, by Little's law, requests/s x mean end-to-end time.
std::optional<manifest::ReplicaPoint> replica_point(Session& session,
                                                    const recommend::Choice& choice);

/// Whether every target lies above all that the curve reaches up to its knee; above twice that
/// where the knee was not reached.
bool above_reach(const recommend::Choice& choice, const recommend::Request& request);

/// "TTFT p50 <= 300 ms and TPOT p50 <= 40 ms"; empty without targets.
std::string in_words(const std::vector<curve::Target>& targets);

}  // namespace kneepoint::app
