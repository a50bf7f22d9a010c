#include "manifest/cloud_run_objects.h"

#include "manifest/object_json.h"

namespace kneepoint::manifest {
namespace {

using json::Array;
using json::Object;

Array words(const std::vector<std::string>& texts) {
  Array out;
  for (const auto& text : texts) out.emplace_back(text);
  return out;
}

Object variable(const EnvVar& variable) {
  Object out{{"name", variable.name}};
  if (variable.secret_name.empty()) {
    out["value"] = variable.value;
  } else {
    out["valueFrom"] = Object{
        {"secretKeyRef", Object{{"name", variable.secret_name}, {"key", variable.secret_key}}}};
  }
  return out;
}

Object container_json(const CloudRunContainer& container) {
  Object out{{"name", container.name}, {"image", container.image}};
  if (!container.command.empty()) out["command"] = words(container.command);
  if (!container.args.empty()) out["args"] = words(container.args);
  Array env;
  for (const EnvVar& one : container.env) env.emplace_back(variable(one));
  if (!env.empty()) out["env"] = std::move(env);
  if (container.port > 0)
    out["ports"] = Array{Object{{"name", "http1"}, {"containerPort", container.port}}};
  out["resources"] = Object{{"limits", map_json(container.limits)}};
  const CloudRunProbe& probe = container.startup;
  out["startupProbe"] = Object{{"httpGet", Object{{"path", probe.path}, {"port", probe.port}}},
                               {"periodSeconds", probe.period_seconds},
                               {"timeoutSeconds", probe.timeout_seconds},
                               {"failureThreshold", probe.failure_threshold}};
  Array mounts;
  for (const VolumeMount& mount : container.mounts) {
    Object one{{"name", mount.name}, {"mountPath", mount.path}};
    mounts.emplace_back(std::move(one));
  }
  if (!mounts.empty()) out["volumeMounts"] = std::move(mounts);
  return out;
}

}  // namespace

json::Object to_json(const CloudRunService& service) {
  Array containers;
  for (const auto& container : service.containers)
    containers.emplace_back(container_json(container));
  Object revision{{"containerConcurrency", service.concurrency},
                  {"timeoutSeconds", service.timeout_seconds},
                  {"nodeSelector", Object{{"run.googleapis.com/accelerator", service.accelerator}}},
                  {"containers", std::move(containers)}};
  Array volumes;
  for (const CsiVolume& volume : service.buckets) {
    Object csi{{"driver", volume.driver}, {"readOnly", volume.read_only}};
    csi["volumeAttributes"] = map_json(volume.attributes);
    volumes.emplace_back(Object{{"name", volume.name}, {"csi", std::move(csi)}});
  }
  for (const MemoryVolume& volume : service.memory) {
    volumes.emplace_back(
        Object{{"name", volume.name},
               {"emptyDir", Object{{"medium", "Memory"}, {"sizeLimit", volume.size_limit}}}});
  }
  if (!volumes.empty()) revision["volumes"] = std::move(volumes);
  return typed("serving.knative.dev/v1", "Service", service.meta,
               Object{{"template",
                       Object{{"metadata", Object{{"annotations", map_json(service.annotations)}}},
                              {"spec", std::move(revision)}}}});
}

json::Object to_json(const CloudBuild& build) {
  Array steps;
  for (const BuildStep& step : build.steps) {
    Object one{{"name", step.builder}, {"args", words(step.args)}};
    if (!step.env.empty()) one["env"] = words(step.env);
    if (!step.secret_env.empty()) one["secretEnv"] = words(step.secret_env);
    steps.emplace_back(std::move(one));
  }
  Object out{{"steps", std::move(steps)}, {"images", words(build.images)}};
  if (!build.secret.empty()) {
    out["availableSecrets"] = Object{
        {"secretManager", Array{Object{{"versionName", "projects/$PROJECT_ID/secrets/" +
                                                           build.secret + "/versions/latest"},
                                       {"env", build.secret_variable}}}}};
  }
  out["options"] = Object{{"machineType", build.machine_type}, {"diskSizeGb", build.disk_gb}};
  return out;
}

}  // namespace kneepoint::manifest
