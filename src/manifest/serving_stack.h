#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "manifest/facts.h"
#include "manifest/objects.h"
#include "manifest/picker_metrics.h"
#include "manifest/rbac_objects.h"
#include "manifest/request.h"

/// A gateway before the replicas: a route to an InferencePool, whose endpoint picker looks at what
/// each replica has running and queued and chooses one for each request.
namespace kneepoint::manifest {

inline constexpr int kPickerPort = 9002;
inline constexpr int kPickerHealthPort = 9003;
inline constexpr const char* kPickerVersion = "v1.2.0";   // of the inference extension
inline constexpr const char* kPoolDefinition = "v1.6.0";  // of InferencePool v1 that was tried

struct InferencePool {
  ObjectMeta meta;
  StringMap selector;
  int target_port = 0;
  std::string picker;  // a Service
};

struct Gateway {
  ObjectMeta meta;
  std::string class_name;
};

struct HttpRoute {
  ObjectMeta meta;
  std::string gateway, pool;
  int timeout_seconds = 600;
};

/// GKE's: what its load balancer asks to see that a replica lives.
struct HealthCheckPolicy {
  ObjectMeta meta;
  std::string pool, path;
  int port = 0;
};

/// GKE's: how long its load balancer waits for an answer. Its own 30 seconds cut off long ones,
/// whatever the route says.
struct BackendPolicy {
  ObjectMeta meta;
  std::string pool;
  int timeout_seconds = 600;
};

/// How much requests that name it matter beside others of the pool, which count as 0.
struct InferenceObjective {
  ObjectMeta meta;
  ServingStack stack = ServingStack::None;  // whose definition of the kind
  int priority = 0;
  std::string pool;
};

struct Stack {
  ServiceAccount account;
  Role rights;
  RoleBinding bound;
  ConfigMap config;
  Deployment picker;
  Service picker_service;
  PickerMetrics metrics;
  InferencePool pool;
  std::vector<InferenceObjective> objectives;
  HealthCheckPolicy health;
  BackendPolicy backend;
  Gateway gateway;
  HttpRoute route;

  std::vector<json::Object> objects() const;
};

/// `meta` has namespace and labels of the set, `answering` selects the pods that answer requests.
/// Unsatisfiable: a server whose metrics the picker does not read.
Result<Stack> serving_stack(const Request& request, const Facts& facts, const ObjectMeta& meta,
                            const std::string& base, const StringMap& answering, Scrape scrape);

std::vector<std::string> stack_comments(const Request& request, const Stack& stack);

}  // namespace kneepoint::manifest
