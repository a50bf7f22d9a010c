#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "profile/profile.h"
#include "run/point.h"

namespace kneepoint::run {

/// "random:1024/1024", "sharegpt", "random:uniform:64,256/128": what the lengths and prefixes of a
/// spec are called in profiles, so that runs of one workload find each other.
std::string workload_name(const workload::RunSpec& spec);

/// The load a spec offers: requests per second of its arrivals, else requests in flight. Of a
/// trace, whose rate is its own, the rate that was achieved.
curve::LoadKind load_kind(const workload::RunSpec& spec);
double offered_load(const PointRecord& point);

/// What the rest of the project works with. Flags name what a reader must know of the figures:
/// "generator_was_the_bottleneck", "interrupted", "server_gone", "tokens_counted_by_events",
/// "itl_marked", "requests_failed", "warm_up_not_settled".
profile::Point profile_point(const PointRecord& point);

/// What a run measured, as a profile of `setup`: its completed points of the kind of load that most
/// of them have, in ascending order. Points in which nothing completed are left out. `identity`
/// makes the id (the run's own name), so that storing a run twice replaces it.
profile::Profile measured_profile(const profile::ServingSetup& setup, std::string_view identity,
                                  const std::vector<PointRecord>& points);

}  // namespace kneepoint::run
