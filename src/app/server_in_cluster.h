#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/session.h"
#include "cluster/kubectl.h"
#include "profile/profile.h"

namespace kneepoint::app {

/// Which server of a cluster: by its Service, or by the Deployment that one selects.
struct ServerNamed {
  std::string service, deployment;  // one of them
  std::optional<int> port;          // of the Service; without it the one called http, or the first
};

/// It as pods beside it see it.
struct ServerInCluster {
  std::string url;              // "http://chat.serving.svc:8000"
  std::string service;          // its name
  std::string object;           // "Deployment chat"; empty: none is known behind the Service
  std::string served;           // what it calls its model; empty: not said
  profile::ServingSetup setup;  // as far as its manifest says it
  int replicas = 1;             // behind the Service
  std::vector<std::string> notes;
};

/// NotFound: no such Service, or none that selects the Deployment's pods; says what to do.
Result<ServerInCluster> find_server(const catalog::Catalog& catalog,
                                    const cluster::Kubectl& kubectl,
                                    const std::string& namespace_name, const ServerNamed& named);

}  // namespace kneepoint::app
