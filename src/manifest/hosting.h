#pragma once

#include <string>
#include <string_view>

/// What a replica loads, over how many machines it is spread, and what stands before the replicas:
/// what a user chooses beside the setup.
namespace kneepoint::manifest {

/// How the hosts of one replica find one another.
enum class GroupStart {
  Auto,    // the server's own way where this version has one, else Ray
  Native,  // the server's own: rank and address of the leader as arguments
  Ray      // a Ray cluster in each group, the server on its leader
};
std::string_view name(GroupStart start);  // "ray": the words of --multi-host-start

/// What spreads requests over the replicas, in the place of the Service.
enum class ServingStack {
  None,
  LlmD,             // llm-d's router picks the replica
  InferenceGateway  // the picker of the Gateway API inference extension does
};
std::string_view name(ServingStack stack);  // "llm-d": the words of --serving-stack

struct Hosting {
  GroupStart start = GroupStart::Auto;
  /// The machine's GPU network in the pods. Its Network objects must be in the cluster.
  bool gpu_network = false;
  /// A label of nodes: each group alone on the nodes of one of its values. Empty: anywhere.
  std::string exclusive_topology;
  /// What llama.cpp or Ollama loads: OWNER/NAME[:QUANTIZATION], or a name of Ollama's library.
  std::string gguf;
  ServingStack stack = ServingStack::None;
  std::string stack_version;  // tag of the picker's image; empty: ours
};

}  // namespace kneepoint::manifest
