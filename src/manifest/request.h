#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/date.h"
#include "base/result.h"
#include "manifest/hosting.h"
#include "manifest/platform.h"

namespace kneepoint::profile {
struct ServingSetup;
}

namespace kneepoint::manifest {

/// What was tried out with this very setup, by whoever asks; empty means "not validated".
struct Validated {
  std::string cluster_version, gpu_driver_version, node_version;
  bool server_ran = false;  // the server of this version started with these options
};

enum class Autoscaler { None, HpaStackdriver, Keda, PrometheusAdapter };
std::string_view name(Autoscaler autoscaler);  // "hpa-stackdriver": the words of --autoscaler

enum class SignalWanted { Auto, Running, Queue, KvCache };

/// Where on its curve a replica is to run, as far as the curve tells.
struct ReplicaPoint {
  double running = 0;        // requests that a replica holds there, mean
  std::string running_from;  // how that is known: "clients in flight"
  /// Of the curve: requests that run, requests/s; ascending.
  std::vector<std::pair<double, double>> rates;
  double tokens_per_request = 0;  // that a request has in the KV cache, mean; 0: not known
  std::optional<double> kv_use;   // share of the cache in use there, measured
};

/// How the replicas follow the load.
struct Autoscaling {
  Autoscaler by = Autoscaler::None;
  bool implied = false;  // by a latency target alone: none rather than an error where it cannot be
  std::string why_none;  // why there is none although somebody may expect one; empty: nobody does
  SignalWanted signal = SignalWanted::Auto;
  std::string target;        // the latency targets the operating point answers to, in words
  bool any_latency = false;  // these are met at every load measured: throughput is what counts
  int min_replicas = 1;
  std::optional<int> max_replicas;    // nothing: twice the replicas at first, at least 5
  std::string prometheus_url;         // empty: where the Prometheus operator puts it
  std::optional<ReplicaPoint> point;  // nothing: no curve of this setup
};

/// What to deploy. Strings are as the user gave them: create() checks each.
struct Request {
  std::string model;         // Hugging Face id
  std::string checkpoint;    // what is loaded; empty: the model itself
  bool model_known = false;  // by a profile: then the catalog need not describe its architecture
  std::string model_server = "vllm";
  std::string model_server_version;  // empty: newest release the catalog has an image of
  std::string image;                 // empty: the catalog's image of that version
  std::string accelerator;           // Kubernetes name, nvidia-h100-80gb
  int accelerators_per_replica = 1;
  int tensor_parallel = 0;  // 0: all accelerators that pipeline and data parallel leave
  int pipeline_parallel = 1;
  int data_parallel = 1;
  int expert_parallel = 1;
  std::string weight_precision;  // empty: as the checkpoint
  std::string kv_precision;      // empty: the server's default, 16-bit
  std::optional<int> max_model_len, max_num_seqs, max_num_batched_tokens;
  std::optional<double> memory_utilization;
  int replicas = 1;  // at first
  Autoscaling autoscaling;
  std::string model_bucket_uri;  // gs://BUCKET[/FOLDER] that holds the weights; empty: Hugging Face
  std::string namespace_name = "default";
  std::string secret_name = "hf-secret";
  std::string provider = "gcp", machine_type;  // machine_type empty: any node that has the GPU
  bool allow_unfit = false;                    // emit although the memory model says no
  Hosting hosting;    // replicas over several hosts, and what is before them
  Delivery delivery;  // where it runs, and how the weights get there
  Date generated_on;
  Validated validated;
  std::vector<std::string> reasons;  // free text, printed as comments
};

/// A request for what a profile measured. Setups that one Deployment cannot express are refused.
Result<Request> request_for(const profile::ServingSetup& setup);

}  // namespace kneepoint::manifest
