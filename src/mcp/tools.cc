#include "mcp/tools.h"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace kneepoint::mcp {
namespace {

using json::Array;
using json::Object;

/// A few choices fill a context; a console shows fifty.
constexpr int kFewChoices = 5, kFewRejected = 10;

Object as_it_is(const Object& arguments) { return arguments; }

Object with_few(const Object& arguments) {
  Object out = arguments;
  if (!out.contains("limit")) out["limit"] = kFewChoices;
  if (!out.contains("rejectedLimit")) out["rejectedLimit"] = kFewRejected;
  return out;
}

/// A member under any of the spellings that the known integrations use.
const json::Value* any_of(const Object& arguments, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const json::Value* found = arguments.if_contains(name);
    if (found != nullptr && !found->is_null()) return found;
  }
  return nullptr;
}

void copy(const Object& from, std::initializer_list<const char*> names, Object& to,
          const char* as) {
  if (const json::Value* value = any_of(from, names)) to[as] = *value;
}

Object server_info(const Object& arguments) {
  Object out;
  copy(arguments, {"model"}, out, "model");
  copy(arguments, {"model_server", "modelServer"}, out, "modelServer");
  copy(arguments, {"model_server_version", "modelServerVersion"}, out, "modelServerVersion");
  return out;
}

Object targets(const Object& arguments) {
  Object out;
  copy(arguments, {"target_ntpot_milliseconds", "targetNtpotMilliseconds"}, out,
       "targetNtpotMilliseconds");
  copy(arguments, {"target_ttft_milliseconds", "targetTtftMilliseconds"}, out,
       "targetTtftMilliseconds");
  copy(arguments, {"target_itl_milliseconds", "targetItlMilliseconds"}, out,
       "targetItlMilliseconds");
  return out;
}

Object model_ask(const Object& arguments) {
  Object out;
  copy(arguments, {"model"}, out, "model");
  copy(arguments, {"model_server", "modelServer"}, out, "modelServer");
  return out;
}

Object profiles_ask(const Object& arguments) {
  Object out = server_info(arguments);
  if (Object wanted = targets(arguments); !wanted.empty()) {
    out["performanceRequirements"] = std::move(wanted);
  }
  constexpr int kFewProfiles = 20;
  out["pageSize"] = kFewProfiles;
  copy(arguments, {"page_size", "pageSize"}, out, "pageSize");
  copy(arguments, {"page_token", "pageToken"}, out, "pageToken");
  return out;
}

Object manifest_ask(const Object& arguments) {
  Object out{{"modelServerInfo", server_info(arguments)}};
  copy(arguments, {"accelerator", "accelerator_type", "acceleratorType"}, out, "acceleratorType");
  copy(arguments, {"namespace", "kubernetes_namespace", "kubernetesNamespace"}, out,
       "kubernetesNamespace");
  if (Object wanted = targets(arguments); !wanted.empty()) {
    out["performanceRequirements"] = std::move(wanted);
  }
  return out;
}

/// The documents with a separator between two, as the known integration joins them.
std::string manifests_text(const json::Value& answer) {
  const Object* object = answer.if_object();
  const json::Value* list =
      object == nullptr ? nullptr : object->if_contains("kubernetesManifests");
  if (list == nullptr || !list->is_array()) return json::to_line(answer);
  std::string out;
  for (const json::Value& one : list->get_array()) {
    const json::Value* content =
        one.is_object() ? one.get_object().if_contains("content") : nullptr;
    if (content == nullptr || !content->is_string()) continue;
    if (!out.empty()) out += "---\n";
    out += std::string_view(content->get_string());
    if (!out.ends_with('\n')) out += '\n';
  }
  if (const json::Value* comments = object->if_contains("comments")) {
    for (const json::Value& line : comments->is_array() ? comments->get_array() : Array()) {
      if (line.is_string()) out += "# " + std::string(line.get_string()) + "\n";
    }
  }
  return out;
}

std::string yaml_text(const json::Value& answer) {
  const json::Value* yaml = answer.is_object() ? answer.get_object().if_contains("yaml") : nullptr;
  return yaml != nullptr && yaml->is_string() ? std::string(yaml->get_string())
                                              : json::to_line(answer);
}

