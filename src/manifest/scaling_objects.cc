#include "manifest/scaling_objects.h"

#include "manifest/object_json.h"

namespace kneepoint::manifest {
namespace {

using json::Array;
using json::Object;

Object target_json(const ScaleTarget& target) {
  return Object{{"apiVersion", target.api_version}, {"kind", target.kind}, {"name", target.name}};
}

std::string_view name(autoscale::Select select) {
  return select == autoscale::Select::Max   ? "Max"
         : select == autoscale::Select::Min ? "Min"
                                            : "Disabled";
}

Object rules_json(const autoscale::Rules& rules) {
  Array policies;
  for (const auto& policy : rules.policies) {
    policies.emplace_back(
        Object{{"type", policy.type == autoscale::PolicyType::Pods ? "Pods" : "Percent"},
               {"value", policy.value},
               {"periodSeconds", policy.period_seconds}});
  }
  return Object{{"stabilizationWindowSeconds", rules.stabilization_seconds},
                {"selectPolicy", name(rules.select)},
                {"policies", std::move(policies)}};
}

}  // namespace

std::string milli_text(std::int64_t milli) {
  return milli % 1000 == 0 ? std::to_string(milli / 1000) : std::to_string(milli) + "m";
}

// Both directions in full: what is left out the API server fills in with other rules than those of
// an HPA without behavior.
json::Object to_json(const autoscale::Behavior& behavior) {
  return Object{{"scaleUp", rules_json(behavior.up)}, {"scaleDown", rules_json(behavior.down)}};
}

json::Object to_json(const HorizontalPodAutoscaler& hpa) {
  Object metric{{"name", hpa.metric}};
  if (!hpa.metric_selector.empty())
    metric["selector"] = Object{{"matchLabels", map_json(hpa.metric_selector)}};
  Object pods{{"metric", std::move(metric)},
              {"target",
               Object{{"type", "AverageValue"}, {"averageValue", milli_text(hpa.average_milli)}}}};
  Object spec{{"scaleTargetRef", target_json(hpa.target)},
              {"minReplicas", hpa.min_replicas},
              {"maxReplicas", hpa.max_replicas},
              {"metrics", Array{Object{{"type", "Pods"}, {"pods", std::move(pods)}}}},
              {"behavior", to_json(hpa.behavior)}};
  return typed("autoscaling/v2", "HorizontalPodAutoscaler", hpa.meta, std::move(spec));
}

json::Object to_json(const ScaledObject& object) {
  Object trigger{{"type", "prometheus"},
                 {"metricType", "AverageValue"},
                 {"metadata", Object{{"serverAddress", object.server_address},
                                     {"query", object.query},
                                     {"threshold", object.threshold},
                                     {"activationThreshold", "0"}}}};
  if (!object.authentication.empty())
    trigger["authenticationRef"] = Object{{"name", object.authentication}};
  Object spec{
      {"scaleTargetRef", target_json(object.target)},
      {"pollingInterval", object.polling_seconds},
      {"cooldownPeriod", object.cooldown_seconds},
      {"minReplicaCount", object.min_replicas},
      {"maxReplicaCount", object.max_replicas},
      // When Prometheus does not answer the replicas expected stay, rather than whatever they were.
      {"fallback", Object{{"failureThreshold", 3}, {"replicas", object.fallback_replicas}}},
      {"advanced",
       Object{{"horizontalPodAutoscalerConfig", Object{{"behavior", to_json(object.behavior)}}}}},
      {"triggers", Array{std::move(trigger)}}};
  return typed("keda.sh/v1alpha1", "ScaledObject", object.meta, std::move(spec));
}

json::Object to_json(const TriggerAuthentication& authentication) {
  return typed("keda.sh/v1alpha1", "TriggerAuthentication", authentication.meta,
               Object{{"podIdentity", Object{{"provider", authentication.pod_identity_provider}}}});
}

json::Object to_json(const PodMonitor& monitor) {
  Object endpoint{{"port", monitor.port}, {"path", monitor.path}, {"interval", monitor.interval}};
  if (!monitor.token_secret.empty())
    endpoint["authorization"] =
        Object{{"type", "Bearer"},
               {"credentials", Object{{"name", monitor.token_secret}, {"key", "token"}}}};
  Object spec{{"selector", Object{{"matchLabels", map_json(monitor.selector)}}},
              {"podMetricsEndpoints", Array{std::move(endpoint)}}};
  return typed("monitoring.coreos.com/v1", "PodMonitor", monitor.meta, std::move(spec));
}

}  // namespace kneepoint::manifest
