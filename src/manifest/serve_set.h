#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "manifest/manifest.h"

namespace kneepoint::manifest {

/// What `kneepoint serve` runs as in a cluster: the server, more than one of it, on a PostgreSQL of
/// its own.
struct ServeSet {
  std::string name = "kneepoint";  // of all objects, or what their names begin with
  std::string namespace_name;      // empty: the caller's
  std::string image;               // of kneepoint-serve
  std::string postgres_image = "postgres:17";
  std::string storage = "10Gi";
  std::string storage_class;  // empty: the cluster's default
  int replicas = 2;
  // Secrets by name; what is in them never passes through here.
  std::string token_secret = "kneepoint-tokens";       // key "tokens": the token file
  std::string database_secret = "kneepoint-postgres";  // key "password"
  std::string tls_secret;                              // of kind kubernetes.io/tls; empty: HTTP
  std::vector<std::string> hosts;  // names that clients use beside those of the Service
  bool read_only = false;
};

/// Deployment, Service, PodDisruptionBudget and ServiceAccount of the server, StatefulSet and
/// Service of the database, a NetworkPolicy for each. The comments say how to make the Secrets.
/// InvalidArgument names the value that no object can have.
Result<Manifest> serve_set(const ServeSet& set);

}  // namespace kneepoint::manifest
