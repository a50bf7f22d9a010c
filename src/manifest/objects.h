#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"

/// The part of the Kubernetes API that we emit, as values. A field of a struct is a field of the
/// object; what is empty is left out. Values come from users and catalogs, so text is only ever
/// made by the JSON and YAML writers, never pasted.
namespace kneepoint::manifest {

/// Key and value in the order they are printed.
using StringMap = std::vector<std::pair<std::string, std::string>>;

struct ObjectMeta {
  std::string name, namespace_name;
  StringMap labels, annotations;
};

struct EnvVar {
  std::string name;
  std::string value;                    // used when secret_name is empty
  std::string secret_name, secret_key;  // a reference; the secret itself never passes through here
  bool secret_optional = false;
};

struct ContainerPort {
  std::string name;
  int port = 0;
};

struct HttpProbe {
  std::string path;  // of an HTTP request; of none where there is a command
  std::string port;  // by name
  int period_seconds = 10;
  std::optional<int> timeout_seconds, failure_threshold;
  std::vector<std::string> command;  // run in the container instead
  int grpc_port = 0;                 // asked there instead, by gRPC
};

struct VolumeMount {
  std::string name, path;
  bool read_only = false;
};

/// An emptyDir in memory; its pages count against the pod's memory limit.
struct MemoryVolume {
  std::string name, size_limit;
};

/// A volume that a storage driver makes for this pod.
struct CsiVolume {
  std::string name, driver;
  bool read_only = false;
  StringMap attributes;
};

/// An emptyDir on the node's disk.
struct DiskVolume {
  std::string name, size_limit;
};

/// A volume that a claim stands for.
struct ClaimVolume {
  std::string name, claim;
  bool read_only = false;
};

/// The files of a ConfigMap.
struct ConfigVolume {
  std::string name, config_map;
};

/// A folder of the node.
struct HostFolder {
  std::string name, path;
};

struct Toleration {
  std::string key, op, value, effect;
};

struct Container {
  std::string name, image;
  std::vector<std::string> command, args;
  std::vector<EnvVar> env;
  std::vector<ContainerPort> ports;
  StringMap requests, limits;
  std::optional<HttpProbe> startup, readiness, liveness;
  std::vector<VolumeMount> mounts;
  std::vector<std::string> capabilities;  // of the kernel, added to the container's
  bool privileged = false;                // may do on the node what root may
  std::vector<std::string> claims;        // of the pod's, that this container has
};

struct PodTemplate {
  StringMap labels, annotations;
  StringMap node_selector;
  std::vector<Toleration> tolerations;
  std::vector<Container> init_containers;  // one after the other, before the others start
  std::vector<Container> containers;
  std::vector<MemoryVolume> volumes;
  std::vector<CsiVolume> csi_volumes;
  std::vector<HostFolder> host_folders;
  std::vector<DiskVolume> disk_volumes;
  std::vector<ClaimVolume> claims;
  std::vector<ConfigVolume> config_volumes;
  StringMap resource_claims;    // name, and the template that each pod's own is made from
  std::string service_account;  // empty: the namespace's default
  std::string restart_policy;   // empty: Always, which is all that a Deployment takes
  /// Only nodes that have none of these labels.
  std::vector<std::string> not_on;
  /// As Pod Security's level "restricted" asks: nobody's rights, a root file system that is read
  /// only. Volumes belong to that nobody.
  bool restricted = false;
  std::optional<bool> account_token;  // whether the service account's token is put into it
};

struct ConfigMap {
  ObjectMeta meta;
  StringMap data;
  StringMap binary = {};  // bytes, in base64
};

struct ServiceAccount {
  ObjectMeta meta;
};

struct Deployment {
  ObjectMeta meta;
  int replicas = 1;
  int progress_deadline_seconds = 600;
  StringMap selector;
  PodTemplate pod;
};

struct ServicePort {
  std::string name;
  int port = 0;
  std::string target;         // name of a container port
  std::string protocol = {};  // of the application, where it has to be said
};

struct Service {
  ObjectMeta meta;
  StringMap selector;
  std::vector<ServicePort> ports;
};

struct PodMonitoring {
  ObjectMeta meta;
  StringMap selector;
  std::string port, path, interval;
  std::string token_secret = {};  // whose key `token` is shown; empty: nothing is
};

json::Object to_json(const ConfigMap& map);
json::Object to_json(const ServiceAccount& account);
json::Object to_json(const Deployment& deployment);
json::Object to_json(const Service& service);
json::Object to_json(const PodMonitoring& monitoring);

}  // namespace kneepoint::manifest
