#pragma once

#include <array>

#include "cli/command_table.h"

/// The flags of `manifests create` about autoscaling.
namespace kneepoint::cli::scaling {

using enum FlagType;
using enum FlagGroup;

inline constexpr std::array<std::string_view, 4> kAutoscalers{"hpa-stackdriver", "keda",
                                                              "prometheus-adapter", "none"};
inline constexpr std::array<std::string_view, 4> kSignals{"auto", "running", "queue", "kv"};

inline constexpr std::array kFlags{
    Flag{.name = "--output-dir",
         .type = Path,
         .value = "DIR",
         .group = Output,
         .sentence = "Write a Kustomize base with the overlays production and trial, and the "
                     "comments as NOTES.txt, below this folder instead of printing."},
    Flag{.name = "--autoscaler",
         .type = Choice,
         .value = "AUTOSCALER",
         .group = Target,
         .sentence = "What follows the load: a HorizontalPodAutoscaler on GKE's metrics or on "
                     "those of prometheus-adapter, a ScaledObject of KEDA, or nothing. Without it, "
                     "hpa-stackdriver where a latency target or another flag of autoscaling is "
                     "given, else none.",
         .choices = kAutoscalers},
    Flag{.name = "--hpa-signal",
         .type = Choice,
         .value = "SIGNAL",
         .group = Target,
         .sentence =
             "What it looks at in each replica: running requests, the queue, or the share "
             "of the KV cache in use. auto takes running requests where they hold a latency "
             "target, and the queue otherwise.",
         .fallback = "auto",
         .choices = kSignals},
    Flag{.name = "--min-replicas",
         .type = Integer,
         .value = "N",
         .group = Target,
         .sentence = "The autoscaler goes no lower.",
         .fallback = "1",
         .min = 1,
         .max = 100'000},
    Flag{.name = "--max-replicas",
         .type = Integer,
         .value = "N",
         .group = Target,
         .sentence = "The autoscaler goes no higher. Without it, twice the replicas at first, at "
                     "least 5.",
         .min = 1,
         .max = 100'000},
    Flag{.name = "--prometheus-url",
         .value = "URL",
         .group = Target,
         .sentence = "Where keda or prometheus-adapter asks for metrics. Without it, where the "
                     "Prometheus operator in namespace monitoring answers. KEDA can ask Google's "
                     "managed Prometheus at monitoring.googleapis.com too."}};

}  // namespace kneepoint::cli::scaling
