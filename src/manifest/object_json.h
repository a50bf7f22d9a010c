#pragma once

#include <string_view>

#include "base/json.h"
#include "manifest/objects.h"

/// What the writers of objects share.
namespace kneepoint::manifest {

json::Object map_json(const StringMap& map);

/// metadata and spec of a pod.
json::Object pod_json(const PodTemplate& pod);

/// apiVersion, kind, metadata and spec, in this order.
json::Object typed(std::string_view api_version, std::string_view kind, const ObjectMeta& meta,
                   json::Object spec);

}  // namespace kneepoint::manifest
