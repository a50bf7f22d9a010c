#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/date.h"
#include "base/result.h"

namespace kneepoint::profile {
struct ServingSetup;
}

namespace kneepoint::manifest {

/// What was tried out with this very setup, by whoever asks; empty means "not validated".
struct Validated {
  std::string cluster_version, gpu_driver_version, node_version;
  bool server_ran = false;  // the server of this version started with these options
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
  int replicas = 1;
  std::string namespace_name = "default";
  std::string secret_name = "hf-secret";
  std::string provider = "gcp", machine_type;  // machine_type empty: any node that has the GPU
  bool allow_unfit = false;                    // emit although the memory model says no
  Date generated_on;
  Validated validated;
  std::vector<std::string> reasons;  // free text, printed as comments
};

/// A request for what a profile measured. Setups that one Deployment cannot express are refused.
Result<Request> request_for(const profile::ServingSetup& setup);

}  // namespace kneepoint::manifest
