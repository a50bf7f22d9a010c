#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "manifest/facts.h"
#include "manifest/request.h"
#include "perfmodel/memory.h"

/// Every number of a manifest, worked out before any object is made. The rules and where they come
/// from: docs/manifests.md.
namespace kneepoint::manifest {

inline constexpr int kStartupPeriodSeconds = 10;
inline constexpr int kImagePullSeconds = 900;             // allowed on top, before the probe starts
inline constexpr double kDownloadBytesPerSecond = 200e6;  // assumed
inline constexpr double kBucketBytesPerSecond = 1e9;      // assumed, Cloud Storage in parallel
inline constexpr double kLoadBytesPerSecond = 1e9;        // assumed, disk to accelerator
inline constexpr double kWarmUpSeconds = 120;             // assumed, compile and graph capture
inline constexpr double kBootDiskGib = 90;  // what a default 100 GiB boot disk leaves for pods

struct Plan {
  // The split, checked against the model and the accelerator; tensor x pipeline x data parallel is
  // the number of accelerators, whichever way the request counted.
  perfmodel::MemorySetup split;
  int hosts = 1;  // over which a replica is spread evenly; a pod each

  int accelerators_per_host() const { return split.accelerators / hosts; }

  // Memory of the accelerators.
  perfmodel::FitAnswer fit;
  std::optional<int> max_model_len;  // as asked, or cut to what fits; nothing: the model's own
  bool max_model_len_cut = false;
  int slots = 0;  // requests at once of a server that divides its cache among them; 0: not
  std::string tpu_topology;  // "2x4"; empty: no TPU

  // The pod: on several hosts, each of them. Where the size is unknown, weight_bytes is the most
  // that could fit.
  bool size_known = false;
  double weight_bytes = 0;
  bool weights_in_memory = false;  // HF_HOME on the memory volume
  int cache_gib = 0;               // of weights that are mounted from a bucket
  int sidecar_gib = 0;             // memory of what mounts them, the cache included
  int shm_gib = 0;                 // the memory volume, weights included when they live there
  int memory_gib = 0;
  int swap_gib_per_accelerator = 0;  // pinned by engines that still swap; part of memory_gib
  int ephemeral_gib = 0;
  int cpu = 0;
  bool cpu_cut = false;  // the machine has less than the rule asks for

  // Starting.
  double fetch_bytes_per_second = kDownloadBytesPerSecond;
  bool streamed = false;    // to the accelerators while they are fetched
  double load_seconds = 0;  // expected, by the assumptions above
  int startup_periods = 0;

  int startup_seconds() const { return startup_periods * kStartupPeriodSeconds; }
  int rollout_seconds() const { return startup_seconds() + kImagePullSeconds; }
};

Result<Plan> plan(const Request& request, const Facts& facts);

}  // namespace kneepoint::manifest
