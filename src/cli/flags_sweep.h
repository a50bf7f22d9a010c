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

inline constexpr std::array kSweepFlags{kUrl,
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

inline constexpr std::array kResumeFlags{kKeepProfileAsBefore, kReport, kFormat};

}  // namespace kneepoint::cli::bench
