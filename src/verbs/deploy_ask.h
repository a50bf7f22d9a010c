#pragma once

#include "app/deploy.h"
#include "verbs/ask.h"

namespace kneepoint::verbs {

/// What `manifests create` takes, as members: for manifests and deployments.
app::DeployRequest read_deploy(Ask& ask, const app::Session& session);

/// A set with its comments and the commands in them sorted by what they are for.
json::Object deployment_json(const app::Deployment& deployment);

/// What a replica is to reach, with units in the names: "ttftMs" is "ttftMilliseconds".
json::Value with_units(json::Value promise);

}  // namespace kneepoint::verbs