#define KP_TARGETS                                                                                \
  R"("target_ntpot_milliseconds": {"type": ["integer", "string"], "description": "At most this )" \
  R"(normalized time per output token (request time / output tokens)."},)"                        \
  R"("target_ttft_milliseconds": {"type": ["integer", "string"], "description": "At most this )"  \
  R"(time to the first token."})"

constexpr std::string_view kNothing = R"({"type": "object", "properties": {}})";
constexpr std::string_view kModel =
    R"({"type": "object", "required": ["model"], "properties": {
        "model": {"type": "string", "description": "Hugging Face id, owner/name."}}})";
constexpr std::string_view kModelAndServer =
    R"({"type": "object", "required": ["model", "model_server"], "properties": {
        "model": {"type": "string", "description": "Hugging Face id, owner/name."},
        "model_server": {"type": "string", "description": "vllm, sglang, tensorrt-llm ..."}}})";
constexpr std::string_view kProfiles =
    R"({"type": "object", "properties": {
        "model": {"type": "string", "description": "Hugging Face id, owner/name."},
        "model_server": {"type": "string"},
        "model_server_version": {"type": "string"},
        "page_size": {"type": "integer"}, "page_token": {"type": "string"},)" KP_TARGETS "}}";
constexpr std::string_view kManifest =
    R"({"type": "object", "required": ["model", "model_server", "accelerator"], "properties": {
        "model": {"type": "string", "description": "Hugging Face id, owner/name."},
        "model_server": {"type": "string", "description": "vllm, sglang, tensorrt-llm ..."},
        "model_server_version": {"type": "string"},
        "accelerator": {"type": "string", "description": "Kubernetes name, such as nvidia-l4."},
        "namespace": {"type": "string"},)" KP_TARGETS "}}";

#define KP_SELECTION                                                                          \
  R"("model": {"type": "string", "description": "Hugging Face id, owner/name."},)"            \
  R"("modelServer": {"type": "string", "description": "vllm, sglang, tensorrt-llm ..."},)"    \
  R"("modelServerVersion": {"type": "string"},)"                                              \
  R"("useCase": {"type": "string", "description": "kneepoint_use_cases names them; or give )" \
  R"(lengths."},)"                                                                            \
  R"("targetInputLength": {"type": "number", "description": "Mean tokens of a prompt."},)"    \
  R"("targetOutputLength": {"type": "number", "description": "Mean tokens of an answer."},)"  \
  R"("evidence": {"enum": ["all", "measured", "published", "predicted"]},)"
#define KP_REQUEST                                                                              \
  R"("targets": {"type": "array", "items": {"type": "object", "required": ["metric", )"         \
  R"("milliseconds"], "properties": {"metric": {"enum": ["ttft", "tpot", "itl", "ntpot", )"     \
  R"("e2e"]}, "statistic": {"enum": ["p50", "mean", "p90", "p99"]}, "milliseconds": )"          \
  R"({"type": "number"}}}, "description": "Bounds on latency; all must hold."},)"               \
  R"("pricing": {"type": "object", "properties": {"model": {"enum": ["on-demand", "spot", )"    \
  R"("1-year-cud", "3-years-cud"]}, "provider": {"type": "string"}, "region": )"                \
  R"({"type": "string"}, "machineType": {"type": "string"}}},)"                                 \
  R"("expectedRequestsPerSecond": {"type": "number", "description": "The load to carry: says )" \
  R"(how many replicas."},)"                                                                    \
  R"("headroom": {"type": "number"}, "minAvailable": {"type": "boolean"},)"                     \
  R"("maxUsdPerHour": {"type": "number"}, "maxUsdPerMillionOutputTokens": {"type": "number"})"

constexpr std::string_view kRecommend =
    R"({"type": "object", "required": ["model"], "properties": {)" KP_SELECTION
    R"("acceleratorTypes": {"type": "array", "items": {"type": "string"}},
       "limit": {"type": "integer", "description": "Choices answered, 5 unless said."},)" KP_REQUEST
    "}}";
constexpr std::string_view kProfile =
    R"({"type": "object", "required": ["id"], "properties": {
        "id": {"type": "string", "description": "As kneepoint_recommend names it."}}})";
