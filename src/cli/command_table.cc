#include "cli/command_table.h"

#include <algorithm>
#include <array>

#include "cli/flags_bench.h"
#include "cli/flags_deploy.h"
#include "cli/flags_doctor.h"
#include "cli/flags_emulate.h"
#include "cli/flags_export.h"
#include "cli/flags_hosting.h"
#include "cli/flags_import.h"
#include "cli/flags_manifests.h"
#include "cli/flags_predict.h"
#include "cli/flags_serve.h"
#include "cli/flags_sweep.h"

namespace kneepoint::cli {
namespace {

using enum FlagType;
using enum FlagGroup;
using Words = std::string_view;

// --- How flags are bundled ---

template <std::size_t... N>
constexpr auto all_of(const std::array<Flag, N>&... parts) {
  std::array<Flag, (N + ...)> all{};
  std::size_t at = 0;
  const auto append = [&](const auto& part) {
    for (const Flag& flag : part) all[at++] = flag;
  };
  (append(parts), ...);
  return all;
}

constexpr std::array<Flag, 1> one(const Flag& flag) { return {flag}; }

constexpr Flag required(Flag flag) {
  flag.required = true;
  return flag;
}
constexpr Flag by_default(Flag flag, Words fallback) {
  flag.fallback = fallback;
  return flag;
}
template <std::size_t N>
constexpr std::array<Flag, N> with_default(std::array<Flag, N> flags, Words name, Words fallback) {
  for (Flag& flag : flags) {
    if (flag.name == name) flag.fallback = fallback;
  }
  return flags;
}
template <std::size_t N>
constexpr std::array<Flag, N> with_sentence(std::array<Flag, N> flags, Words name, Words sentence) {
  for (Flag& flag : flags) {
    if (flag.name == name) flag.sentence = sentence;
  }
  return flags;
}
constexpr Flag saying(Flag flag, Words sentence) {
  flag.sentence = sentence;
  return flag;
}

// --- Which model, server, hardware, workload ---

constexpr Flag kModel{.name = "--model",
                      .value = "MODEL",
                      .sentence = "The model, by its Hugging Face name (owner/name)."};
constexpr Flag kModelServer{.name = "--model-server",
                            .value = "SERVER",
                            .sentence = "The model server: vllm, sglang, tensorrt-llm, tgi ..."};
constexpr Flag kModelServerVersion{
    .name = "--model-server-version",
    .value = "VERSION",
    .sentence =
        "The version of the model server; \"all\" for every version. Without it, the "
        "newest one with benchmarks."};
constexpr Flag kAcceleratorTypes{
    .name = "--accelerator-type",
    .type = List,
    .value = "TYPE",
    .sentence = "Only these accelerators, by their Kubernetes names, such as nvidia-l4."};
constexpr Flag kInstanceType{.name = "--instance-type",
                             .value = "TYPE",
                             .sentence = "Only this machine type, such as a3-highgpu-8g."};
constexpr Flag kUseCase{
    .name = "--use-case",
    .value = "NAME",
    .sentence = "Only profiles measured for this use case; `kneepoint use-cases list` names them."};
constexpr Flag kInputLength{.name = "--target-input-length",
                            .type = Integer,
                            .value = "TOKENS",
                            .unit = "tokens",
                            .sentence =
                                "Only workloads whose mean input length is within 20 % of "
                                "this; with --target-output-length.",
                            .min = 1,
                            .max = 1e9,
                            .alias = "--input-length"};
constexpr Flag kOutputLength{.name = "--target-output-length",
                             .type = Integer,
                             .value = "TOKENS",
                             .unit = "tokens",
                             .sentence =
                                 "Only workloads whose mean output length is within 20 % "
                                 "of this; with --target-input-length.",
                             .min = 1,
                             .max = 1e9,
                             .alias = "--output-length"};
constexpr std::array<Words, 4> kDecodings{"serving", "speculative", "disaggregated", "any"};
constexpr Flag kDecoding{
    .name = "--decoding",
    .type = Choice,
    .value = "KIND",
    .sentence = "Plain serving, speculative decoding, or prefill and decode on separate workers.",
    .fallback = "serving",
    .choices = kDecodings};
constexpr Flag kServingStack{.name = "--serving-stack",
                             .value = "STACK",
                             .sentence = "Only profiles with this serving stack, such as llm-d."};
constexpr Flag kServingStackVersion{
    .name = "--serving-stack-version",
    .value = "VERSION",
    .sentence = "The version of the serving stack; \"all\" for every version."};

// --- Targets ---

constexpr Flag milliseconds(Words name, Words sentence, Words alias = {}) {
  return {.name = name,
          .type = Integer,
          .value = "MS",
          .unit = "milliseconds",
          .group = Target,
          .sentence = sentence,
          .min = 1,
          .max = 1e9,
          .alias = alias};
}
constexpr Flag kTargetNtpot = milliseconds(
    "--target-ntpot-milliseconds",
    "At most this much normalized time per output token (request time / output tokens).",
    "--max-ntpot-milliseconds");
constexpr Flag kTargetTtft =
    milliseconds("--target-ttft-milliseconds", "At most this much time to the first token.");
constexpr Flag kTargetItl =
    milliseconds("--target-itl-milliseconds", "At most this much time between streamed tokens.");
constexpr Flag kTargetTpot = milliseconds(
    "--target-tpot-milliseconds", "At most this much time per output token after the first.");
constexpr Flag kTargetE2e =
    milliseconds("--target-e2e-milliseconds", "At most this much time for a whole request.");

constexpr Flag kTargetOutputCost{.name = "--target-cost-per-million-output-tokens",
                                 .type = Number,
                                 .value = "USD",
                                 .unit = "USD",
                                 .group = Target,
                                 .sentence = "At most this much money per million output tokens."};
constexpr Flag kTargetInputCost{.name = "--target-cost-per-million-input-tokens",
                                .type = Number,
                                .value = "USD",
                                .unit = "USD",
                                .group = Target,
                                .sentence = "At most this much money per million input tokens."};

constexpr std::array<Words, 2> kStatisticRules{"exact", "closest"};
constexpr Flag kStatistic{
    .name = "--statistic",
    .type = Choice,
    .value = "RULE",
    .group = Target,
    .sentence =
        "Whether a percentile nobody published may be answered with the closest one there "
        "is (and marked), or the profile is passed over.",
    .fallback = "closest",
    .choices = kStatisticRules};
constexpr Flag kExpectedLoad{
    .name = "--expected-load",
    .type = Number,
    .value = "RATE",
    .unit = "requests per second",
    .group = Target,
    .sentence = "The load to carry, in requests per second: says how many replicas are needed.",
    .above_min = true};
constexpr Flag kHeadroom{
    .name = "--headroom",
    .type = Number,
    .value = "SHARE",
    .unit = "a share of 1",
    .group = Target,
    .sentence = "How much of a replica's capacity stays free, as a share of 1 (0.20 is 20 %).",
    .fallback = "0.20",
    .max = 0.95};

// --- Prices and where to buy ---

constexpr std::array<Words, 4> kPricingModels{"spot", "on-demand", "1-year-cud", "3-years-cud"};
constexpr Flag kPricingModel{
    .name = "--pricing-model",
    .type = Choice,
    .value = "MODEL",
    .group = Price,
    .sentence = "How the machine is paid; cud is a committed use discount.",
    .fallback = "spot",
    .choices = kPricingModels};
constexpr Flag kRegion{.name = "--region",
                       .value = "REGION",
                       .group = Price,
                       .sentence =
                           "Prices of this region. Without it, Google machines are priced in "
                           "us-east5, A3 in us-central1, and where that has no price in the "
                           "nearest region that has one."};
constexpr Flag kProvider{.name = "--provider",
                         .value = "NAME",
                         .group = Price,
                         .sentence = "Machines of this cloud; \"any\" for all.",
                         .fallback = "gcp"};
constexpr Flag kMaxPrice{.name = "--max-price-per-hour",
                         .type = Number,
                         .value = "USD",
                         .unit = "USD",
                         .group = Price,
                         .sentence = "At most this much money per hour for all replicas.",
                         .above_min = true};
constexpr Flag kCostRatio{
    .name = "--output-input-cost-ratio",
    .type = Number,
    .value = "RATIO",
    .group = Price,
    .sentence = "How many input tokens are worth one output token when a price is split.",
    .fallback = "4",
    .max = 1e6,
    .above_min = true};
constexpr Flag kMinAvailable{
    .name = "--min-available",
    .type = Switch,
    .group = Target,
    .sentence = "One replica more, so that the loss of one leaves enough for the load."};
constexpr Flag kWholeMachine{
    .name = "--whole-machine",
    .type = Switch,
    .group = Price,
    .sentence = "Price whole machines, also where a replica needs only some of the accelerators."};

// --- Output ---

constexpr std::array<Words, 6> kFormats{"table", "csv", "json", "yaml", "profile", "csvprofile"};
constexpr Flag kFormat{.name = "--format",
                       .type = Format,
                       .value = "FORMAT",
                       .group = Output,
                       .sentence =
                           "How rows are printed. A list of fields in parentheses picks "
                           "columns: \"table(model,acceleratorType)\".",
                       .fallback = "table",
                       .choices = kFormats};
constexpr Flag kFilter{.name = "--filter",
                       .value = "EXPRESSION",
                       .group = Output,
                       .sentence =
                           "Only rows that match: \"modelServer=vllm\", \"model:llama\"; "
                           "several joined by AND."};
constexpr Flag kLimit{.name = "--limit",
                      .type = Integer,
                      .value = "ROWS",
                      .unit = "rows",
                      .group = Output,
                      .sentence = "At most this many rows.",
                      .min = 1,
                      .max = 1e9};
constexpr Flag kSortBy{.name = "--sort-by",
                       .type = List,
                       .value = "FIELD",
                       .group = Output,
                       .sentence = "Order rows by these fields; ~FIELD turns the order around."};
constexpr Flag kPageSize{.name = "--page-size",
                         .type = Integer,
                         .value = "ROWS",
                         .unit = "rows",
                         .group = Ignored,
                         .sentence = "Ignored: rows come from local data, there are no pages.",
                         .min = 1,
                         .max = 1e9,
                         .hidden = true};
constexpr Flag kUri{.name = "--uri",
                    .type = Switch,
                    .group = Ignored,
                    .sentence = "Ignored: rows of local data have no resource address.",
                    .hidden = true};
constexpr std::array<Words, 4> kEvidences{"measured", "published", "predicted", "all"};
constexpr Flag kEvidence{
    .name = "--evidence",
    .type = Switch,
    .value = "KIND",
    .group = Output,
    .sentence =
        "Add columns that say where each number comes from: source, date, licence, error. With a "
        "kind, only those: measured (by anybody, published or not), published, predicted; all "
        "shows predictions where nothing was measured, as without the flag.",
    .choices = kEvidences};
constexpr Flag kShowRejected{.name = "--show-rejected",
                             .type = Switch,
                             .group = Output,
                             .sentence = "Also list what was passed over, each with its reason."};

constexpr std::array kListOutput{kFormat, kFilter, kLimit, kSortBy, kPageSize, kUri};

// What `list`, `accelerators list` and `recommend` ask alike.
constexpr std::array kQuestion{kModelServer,
                               kModelServerVersion,
                               kAcceleratorTypes,
                               kInstanceType,
                               kUseCase,
                               kInputLength,
                               kOutputLength,
                               kServingStack,
                               kServingStackVersion,
                               kDecoding,
                               kTargetNtpot,
                               kTargetTtft,
                               kTargetItl,
                               kTargetTpot,
                               kTargetE2e,
                               kTargetOutputCost,
                               kTargetInputCost,
                               kStatistic,
                               kExpectedLoad,
                               kHeadroom,
                               kPricingModel,
                               kRegion,
                               kProvider,
                               kMaxPrice,
                               kCostRatio,
                               kMinAvailable,
                               kWholeMachine,
                               kEvidence,
                               kShowRejected};
constexpr std::array kQuestionOutput{
    by_default(kFormat, "profile"), kFilter, kLimit, kSortBy, kPageSize, kUri};

constexpr auto kProfilesListFlags =
    all_of(one(saying(kModel, "Only this model, by its Hugging Face name (owner/name).")),
           kQuestion, kQuestionOutput);
constexpr auto kAcceleratorsListFlags = all_of(one(required(kModel)), kQuestion, kQuestionOutput);
// A service that must hold its latency is not bought on spot unless its owner says so.
constexpr auto kRecommendFlags = with_default(
    all_of(std::array{saying(kModel,
                             "The model, by its Hugging Face name (owner/name), or "
                             "\"any\"; not needed with --from-deployment."),
                      deploying::kFromDeployment},
           kQuestion, std::array{by_default(kFormat, "table"), by_default(kLimit, "5")},
           deploying::kClusterFlags),
    "--pricing-model", "on-demand");

// --- The commands' own flags ---

constexpr auto kPredictFlags =
    all_of(predicting::kSetupFlags, predicting::kPredictFlags,
           std::array{by_default(kFormat, "table"), kFilter, kLimit, kSortBy});
constexpr auto kSimulateFlags =
    all_of(predicting::kSetupFlags, predicting::kSimulateFlags, kListOutput);
constexpr auto kSearchFlags = with_default(
    all_of(one(required(kModel)), predicting::kSearchFlags,
           std::array{kTargetNtpot, kTargetTtft, kTargetItl, kTargetTpot, kTargetE2e,
                      kTargetOutputCost, kTargetInputCost, kStatistic, kExpectedLoad, kHeadroom,
                      kPricingModel, kRegion, kProvider, kInstanceType, kMaxPrice, kCostRatio,
                      kMinAvailable, kWholeMachine, kShowRejected},
           std::array{by_default(kFormat, "table"), kFilter, by_default(kLimit, "10"), kSortBy}),
    "--pricing-model", "on-demand");

constexpr auto kNamesFlags = kListOutput;
constexpr auto kModelServersFlags = all_of(one(required(kModel)), kListOutput);
constexpr auto kModelServerVersionsFlags =
    all_of(std::array{required(kModel), required(kModelServer)}, kListOutput);
constexpr auto kServingStacksFlags = all_of(std::array{kModel, kModelServer}, kListOutput);
constexpr auto kServingStackVersionsFlags =
    all_of(std::array{required(kServingStack), kModel, kModelServer}, kListOutput);
constexpr auto kCombinationsFlags =
    all_of(std::array{kModel, kModelServer, kModelServerVersion}, kListOutput);

constexpr Flag kBenchmarkUseCase =
    saying(kUseCase,
           "Only what was measured for this use case; `kneepoint use-cases list` names them. "
           "Without it, every use case.");

constexpr auto kBenchmarksFlags = all_of(
    std::array{required(kModel), required(kModelServer), kModelServerVersion, kInstanceType,
               kAcceleratorTypes, kBenchmarkUseCase, kServingStack, kServingStackVersion, kDecoding,
               kPricingModel, kRegion, kProvider, kCostRatio, kEvidence},
    std::array{by_default(kFormat, "csvprofile"), kFilter, kLimit, kSortBy, kPageSize, kUri});

constexpr Flag kNamespace{.name = "--namespace",
                          .value = "NAMESPACE",
                          .group = Output,
                          .sentence = "The Kubernetes namespace of every object.",
                          .fallback = "default"};
constexpr std::array<Words, 6> kOutputs{"manifest", "comments",  "all",
                                        "storage",  "dashboard", "alerts"};
constexpr Flag kOutput{.name = "--output",
                       .type = Choice,
                       .value = "PART",
                       .group = Output,
                       .sentence =
                           "What is printed: the manifests, the comments, both; as JSON the "
                           "places where the weights can lie with their estimates; a "
                           "Grafana dashboard; or alert rules.",
                       .fallback = "all",
                       .choices = kOutputs};
constexpr Flag kOutputPath{.name = "--output-path",
                           .type = Path,
                           .value = "FILE",
                           .group = Output,
                           .sentence = "Write to this file, and say so, instead of printing."};
constexpr Flag kModelBucket{
    .name = "--model-bucket-uri",
    .value = "URI",
    .sentence =
        "Load the model from gs://BUCKET[/FOLDER], the folder that holds config.json and "
        "the weights, instead of from Hugging Face."};
constexpr Flag kOneAcceleratorType{
    .name = "--accelerator-type",
    .value = "TYPE",
    .sentence = "The accelerator, by its Kubernetes name, such as nvidia-l4."};
constexpr auto kManifestsOwnFlags = std::array{
    required(kModel),
    saying(kModelServer,
           "The model server. Without it, the best one measured for the model "
           "and the accelerator, which is then named."),
    required(kOneAcceleratorType),
    kModelServerVersion,
    kInstanceType,
    kBenchmarkUseCase,
    saying(kServingStack,
           "Put a gateway before the replicas that picks one for each request: "
           "llm-d or gateway-inference-extension."),
    saying(kServingStackVersion, "The tag of the image of the serving stack's endpoint picker."),
    kModelBucket,
    kTargetNtpot,
    kTargetTtft,
    kTargetItl,
    kTargetTpot,
    kTargetE2e,
    kStatistic,
    kExpectedLoad,
    kHeadroom,
    kMinAvailable,
    kPricingModel,
    kRegion,
    kProvider};
/// Which manifest, and how it is written down.
constexpr auto kManifestsWhat =
    all_of(kManifestsOwnFlags, hosting::kFlags, scaling::kFlags, scaling::kDeliveryFlags);
constexpr std::array kManifestsOutput{kNamespace, kOutput, kOutputPath};
constexpr auto kManifestsFlags = all_of(kManifestsWhat, kManifestsOutput, scaling::kFolderFlags);

/// What may be left out because a manifest can be given instead.
template <std::size_t N>
constexpr auto none_required(std::array<Flag, N> flags) {
  for (Flag& flag : flags) flag.required = false;
  return flags;
}
constexpr auto kDeployWhat = none_required(kManifestsWhat);
constexpr auto kDeployFlags = all_of(deploying::kWhatFlags, kDeployWhat, deploying::kClusterFlags,
                                     deploying::kHowFlags, one(deploying::kOutput));
constexpr auto kManifestsDiffFlags =
    all_of(deploying::kWhatFlags, kDeployWhat, deploying::kClusterFlags, one(deploying::kOutput));
constexpr auto kDoctorAllFlags =
    all_of(kDoctorFlags,
           with_sentence(deploying::kClusterFlags, "--namespace",
                         "Look at what runs in this Kubernetes namespace, through your kubectl."));
constexpr auto kSweepFlags =
    all_of(bench::kSweepOwnFlags, bench::kInClusterFlags,
           with_sentence(deploying::kClusterFlags, "--namespace",
                         "With --in-cluster: the Kubernetes namespace. Without it, that of the "
                         "context, else default."));
constexpr auto kResumeFlags = all_of(bench::kResumeOwnFlags, bench::kStreamFlags);
constexpr auto kUndeployFlags = all_of(deploying::kClusterFlags, deploying::kUndeployFlags);
constexpr auto kStatusFlags = all_of(deploying::kClusterFlags, deploying::kStatusFlags);

constexpr std::array kExplainFlags{
    kTargetNtpot, kTargetTtft,   kTargetItl, kTargetTpot, kTargetE2e, kStatistic, kExpectedLoad,
    kHeadroom,    kPricingModel, kRegion,    kProvider,   kCostRatio, kFormat};

constexpr std::array<Words, 5> kMetricNames{"ttft", "tpot", "itl", "ntpot", "e2e"};
constexpr std::array kPlotFlags{
    saying(kModel, "The model, by its Hugging Face name, when no PROFILE is given."),
    kModelServer,
    kModelServerVersion,
    kOneAcceleratorType,
    kInstanceType,
    kBenchmarkUseCase,
    kServingStack,
    kTargetNtpot,
    kTargetTtft,
    kTargetItl,
    kTargetTpot,
    kTargetE2e,
    Flag{.name = "--metric",
         .type = Choice,
         .value = "METRIC",
         .group = Output,
         .sentence = "The latency to draw. Without it, that of the target, else TPOT or NTPOT.",
         .choices = kMetricNames},
    Flag{.name = "--svg",
         .type = Path,
         .value = "FILE",
         .group = Output,
         .sentence = "Write the picture as SVG to this file, \"-\" for standard output, instead of "
                     "drawing it on the terminal."},
    Flag{.name = "--width",
         .type = Integer,
         .value = "COLUMNS",
         .unit = "columns",
         .group = Output,
         .sentence = "Columns of the terminal picture. Without it, those of the terminal.",
         .min = 40,
         .max = 400},
    Flag{.name = "--height",
         .type = Integer,
         .value = "ROWS",
         .unit = "rows",
         .group = Output,
         .sentence = "Rows inside the frame of the terminal picture.",
         .fallback = "18",
         .min = 6,
         .max = 200}};

constexpr std::array kModelsAddFlags{
    saying(kModel, "The name to keep the model under. Without it, the one in the file.")};
constexpr std::array kInfoFlags{kFormat};
constexpr std::array kStoreExportFlags{
    Flag{.name = "--own",
         .type = Switch,
         .sentence = "Only profiles of your own, not those of the catalog."}};
constexpr std::array kStoreImportFlags{
    Flag{.name = "--all-layers",
         .type = Switch,
         .sentence = "Also replace the catalog layers that the file holds."}};

// --- Flags of every command ---

constexpr Flag ignored(Words name, FlagType type, Words value, Words sentence) {
  return {.name = name,
          .type = type,
          .value = value,
          .group = Ignored,
          .sentence = sentence,
          .hidden = true};
}
constexpr Words kNoService = "Ignored: no Google Cloud project or account is involved.";
constexpr std::array<Words, 6> kVerbosities{"debug", "info",     "warning",
                                            "error", "critical", "none"};

constexpr std::array kGlobalFlags{
    Flag{.name = "--catalog",
         .type = Path,
         .value = "DIR",
         .group = Global,
         .sentence = "A folder of catalog rows laid over the ones that ship; may be given again, "
                     "later ones win.",
         .repeatable = true},
    Flag{.name = "--store",
         .value = "WHERE",
         .group = Global,
         .sentence = "Where profiles are kept: a file, or a postgresql:// address without a "
                     "password in it. Without it, a file in your data folder."},
    Flag{.name = "--no-color",
         .type = Switch,
         .group = Global,
         .sentence = "No colours, also on a terminal."},
    Flag{
        .name = "--help", .type = Switch, .group = Global, .sentence = "This text.", .alias = "-h"},
    Flag{.name = "--version",
         .type = Switch,
         .group = Global,
         .sentence = "The version of the program."},
    Flag{.name = "--verbosity",
         .type = Choice,
         .value = "LEVEL",
         .group = Global,
         .sentence = "How much is told on standard error.",
         .fallback = "warning",
         .choices = kVerbosities,
         .hidden = true},
    Flag{.name = "--quiet",
         .type = Switch,
         .group = Ignored,
         .sentence = "Ignored: no command asks a question.",
         .alias = "-q",
         .hidden = true},
    ignored("--project", Text, "ID", kNoService),
    ignored("--billing-project", Text, "ID", kNoService),
    ignored("--account", Text, "NAME", kNoService),
    ignored("--configuration", Text, "NAME", "Ignored: gcloud configurations are not read."),
    ignored("--impersonate-service-account", Text, "NAME", kNoService),
    ignored("--access-token-file", Path, "FILE", kNoService),
    ignored("--flags-file", Path, "FILE", "Ignored: flags are taken from the command line only."),
    ignored("--flatten", List, "FIELD", "Ignored: rows are flat already."),
    ignored("--trace-token", Text, "TOKEN", kNoService),
    ignored("--log-http", Switch, "", "Ignored: no request is sent."),
    ignored("--user-output-enabled", Switch, "", "Ignored: output is always printed."),
};

// --- Commands ---

constexpr std::array<Words, 1> kReportAliases{"export"};
constexpr std::array<Words, 2> kModelsAliases{"container ai profiles models list",
                                              "alpha container ai profiles models list"};
constexpr std::array<Words, 2> kServersAliases{"container ai profiles model-servers list",
                                               "alpha container ai profiles model-servers list"};
constexpr std::array<Words, 2> kServerVersionsAliases{
    "container ai profiles model-server-versions list",
    "alpha container ai profiles model-server-versions list"};
constexpr std::array<Words, 2> kProfilesAliases{"container ai profiles list",
                                                "alpha container ai profiles list"};
constexpr std::array<Words, 2> kBenchmarksAliases{"container ai profiles benchmarks list",
                                                  "alpha container ai profiles benchmarks list"};
constexpr std::array<Words, 2> kManifestsAliases{"container ai profiles manifests create",
                                                 "alpha container ai profiles manifests create"};
constexpr std::array<Words, 3> kUseCasesAliases{"use-case list",
                                                "container ai profiles use-case list",
                                                "alpha container ai profiles use-case list"};
constexpr std::array<Words, 2> kStacksAliases{"container ai profiles serving-stacks list",
                                              "alpha container ai profiles serving-stacks list"};
constexpr std::array<Words, 2> kStackVersionsAliases{
    "container ai profiles serving-stack-versions list",
    "alpha container ai profiles serving-stack-versions list"};
constexpr std::array<Words, 2> kAcceleratorsAliases{
    "container ai profiles accelerators list", "alpha container ai profiles accelerators list"};
constexpr std::array<Words, 2> kCombinationsAliases{
    "container ai profiles model-and-server-combinations list",
    "alpha container ai profiles model-and-server-combinations list"};
constexpr std::array<Words, 1> kExplainAliases{"profiles show"};

constexpr Positional kProfileId{"PROFILE",
                                "The profile's id, from `kneepoint profiles list "
                                "--evidence`."};
constexpr std::array kExplainWords{kProfileId};
constexpr std::array kResumeWords{Positional{"RUN", "The run's folder.", true, false, {}, true}};
constexpr std::array kPlotWords{
    Positional{"PROFILE", "The profile's id; without it, --model picks the curve.", false}};
constexpr std::array kPricesWords{Positional{
    "FILE.csv", "Rows in the columns of the catalog's prices.csv.", true, false, {}, true}};
constexpr std::array kModelsAddWords{
    Positional{"CONFIG.json", "The config.json of a Hugging Face model.", true, false, {}, true}};
constexpr std::array kStoreExportWords{
    Positional{"FILE", "Where to write; \"-\" for standard output.", true, false, {}, true}};
constexpr std::array kStoreImportWords{Positional{
    "FILE", "What `store export` wrote; \"-\" for standard input.", true, false, {}, true}};
constexpr std::array kStoreBackupWords{
    Positional{"FILE", "Where the copy goes; it must not exist yet.", true, false, {}, true}};
constexpr std::array<Words, 3> kShells{"bash", "zsh", "fish"};
constexpr std::array kCompletionWords{
    Positional{"SHELL", "bash, zsh or fish.", true, false, kShells}};
constexpr std::array kHelpWords{Positional{"COMMAND", "The words of a command.", false, true}};

constexpr std::array kCommands{
    Command{
        CommandId::Recommend,
        "recommend",
        {},
        "Rank servers and accelerators for a model under a latency target",
        "Answers with serving setups that meet every target, the cheapest first: what to run, "
        "on which machine, at which load, at what cost per million tokens, how many replicas, "
        "and why. Every figure says where it comes from.",
        "recommend --model=openai/gpt-oss-120b --target-ttft-milliseconds=300 --expected-load=12",
        kRecommendFlags},
    Command{CommandId::Explain, "explain", kExplainAliases,
            "Show one profile with its curve, its knee and the origin of each number",
            "Prints the serving setup, the workload, every load point, the knee and the zones, the "
            "operating point under the targets given, and the evidence of each point.",
            "explain p-3f21c0a4 --target-tpot-milliseconds=40", kExplainFlags, kExplainWords},
    Command{CommandId::Predict,
            "predict",
            {},
            "Predict latency and throughput of a setup nobody measured",
            "One answer for a load, or the whole curve with its knee, each figure with the band "
            "in which 80 of 100 measurements are expected; what was measured here is passed "
            "through. With --points, every row of a file. With --all, every model on every "
            "accelerator that holds it, kept for the lists.",
            "predict --model=google/gemma-2-27b-it --accelerator=nvidia-l4 --tp=4 "
            "--input-length=512 --output-length=256",
            kPredictFlags},
    Command{CommandId::Calibrate,
            "calibrate",
            {},
            "Fit the predictions to measured points",
            "Finds the coefficients of the step-time model and what they leave over, on the "
            "profiles that ship and the ones measured here or on a file of points; prints how far "
            "off it is on points left out, and writes a file for `predict --calibration`.",
            "calibrate --out=our.calibration",
            predicting::kCalibrateFlags},
    Command{CommandId::Simulate,
            "simulate",
            {},
            "Run a load against a simulated server or fleet",
            "Plays the load generator's own spec against a model server that takes the time the "
            "step-time model says, in virtual time: the same arrivals, the same report, the same "
            "definitions. `bench compare` lays a measured run over it.",
            "simulate run.yaml --model=meta-llama/Llama-3.1-8B-Instruct "
            "--accelerator=nvidia-h100-80gb --replicas=4 --router=least-kv",
            kSimulateFlags,
            predicting::kSimulateWords},
    Command{CommandId::Search,
            "search",
            {},
            "Search for the cheapest setup of a model under targets",
            "Predicts the curve of every setup that fits, over accelerators, tensor, pipeline and "
            "expert parallelism, precisions and server limits, and ranks them as `recommend` does: "
            "by what meets the targets for the least money, with replicas for the load expected.",
            "search --model=meta-llama/Llama-3.1-70B-Instruct --target-ttft-milliseconds=500 "
            "--target-tpot-milliseconds=50 --expected-load=20",
            kSearchFlags},
    Command{CommandId::ProfilesList, "profiles list", kProfilesAliases,
            "List the profiles that meet the targets, one row each",
            "One row per serving setup, with the figures at its operating point: where every "
            "target is met with the most throughput, or at the knee when there is no target.",
            "profiles list --model=openai/gpt-oss-120b --pricing-model=on-demand "
            "--target-ttft-milliseconds=300",
            kProfilesListFlags},
    Command{CommandId::BenchmarksList, "benchmarks list", kBenchmarksAliases,
            "List every measured load point of the matching profiles",
            "One row per load point, as CSV: the whole load/latency curves behind the profiles.",
            "benchmarks list --model=openai/gpt-oss-120b --model-server=vllm", kBenchmarksFlags},
    Command{CommandId::BenchmarksPlot,
            "benchmarks plot",
            {},
            "Draw a load/latency curve with its knee",
            "Draws throughput against latency on the terminal, or as an SVG file, with the knee, "
            "the zones, the target and the operating point.",
            "benchmarks plot --model=openai/gpt-oss-120b --model-server=vllm --svg=curve.svg",
            kPlotFlags,
            kPlotWords},
    Command{CommandId::BenchRun,
            "bench run",
            {},
            "Measure one load point of a server, or a list of them",
            "Sends requests to an OpenAI-compatible endpoint at a rate or with so many out at a "
            "time, and reports TTFT, ITL, TPOT, NTPOT and end-to-end times from when each request "
            "was due, token rates, errors, and whether the load generator itself kept up.",
            "bench run --url=http://127.0.0.1:8000 --model=my-model --rate=4 --duration=60s "
            "--input-tokens=512 --output-tokens=128 --report=point.json",
            bench::kRunFlags},
    Command{
        CommandId::BenchSweep,
        "bench sweep",
        {},
        "Take a server from idle to saturation and find its knee",
        "Raises the load by doublings until throughput has stopped growing, measures between the "
        "neighbours of the knee, and leaves a profile with measured evidence in the store. Each "
        "load point lasts until its figures are known well enough. A sweep that was cut off goes "
        "on with `bench resume`.",
        "bench sweep --url=http://127.0.0.1:8000 --model=my-model --accelerator=nvidia-l4",
        kSweepFlags},
    Command{
        CommandId::BenchResume,
        "bench resume",
        {},
        "Go on with a run that was cut off",
        "Measures the load points a run does not have yet. Tokens are read again from where the "
        "run says they were.",
        "bench resume runs/2026-11-21T10-00-00-my-model",
        kResumeFlags,
        kResumeWords},
    Command{CommandId::BenchLoad,
            "bench load",
            {},
            "Keep a server under constant load until interrupted",
            "So many workers that ask again as soon as they are answered, or a rate; with figures "
            "at the end. For trying an autoscaler, a dashboard or an alert.",
            "bench load --url=http://127.0.0.1:8000 --model=my-model --workers=16",
            bench::kLoadFlags},
    Command{CommandId::BenchReport, "bench report", kReportAliases,
            "Write what a run measured for people or for other tools",
            "Reads a run's directory or a report, finds the knee, and writes a table, CSV, JSON, "
            "llm-d's benchmark report, or one HTML page with the curve, latency distributions, "
            "time series and the environment. The page loads nothing from anywhere.",
            "bench report point.json --format=html --output=report.html", exporting::kReportFlags,
            exporting::kReportWords},
    Command{CommandId::BenchCompare,
            "bench compare",
            {},
            "Say whether one run is better or worse than another, or only noise",
            "Compares throughput, latencies and failures load by load, each with a confidence "
            "interval of the difference. Runs of different workloads are not compared; what "
            "differs is listed.",
            "bench compare before.json after.json --fail-if-worse=5",
            exporting::kCompareFlags,
            exporting::kCompareWords},
    Command{CommandId::ManifestsCreate, "manifests create", kManifestsAliases,
            "Write the Kubernetes manifests that deploy a recommendation",
            "Prints the objects that run the model server on the accelerator: a Deployment, a "
            "Service and what scrapes its metrics, sized for the targets and the load expected. "
            "The comments say why, and end with the commands that apply them.",
            "manifests create --model=openai/gpt-oss-120b --model-server=vllm "
            "--accelerator-type=nvidia-h100-80gb --target-ttft-milliseconds=300 "
            "--output-path=deploy.yaml",
            kManifestsFlags},
    Command{CommandId::ManifestsServe,
            "manifests serve",
            {},
            "Write the Kubernetes manifests of the server itself",
            "A Deployment of `kneepoint serve` on a PostgreSQL of its own, with probes, a budget "
            "for disruptions and network policies. Secrets are named, and the comments say how to "
            "make them.",
            "manifests serve --image=registry.example/kneepoint:0.1.0 --namespace=kneepoint",
            kServeManifestFlags},
    Command{CommandId::ManifestsDiff,
            "manifests diff",
            {},
            "Show what deploying would change in the cluster",
            "Lets the server try out the manifest that the flags make, or the files given, and "
            "shows each object that would come, change or go. Changes nothing. Exits with 1 when "
            "something would change.",
            "manifests diff --filename=deploy.yaml",
            kManifestsDiffFlags},
    Command{CommandId::Deploy,
            "deploy",
            {},
            "Bring a manifest to a cluster and wait until it serves",
            "Makes the manifest as `manifests create` does, or takes files; lets the server try it "
            "out, shows what would change and asks; applies it, and waits until every pod is ready "
            "or it is clear that one will not be, which is explained. What is there already and "
            "was not made by this command stays as it is. Uses your kubectl. Exits with 4 when no "
            "node can take a pod or a quota forbids it, 5 when an object or field belongs to "
            "somebody else, and 7 when pods do not become ready.",
            "deploy --model=openai/gpt-oss-120b --model-server=vllm "
            "--accelerator-type=nvidia-h100-80gb --target-ttft-milliseconds=300",
            kDeployFlags},
    Command{CommandId::Undeploy,
            "undeploy",
            {},
            "Remove what deploy made",
            "Removes exactly the objects that `deploy` made under this name and waits until they "
            "and their pods are gone. What somebody else made or took over stays.",
            "undeploy gpt-oss-120b-vllm --yes",
            kUndeployFlags,
            deploying::kSetWord},
    Command{
        CommandId::Status,
        "status",
        {},
        "Show what was deployed, how far it is and how it serves",
        "Pods and replicas, the autoscaler with its metric and conditions, the load measured at "
        "the pods against what was promised, the queries that show whether metrics arrive, and "
        "a new target for the autoscaler when the measurement asks for one. Exits with 1 when "
        "not all is ready.",
        "status gpt-oss-120b-vllm",
        kStatusFlags,
        deploying::kMaybeSetWord},
    Command{CommandId::Doctor,
            "doctor",
            {},
            "Find what is wrong in logs, events and manifests",
            "Names known problems in the text of logs and events, and mistakes in manifests before "
            "they are applied: what, where, why, and the command or lines that put it right. With "
            "--namespace it asks the cluster instead: pods that are not ready, events, conditions, "
            "and logs of pods that crash. Else no cluster is asked. Exits with 1 after warnings "
            "and 4 after errors.",
            "doctor pod.log deploy.yaml",
            kDoctorAllFlags,
            kDoctorWords},
    Command{CommandId::ModelsList, "models list", kModelsAliases, "List the models with profiles",
            "The models that some profile was measured, published or predicted for.",
            "models list --format=json", kNamesFlags},
    Command{CommandId::ModelServersList, "model-servers list", kServersAliases,
            "List the model servers with profiles for a model",
            "The model servers that some profile of the model was measured with.",
            "model-servers list --model=openai/gpt-oss-120b", kModelServersFlags},
    Command{CommandId::ModelServerVersionsList, "model-server-versions list",
            kServerVersionsAliases, "List the versions of a model server with profiles for a model",
            "The versions of the model server that some profile of the model was measured with, "
            "the newest first.",
            "model-server-versions list --model=openai/gpt-oss-120b --model-server=vllm",
            kModelServerVersionsFlags},
    Command{CommandId::AcceleratorsList, "accelerators list", kAcceleratorsAliases,
            "List the accelerators that serve a model (older form of profiles list)",
            "The older form of `profiles list`, kept so that scripts go on working.",
            "accelerators list --model=openai/gpt-oss-120b --max-ntpot-milliseconds=50",
            kAcceleratorsListFlags},
    Command{CommandId::CombinationsList, "model-and-server-combinations list", kCombinationsAliases,
            "List the combinations of model, server and version",
            "One row per model, model server and version with profiles.",
            "model-and-server-combinations list --model=openai/gpt-oss-120b", kCombinationsFlags},
    Command{CommandId::UseCasesList, "use-cases list", kUseCasesAliases,
            "List the use cases and their token lengths",
            "The use cases that --use-case takes, each with its mean input and output length.",
            "use-cases list", kNamesFlags},
    Command{CommandId::ServingStacksList, "serving-stacks list", kStacksAliases,
            "List the serving stacks with profiles",
            "Serving stacks, such as llm-d, that some profile was measured with.",
            "serving-stacks list --model=openai/gpt-oss-120b", kServingStacksFlags},
    Command{CommandId::ServingStackVersionsList, "serving-stack-versions list",
            kStackVersionsAliases, "List the versions of a serving stack with profiles",
            "The versions of the serving stack that some profile was measured with.",
            "serving-stack-versions list --serving-stack=llm-d", kServingStackVersionsFlags},
    Command{CommandId::ModelsAdd,
            "models add",
            {},
            "Add a model from its config.json",
            "Reads the architecture from a Hugging Face config.json, so that memory and fit are "
            "known for a model the catalog does not have.",
            "models add config.json --model=my-org/my-model",
            kModelsAddFlags,
            kModelsAddWords},
    Command{CommandId::PricesImport,
            "prices import",
            {},
            "Add your own prices",
            "Lays the prices in a CSV file over the ones that ship: negotiated discounts, other "
            "regions, machines you own.",
            "prices import our-prices.csv",
            {},
            kPricesWords},
    Command{CommandId::CatalogInfo,
            "catalog info",
            {},
            "Tell what the catalog holds and how old it is",
            "Counts of models, accelerators, machines, prices and profiles, by source, with dates.",
            "catalog info",
            kInfoFlags},
    Command{CommandId::CatalogCheck,
            "catalog check",
            {},
            "Check the catalog and its overlays",
            "Reads every row of the catalog and of each --catalog folder and names what is wrong, "
            "with file and line. Exits with a failure when anything is.",
            "catalog check --catalog=./our-catalog",
            {}},
    Command{CommandId::StoreInfo,
            "store info",
            {},
            "Tell where profiles are kept and how many",
            "The place, the schema version, the layers and their counts.",
            "store info",
            kInfoFlags},
    Command{CommandId::StoreExport,
            "store export",
            {},
            "Write every profile to a file",
            "Writes the profiles as JSON Lines, one canonical document per line.",
            "store export profiles.jsonl",
            kStoreExportFlags,
            kStoreExportWords},
    Command{CommandId::StoreImport,
            "store import",
            {},
            "Read profiles from a file",
            "Reads JSON Lines as `store export` writes them. All lines or none: a line that is "
            "wrong is named, and the store stays as it was.",
            "store import profiles.jsonl",
            kStoreImportFlags,
            kStoreImportWords},
    Command{CommandId::StoreBackup,
            "store backup",
            {},
            "Copy the store while it is in use",
            "Makes a consistent copy of the store in one file.",
            "store backup kneepoint.backup",
            {},
            kStoreBackupWords},
    Command{
        CommandId::Import,
        "import",
        {},
        "Import the reports of other load generators",
        "Reads what `vllm bench serve`, sglang.bench_serving, guidellm, inference-perf, aiperf, "
        "genai-perf or llm-d-benchmark wrote and keeps it as profiles of your own. Load points "
        "of one setup become one curve. Where a tool defines a figure in another way than this "
        "program, the profile says so. What a report does not say, flags add.",
        "import results/*.json --model-server=vllm --model-server-version=0.11.0 "
        "--accelerator=nvidia-h100-80gb",
        kImportFlags,
        kImportWords},
    Command{CommandId::Emulate,
            "emulate",
            {},
            "Serve an OpenAI-compatible API without a model",
            "Answers completions and chats with made-up words: in the steps of an engine that "
            "batches as a model server does (an 8B model on an H100 unless told), or at scripted "
            "times. Shows metrics under the names of the server and version chosen, and fails in "
            "the ways asked for. "
            "Prints its address when it is ready, and serves until it is interrupted.",
            "emulate --port=0 --ttft=lognormal:100ms,0.5 --itl=10ms --model-server=vllm",
            kEmulateFlags},
    Command{CommandId::Serve,
            "serve",
            {},
            "Serve the API and the console to a team",
            "Answers over REST and gRPC what the other commands answer, in the form that existing "
            "clients of google.cloud.gkerecommender.v1 speak and in one of its own, and shows a "
            "console in the browser. On this machine's own addresses nothing is asked; any other "
            "address needs tokens or client certificates. Serves until it is told to end, then "
            "answers what is under way.",
            "serve --http=0.0.0.0:8443 --token-file=tokens --tls-cert=tls.crt --tls-key=tls.key",
            kServeFlags},
    Command{CommandId::Mcp,
            "mcp",
            {},
            "Answer an assistant over the Model Context Protocol",
            "Serves recommendations, curves, predictions, manifests and doctor as tools of the "
            "Model Context Protocol over standard input and output, until the input ends. "
            "Assistants start it themselves; docs/mcp.md says how they are told.",
            "mcp",
            {}},
    Command{CommandId::Completion,
            "completion",
            {},
            "Print the completion script of a shell",
            "Prints a script that completes commands, flags and choices. For bash: "
            "source <(kneepoint completion bash).",
            "completion bash",
            {},
            kCompletionWords},
    Command{CommandId::Help,
            "help",
            {},
            "Explain a command",
            "The same as COMMAND --help.",
            "help profiles list",
            {},
            kHelpWords},
    Command{CommandId::Version,
            "version",
            {},
            "Print the version",
            "The version of the program.",
            "version",
            {}},
};

struct Group {
  Words words, summary;
};
constexpr std::array kGroups{
    Group{"",
          "Recommends which model server on which accelerator serves an LLM under a latency "
          "target, from measured load/latency curves."},
    Group{"profiles", "Serving setups with their load/latency curves"},
    Group{"bench", "Measurements of a server of your own"},
    Group{"benchmarks", "The load points behind the profiles"},
    Group{"manifests", "Kubernetes manifests"},
    Group{"models", "Models"},
    Group{"model-servers", "Model servers"},
    Group{"model-server-versions", "Versions of model servers"},
    Group{"model-and-server-combinations", "Models with the servers they were measured on"},
    Group{"accelerators", "Accelerators"},
    Group{"use-cases", "Use cases and their token lengths"},
    Group{"use-case", "Use cases and their token lengths"},
    Group{"serving-stacks", "Serving stacks"},
    Group{"serving-stack-versions", "Versions of serving stacks"},
    Group{"prices", "Machine prices"},
    Group{"catalog", "The facts that ship, and what is laid over them"},
    Group{"store", "Where profiles are kept"},
    Group{"container", "The commands of `gcloud container ai profiles`, word for word"},
    Group{"container ai", "The commands of `gcloud container ai profiles`, word for word"},
    Group{"container ai profiles", "The commands of `gcloud container ai profiles`, word for word"},
    Group{"alpha", "The commands of `gcloud alpha container ai profiles`, word for word"},
    Group{"alpha container", "The commands of `gcloud alpha container ai profiles`, word for word"},
    Group{"alpha container ai",
          "The commands of `gcloud alpha container ai profiles`, word for word"},
    Group{"alpha container ai profiles",
          "The commands of `gcloud alpha container ai profiles`, word for word"},
};

const Flag* find_in(std::span<const Flag> flags, std::string_view name) {
  const auto it = std::find_if(flags.begin(), flags.end(), [name](const Flag& flag) {
    return flag.name == name || (!flag.alias.empty() && flag.alias == name);
  });
  return it == flags.end() ? nullptr : &*it;
}

}  // namespace

std::span<const Command> commands() { return kCommands; }
std::span<const Flag> global_flags() { return kGlobalFlags; }

const Command& command(CommandId id) {
  return *std::find_if(kCommands.begin(), kCommands.end(),
                       [id](const Command& c) { return c.id == id; });
}

const Command* find_command(std::string_view path) {
  for (const Command& c : kCommands) {
    if (c.path == path || std::find(c.aliases.begin(), c.aliases.end(), path) != c.aliases.end()) {
      return &c;
    }
  }
  return nullptr;
}

const Flag* find_flag(const Command& command, std::string_view name) {
  const Flag* own = find_in(command.flags, name);
  return own != nullptr ? own : find_in(kGlobalFlags, name);
}

std::vector<std::string_view> all_paths() {
  std::vector<std::string_view> paths;
  for (const Command& c : kCommands) {
    paths.push_back(c.path);
    paths.insert(paths.end(), c.aliases.begin(), c.aliases.end());
  }
  return paths;
}

bool is_group(std::string_view words) {
  if (words.empty()) return true;
  const auto below = [words](std::string_view path) {
    return path.size() > words.size() && path.starts_with(words) && path[words.size()] == ' ';
  };
  return std::any_of(kCommands.begin(), kCommands.end(), [&below](const Command& c) {
    return below(c.path) || std::any_of(c.aliases.begin(), c.aliases.end(), below);
  });
}

std::string_view group_summary(std::string_view words) {
  for (const Words gcloud :
       {Words("container ai profiles "), Words("alpha container ai profiles ")}) {
    if (words.starts_with(gcloud)) words.remove_prefix(gcloud.size());
  }
  const auto it = std::find_if(kGroups.begin(), kGroups.end(),
                               [words](const Group& group) { return group.words == words; });
  return it == kGroups.end() ? std::string_view() : it->summary;
}

std::string_view name(FlagType type) {
  constexpr std::array<Words, 8> kNames{"text",   "whole number", "number", "choice",
                                        "format", "path",         "list",   "switch"};
  return kNames[static_cast<std::size_t>(type)];
}

std::string_view name(FlagGroup group) {
  constexpr std::array<Words, 6> kNames{"What to look at", "Targets", "Prices and capacity",
                                        "Output",          "Global",  "Accepted and ignored"};
  return kNames[static_cast<std::size_t>(group)];
}

}  // namespace kneepoint::cli
