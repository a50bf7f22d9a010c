#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "manifest/facts.h"
#include "manifest/manifest.h"
#include "manifest/objects.h"
#include "manifest/plan.h"
#include "manifest/request.h"

/// Puts the weights where the request wants them, on a cluster.
namespace kneepoint::manifest {

struct Placed {
  std::vector<Object> objects;  // that come before the servers
  std::vector<std::string> comments;
};

/// Changes the pod (volumes, mounts, variables, options, selectors) and says what else there has to
/// be. `meta` carries namespace and labels of the set; `base` begins every name.
Result<Placed> place_weights(const Request& request, const Facts& facts, const Plan& plan,
                             const ObjectMeta& meta, const std::string& base, PodTemplate& pod);

}  // namespace kneepoint::manifest