constexpr std::string_view kCompare =
    R"({"type": "object", "required": ["ids"], "properties": {
        "ids": {"type": "array", "items": {"type": "string"}, "maxItems": 4},
        "x": {"enum": ["outputTokensPerSecond", "requestsPerSecond", "load",
                       "usdPerMillionOutputTokens"]},
        "y": {"enum": ["ttft", "tpot", "itl", "ntpot", "e2e"]},
        "statistic": {"enum": ["p50", "mean", "p90", "p99"]},
        "perAccelerator": {"type": "boolean"}}})";
constexpr std::string_view kPredict =
    R"({"type": "object", "required": ["model", "acceleratorType"], "properties": {
        "model": {"type": "string"}, "acceleratorType": {"type": "string"},
        "modelServer": {"type": "string"}, "modelServerVersion": {"type": "string"},
        "acceleratorCount": {"type": "integer"}, "tensorParallel": {"type": "integer"},
        "pipelineParallel": {"type": "integer"}, "weightPrecision": {"type": "string"},
        "kvPrecision": {"type": "string"},
        "inputLength": {"type": "number", "description": "Mean tokens of a prompt, 1024 unless said."},
        "outputLength": {"type": "number", "description": "Mean tokens of an answer, 1024 unless said."},
        "concurrency": {"type": "array", "items": {"type": "number"},
                        "description": "Clients; without loads the whole curve is predicted."},
        "requestsPerSecond": {"type": "array", "items": {"type": "number"}}}})";
constexpr std::string_view kSearch =
    R"({"type": "object", "required": ["model"], "properties": {
        "model": {"type": "string"}, "modelServer": {"type": "string"},
        "acceleratorTypes": {"type": "array", "items": {"type": "string"}},
        "inputLength": {"type": "number"}, "outputLength": {"type": "number"},
        "limit": {"type": "integer"},)" KP_REQUEST "}}";
constexpr std::string_view kDeployment =
    R"({"type": "object", "required": ["model", "acceleratorType"], "properties": {)" KP_SELECTION
    R"("acceleratorType": {"type": "string", "description": "Kubernetes name, such as nvidia-l4."},
       "namespace": {"type": "string"},
       "platform": {"enum": ["gke", "cloud-run", "eks", "aks", "kubernetes"]},
       "storage": {"type": "string"}, "modelBucketUri": {"type": "string"},
       "autoscaler": {"enum": ["hpa-stackdriver", "keda", "prometheus-adapter", "none"]},
       "minReplicas": {"type": "integer"}, "maxReplicas": {"type": "integer"},)" KP_REQUEST "}}";
constexpr std::string_view kDoctor =
    R"({"type": "object", "properties": {
        "log": {"type": "string", "description": "Log lines of a model server or events of a pod."},
        "manifest": {"type": "string", "description": "YAML of Kubernetes objects."},
        "least": {"enum": ["info", "warning", "error"]}}})";
constexpr std::string_view kModels =
    R"({"type": "object", "properties": {
        "query": {"type": "string", "description": "Words that the name holds."},
        "evidence": {"enum": ["all", "measured", "published", "predicted", "none"]},
        "pageSize": {"type": "integer"}, "pageToken": {"type": "string"}}})";

Object few_models(const Object& arguments) {
  Object out = arguments;
  constexpr int kFew = 25;
  if (!out.contains("pageSize")) out["pageSize"] = kFew;
  return out;
}

constexpr std::string_view kGiq = "gkerecommender", kOwn = "kneepoint";

