#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "manifest/objects.h"

/// Cloud Run's Service, which is Knative's with Cloud Run's annotations, and a Cloud Build file.
namespace kneepoint::manifest {

struct CloudRunProbe {
  std::string path;
  int port = 0;
  int period_seconds = 10, timeout_seconds = 5, failure_threshold = 3;
};

struct CloudRunContainer {
  std::string name, image;
  std::vector<std::string> command, args;
  std::vector<EnvVar> env;  // a secret's key is its version in Secret Manager
  int port = 0;             // 0: a sidecar, which gets no requests
  StringMap limits;
  CloudRunProbe startup;
  std::vector<VolumeMount> mounts;
};

struct CloudRunService {
  ObjectMeta meta;        // without a namespace: that would be the project
  StringMap annotations;  // of a revision
  int concurrency = 1;
  int timeout_seconds = 600;
  std::string accelerator;
  std::vector<CloudRunContainer> containers;
  std::vector<CsiVolume> buckets;
  std::vector<MemoryVolume> memory;
};

json::Object to_json(const CloudRunService& service);

struct BuildStep {
  std::string builder;
  std::vector<std::string> args;
  std::vector<std::string> env, secret_env;
};

struct CloudBuild {
  std::vector<BuildStep> steps;
  std::vector<std::string> images;
  std::string machine_type, disk_gb;
  std::string secret, secret_variable;  // of Secret Manager, given to steps; empty: none
};

json::Object to_json(const CloudBuild& build);

}  // namespace kneepoint::manifest
