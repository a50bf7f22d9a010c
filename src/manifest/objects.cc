#include "manifest/objects.h"

#include "manifest/object_json.h"

namespace kneepoint::manifest {
namespace {

using json::Array;
using json::Object;

Object json_of(const EnvVar& variable);
Object json_of(const ContainerPort& port);
Object json_of(const VolumeMount& mount);
Object json_of(const MemoryVolume& volume);
Object json_of(const Toleration& toleration);
Object json_of(const Container& container);
Object json_of(const ServicePort& port);

void put(Object& object, std::string_view key, const std::string& value) {
  if (!value.empty()) object[key] = value;
}

void put(Object& object, std::string_view key, const std::optional<int>& value) {
  if (value) object[key] = *value;
}

void put(Object& object, std::string_view key, const StringMap& map) {
  if (!map.empty()) object[key] = map_json(map);
}

void put(Object& object, std::string_view key, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  Array out;
  for (const auto& text : texts) out.emplace_back(text);
  object[key] = std::move(out);
}

template <class T>
void put(Object& object, std::string_view key, const std::vector<T>& items) {
  if (items.empty()) return;
  Array out;
  for (const T& item : items) out.emplace_back(json_of(item));
  object[key] = std::move(out);
}

Object json_of(const ObjectMeta& meta) {
  Object out;
  put(out, "name", meta.name);
  put(out, "namespace", meta.namespace_name);
  put(out, "labels", meta.labels);
  put(out, "annotations", meta.annotations);
  return out;
}

Object json_of(const EnvVar& variable) {
  Object out{{"name", variable.name}};
  if (variable.secret_name.empty()) {
    out["value"] = variable.value;
    return out;
  }
  Object reference{{"name", variable.secret_name}, {"key", variable.secret_key}};
  if (variable.secret_optional) reference["optional"] = true;
  out["valueFrom"] = Object{{"secretKeyRef", std::move(reference)}};
  return out;
}

Object json_of(const ContainerPort& port) {
  return Object{{"name", port.name}, {"containerPort", port.port}};
}

Object json_of(const HttpProbe& probe) {
  Object out;
  if (probe.grpc_port > 0) {
    out["grpc"] = Object{{"port", probe.grpc_port}, {"service", probe.path}};
  } else if (probe.command.empty()) {
    out["httpGet"] = Object{{"path", probe.path}, {"port", probe.port}};
  } else {
    Object exec;
    put(exec, "command", probe.command);
    out["exec"] = std::move(exec);
  }
  out["periodSeconds"] = probe.period_seconds;
  put(out, "timeoutSeconds", probe.timeout_seconds);
  put(out, "failureThreshold", probe.failure_threshold);
  return out;
}

Object json_of(const VolumeMount& mount) {
  Object out{{"name", mount.name}, {"mountPath", mount.path}};
  if (mount.read_only) out["readOnly"] = true;
  return out;
}

Object json_of(const MemoryVolume& volume) {
  Object memory{{"medium", "Memory"}};
  put(memory, "sizeLimit", volume.size_limit);
  return Object{{"name", volume.name}, {"emptyDir", std::move(memory)}};
}

Object json_of(const CsiVolume& volume) {
  Object csi{{"driver", volume.driver}};
  if (volume.read_only) csi["readOnly"] = true;
  put(csi, "volumeAttributes", volume.attributes);
  return Object{{"name", volume.name}, {"csi", std::move(csi)}};
}

Object json_of(const DiskVolume& volume) {
  Object disk;
  put(disk, "sizeLimit", volume.size_limit);
  return Object{{"name", volume.name}, {"emptyDir", std::move(disk)}};
}

Object json_of(const ClaimVolume& volume) {
  Object claim{{"claimName", volume.claim}};
  if (volume.read_only) claim["readOnly"] = true;
  return Object{{"name", volume.name}, {"persistentVolumeClaim", std::move(claim)}};
}

Object json_of(const Toleration& toleration) {
  Object out;
  put(out, "key", toleration.key);
  put(out, "operator", toleration.op);
  put(out, "value", toleration.value);
  put(out, "effect", toleration.effect);
  return out;
}

Object json_of(const Container& container) {
  Object out{{"name", container.name}, {"image", container.image}};
  put(out, "command", container.command);
  put(out, "args", container.args);
  put(out, "env", container.env);
  put(out, "ports", container.ports);
  Object resources;
  put(resources, "requests", container.requests);
  put(resources, "limits", container.limits);
  Array claims;
  for (const auto& claim : container.claims) claims.emplace_back(Object{{"name", claim}});
  if (!claims.empty()) resources["claims"] = std::move(claims);
  if (!resources.empty()) out["resources"] = std::move(resources);
  if (container.startup) out["startupProbe"] = json_of(*container.startup);
  if (container.readiness) out["readinessProbe"] = json_of(*container.readiness);
  if (container.liveness) out["livenessProbe"] = json_of(*container.liveness);
  put(out, "volumeMounts", container.mounts);
  Object security;
  if (!container.capabilities.empty()) {
    Object capabilities;
    put(capabilities, "add", container.capabilities);
    security["capabilities"] = std::move(capabilities);
  }
  if (container.privileged) security["privileged"] = true;
  if (!security.empty()) out["securityContext"] = std::move(security);
  return out;
}

Object affinity_without(const std::vector<std::string>& labels) {
  Array expressions;
  for (const std::string& label : labels)
    expressions.push_back(Object{{"key", label}, {"operator", "DoesNotExist"}});
  Object terms{{"nodeSelectorTerms", Array{Object{{"matchExpressions", std::move(expressions)}}}}};
  return {{"nodeAffinity",
           Object{{"requiredDuringSchedulingIgnoredDuringExecution", std::move(terms)}}}};
}

Object json_of(const PodTemplate& pod) {
  Object meta;
  put(meta, "labels", pod.labels);
  put(meta, "annotations", pod.annotations);
  Object spec;
  put(spec, "restartPolicy", pod.restart_policy);
  put(spec, "serviceAccountName", pod.service_account);
  if (pod.account_token) spec["automountServiceAccountToken"] = *pod.account_token;
  if (pod.restricted) {
    constexpr int kNobody = 65532;
    spec["securityContext"] = Object{{"runAsNonRoot", true},
                                     {"runAsUser", kNobody},
                                     {"runAsGroup", kNobody},
                                     {"fsGroup", kNobody},
                                     {"seccompProfile", Object{{"type", "RuntimeDefault"}}}};
  }
  put(spec, "nodeSelector", pod.node_selector);
  if (!pod.not_on.empty()) spec["affinity"] = affinity_without(pod.not_on);
  put(spec, "tolerations", pod.tolerations);
  put(spec, "initContainers", pod.init_containers);
  put(spec, "containers", pod.containers);
  if (pod.restricted) {
    for (json::Value& each : spec["containers"].as_array()) {
      each.as_object()["securityContext"] =
          Object{{"allowPrivilegeEscalation", false},
                 {"readOnlyRootFilesystem", true},
                 {"capabilities", Object{{"drop", Array{json::Value("ALL")}}}}};
    }
  }
  Array volumes;
  for (const MemoryVolume& volume : pod.volumes) volumes.emplace_back(json_of(volume));
  for (const CsiVolume& volume : pod.csi_volumes) volumes.emplace_back(json_of(volume));
  for (const DiskVolume& volume : pod.disk_volumes) volumes.emplace_back(json_of(volume));
  for (const ClaimVolume& volume : pod.claims) volumes.emplace_back(json_of(volume));
  for (const HostFolder& folder : pod.host_folders)
    volumes.emplace_back(
        Object{{"name", folder.name}, {"hostPath", Object{{"path", folder.path}}}});
  for (const ConfigVolume& volume : pod.config_volumes)
    volumes.emplace_back(
        Object{{"name", volume.name}, {"configMap", Object{{"name", volume.config_map}}}});
  if (!volumes.empty()) spec["volumes"] = std::move(volumes);
  Array claims;
  for (const auto& [name, from] : pod.resource_claims)
    claims.emplace_back(Object{{"name", name}, {"resourceClaimTemplateName", from}});
  if (!claims.empty()) spec["resourceClaims"] = std::move(claims);
  return Object{{"metadata", std::move(meta)}, {"spec", std::move(spec)}};
}

Object json_of(const ServicePort& port) {
  Object out{
      {"name", port.name}, {"port", port.port}, {"targetPort", port.target}, {"protocol", "TCP"}};
  put(out, "appProtocol", port.protocol);
  return out;
}

Object match_labels(const StringMap& selector) {
  Object out;
  put(out, "matchLabels", selector);
  return out;
}

}  // namespace

json::Object pod_json(const PodTemplate& pod) { return json_of(pod); }

json::Object map_json(const StringMap& map) {
  Object out;
  for (const auto& [name, value] : map) out[name] = value;
  return out;
}

json::Object typed(std::string_view api_version, std::string_view kind, const ObjectMeta& meta,
                   json::Object spec) {
  return Object{{"apiVersion", api_version},
                {"kind", kind},
                {"metadata", json_of(meta)},
                {"spec", std::move(spec)}};
}

json::Object to_json(const ConfigMap& map) {
  Object out{{"apiVersion", "v1"},
             {"kind", "ConfigMap"},
             {"metadata", json_of(map.meta)},
             {"data", map_json(map.data)}};
  if (!map.binary.empty()) out["binaryData"] = map_json(map.binary);
  return out;
}

json::Object to_json(const ServiceAccount& account) {
  return Object{
      {"apiVersion", "v1"}, {"kind", "ServiceAccount"}, {"metadata", json_of(account.meta)}};
}

json::Object to_json(const Deployment& deployment) {
  Object spec{{"replicas", deployment.replicas},
              {"progressDeadlineSeconds", deployment.progress_deadline_seconds},
              // A rolling update would ask for a second set of accelerators first.
              {"strategy", Object{{"type", "Recreate"}}},
              {"selector", match_labels(deployment.selector)},
              {"template", json_of(deployment.pod)}};
  return typed("apps/v1", "Deployment", deployment.meta, std::move(spec));
}

json::Object to_json(const Service& service) {
  Object spec{{"type", "ClusterIP"}};
  put(spec, "selector", service.selector);
  put(spec, "ports", service.ports);
  return typed("v1", "Service", service.meta, std::move(spec));
}

json::Object to_json(const PodMonitoring& monitoring) {
  Object endpoint{
      {"port", monitoring.port}, {"path", monitoring.path}, {"interval", monitoring.interval}};
  if (!monitoring.token_secret.empty()) {
    Object secret{{"name", monitoring.token_secret}, {"key", "token"}};
    endpoint["authorization"] =
        Object{{"type", "Bearer"}, {"credentials", Object{{"secret", std::move(secret)}}}};
  }
  Object spec{{"selector", match_labels(monitoring.selector)},
              {"endpoints", Array{std::move(endpoint)}}};
  return typed("monitoring.googleapis.com/v1", "PodMonitoring", monitoring.meta, std::move(spec));
}

}  // namespace kneepoint::manifest
