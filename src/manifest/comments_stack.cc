#include <fmt/format.h>

#include "manifest/serving_stack.h"
#include "manifest/text.h"

namespace kneepoint::manifest {

std::vector<std::string> stack_comments(const Request& request, const Stack& stack) {
  const std::string space = shell_word(request.namespace_name);
  const bool llm_d = request.hosting.stack == ServingStack::LlmD;
  const std::string& version = request.hosting.stack_version;
  std::vector<std::string> out;
  out.push_back(fmt::format(
      "Serving stack {}: the gateway {} sends each request to the replica its endpoint picker "
      "chooses, by queue, cache use and the prompts in the cache. Image {}{}: not validated",
      name(request.hosting.stack), stack.gateway.meta.name,
      stack.picker.pod.containers.front().image,
      request.hosting.stack_version.empty() && request.hosting.stack == ServingStack::LlmD
          ? " (a moving tag: pin it with --serving-stack-version)"
          : ""));
  out.emplace_back(
      "It needs a VPC-native GKE cluster of 1.32.3 or later with the HttpLoadBalancing add-on and "
      "the Gateway API, a proxy-only subnet in the region, and before 1.34 the definition of "
      "InferencePool:");
  out.emplace_back(
      "  gcloud container clusters update CLUSTER --project=PROJECT --location=LOCATION "
      "--gateway-api=standard");
  out.emplace_back(
      "  gcloud compute networks subnets create proxy-only --project=PROJECT --region=REGION "
      "--network=NETWORK --range=RANGE --purpose=REGIONAL_MANAGED_PROXY --role=ACTIVE");
  out.push_back(
      fmt::format("  kubectl apply --filename=https://github.com/kubernetes-sigs/"
                  "gateway-api-inference-extension/releases/download/{}/manifests.yaml",
                  kPoolDefinition));
  out.push_back(llm_d
                    ? "and the definition of InferenceObjective, which the picker watches, at the "
                      "version of its image (no module publishes it: not validated):"
                    : "and the definition of InferenceObjective, which the picker watches:");
  out.push_back("  kubectl apply --filename=https://raw.githubusercontent.com/" +
                (llm_d ? "llm-d/llm-d-router/" + (version.empty() ? "main" : version) +
                             "/config/crd/bases/llm-d.ai_inferenceobjectives.yaml"
                       : "kubernetes-sigs/gateway-api-inference-extension/" +
                             (version.empty() ? kPickerVersion : version) +
                             "/config/crd/bases/"
                             "inference.networking.x-k8s.io_inferenceobjectives.yaml"));
  out.push_back(fmt::format(
      "A request with the header x-gateway-inference-objective: {} has priority 10, one with {} "
      "-10, all others 0: while the replicas are saturated those below 0 are turned away. By rank "
      "they are queued only with the picker's feature gate flowControl (featureGates of its "
      "configuration), which is off",
      stack.objectives.front().meta.name, stack.objectives.back().meta.name));
  out.push_back(fmt::format(
      "The picker shows its metrics only to who may get /metrics: the Secret {} has the token of "
      "an account that may (in Google's own sets it is called "
      "inference-gateway-sa-metrics-reader-secret), by which they are scraped. Three objects of "
      "these are the cluster's: who applies them must be allowed to grant such rights",
      stack.metrics.token.meta.name));
  out.emplace_back("To see that the route and the pool are accepted, and to ask through them:");
  out.push_back("  kubectl get httproute " + stack.route.meta.name +
                " --output=yaml --namespace=" + space);
  out.push_back("  kubectl get inferencepool " + stack.pool.meta.name +
                " --output=yaml --namespace=" + space);
  out.push_back("  kubectl get gateway " + stack.gateway.meta.name +
                " --output=jsonpath='{.status.addresses[0].value}' --namespace=" + space);
  out.emplace_back(
      "The gateway is inside the VPC (gke-l7-rilb): ask from a machine there, at that address and "
      "port 80; gke-l7-regional-external-managed in its place is reachable from outside. "
      "HealthCheckPolicy and GCPBackendPolicy (answers may take 600 s; the load balancer's own "
      "limit is 30 s) are GKE's own: leave these documents out elsewhere, and take the class of "
      "your gateway");
  return out;
}

}  // namespace kneepoint::manifest
