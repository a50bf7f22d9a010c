#pragma once

#include <string>
#include <vector>

#include "app/session.h"
#include "cluster/kubectl.h"
#include "profile/profile.h"

namespace kneepoint::app {

/// What a cluster runs, as a serving setup.
struct LiveSetup {
  std::string object;  // "Deployment chat"
  profile::ServingSetup setup;
  int replicas = 1;
  std::vector<std::string> unknown;  // what the object does not tell, one sentence each
};

/// Of a Deployment, a StatefulSet or a LeaderWorkerSet, by its name or by that of what `deploy`
/// made: server and version from the image, how it is split from the arguments, the accelerator
/// from the node selector and the limits. Unsatisfiable: no container of it is a known model
/// server.
Result<LiveSetup> read_live_setup(Session& session, const cluster::Kubectl& kubectl,
                                  const std::string& namespace_name, const std::string& name);

/// The same of an object as JSON.
Result<LiveSetup> setup_of(const catalog::Catalog& catalog, const json::Object& object);

json::Object to_json(const LiveSetup& live);
/// "vllm 0.19.0 on 2 x nvidia-l4, tensor 2, 3 replicas"
std::string in_words(const LiveSetup& live);

}  // namespace kneepoint::app
