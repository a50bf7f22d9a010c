#pragma once

#include <array>

#include "cli/command_table.h"

/// The flags of `manifests create` about the shape of a replica and the hosts it runs on.
namespace kneepoint::cli::hosting {

using enum FlagType;
using enum FlagGroup;

inline constexpr std::array<std::string_view, 3> kStarts{"auto", "native", "ray"};

inline constexpr std::array kFlags{
    Flag{.name = "--image",
         .value = "IMAGE",
         .sentence = "The container image of the model server, instead of that of its version."},
    Flag{.name = "--accelerators-per-replica",
         .type = Integer,
         .value = "N",
         .sentence = "The accelerators of one replica, instead of as many as were measured or as "
                     "the model needs. More than one machine holds make a LeaderWorkerSet.",
         .min = 1,
         .max = 1024},
    Flag{.name = "--tensor-parallel",
         .type = Integer,
         .value = "N",
         .sentence = "Split each layer over this many accelerators. Without it, over those of one "
                     "machine, and the layers over the machines.",
         .min = 1,
         .max = 1024},
    Flag{.name = "--pipeline-parallel",
         .type = Integer,
         .value = "N",
         .sentence = "Split the layers into this many stages.",
         .min = 1,
         .max = 1024},
    Flag{.name = "--max-model-len",
         .type = Integer,
         .value = "TOKENS",
         .sentence = "The longest context of a request. Without it, the model's, or what fits.",
         .min = 1,
         .max = 100'000'000},
    Flag{.name = "--max-num-seqs",
         .type = Integer,
         .value = "N",
         .sentence =
             "Requests that a replica runs at once. Without it, the server's default; 4 for "
             "llama.cpp and Ollama.",
         .min = 1,
         .max = 100'000},
    Flag{.name = "--gguf",
         .value = "FILES",
         .sentence =
             "What llama.cpp or Ollama loads: OWNER/NAME[:QUANTIZATION] on Hugging Face, or "
             "for Ollama NAME[:TAG] of its library."},
    Flag{.name = "--multi-host-start",
         .type = Choice,
         .value = "START",
         .sentence = "How the hosts of one replica find one another: by the server's own options "
                     "(native) or in a Ray cluster. auto takes native where the version has it.",
         .fallback = "auto",
         .choices = kStarts},
    Flag{.name = "--gpu-network",
         .type = Switch,
         .sentence = "Join the networks that the machine has for its GPUs: RDMA (A3 Ultra, A4), or "
                     "GPUDirect-TCPX(O) with a daemon beside the server (A3 High, A3 Mega). Their "
                     "Network objects must be in the cluster."},
    Flag{.name = "--exclusive-topology",
         .value = "LABEL",
         .sentence = "Give each replica of several hosts the nodes of one value of this node label "
                     "to itself, such as cloud.google.com/gke-nodepool."}};

}  // namespace kneepoint::cli::hosting
