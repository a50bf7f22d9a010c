#pragma once

#include <array>

#include "cli/flags_bench.h"

/// The flags of `bench sweep` and `bench resume`.
namespace kneepoint::cli::bench {

inline constexpr std::array<Words, 2> kLoads{"concurrency", "rate"};
inline constexpr Flag kBy{
    .name = "--by",
    .type = Choice,
    .value = "LOAD",
    .sentence =
        "What is raised: requests in flight (closed loop) or requests per second (open loop).",
    .fallback = "concurrency",
    .choices = kLoads};
inline constexpr Flag kLowest{.name = "--lowest",
                              .type = Number,
                              .value = "LOAD",
                              .sentence =
                                  "The load to begin with. Without it 1 request in flight, or "
                                  "half the rate at which one client is served.",
                              .above_min = true};
inline constexpr Flag kHighest{
    .name = "--highest",
    .type = Number,
    .value = "LOAD",
    .sentence = "No more load than this. Without it, 4096 requests in flight or per second.",
    .above_min = true};
inline constexpr Flag kPrecision{.name = "--precision",
                                 .type = Number,
                                 .value = "PERCENT",
                                 .sentence = "How near to the knee its neighbours are measured.",
                                 .fallback = "10",
                                 .min = 1,
                                 .max = 100};
inline constexpr Flag kMostPoints{.name = "--most-points",
                                  .type = Integer,
                                  .value = "N",
                                  .sentence = "No more load points than this.",
                                  .fallback = "40",
                                  .min = 4,
                                  .max = 1000};
inline constexpr Flag kConfident{
    .name = "--until-confident",
    .type = Number,
    .value = "PERCENT",
    .sentence =
        "A load point ends once TTFT, end-to-end time and token rate are known this well: the half "
        "width of their 95 % intervals.",
    .fallback = "2",
    .max = 100,
    .above_min = true};
inline constexpr Flag kPointTime{
    .name = "--point-time",
    .value = "D",
    .sentence = "The longest a load point may take; it ends then as well as it is known.",
    .fallback = "60s"};
inline constexpr Flag kLeastTime{.name = "--least-time",
                                 .value = "D",
                                 .sentence = "The shortest a load point may take.",
                                 .fallback = "5s"};

// --- As a Job in a cluster ---

inline constexpr std::array<Words, 2> kRunVolumes{"claim", "pod"};
inline constexpr std::array kInClusterFlags{
    Flag{.name = "--in-cluster",
         .type = Switch,
         .sentence = "Run the load generator as a Kubernetes Job beside the server, and bring its "
                     "run back here. The flags below say how; docs/deploy.md tells more."},
    Flag{.name = "--service",
         .value = "NAME",
         .sentence = "With --in-cluster: the Service of the server."},
    Flag{.name = "--deployment",
         .value = "NAME",
         .sentence = "With --in-cluster: the server's Deployment; its Service is found, and model, "
                     "server and accelerators are read from it."},
    Flag{.name = "--service-port",
         .type = Integer,
         .value = "PORT",
         .sentence = "The port of the Service; without it the one called http, or the first.",
         .min = 1,
         .max = 65535},
    Flag{.name = "--job-name",
         .value = "NAME",
         .sentence = "What the Job is called; without it sweep- and the name of the Service. The "
                     "same name goes on with what was begun."},
    Flag{.name = "--image",
         .value = "IMAGE",
         .sentence = "The image of kneepoint, where the nodes can pull it. Without it "
                     "kneepoint:VERSION, which they must have already."},
    Flag{.name = "--token-secret",
         .value = "NAME:KEY",
         .sentence = "The key of a Secret that holds the server's bearer token."},
    Flag{.name = "--job-cpu",
         .value = "CORES",
         .sentence = "The cores of the load generator, as Kubernetes writes them.",
         .fallback = "2"},
    Flag{.name = "--job-memory",
         .value = "SIZE",
         .sentence = "Its memory, as Kubernetes writes it.",
         .fallback = "2Gi"},
    Flag{.name = "--node-selector",
         .type = List,
         .value = "KEY=VALUE",
         .sentence = "Labels of the nodes it may run on. Never on one with accelerators."},
    Flag{.name = "--run-volume",
         .type = Choice,
         .value = "WHERE",
         .sentence = "Where the run lies meanwhile: on a PersistentVolumeClaim, or in the pod.",
         .fallback = "claim",
         .choices = kRunVolumes},
    Flag{.name = "--volume-claim",
         .value = "NAME",
         .sentence = "A claim that is there, instead of a new one; it stays."},
    Flag{.name = "--storage-class",
         .value = "NAME",
         .sentence = "The StorageClass of the new claim; without it, the cluster's default."},
    Flag{.name = "--keep-job",
         .type = Switch,
         .group = Output,
         .sentence = "Leave Job, claim and ConfigMap when the run is here."},
    Flag{.name = "--unscheduled-timeout",
         .type = Number,
         .value = "SECONDS",
         .unit = "seconds",
         .group = Output,
         .sentence = "How long the Job may be without a node, when no cluster autoscaler says that "
                     "one is coming.",
         .fallback = "120",
         .max = 1e6}};

inline constexpr std::array kSweepOwnFlags{kUrl,
                                           kModel,
                                           kApi,
                                           kPrompts,
                                           kHeaderFile,
                                           kTokenEnv,
                                           kTokenFile,
                                           kExtraBody,
                                           kIgnoreEos,
                                           kTemperature,
                                           kCaFile,
                                           kClientCertificate,
                                           kClientKey,
                                           kInsecure,
                                           kBy,
                                           kLowest,
                                           kHighest,
                                           kPrecision,
                                           kMostPoints,
                                           kConfident,
                                           kLeastTime,
                                           kPointTime,
                                           kArrivals,
                                           kBurstiness,
                                           kInputTokens,
                                           kOutputTokens,
                                           kUseCase,
                                           kPrefixGroups,
                                           kPrefixTokens,
                                           kTurns,
                                           kThinkTime,
                                           kSeed,
                                           kTimeout,
                                           kTimeoutConnect,
                                           kTimeoutFirstByte,
                                           kTimeoutSilence,
                                           kDrain,
                                           kWarmUp,
                                           kScrape,
                                           kCheckpoint,
                                           kServer,
                                           kServerVersion,
                                           kAccelerator,
                                           kAcceleratorCount,
                                           kTensorParallel,
                                           kWeightPrecision,
                                           kServerSettings,
                                           kGoodput,
                                           kRunFolder,
                                           kTimelines,
                                           kKeepProfile,
                                           kReport,
                                           kDryRun,
                                           kFormat};

inline constexpr Flag kKeepProfileAsBefore{
    .name = "--keep-profile",
    .type = Switch,
    .group = Output,
    .sentence =
        "Leave what was measured in the store as a profile, or with --no-keep-profile not. Without "
        "it, as the run was told when it began."};

/// What the Job of --in-cluster is started with; nobody types these.
inline constexpr std::array kStreamFlags{
    Flag{.name = "--seed",
         .type = Path,
         .value = "FILE",
         .group = Output,
         .sentence = "The run as it was elsewhere: what the folder lacks is taken from it.",
         .hidden = true},
    Flag{.name = "--stream",
         .type = Switch,
         .group = Output,
         .sentence = "Print every record on standard error as soon as it is made.",
         .hidden = true}};

inline constexpr std::array kResumeOwnFlags{kKeepProfileAsBefore, kReport, kFormat};

}  // namespace kneepoint::cli::bench
