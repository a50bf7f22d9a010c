#pragma once

#include <array>

#include "cli/command_table.h"

/// The flags of the `bench` commands.
namespace kneepoint::cli::bench {

using enum FlagType;
using enum FlagGroup;
using Words = std::string_view;

// --- Whom ---

inline constexpr std::array<Words, 2> kApis{"completions", "chat"};
inline constexpr Flag kUrl{
    .name = "--url",
    .value = "URL",
    .sentence =
        "Where the server is: http(s)://host[:port][/base]. A base that ends in /v1 is "
        "fine."};
inline constexpr Flag kModel{
    .name = "--model", .value = "MODEL", .sentence = "The model, by the name the server gives it."};
inline constexpr Flag kApi{.name = "--api",
                           .type = Choice,
                           .value = "API",
                           .sentence =
                               "Which of the server's APIs is asked: /v1/completions or "
                               "/v1/chat/completions.",
                           .fallback = "completions",
                           .choices = kApis};
inline constexpr std::array<Words, 3> kPromptKinds{"auto", "token-ids", "words"};
inline constexpr Flag kPrompts{
    .name = "--prompts",
    .type = Choice,
    .value = "KIND",
    .sentence =
        "Lists of token ids, exactly as long as asked, where the server takes them; else words, "
        "counted by its /tokenize or by what it says in usage. auto asks it first.",
    .fallback = "auto",
    .choices = kPromptKinds};
inline constexpr Flag kHeaderFile{
    .name = "--header-file",
    .type = Path,
    .value = "FILE",
    .sentence = "Header fields for every request, a line \"Name: value\" each."};
inline constexpr Flag kTokenEnv{
    .name = "--token-env",
    .value = "VARIABLE",
    .sentence = "The environment variable that holds the bearer token."};
inline constexpr Flag kTokenFile{.name = "--token-file",
                                 .type = Path,
                                 .value = "FILE",
                                 .sentence = "A file that holds the bearer token."};
inline constexpr Flag kExtraBody{
    .name = "--extra-body",
    .type = Path,
    .value = "FILE",
    .sentence = "A JSON object; its members are added to the body of every request."};
inline constexpr Flag kIgnoreEos{
    .name = "--ignore-eos",
    .type = Switch,
    .sentence =
        "Ask for answers of exactly the length wanted (ignore_eos, min_tokens); "
        "--no-ignore-eos for servers that refuse these.",
    .fallback = "true"};
inline constexpr Flag kTemperature{.name = "--temperature",
                                   .type = Number,
                                   .value = "T",
                                   .sentence = "The sampling temperature.",
                                   .fallback = "0",
                                   .max = 10};

inline constexpr Flag kCaFile{
    .name = "--ca-file",
    .type = Path,
    .value = "FILE",
    .sentence = "PEM: the authorities to trust in place of the system's, for https."};
inline constexpr Flag kClientCertificate{.name = "--client-certificate",
                                         .type = Path,
                                         .value = "FILE",
                                         .sentence = "PEM: this client's own certificate."};
inline constexpr Flag kClientKey{
    .name = "--client-key",
    .type = Path,
    .value = "FILE",
    .sentence = "PEM: its key, where it is not in the file of the certificate."};
inline constexpr Flag kInsecure{
    .name = "--insecure",
    .type = Switch,
    .sentence =
        "Trust whoever answers: do not verify the server's certificate. The report says so."};

// --- How much ---

inline constexpr Flag kRate{
    .name = "--rate",
    .type = List,
    .value = "R",
    .sentence =
        "Open loop: requests per second, due whether the server keeps up or not. Several, "
        "separated by commas, are several load points."};
inline constexpr Flag kConcurrency{
    .name = "--concurrency",
    .type = List,
    .value = "C",
    .sentence =
        "Closed loop: so many requests are out at any time. Several are several load "
        "points."};
inline constexpr Flag kInFlight{.name = "--in-flight",
                                .type = Integer,
                                .value = "N",
                                .sentence =
                                    "With --rate: never more than so many out; one that "
                                    "has to wait is late, and its clock runs.",
                                .min = 1,
                                .max = 1e6};
inline constexpr Flag kRequests{.name = "--requests",
                                .type = Integer,
                                .value = "N",
                                .sentence = "End each load point after so many requests.",
                                .min = 1,
                                .max = 1e9};
inline constexpr Flag kDuration{.name = "--duration",
                                .value = "D",
                                .sentence = "End each load point after this time: 30s, 5m."};
inline constexpr Flag kUntilConfident{
    .name = "--until-confident",
    .type = Number,
    .value = "PERCENT",
    .sentence =
        "End a load point once TTFT, end-to-end time and token rate are known this well: "
        "the half width of their 95 % intervals. --duration or --requests is then the "
        "limit.",
    .max = 100,
    .above_min = true};
inline constexpr std::array<Words, 3> kArrivalPatterns{"poisson", "constant", "gamma"};
inline constexpr Flag kArrivals{.name = "--arrivals",
                                .type = Choice,
                                .value = "PATTERN",
                                .sentence = "How requests fall at a --rate.",
                                .fallback = "poisson",
                                .choices = kArrivalPatterns};
inline constexpr Flag kBurstiness{
    .name = "--burstiness",
    .type = Number,
    .value = "B",
    .sentence = "With --arrivals=gamma: 1 is Poisson, below it comes in clumps, above more evenly.",
    .fallback = "1",
    .max = 10000,
    .above_min = true};
inline constexpr Flag kInputTokens{
    .name = "--input-tokens",
    .value = "LENGTH",
    .sentence =
        "Tokens of a prompt: 128, uniform:64,256, normal:200,50, lognormal:200,300, "
        "file:lengths.csv, sharegpt-input. Without it, 512."};
inline constexpr Flag kOutputTokens{
    .name = "--output-tokens",
    .value = "LENGTH",
    .sentence = "Tokens of an answer, in the same words. Without it, 128."};
inline constexpr Flag kUseCase{
    .name = "--use-case",
    .value = "NAME",
    .sentence = "The lengths of a use case; `kneepoint use-cases list` names them."};
inline constexpr Flag kPrefixGroups{
    .name = "--prefix-groups",
    .type = Integer,
    .value = "N",
    .sentence = "So many groups of requests that begin with the same tokens; with --prefix-tokens.",
    .min = 1,
    .max = 1e7};
inline constexpr Flag kPrefixTokens{.name = "--prefix-tokens",
                                    .type = Integer,
                                    .value = "TOKENS",
                                    .sentence =
                                        "Tokens of each group's prefix, put before the "
                                        "input.",
                                    .min = 1,
                                    .max = 16777216};
inline constexpr Flag kTurns{
    .name = "--turns",
    .value = "LENGTH",
    .sentence = "Conversations of so many turns: a number, uniform, normal or lognormal."};
inline constexpr Flag kThinkTime{
    .name = "--think-time",
    .value = "SECONDS",
    .sentence = "From an answer to the next turn: 4, uniform:2,10, exponential:4, lognormal:4,6.",
    .fallback = "0"};
inline constexpr Flag kSeed{.name = "--seed",
                            .type = Integer,
                            .value = "S",
                            .sentence = "The same seed asks the same requests at the same times.",
                            .fallback = "0"};
inline constexpr Flag kSpec{
    .name = "--spec",
    .type = Path,
    .value = "FILE",
    .sentence = "The run as a YAML or JSON file (docs/bench.md); flags that are given too win."};

// --- How patient ---

inline constexpr Flag kTimeout{
    .name = "--timeout",
    .value = "D",
    .sentence = "Give a request up after this time. Without it, never while bytes come."};
inline constexpr Flag kTimeoutConnect{.name = "--timeout-connect",
                                      .value = "D",
                                      .sentence = "How long a connection may take to open.",
                                      .fallback = "10s"};
inline constexpr Flag kTimeoutFirstByte{
    .name = "--timeout-first-byte",
    .value = "D",
    .sentence = "How long a server may take to begin its answer.",
    .fallback = "5m"};
inline constexpr Flag kTimeoutSilence{
    .name = "--timeout-silence",
    .value = "D",
    .sentence = "How long a server may pause within an answer: some stall for ever.",
    .fallback = "60s"};
inline constexpr Flag kDrain{
    .name = "--drain",
    .value = "D",
    .sentence =
        "How long answers may still take after a load point's last request; then they are "
        "cancelled.",
    .fallback = "60s"};

inline constexpr Flag kWarmUp{
    .name = "--warm-up",
    .value = "auto|none|D",
    .sentence =
        "What is measured but not reported: found from the data; nothing, as other tools do, with "
        "rates of the whole run; or the requests due in so long a time: 10s.",
    .fallback = "auto"};

// --- What comes out ---

inline constexpr Flag kGoodput{
    .name = "--goodput",
    .type = List,
    .value = "BOUND",
    .sentence =
        "Count the requests within these bounds, each by itself: ttft:200ms,tpot:50ms "
        "(ttft, tpot, itl, ntpot, e2e)."};
inline constexpr Flag kReport{.name = "--report",
                              .type = Path,
                              .value = "FILE.json",
                              .group = Output,
                              .sentence = "Write the report to this file as well."};
inline constexpr Flag kDryRun{
    .name = "--dry-run",
    .type = Switch,
    .group = Output,
    .sentence = "Only say what would be run and how long it takes; no server is asked."};
inline constexpr std::array<Words, 4> kFormats{"table", "csv", "yaml", "json"};
inline constexpr Flag kFormat{.name = "--format",
                              .type = Format,
                              .value = "FORMAT",
                              .group = Output,
                              .sentence =
                                  "A table with a line for each load point, or the whole "
                                  "report as json.",
                              .fallback = "table",
                              .choices = kFormats};

inline constexpr Flag kScrape{
    .name = "--scrape",
    .type = Switch,
    .sentence = "Read the server's own metrics once a second; --no-scrape does not.",
    .fallback = "true"};
inline constexpr Flag kRunFolder{
    .name = "--run",
    .type = Path,
    .value = "FOLDER",
    .group = Output,
    .sentence =
        "Where to keep the run; it must be new or empty. Without it, a folder named by time and "
        "model under ~/.local/share/kneepoint/runs."};
inline constexpr Flag kTimelines{
    .name = "--timelines",
    .type = Switch,
    .group = Output,
    .sentence =
        "Keep what happened to each request, token by token, in the run folder: timelines.gz."};
inline constexpr Flag kKeepProfile{
    .name = "--keep-profile",
    .type = Switch,
    .group = Output,
    .sentence = "Leave what was measured in the store as a profile; --no-keep-profile does not.",
    .fallback = "true"};

// --- What serves: for the profile ---

inline constexpr Flag kCheckpoint{.name = "--profile-model",
                                  .value = "MODEL",
                                  .sentence =
                                      "The model as the catalog knows it, where the server has "
                                      "another name for it."};
inline constexpr Flag kServer{.name = "--model-server",
                              .value = "SERVER",
                              .sentence = "Which server it is; without it, the server is asked."};
inline constexpr Flag kServerVersion{.name = "--model-server-version",
                                     .value = "VERSION",
                                     .sentence = "Its version; without it, the server is asked."};
inline constexpr Flag kAccelerator{.name = "--accelerator",
                                   .value = "ACCELERATOR",
                                   .sentence =
                                       "What it runs on, such as nvidia-h100-80gb: no server "
                                       "tells."};
inline constexpr Flag kAcceleratorCount{.name = "--accelerator-count",
                                        .type = Integer,
                                        .value = "N",
                                        .sentence = "How many of them.",
                                        .min = 1,
                                        .max = 100000};
inline constexpr Flag kTensorParallel{.name = "--tensor-parallel",
                                      .type = Integer,
                                      .value = "N",
                                      .sentence = "How many the model is split over.",
                                      .min = 1,
                                      .max = 100000};
inline constexpr Flag kWeightPrecision{
    .name = "--weight-precision", .value = "DTYPE", .sentence = "bf16, fp8, fp4 ..."};
inline constexpr Flag kServerSettings{.name = "--server-settings",
                                      .value = "TEXT",
                                      .sentence =
                                          "Launch options worth keeping with the profile, "
                                          "separated by ';'."};

inline constexpr Flag kKeepRun{
    .name = "--keep-run",
    .type = Switch,
    .group = Output,
    .sentence = "Keep every finished load point in a run folder; --no-keep-run does not.",
    .fallback = "true"};
inline constexpr Flag kKeepProfileOff{
    .name = "--keep-profile",
    .type = Switch,
    .group = Output,
    .sentence = "Leave what was measured in the store as a profile."};

inline constexpr std::array kRunFlags{kUrl,
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
                                      kRate,
                                      kConcurrency,
                                      kInFlight,
                                      kRequests,
                                      kDuration,
                                      kUntilConfident,
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
                                      kSpec,
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
                                      kKeepRun,
                                      kKeepProfileOff,
                                      kReport,
                                      kDryRun,
                                      kFormat};

inline constexpr Flag kWorkers{
    .name = "--workers",
    .type = Integer,
    .value = "N",
    .sentence = "So many workers, each of which asks again as soon as it is answered.",
    .min = 1,
    .max = 1e6};
inline constexpr Flag kLoadRate{.name = "--rate",
                                .type = Number,
                                .value = "R",
                                .sentence = "Requests per second, instead of workers.",
                                .max = 1e6,
                                .above_min = true};
inline constexpr Flag kLoadDuration{.name = "--duration",
                                    .value = "D",
                                    .sentence =
                                        "End after this time. Without it, when "
                                        "interrupted."};
inline constexpr std::array kLoadFlags{kUrl,
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
                                       kWorkers,
                                       kLoadRate,
                                       kLoadDuration,
                                       kInputTokens,
                                       kOutputTokens,
                                       kUseCase,
                                       kSeed,
                                       kTimeout,
                                       kTimeoutConnect,
                                       kTimeoutFirstByte,
                                       kTimeoutSilence,
                                       kReport,
                                       kFormat};

}  // namespace kneepoint::cli::bench
