#include "manifest/serving_stack.h"

#include <fmt/format.h>

#include "base/text.h"
#include "manifest/object_json.h"
#include "manifest/text.h"

namespace kneepoint::manifest {
namespace {

using json::Array;
using json::Object;

constexpr const char* kPoolGroup = "inference.networking.k8s.io";
constexpr const char* kExternalProcessor = "envoy.service.ext_proc.v3.ExternalProcessor";

Object pool_reference(const std::string& name) {
  return Object{{"group", kPoolGroup}, {"kind", "InferencePool"}, {"name", name}};
}

Object pool_json(const InferencePool& pool) {
  Object picker{{"name", pool.picker},
                {"port", Object{{"number", kPickerPort}}},
                // A picker that is away leaves the requests to the gateway's own choice.
                {"failureMode", "FailOpen"}};
  return typed(std::string(kPoolGroup) + "/v1", "InferencePool", pool.meta,
               Object{{"selector", Object{{"matchLabels", map_json(pool.selector)}}},
                      {"targetPorts", Array{Object{{"number", pool.target_port}}}},
                      {"endpointPickerRef", std::move(picker)}});
}

Object gateway_json(const Gateway& gateway) {
  return typed(
      "gateway.networking.k8s.io/v1", "Gateway", gateway.meta,
      Object{{"gatewayClassName", gateway.class_name},
             {"listeners", Array{Object{{"name", "http"}, {"port", 80}, {"protocol", "HTTP"}}}}});
}

Object route_json(const HttpRoute& route) {
  Object rule{{"matches", Array{Object{{"path", Object{{"type", "PathPrefix"}, {"value", "/"}}}}}},
              {"backendRefs", Array{pool_reference(route.pool)}},
              {"timeouts", Object{{"request", std::to_string(route.timeout_seconds) + "s"}}}};
  return typed("gateway.networking.k8s.io/v1", "HTTPRoute", route.meta,
               Object{{"parentRefs", Array{Object{{"name", route.gateway}}}},
                      {"rules", Array{std::move(rule)}}});
}

Object health_json(const HealthCheckPolicy& policy) {
  Object check{{"type", "HTTP"},
               {"httpHealthCheck", Object{{"requestPath", policy.path}, {"port", policy.port}}}};
  return typed("networking.gke.io/v1", "HealthCheckPolicy", policy.meta,
               Object{{"default", Object{{"config", std::move(check)}}},
                      {"targetRef", pool_reference(policy.pool)}});
}

Object backend_json(const BackendPolicy& policy) {
  return typed("networking.gke.io/v1", "GCPBackendPolicy", policy.meta,
               Object{{"default", Object{{"timeoutSec", policy.timeout_seconds}}},
                      {"targetRef", pool_reference(policy.pool)}});
}

Object objective_json(const InferenceObjective& objective) {
  const char* version = objective.stack == ServingStack::LlmD
                            ? "llm-d.ai/v1alpha2"
                            : "inference.networking.x-k8s.io/v1alpha2";
  return typed(
      version, "InferenceObjective", objective.meta,
      Object{{"priority", objective.priority}, {"poolRef", pool_reference(objective.pool)}});
}

/// How the picker weighs replicas: an empty queue, room in the cache, and the prompt's beginning
/// in it already.
std::string picker_config(ServingStack stack) {
  const auto plugin = [](const char* type) { return Object{{"type", type}}; };
  const auto use = [](const char* type, int weight) {
    return Object{{"pluginRef", type}, {"weight", weight}};
  };
  Array plugins{plugin("queue-scorer"), plugin("kv-cache-utilization-scorer"),
                plugin("prefix-cache-scorer"), plugin("max-score-picker"),
                plugin("single-profile-handler")};
  Array profile{use("queue-scorer", 2), use("kv-cache-utilization-scorer", 2),
                use("prefix-cache-scorer", 3), Object{{"pluginRef", "max-score-picker"}}};
  return json::to_yaml(Object{
      {"apiVersion",
       stack == ServingStack::LlmD ? "llm-d.ai/v1" : "inference.networking.x-k8s.io/v1alpha1"},
      {"kind", "EndpointPickerConfig"},
      {"plugins", std::move(plugins)},
      {"schedulingProfiles", Array{Object{{"name", "default"}, {"plugins", std::move(profile)}}}}});
}

Result<std::string> picker_image(const Hosting& hosting) {
  const bool llm_d = hosting.stack == ServingStack::LlmD;
  const std::string tag = !hosting.stack_version.empty() ? hosting.stack_version
                          : llm_d                        ? "main"
                                                         : kPickerVersion;
  if (!is_image_tag(tag))
    return fail(ErrorCode::InvalidArgument,
                "serving stack version " + shown(tag) + " is not an image tag");
  return std::string(llm_d ? "ghcr.io/llm-d/llm-d-router-endpoint-picker:"
                           : "registry.k8s.io/gateway-api-inference-extension/epp:") +
         tag;
}

Result<std::vector<std::string>> picker_args(const Request& request, const Facts& facts,
                                             const std::string& pool) {
  std::vector<std::string> out{"--pool-name=" + pool, "--pool-namespace=" + request.namespace_name,
                               "--grpc-port=" + std::to_string(kPickerPort),
                               "--grpc-health-port=" + std::to_string(kPickerHealthPort),
                               "--config-file=/config/picker.yaml"};
  if (request.hosting.stack == ServingStack::LlmD) return out;
  for (const auto& [signal, flag] :
       {std::pair{"waiting", "--total-queued-requests-metric="},
        std::pair{"kv_cache_usage", "--kv-cache-usage-percentage-metric="}}) {
    const auto found = facts.metrics.find(signal);
    if (found == facts.metrics.end() || !is_series_name(found->second.series))
      return fail(ErrorCode::Unsatisfiable,
                  facts.server.name + " " + facts.version + " has no metric of " + signal +
                      " that the endpoint picker can read; take vllm or sglang");
    out.push_back(flag + found->second.series);
  }
  return out;
}

}  // namespace

std::vector<json::Object> Stack::objects() const {
  std::vector<json::Object> out;
  out.push_back(to_json(account));
  out.push_back(to_json(rights));
  out.push_back(to_json(bound));
  out.push_back(to_json(config));
  out.push_back(to_json(picker));
  out.push_back(to_json(picker_service));
  for (json::Object& one : metrics.objects()) out.push_back(std::move(one));
  out.push_back(pool_json(pool));
  for (const InferenceObjective& one : objectives) out.push_back(objective_json(one));
  out.push_back(health_json(health));
  out.push_back(backend_json(backend));
  out.push_back(gateway_json(gateway));
  out.push_back(route_json(route));
  return out;
}

Result<Stack> serving_stack(const Request& request, const Facts& facts, const ObjectMeta& meta,
                            const std::string& base, const StringMap& answering, Scrape scrape) {
  if (request.hosting.stack == ServingStack::LlmD && !facts.server.name.starts_with("vllm"))
    return fail(ErrorCode::Unsatisfiable,
                "llm-d's picker reads the metrics of vllm unless told otherwise; take vllm, or "
                "--serving-stack=gateway-inference-extension");
  const auto image = picker_image(request.hosting);
  if (!image) return fail(image.error());
  const auto named = [&](const char* suffix) {
    ObjectMeta out = meta;
    out.name = base + suffix;
    return out;
  };
  Stack out;
  out.pool = {named("-pool"), answering, *facts.server.port, base + "-picker"};
  auto args = picker_args(request, facts, out.pool.meta.name);
  if (!args) return fail(std::move(args).error());
  const std::vector<std::string> read{"get", "watch", "list"};
  out.account = {named("-picker")};
  out.rights = {named("-picker"),
                {{{kPoolGroup}, {"inferencepools"}, read},
                 {{"inference.networking.x-k8s.io", "llm-d.ai"},
                  {"inferencepools", "inferenceobjectives", "inferencemodelrewrites"},
                  read},
                 {{""}, {"pods"}, read}}};
  out.bound = {named("-picker"),
               "Role",
               out.rights.meta.name,
               {{out.account.meta.name, request.namespace_name}}};
  out.config = {named("-picker-config"), {{"picker.yaml", picker_config(request.hosting.stack)}}};

  Container container;
  container.name = "picker";
  container.image = *image;
  container.args = std::move(*args);
  container.ports = {{"grpc", kPickerPort}, {"grpc-health", kPickerHealthPort}, {"metrics", 9090}};
  container.requests = {{"cpu", "1"}, {"memory", "1Gi"}};
  container.limits = {{"memory", "1Gi"}};
  HttpProbe probe{kExternalProcessor, "", 10, 5, 3, {}, kPickerHealthPort};
  container.readiness = probe;
  container.liveness = probe;
  container.mounts = {{"config", "/config", true}};
  out.picker.meta = named("-picker");
  out.picker.selector = {{"app", base + "-picker"}};
  out.picker.pod.labels = out.picker.selector;
  out.picker.pod.service_account = out.account.meta.name;
  out.picker.pod.containers = {std::move(container)};
  out.picker.pod.config_volumes = {{"config", out.config.meta.name}};
  out.picker_service = {
      named("-picker"), out.picker.selector, {{"grpc", kPickerPort, "grpc", "http2"}}};
  out.metrics = picker_metrics(meta, base, out.account.meta.name, out.picker.selector, scrape);
  const ServingStack of = request.hosting.stack;
  out.objectives = {{named("-first"), of, 10, out.pool.meta.name},
                    {named("-last"), of, -10, out.pool.meta.name}};
  out.health = {named("-health"), out.pool.meta.name, facts.server.health_path, *facts.server.port};
  out.backend = {named("-backend"), out.pool.meta.name};
  out.gateway = {named("-gateway"), "gke-l7-rilb"};
  out.route = {named("-route"), out.gateway.meta.name, out.pool.meta.name};
  return out;
}

}  // namespace kneepoint::manifest
