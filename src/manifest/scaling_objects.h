#pragma once

#include <optional>
#include <string>
#include <vector>

#include "autoscale/hpa.h"
#include "manifest/objects.h"

/// The objects that scale a Deployment and those that scrape it, as values; see objects.h.
namespace kneepoint::manifest {

struct ScaleTarget {
  std::string api_version = "apps/v1", kind = "Deployment", name;
};

/// A quantity as Kubernetes writes it: "20" of 20000, "700m" of 700.
std::string milli_text(std::int64_t milli);

struct HorizontalPodAutoscaler {
  ObjectMeta meta;
  ScaleTarget target;
  int min_replicas = 1, max_replicas = 1;
  std::string metric;         // of type Pods, mean over the pods
  StringMap metric_selector;  // which of the series with that name
  std::int64_t average_milli = 0;
  autoscale::Behavior behavior;
};

/// KEDA's, with one Prometheus trigger.
struct ScaledObject {
  ObjectMeta meta;
  ScaleTarget target;
  int min_replicas = 1, max_replicas = 1, fallback_replicas = 1;
  int polling_seconds = 15;
  int cooldown_seconds = 300;  // of no use above 0 replicas: for who lets them go to none
  autoscale::Behavior behavior;
  std::string server_address, query, threshold;
  std::string authentication;  // name of a TriggerAuthentication; empty: none
};

/// KEDA's: the trigger asks as the identity that KEDA's operator has at the cloud.
struct TriggerAuthentication {
  ObjectMeta meta;
  std::string pod_identity_provider;  // "gcp"
};

/// The Prometheus operator's.
struct PodMonitor {
  ObjectMeta meta;
  StringMap selector;
  std::string port, path, interval;
  std::string token_secret = {};  // whose key `token` is shown; empty: nothing is
};

json::Object to_json(const autoscale::Behavior& behavior);
json::Object to_json(const HorizontalPodAutoscaler& hpa);
json::Object to_json(const ScaledObject& object);
json::Object to_json(const TriggerAuthentication& authentication);
json::Object to_json(const PodMonitor& monitor);

}  // namespace kneepoint::manifest
