#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "manifest/objects.h"

/// The objects that hold weights, fill them in, or make nodes that have room for them.
namespace kneepoint::manifest {

struct StorageClass {
  ObjectMeta meta;  // of no namespace
  std::string provisioner;
  StringMap parameters;
  std::string reclaim = "Delete", binding = "WaitForFirstConsumer";
  bool expansion = false;
  std::vector<std::string> mount_options;
};

struct PersistentVolumeClaim {
  ObjectMeta meta;
  std::string storage_class;  // empty: the cluster's default
  std::string access_mode;
  int gib = 1;
  std::string snapshot = {};  // made from this VolumeSnapshot; empty: made empty
  std::string volume = {};    // this one and no other
};

/// Something that is there already, for one claim.
struct PersistentVolume {
  ObjectMeta meta;  // of no namespace
  std::string storage_class, access_mode;
  int gib = 1;
  std::string driver, handle;
  std::vector<std::string> mount_options;
  std::string claim, claim_namespace;
};

/// Runs once; what fails is looked at by a person, not tried again, unless it says how often.
struct Job {
  ObjectMeta meta;
  PodTemplate pod;
  int retries = 0;
};

/// GKE's own kind, in no public module: machines with a boot disk of a size.
struct ComputeClass {
  ObjectMeta meta;  // of no namespace
  std::string machine_type;
  int boot_disk_gib = 100;
  std::string accelerator;
  int accelerators = 1;
};

json::Object to_json(const StorageClass& storage_class);
json::Object to_json(const PersistentVolumeClaim& claim);
json::Object to_json(const PersistentVolume& volume);
json::Object to_json(const Job& job);
json::Object to_json(const ComputeClass& compute_class);

}  // namespace kneepoint::manifest
