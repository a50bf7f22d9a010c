#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"
#include "manifest/hosting.h"
#include "manifest/manifest.h"
#include "verbs/deploy_ask.h"
#include "verbs/handlers.h"
#include "verbs/pieces.h"
#include "verbs/question.h"

namespace kneepoint::verbs {
namespace {

using json::Array;
using json::Object;
using manifest::Autoscaler;
using manifest::GroupStart;
using manifest::ServingStack;
using manifest::SignalWanted;

constexpr int kMostReplicas = 100'000, kMostAccelerators = 4096;

void read_scaling(Ask& ask, app::DeployRequest& into) {
  manifest::Autoscaling& scaling = into.autoscaling;
  const std::string by = ask.text("autoscaler");
  bool known = by.empty();
  for (const auto one : {Autoscaler::None, Autoscaler::HpaStackdriver, Autoscaler::Keda,
                         Autoscaler::PrometheusAdapter}) {
    if (by == manifest::name(one)) {
      into.autoscaler = one;
      known = true;
    }
  }
  if (!known) {
    ask.wrong("autoscaler", "expected hpa-stackdriver, keda, prometheus-adapter or none");
  }
  constexpr std::array<std::string_view, 4> kSignals{"auto", "running", "queue", "kv"};
  const std::string signal = ask.word("hpaSignal", kSignals);
  scaling.signal = signal == "running" ? SignalWanted::Running
                   : signal == "queue" ? SignalWanted::Queue
                   : signal == "kv"    ? SignalWanted::KvCache
                                       : SignalWanted::Auto;
  const auto least = ask.whole("minReplicas", 0, kMostReplicas);
  scaling.min_replicas = least.value_or(1);
  scaling.max_replicas = ask.whole("maxReplicas", 1, kMostReplicas);
  scaling.prometheus_url = ask.text("prometheusUrl");
  if (into.delivery.platform == manifest::Platform::CloudRun) {
    if (least) into.delivery.min_instances = *least;
    return;
  }
  // Who says how to scale wants to scale.
  const bool says_how = ask.given("hpaSignal") || least.value_or(0) > 0 || scaling.max_replicas;
  if (scaling.min_replicas == 0 && into.autoscaler != Autoscaler::Keda) scaling.min_replicas = 1;
  if (says_how && !into.autoscaler) {
    into.autoscaler = app::implied_autoscaler(into.delivery.platform);
  }
  if (!scaling.prometheus_url.empty() && into.autoscaler != Autoscaler::Keda &&
      into.autoscaler != Autoscaler::PrometheusAdapter) {
    ask.wrong("prometheusUrl", "belongs to the autoscalers keda and prometheus-adapter");
  }
}

void read_delivery(Ask& ask, manifest::Delivery& into) {
  const std::string platform = ask.text("platform"), storage = ask.text("storage");
  if (!platform.empty()) {
    const auto known = manifest::platform_of(platform);
    if (!known) ask.wrong("platform", "expected gke, cloud-run, eks, aks or kubernetes");
    into.platform = known.value_or(into.platform);
  }
  if (!storage.empty()) {
    const auto known = manifest::storage_of(storage);
    if (!known) ask.wrong("storage", "no such storage; GetInfo names those there are");
    into.storage = known.value_or(into.storage);
  }
  into.storage_class = ask.text("storageClass");
  into.fill_bucket = ask.flag("fillBucket");
  into.cluster_version = ask.text("clusterVersion");
  into.model_image = ask.text("modelImage");
  into.xla_cache_uri = ask.text("xlaCacheUri");
  into.alerts = ask.flag("alerts");
  into.network = ask.text("network");
  into.concurrency = ask.whole("concurrency", 1, 1000);
  into.model_instances = ask.whole("modelInstances", 1, 64).value_or(1);
  into.parallel_queries = ask.whole("parallelQueries", 1, 10000);
  into.ideal_batch = ask.whole("idealBatch", 1, 10000);
}

void read_hosting(Ask& ask, app::DeployRequest& into) {
  const std::string stack = into.selection.serving_stack;
  for (const auto one : {ServingStack::LlmD, ServingStack::InferenceGateway}) {
    if (stack == manifest::name(one)) into.hosting.stack = one;
  }
  if (!stack.empty() && into.hosting.stack == ServingStack::None) {
    ask.wrong("servingStack", "expected llm-d or gateway-inference-extension");
  }
  into.hosting.stack_version = into.selection.serving_stack_version;
  if (into.hosting.stack_version == "all") into.hosting.stack_version.clear();
  // Measured was the server alone, so its profiles are not narrowed to those of a stack.
  into.selection.serving_stack.clear();
  into.selection.serving_stack_version.clear();
  into.image = ask.text("image");
  into.accelerators = ask.whole("acceleratorsPerReplica", 1, kMostAccelerators);
  into.tensor_parallel = ask.whole("tensorParallel", 1, kMostAccelerators);
  into.pipeline_parallel = ask.whole("pipelineParallel", 1, kMostAccelerators);
  into.max_model_len = ask.whole("maxModelLen", 1, 100'000'000);
  into.max_num_seqs = ask.whole("maxNumSeqs", 1, 1'000'000);
  into.hosting.gguf = ask.text("gguf");
  constexpr std::array<std::string_view, 3> kStarts{"auto", "native", "ray"};
  const std::string start = ask.word("multiHostStart", kStarts);
  for (const auto one : {GroupStart::Auto, GroupStart::Native, GroupStart::Ray}) {
    if (start == manifest::name(one)) into.hosting.start = one;
  }
  into.hosting.gpu_network = ask.flag("gpuNetwork");
  into.hosting.exclusive_topology = ask.text("exclusiveTopology");
}

/// The lines of the comments that are for a shell, by what they are for.
Object commands_of(const std::vector<std::string>& comments) {
  constexpr std::array<std::string_view, 6> kBegins{"kubectl ", "gcloud ", "curl ",
                                                    "printf ",  "URL=",    "kneepoint "};
  constexpr std::array<std::string_view, 6> kKinds{"cluster", "prepare", "apply",
                                                   "reach",   "try",     "more"};
  std::array<Array, kKinds.size()> sorted;
  for (const std::string& line : comments) {
    if (!line.starts_with("  ")) continue;
    const std::string_view command = trim(line);
    const bool known = std::any_of(kBegins.begin(), kBegins.end(), [&](std::string_view begin) {
      return command.starts_with(begin);
    });
    if (!known) continue;
    const auto has = [&](std::string_view what) {
      return command.find(what) != std::string_view::npos;
    };
    const std::size_t kind =
        has("clusters create") || has("node-pools create") || has("get-credentials") ? 0
        : has("create secret") || has("secrets create") || has("create namespace") ||
                has("add-iam-policy-binding") || has("services enable")
            ? 1
        : has("kubectl apply --filename=manifest") || has("kubectl wait") ||
                has("run services replace")
            ? 2
        : has("port-forward") || command.starts_with("URL=") ? 3
        : has("curl ") || command.starts_with("curl")        ? 4
                                                             : 5;
    sorted[kind].emplace_back(command);
  }
  Object out;
  for (std::size_t i = 0; i < kKinds.size(); ++i) out.emplace(kKinds[i], std::move(sorted[i]));
  return out;
}

Array storage_json(const std::vector<manifest::StorageOption>& options) {
  Array out;
  for (const manifest::StorageOption& one : options) {
    Object row{{"storage", manifest::name(one.storage)},
               {"place", one.place},
               {"chosen", one.chosen},
               {"possible", one.why_not.empty()},
               {"startSeconds", std::round(one.start_seconds)},
               {"fetchBytesPerSecond", one.fetch.value},
               {"fetchEvidence", one.fetch.evidence},
               {"streamed", one.streamed},
               {"usdPerMonth", std::round(one.usd_per_month.value * 100) / 100},
               {"usdPerMonthEvidence", one.usd_per_month.evidence}};
    put(row, "whyNot", one.why_not);
    put(row, "published", one.published);
    put(row, "needs", one.needs);
    out.push_back(std::move(row));
  }
  return out;
}

}  // namespace

app::DeployRequest read_deploy(Ask& ask, const app::Session& session) {
  app::DeployRequest out;
  out.selection = read_selection(ask);
  const std::string accelerator = ask.text("acceleratorType");
  if (!accelerator.empty()) out.selection.accelerators = {accelerator};
  if (out.selection.accelerators.size() != 1) {
    ask.wrong("acceleratorType", "is required: one accelerator");
  }
  if (out.selection.model.empty()) ask.wrong("model", "is required: one model");
  out.profile = ask.text("profile", 300);
  // As in the public client: without a use case the shape is that of a chatbot's nearest workload.
  if (out.selection.use_case.empty() && !out.selection.input_tokens) {
    out.selection.use_case = "Chatbot (ShareGPT)";
  }
  out.ask = read_request(ask, session);
  read_delivery(ask, out.delivery);
  const json::Value* pricing = ask.raw("pricing");
  const json::Value* provider = pricing != nullptr && pricing->is_object()
                                    ? pricing->get_object().if_contains("provider")
                                    : nullptr;
  if (provider == nullptr || !provider->is_string() || provider->get_string().empty()) {
    out.ask.pricing.provider = app::usual_provider(out.delivery.platform);
  }
  const std::string space = ask.text("namespace", 63);
  if (!space.empty()) out.namespace_name = space;
  out.machine_type = ask.text("machineType");
  out.model_bucket_uri = ask.text("modelBucketUri");
  read_scaling(ask, out);
  read_hosting(ask, out);
  return out;
}

json::Value with_units(json::Value promise) {
  if (!promise.is_object()) return promise;
  Object out;
  for (auto& [key, value] : promise.get_object()) {
    std::string name(key);
    if (name.ends_with("Ms")) name.replace(name.size() - 2, 2, "Milliseconds");
    out.emplace(name, std::move(value));
  }
  return out;
}

Object deployment_json(const app::Deployment& made) {
  const manifest::Manifest& m = made.manifest;
  Array objects, files;
  for (const manifest::Object& each : m.objects) {
    objects.push_back(Object{{"kind", each.kind},
                             {"apiVersion", each.api_version},
                             {"name", each.name},
                             {"content", json::to_yaml(each.doc)}});
  }
  for (const manifest::File& file : m.files) {
    files.push_back(Object{{"path", file.path}, {"text", file.text}});
  }
  Object out{{"objects", std::move(objects)},
             {"yaml", manifest::to_yaml_text(m, manifest::Output::All)},
             {"comments", texts(m.comments)},
             {"notes", texts(made.notes)},
             {"manifestVersion", m.manifest_version},
             {"platform", manifest::name(m.platform)}};
  if (made.promise.is_object()) out.emplace("promise", with_units(made.promise));
  out.emplace("storage", storage_json(m.storage));
  out.emplace("commands", commands_of(m.comments));
  out.emplace("files", std::move(files));
  return out;
}

Result<json::Value> create_manifest(Call& call) {
  Ask ask(call.ask);
  const app::DeployRequest wanted = read_deploy(ask, call.session);
  if (auto done = ask.done(); !done) return fail(done.error());
  const auto made = app::create_manifest(call.session, wanted);
  if (!made) return fail(made.error());
  return deployment_json(*made);
}

}  // namespace kneepoint::verbs