constexpr std::array kTools{
    Tool{"giq_fetch_models", "Models with profiles",
         "Lists the models there are serving profiles of, by their Hugging Face ids.", kNothing,
         kGiq, "FetchModels", as_it_is},
    Tool{"giq_fetch_model_servers", "Model servers of a model",
         "Lists the model servers there are profiles of for a model.", kModel, kGiq,
         "FetchModelServers", model_ask},
    Tool{"giq_fetch_model_server_versions", "Versions of a model server",
         "Lists the versions of a model server there are profiles of for a model, newest first.",
         kModelAndServer, kGiq, "FetchModelServerVersions", model_ask},
    Tool{"giq_fetch_profiles", "Profiles with latency and cost",
         "Lists serving profiles at their operating points: accelerator, latency, throughput and "
         "cost per million tokens. Costs are estimates from list prices.",
         kProfiles, kGiq, "FetchProfiles", profiles_ask},
    Tool{"giq_generate_manifest", "Kubernetes manifest",
         "Generates the Kubernetes manifest that serves a model with a model server on an "
         "accelerator. Keep the image tags it names.",
         kManifest, kGiq, "GenerateOptimizedManifest", manifest_ask, manifests_text},
    Tool{"kneepoint_recommend", "Recommend hardware and server",
         "Ranks which model server on which accelerator serves a model under latency targets for "
         "the least money, with replicas, reasons, and for every figure whether it was measured, "
         "published or predicted. Take this first when somebody asks what to run a model on.",
         kRecommend, kOwn, "Recommend", with_few},
    Tool{"kneepoint_profile", "One load/latency curve",
         "The whole load/latency curve of a profile: every load point with its evidence, the "
         "knee and the zones.",
         kProfile, kOwn, "GetProfile", as_it_is},
    Tool{"kneepoint_compare", "Compare curves",
         "Lays the curves of up to four profiles on one pair of axes.", kCompare, kOwn,
         "CompareProfiles", as_it_is},
    Tool{"kneepoint_predict", "Predict a setup nobody measured",
         "Predicts latency and throughput of a model on an accelerator over load, with 80 % "
         "bands. A prediction: say so to the user. Takes some seconds.",
         kPredict, kOwn, "Predict", as_it_is},
    Tool{"kneepoint_search", "Search all setups of a model",
         "Searches accelerators, parallelism, precisions and server limits for the cheapest setup "
         "under targets, by prediction. Takes a minute or more.",
         kSearch, kOwn, "Search", with_few},
    Tool{"kneepoint_manifest", "Manifest with all options",
         "Writes the objects that deploy a model on GKE, EKS, AKS, other Kubernetes or Cloud Run, "
         "with autoscaling, storage, comments that say why, and the commands to apply them.",
         kDeployment, kOwn, "CreateManifest", as_it_is, yaml_text},
    Tool{"kneepoint_doctor", "Find what is wrong",
         "Finds known problems of model servers in a log, in pod events or in manifests: cause, "
         "fix and patch. Take this when a deployment does not start or is slow.",
         kDoctor, kOwn, "Doctor", as_it_is},
    Tool{"kneepoint_models", "All models known",
         "Every model known, its size, and whether it was measured, published or predicted.",
         kModels, kOwn, "ListModels", few_models},
    Tool{"kneepoint_use_cases", "Use cases and their lengths",
         "The use cases, each with its mean input and output length.", kNothing, kOwn,
         "ListUseCases", as_it_is},
    Tool{"kneepoint_info", "What this installation holds",
         "Version, counts, dates of the data, and the words that other tools take.", kNothing, kOwn,
         "GetInfo", as_it_is},
};

}  // namespace

std::span<const Tool> tools() { return kTools; }

const Tool* find_tool(std::string_view name) {
  const auto* found = std::find_if(kTools.begin(), kTools.end(),
                                   [&](const Tool& tool) { return tool.name == name; });
  return found == kTools.end() ? nullptr : found;
}

const verbs::Verb& verb_of(const Tool& tool) {
  const auto all = tool.service == kOwn ? verbs::kneepoint_v1() : verbs::gkerecommender();
  for (const verbs::Verb& verb : all) {
    if (verb.name == tool.verb) return verb;
  }
  throw std::logic_error("a tool without a verb");  // a test holds the table to the verbs
}

Object describe(const Tool& tool) {
  auto input = json::parse(tool.input);
  return {{"name", tool.name},
          {"title", tool.title},
          {"description", tool.description},
          {"inputSchema", input ? std::move(*input) : json::Value(Object{{"type", "object"}})},
          {"annotations", Object{{"title", tool.title},
                                 {"readOnlyHint", true},
                                 {"destructiveHint", false},
                                 {"idempotentHint", true},
                                 {"openWorldHint", false}}}};
}

}  // namespace kneepoint::mcp
