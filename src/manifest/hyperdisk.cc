#include "manifest/hyperdisk.h"

#include <fmt/format.h>

#include "manifest/storage.h"
#include "manifest/text.h"
#include "manifest/transfer.h"

namespace kneepoint::manifest {
namespace {

constexpr const char* kClass = "hyperdisk-ml";

template <class T>
Object object(const T& value) {
  json::Object doc = to_json(value);
  return {std::string(doc.at("kind").as_string()), std::string(doc.at("apiVersion").as_string()),
          value.meta.name, std::move(doc)};
}

ObjectMeta named(const ObjectMeta& meta, const std::string& name, bool fills) {
  ObjectMeta out = meta;
  out.name = name;
  if (fills) out.labels.emplace_back(kStepLabel, kFillStep);
  return out;
}

}  // namespace

std::vector<Object> hyperdisk(const Request& request, const Facts& facts, const Plan& plan,
                              const ObjectMeta& meta, const std::string& base, PodTemplate& pod) {
  StorageClass disks;
  disks.meta = named(meta, kClass, true);
  disks.meta.namespace_name.clear();
  disks.provisioner = "pd.csi.storage.gke.io";
  disks.parameters = {{"type", "hyperdisk-ml"}, {"provisioned-throughput-on-create", "2400Mi"}};
  disks.mount_options = {"read_ahead_kb=4096"};
  const int gib = hyperdisk_gib(plan);
  const std::string source = base + "-source";
  const std::string read = base + "-weights";
  PersistentVolumeClaim filled{named(meta, source, true), kClass, "ReadWriteOnce", gib, ""};
  PersistentVolumeClaim shared{named(meta, read, false), kClass, "ReadOnlyMany", gib, read};
  const Job job = transfer_to_volume(request, facts, named(meta, base + "-fill", true), source);
  pod.claims.push_back({"weights", read, true});
  for (Container& container : pod.containers)
    container.mounts.push_back({"weights", kWeightsFolder, true});
  return {object(disks), object(filled), object(job), object(shared)};
}

std::vector<std::string> hyperdisk_comments(const Request& request, const Plan& plan,
                                            const std::string& base) {
  using json::Object;
  const std::string space = shell_word(request.namespace_name);
  std::vector<std::string> out;
  out.push_back(fmt::format(
      "Weights: a Hyperdisk ML volume of {} GiB, read by all replicas at {}; GKE "
      "1.30.2-gke.1394000 "
      "or later, nodes and disk in one zone (or a class with enable-multi-zone-provisioning)",
      hyperdisk_gib(plan), kWeightsFolder));
  out.emplace_back(
      "The Job that fills it runs on a C3 machine in the zone of the GPUs. Autopilot makes one; a "
      "Standard cluster needs a pool of them:");
  out.emplace_back(
      "  gcloud container node-pools create fill --cluster=CLUSTER --project=PROJECT "
      "--location=LOCATION --node-locations=ZONE --machine-type=c3-standard-22 --num-nodes=0 "
      "--enable-autoscaling --min-nodes=0 --max-nodes=1");
  for (auto& line : transfer_comments(request, base + "-fill")) out.push_back(std::move(line));
  const Object of_images{
      {"apiVersion", "snapshot.storage.k8s.io/v1"},
      {"kind", "VolumeSnapshotClass"},
      {"metadata", Object{{"name", "hyperdisk-ml-images"}}},
      {"driver", "pd.csi.storage.gke.io"},
      {"deletionPolicy", "Delete"},
      {"parameters", Object{{"snapshot-type", "images"}, {"image-family", base}}}};
  const Object snapshot{
      {"apiVersion", "snapshot.storage.k8s.io/v1"},
      {"kind", "VolumeSnapshot"},
      {"metadata", Object{{"name", base + "-weights"}, {"namespace", request.namespace_name}}},
      {"spec", Object{{"volumeSnapshotClassName", "hyperdisk-ml-images"},
                      {"source", Object{{"persistentVolumeClaimName", base + "-source"}}}}}};
  out.emplace_back("Then the image of it that the servers' volume is made from:");
  out.push_back("  printf %s " + shell_word(json::to_line(of_images)) +
                " | kubectl apply --filename=-");
  out.push_back("  printf %s " + shell_word(json::to_line(snapshot)) +
                " | kubectl apply --filename=-");
  out.push_back(
      "  kubectl wait --for=jsonpath={.status.readyToUse}=true --timeout=1h "
      "volumesnapshot/" +
      base + "-weights --namespace=" + space);
  out.push_back("After that the source is no longer needed: kubectl delete job/" + base +
                "-fill persistentvolumeclaim/" + base + "-source --namespace=" + space);
  return out;
}

}  // namespace kneepoint::manifest
