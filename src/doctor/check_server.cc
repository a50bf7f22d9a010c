#include "base/text.h"
#include "doctor/quantity.h"
#include "doctor/rules.h"
#include "doctor/server_use.h"

namespace kneepoint::doctor {
namespace {

/// From here on a boot disk of 100 GiB evicts the pod.
constexpr double kDiskBytes = 85.0 * 1024 * 1024 * 1024;

bool memory_at(const ServerUse& use, std::string_view path) {
  for (const At& mount : use.container["volumeMounts"].items()) {
    if (mount["mountPath"].text() != path) continue;
    for (const At& volume : use.pod["volumes"].items()) {
      if (volume["name"].text() == mount["name"].text()) {
        return volume["emptyDir"]["medium"].text() == "Memory";
      }
    }
  }
  return false;
}

void check_flags(const Object& object, const ServerUse& use, const Facts& facts, Report& report) {
  if (use.version.empty()) return;
  for (const auto& [flag, given] : use.flags) {
    const catalog::ServerFlag* gone = nullptr;
    bool known = false;
    for (const catalog::ServerFlag& row : facts.catalog.server_flags()) {
      if (row.server != use.server || row.flag != flag) continue;
      const auto before =
          row.since.empty() ? 0 : catalog::compare_versions(use.version, row.since).value_or(0);
      const auto after =
          row.until.empty() ? -1 : catalog::compare_versions(use.version, row.until).value_or(-1);
      if (before >= 0 && after < 0) known = true;
      gone = &row;
    }
    if (known || gone == nullptr) continue;
    const catalog::ServerFlag* instead = facts.catalog.flag(use.server, use.version, gone->purpose);
    report.error(object, given.at, "bad-flag",
                 use.server + " " + use.version + " does not know " + flag + ".",
                 instead != nullptr ? "Write " + instead->flag + "." : "Remove it.",
                 instead != nullptr ? instead->flag : "");
  }
}

void check_shared_memory(const Object& object, const ServerUse& use, Report& report) {
  const int tensor = use.count({"--tensor-parallel-size", "--tp-size", "--tp", "--num-shard"}, 1);
  if (tensor <= 1 || memory_at(use, "/dev/shm") || use.server == "vllm-tpu" ||
      use.server == "ollama")
    return;
  report.warning(
      object, use.container, "shm",
      "Several accelerators exchange through /dev/shm, which has 64 MB in a container.",
      "Mount a memory volume there.",
      "volumes: [{name: dshm, emptyDir: {medium: Memory, sizeLimit: 8Gi}}]  # volumeMounts: "
      "[{name: dshm, mountPath: /dev/shm}]");
}

void check_address(const Object& object, const ServerUse& use, Report& report) {
  if (use.server != "sglang" || use.given("--host") || use.flags.empty()) return;
  report.warning(
      object, use.container, "listens-locally",
      "SGLang listens on 127.0.0.1 unless told otherwise: probes and the Service do not reach it.",
      "Give it an address.", "--host=0.0.0.0");
}

void check_disk(const Object& object, const ServerUse& use, const Facts& facts, Report& report) {
  const auto weights = weight_bytes_of(use, facts.catalog);
  if (!weights || *weights < kDiskBytes || !downloads(use)) return;
  const std::string home = use.variable("HF_HOME");
  if (home.starts_with("/dev/shm")) return;
  for (const At& mount : use.container["volumeMounts"].items()) {
    if (!home.empty() && home.starts_with(mount["mountPath"].text())) return;
  }
  report.warning(object, use.container, "evict-ephemeral",
                 human_bytes(*weights) +
                     " of weights go to the node's boot disk, which has about 88 GiB free when it "
                     "is 100 GiB large: the pod is evicted.",
                 "Put the cache in memory, on a volume, or take a larger boot disk.",
                 "env: [{name: HF_HOME, value: /dev/shm/hf_cache}]");
}

void check_fuse(const Object& object, const Pod& pod, Report& report) {
  for (const At& volume : pod.spec["volumes"].items()) {
    const At driver = volume["csi"]["driver"];
    if (driver.text() != "gcsfuse.csi.storage.gke.io") continue;
    if (pod.metadata["annotations"]["gke-gcsfuse/volumes"].text() == "true") continue;
    report.error(object, driver, "fuse-no-sidecar",
                 "The pod mounts a bucket and lacks the annotation that brings the sidecar.",
                 "Put it on the pod template.",
                 "template: {metadata: {annotations: {gke-gcsfuse/volumes: \"true\"}}}");
  }
}

void check_xla(const Object& object, const ServerUse& use, Report& report) {
  const At cache = use.variable_at("VLLM_XLA_CACHE_PATH");
  if (!cache.exists() || object["spec"]["replicas"].integer().value_or(1) < 2) return;
  report.warning(object, cache, "xla-cache-conflict",
                 "Several replicas that start at once write one shared XLA cache.",
                 "Start with one replica and scale up when it is ready.", "replicas: 1");
}

}  // namespace

void check_server(const Object& object, const Facts& facts, Report& report) {
  for (const ServerUse& use : servers_of(object)) {
    check_flags(object, use, facts, report);
    check_address(object, use, report);
    check_disk(object, use, facts, report);
    check_xla(object, use, report);
    if (object.kind != "Service") check_shared_memory(object, use, report);
  }
  for (const Pod& pod : pods_of(object)) check_fuse(object, pod, report);
}

}  // namespace kneepoint::doctor
