#pragma once

#include <array>

#include "cli/command_table.h"

/// The flags of `deploy`, `undeploy`, `status` and `manifests diff`.
namespace kneepoint::cli::deploying {

using enum FlagType;
using enum FlagGroup;

inline constexpr std::array<std::string_view, 2> kOutputs{"text", "json"};

/// Which cluster: as kubectl takes it.
inline constexpr std::array kClusterFlags{
    Flag{.name = "--namespace",
         .value = "NAMESPACE",
         .sentence = "The Kubernetes namespace. Without it, that of the context, else default."},
    Flag{.name = "--context",
         .value = "NAME",
         .sentence = "The context of the kubeconfig; without it, the current one."},
    Flag{.name = "--kubeconfig",
         .type = Path,
         .value = "FILE",
         .sentence = "The kubeconfig; without it, as kubectl finds it."},
    Flag{.name = "--kubectl",
         .type = Path,
         .value = "PROGRAM",
         .sentence = "The kubectl to run.",
         .fallback = "kubectl"}};

inline constexpr Flag kFromDeployment{
    .name = "--from-deployment",
    .value = "NAME",
    .sentence =
        "Start from what a cluster runs: the name of a Deployment, or of what `deploy` made. "
        "Its model is asked about, and the setup it runs is shown beside the answer."};

inline constexpr Flag kOutput{.name = "--output",
                              .type = Choice,
                              .value = "FORMAT",
                              .group = Output,
                              .sentence = "text, or json: one document.",
                              .fallback = "text",
                              .choices = kOutputs};
inline constexpr Flag kYes{.name = "--yes",
                           .type = Switch,
                           .group = Output,
                           .sentence =
                               "Do not ask before anything is changed. Needed where "
                               "standard input is no terminal."};
inline constexpr Flag kTimeout{.name = "--timeout",
                               .type = Number,
                               .value = "SECONDS",
                               .unit = "seconds",
                               .group = Output,
                               .sentence = "Wait at most this long.",
                               .fallback = "1800",
                               .max = 1e6,
                               .above_min = true};

/// What is to be there.
inline constexpr std::array kWhatFlags{
    Flag{.name = "--filename",
         .type = Path,
         .value = "FILE",
         .sentence = "Deploy this manifest instead of making one: a file, a folder (Kustomize's "
                     "too), or \"-\" for standard input. May be given again.",
         .alias = "-f",
         .repeatable = true},
    Flag{.name = "--name",
         .value = "NAME",
         .sentence = "What the deployment is called, for status and undeploy. Without it, the name "
                     "of the first object that makes pods, less its ending -deployment."},
    Flag{.name = "--skip-unknown-kinds",
         .type = Switch,
         .sentence = "Leave out objects of kinds that the cluster does not know, such as "
                     "PodMonitoring outside of GKE, instead of stopping."}};

inline constexpr std::array kHowFlags{
    kYes,
    kTimeout,
    Flag{.name = "--unscheduled-timeout",
         .type = Number,
         .value = "SECONDS",
         .unit = "seconds",
         .group = Output,
         .sentence = "How long a pod may be without a node, when no cluster autoscaler says that "
                     "one is coming.",
         .fallback = "120",
         .max = 1e6},
    Flag{.name = "--wait",
         .type = Switch,
         .group = Output,
         .sentence = "Wait until all pods are ready; on unless --no-wait.",
         .fallback = "true"},
    Flag{.name = "--smoke",
         .type = Switch,
         .group = Output,
         .sentence = "When all is ready, ask one pod one question through kubectl port-forward; on "
                     "after a change unless --no-smoke."},
    Flag{.name = "--sweep",
         .type = Switch,
         .group = Output,
         .sentence =
             "When all is ready, sweep one pod's load through kubectl port-forward, at most "
             "8 load points of 20 seconds, and keep the curve as a measured profile of your "
             "own. What passes through port-forward is slower than in the cluster."}};

inline constexpr std::array kUndeployFlags{kYes, kTimeout, kOutput};

inline constexpr std::array kStatusFlags{
    kOutput,
    Flag{.name = "--measure",
         .type = Switch,
         .group = Output,
         .sentence = "Read the metrics of the pods twice, through the cluster's proxy, and compare "
                     "them with what was promised; on unless --no-measure.",
         .fallback = "true"},
    Flag{.name = "--window",
         .type = Number,
         .value = "SECONDS",
         .unit = "seconds",
         .group = Output,
         .sentence = "The time between the two readings.",
         .fallback = "10",
         .max = 3600,
         .above_min = true}};

inline constexpr std::array kSetWord{
    Positional{.name = "NAME", .sentence = "The deployment, as `kneepoint status` lists it."}};
inline constexpr std::array kMaybeSetWord{
    Positional{.name = "NAME",
               .sentence = "The deployment; without it, all of the namespace.",
               .required = false}};

}  // namespace kneepoint::cli::deploying
