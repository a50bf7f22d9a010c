#include "manifest/storage_objects.h"

#include "manifest/object_json.h"

namespace kneepoint::manifest {

using json::Array;
using json::Object;

json::Object to_json(const StorageClass& storage_class) {
  Object out = typed("storage.k8s.io/v1", "StorageClass", storage_class.meta, {});
  out.erase("spec");
  out["provisioner"] = storage_class.provisioner;
  if (!storage_class.parameters.empty()) out["parameters"] = map_json(storage_class.parameters);
  out["reclaimPolicy"] = storage_class.reclaim;
  out["volumeBindingMode"] = storage_class.binding;
  out["allowVolumeExpansion"] = storage_class.expansion;
  Array options;
  for (const auto& option : storage_class.mount_options) options.emplace_back(option);
  if (!options.empty()) out["mountOptions"] = std::move(options);
  return out;
}

json::Object to_json(const PersistentVolumeClaim& claim) {
  Object spec{{"accessModes", Array{json::Value(claim.access_mode)}}};
  if (!claim.storage_class.empty()) spec["storageClassName"] = claim.storage_class;
  if (!claim.snapshot.empty()) {
    spec["dataSource"] = Object{{"apiGroup", "snapshot.storage.k8s.io"},
                                {"kind", "VolumeSnapshot"},
                                {"name", claim.snapshot}};
  }
  if (!claim.volume.empty()) spec["volumeName"] = claim.volume;
  spec["resources"] = Object{{"requests", Object{{"storage", std::to_string(claim.gib) + "Gi"}}}};
  return typed("v1", "PersistentVolumeClaim", claim.meta, std::move(spec));
}

json::Object to_json(const PersistentVolume& volume) {
  Object spec{{"accessModes", Array{json::Value(volume.access_mode)}},
              {"capacity", Object{{"storage", std::to_string(volume.gib) + "Gi"}}},
              {"storageClassName", volume.storage_class},
              // What it stands for is not ours to delete.
              {"persistentVolumeReclaimPolicy", "Retain"},
              {"claimRef", Object{{"namespace", volume.claim_namespace}, {"name", volume.claim}}}};
  Array options;
  for (const auto& option : volume.mount_options) options.emplace_back(option);
  if (!options.empty()) spec["mountOptions"] = std::move(options);
  spec["csi"] =
      Object{{"driver", volume.driver}, {"volumeHandle", volume.handle}, {"readOnly", true}};
  return typed("v1", "PersistentVolume", volume.meta, std::move(spec));
}

json::Object to_json(const Job& job) {
  Object spec{{"backoffLimit", job.retries}};
  // Never two of them at once: one that is on its way out still works.
  if (job.retries > 0) spec["podReplacementPolicy"] = "Failed";
  spec["template"] = pod_json(job.pod);
  return typed("batch/v1", "Job", job.meta, std::move(spec));
}

json::Object to_json(const ComputeClass& compute_class) {
  Object rule{{"machineType", compute_class.machine_type},
              {"storage", Object{{"bootDiskSize", compute_class.boot_disk_gib}}},
              {"gpu", Object{{"type", compute_class.accelerator},
                             {"count", compute_class.accelerators},
                             {"driverVersion", "latest"}}}};
  Object spec{{"priorities", Array{std::move(rule)}},
              {"nodePoolAutoCreation", Object{{"enabled", true}}},
              {"whenUnsatisfiable", "DoNotScaleUp"}};
  return typed("cloud.google.com/v1", "ComputeClass", compute_class.meta, std::move(spec));
}

}  // namespace kneepoint::manifest
