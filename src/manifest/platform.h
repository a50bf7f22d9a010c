#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

/// Where a set is to run and how the weights get there: what a user chooses beside the setup.
namespace kneepoint::manifest {

enum class Platform { Gke, CloudRun, Eks, Aks, Kubernetes };
std::string_view name(Platform platform);   // "cloud-run": the words of --platform
std::string_view title(Platform platform);  // "Cloud Run"
std::optional<Platform> platform_of(std::string_view name);

enum class Storage {
  Auto,      // a bucket that was named is mounted; else the boot disk, or memory from 90 GiB on
  BootDisk,  // Hugging Face to the node's disk
  Memory,    // Hugging Face to memory
  LocalSsd,  // Hugging Face to the machine's own NVMe disks
  Volume,    // Hugging Face to a volume that all replicas share
  GcsFuse,   // a bucket, mounted
  GcsFuseProfile,  // the same, as the driver's own class for serving says
  RunaiStreamer,   // a bucket, streamed by the server itself
  HyperdiskMl,     // a disk that was filled once and is read by many
  Image,           // inside the container image
  Download         // a bucket, copied into memory when an instance starts
};
std::string_view name(Storage storage);  // "gcs-fuse": the words of --storage
std::optional<Storage> storage_of(std::string_view name);

/// Something an alert watches: a bound on a latency at a percentile.
struct WatchedTarget {
  std::string metric;     // ttft, tpot, itl, e2e, ntpot
  double quantile = 0.5;  // of it
  double at_most_ms = 0;
};

struct Delivery {
  Platform platform = Platform::Gke;
  Storage storage = Storage::Auto;
  std::string storage_class;  // of a volume; empty: the platform's
  std::string model_image;    // image that holds the model; of Storage::Image
  std::string network;        // Cloud Run: NETWORK or NETWORK/SUBNET; empty: default for buckets
  int model_instances = 1;    // copies of the model in one Cloud Run instance
  std::optional<int> parallel_queries, ideal_batch, concurrency;
  std::optional<int> min_instances;  // Cloud Run; nothing: none is kept
  std::string cluster_version;       // of GKE, 1.33.2-gke.4655000; empty: not known
  bool fill_bucket = false;          // a Job that copies the weights there is part of the set
  std::string xla_cache_uri;  // of TPUs: gs://BUCKET[/FOLDER] that compiled programs are kept in
  bool alerts = false;        // put the alert rules among the objects
  std::vector<WatchedTarget> targets;
};

}  // namespace kneepoint::manifest
