#pragma once

#include "base/json.h"
#include "profile/profile.h"

namespace kneepoint::profile {

inline constexpr int kSchemaVersion = 1;

/// Canonical JSON (docs/schema/profile.v1.json): members in schema order, unknown figures left out,
/// doubles in shortest form, so equal profiles have equal bytes.
json::Value to_json(const Profile& profile);

/// Refuses an unknown schema version, unknown members, wrong types, non-finite or negative figures
/// and points out of order, naming the member ("points[3].load: must be above 0").
Result<Profile> from_json(const json::Value& value);

}  // namespace kneepoint::profile
