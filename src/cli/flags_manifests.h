#pragma once

#include <array>

#include "cli/command_table.h"

/// The flags of `manifests create` about autoscaling.
namespace kneepoint::cli::scaling {

using enum FlagType;
using enum FlagGroup;

inline constexpr std::array<std::string_view, 4> kAutoscalers{"hpa-stackdriver", "keda",
                                                              "prometheus-adapter", "none"};
inline constexpr std::array<std::string_view, 5> kPlatforms{"gke", "cloud-run", "eks", "aks",
                                                            "kubernetes"};
inline constexpr std::array<std::string_view, 11> kStorages{
    "auto",         "boot-disk", "memory",           "local-ssd",
    "volume",       "gcs-fuse",  "gcs-fuse-profile", "runai-streamer",
    "hyperdisk-ml", "image",     "download"};
inline constexpr std::array<std::string_view, 4> kSignals{"auto", "running", "queue", "kv"};

/// Writing a whole folder.
inline constexpr std::array kFolderFlags{
    Flag{.name = "--output-dir",
         .type = Path,
         .value = "DIR",
         .group = Output,
         .sentence = "Write a Kustomize base with the overlays production and trial, and the "
                     "comments as NOTES.txt, below this folder instead of printing."},
    Flag{.name = "--force",
         .type = Switch,
         .group = Output,
         .sentence = "Let --output-dir overwrite files outside overlays/ that were edited since "
                     "they were written."}};

inline constexpr std::array kFlags{
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

/// Where the set is to run, and how the weights get there.
inline constexpr std::array kDeliveryFlags{
    Flag{.name = "--platform",
         .type = Choice,
         .value = "PLATFORM",
         .group = Target,
         .sentence = "Where it is to run: GKE, a Cloud Run service with a GPU, EKS, AKS, or any "
                     "cluster with NVIDIA's GPU operator.",
         .fallback = "gke",
         .choices = kPlatforms},
    Flag{.name = "--storage",
         .type = Choice,
         .value = "STORAGE",
         .group = Target,
         .sentence =
             "How the weights get there. auto mounts the bucket of --model-bucket-uri where there "
             "is one; else Hugging Face is asked, to the boot disk, from 90 GiB on to memory. The "
             "comments compare all of them for this model: seconds to start, dollars a month.",
         .fallback = "auto",
         .choices = kStorages},
    Flag{.name = "--storage-class",
         .value = "CLASS",
         .group = Target,
         .sentence = "The storage class of --storage=volume. Without it, the platform's usual "
                     "class for files that many nodes share."},
    Flag{.name = "--fill-bucket",
         .type = Switch,
         .group = Target,
         .sentence = "Add a Job that copies the weights from Hugging Face into the bucket."},
    Flag{.name = "--xla-cache-uri",
         .value = "URI",
         .group = Target,
         .sentence = "TPUs: keep what the server compiles in gs://BUCKET[/FOLDER]. Replicas that "
                     "start together would collide there, so the set starts with one."},
    Flag{.name = "--alerts",
         .type = Switch,
         .group = Target,
         .sentence =
             "Put the alert rules among the objects; --output-dir writes them and a Grafana "
             "dashboard beside the base in any case."},
    Flag{.name = "--cluster-version",
         .value = "VERSION",
         .group = Target,
         .sentence = "The version of the GKE cluster, such as 1.33.2-gke.4655000: what its bucket "
                     "driver can do is then used. Without it, what 1.30.2 can do."},
    Flag{.name = "--model-image",
         .value = "IMAGE",
         .group = Target,
         .sentence = "Where the image that holds the model is kept, for --storage=image: "
                     "REGION-docker.pkg.dev/PROJECT/REPOSITORY/NAME:TAG."},
    Flag{.name = "--network",
         .value = "NETWORK",
         .group = Target,
         .sentence = "Cloud Run: NETWORK or NETWORK/SUBNET of a Direct VPC through which all "
                     "traffic goes. Without it, default where a bucket is read, else none."},
    Flag{.name = "--concurrency",
         .type = Integer,
         .value = "N",
         .group = Target,
         .sentence = "Cloud Run: requests that an instance gets at once. Without it, the value of "
                     "the curve, or of the rule below.",
         .min = 1,
         .max = 1000},
    Flag{.name = "--model-instances",
         .type = Integer,
         .value = "N",
         .group = Target,
         .sentence = "Cloud Run: copies of the model in an instance. Concurrency by rule is model "
                     "instances x parallel queries + model instances x ideal batch.",
         .fallback = "1",
         .min = 1,
         .max = 1000},
    Flag{.name = "--parallel-queries",
         .type = Integer,
         .value = "N",
         .group = Target,
         .sentence = "Cloud Run: queries that a copy of the model works on at once.",
         .min = 1,
         .max = 1000},
    Flag{.name = "--ideal-batch",
         .type = Integer,
         .value = "N",
         .group = Target,
         .sentence = "Cloud Run: the batch size that suits a copy of the model best.",
         .min = 1,
         .max = 1000}};

}  // namespace kneepoint::cli::scaling
