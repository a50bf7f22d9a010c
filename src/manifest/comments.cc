#include "manifest/comments.h"

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "manifest/gguf.h"
#include "manifest/storage.h"
#include "manifest/text.h"
#include "manifest/workload.h"

namespace kneepoint::manifest {
namespace {

using Lines = std::vector<std::string>;

std::string or_not_validated(const std::string& value) {
  return value.empty() ? "not validated" : value;
}

void version_block(Lines& out, const Request& request, const Facts& facts) {
  const auto& checked = request.validated;
  out.push_back("Generated on " + to_text(request.generated_on) + " using:");
  out.push_back(std::string(title(request.delivery.platform)) + " cluster " +
                or_not_validated(checked.cluster_version));
  if (facts.accelerator.kind == "gpu")
    out.push_back("GPU driver " + or_not_validated(checked.gpu_driver_version) +
                  " for node version " + or_not_validated(checked.node_version));
  out.push_back("Model server " + facts.server.name + " " + facts.version +
                (checked.server_ran ? "" : " (not validated: not started with these options)"));
}

void setup_block(Lines& out, const Request& request, const Facts& facts, const Plan& plan) {
  const auto& split = plan.split;
  std::string line = "Setup: " + request.model;
  if (!request.checkpoint.empty() && request.checkpoint != request.model)
    line += ", checkpoint " + request.checkpoint;
  line += fmt::format(" on {} x {} per replica (tensor {}", split.accelerators,
                      facts.accelerator.id, split.tensor_parallel);
  if (split.pipeline_parallel > 1) line += fmt::format(", pipeline {}", split.pipeline_parallel);
  if (split.data_parallel > 1) line += fmt::format(", data {}", split.data_parallel);
  if (split.expert_parallel > 1) line += fmt::format(", expert {}", split.expert_parallel);
  out.push_back(line + ")");
  out.push_back("Image: " + facts.image +
                (facts.image_from.empty() ? "" : " (" + facts.image_from + ")"));
  for (const auto& reason : request.reasons) out.push_back(reason);
}

void memory_block(Lines& out, const Facts& facts, const Plan& plan) {
  out.push_back("Accelerator memory: " + plan.fit.sentence);
  if (plan.size_known && plan.fit.use.kv_capacity_tokens > 0)
    out.push_back("Cache room: " + fixed(plan.fit.use.kv_capacity_tokens, 0) +
                  " tokens per replica by the memory model, not measured");
  if (plan.fit.fit == perfmodel::Fit::DoesNotFit)
    out.push_back("WARNING: by this estimate it does not fit; emitted because that was asked for");
  if (plan.max_model_len_cut)
    out.push_back(
        fmt::format("Longest context: {} of the model's {} tokens, because the cache of one longer "
                    "request does "
                    "not fit",
                    *plan.max_model_len, facts.model.max_position.value_or(0)));
  if (!plan.size_known)
    out.push_back(
        "Requests below assume the most weights these accelerators can hold (usable memory x "
        "utilization x count), because the size is unknown");
  out.push_back(fmt::format(
      "Weights: {}{}; memory request {} GiB (4, {} per accelerator, {}, {} of /dev/shm), "
      "ephemeral-storage {} GiB: estimates, not measured",
      plan.size_known ? "" : "at most ", human_bytes(plan.weight_bytes), plan.memory_gib,
      4 + plan.swap_gib_per_accelerator,
      plan.weights_in_memory ? "nothing for reading files" : "half the weights for reading files",
      plan.shm_gib, plan.ephemeral_gib));
  if (plan.weights_in_memory && plan.weight_bytes >= kBootDiskGib * 1024 * 1024 * 1024)
    out.push_back(
        "Weights of 90 GiB or more do not fit the default 100 GiB boot disk: HF_HOME is on "
        "/dev/shm "
        "and counts as pod memory. Instead you can remove HF_HOME and take a larger boot disk "
        "(Standard: --disk-size of the node pool; Autopilot: bootDiskSize in a ComputeClass)");
  else if (plan.ephemeral_gib > kBootDiskGib)
    out.push_back(
        fmt::format("ephemeral-storage of {} GiB is more than the 90 GiB a default boot disk "
                    "leaves: use a node "
                    "pool with --disk-size of {} or more",
                    plan.ephemeral_gib, (plan.ephemeral_gib * 10 + 8) / 9 + 10));
  if (plan.cpu_cut)
    out.push_back(fmt::format("CPU request cut to {}, what machine type {} can give", plan.cpu,
                              facts.host ? facts.host->machine_type : ""));
  if (facts.machine)
    out.push_back("Sized for machine type " + facts.machine->provider + " " +
                  facts.machine->machine_type);
  out.push_back(fmt::format(
      "Startup: {:.0f} s expected (download {:.0f} MB/s, {}, {:.0f} s warm-up: "
      "assumptions, not measurements); the probe allows {} s, twice that or at least 600 s",
      plan.load_seconds, plan.fetch_bytes_per_second / 1e6,
      plan.streamed ? "straight to the accelerators"
                    : fmt::format("load {:.0f} MB/s", kLoadBytesPerSecond / 1e6),
      kWarmUpSeconds, plan.startup_seconds()));
}

void metrics_block(Lines& out, const Facts& facts) {
  static constexpr std::pair<const char*, const char*> kSignals[] = {
      {"waiting", "waiting requests"},
      {"running", "running requests"},
      {"kv_cache_usage", "KV cache use"},
      {"ttft", "time to first token"}};
  std::vector<std::string> parts;
  for (const auto& [signal, meaning] : kSignals) {
    const auto found = facts.metrics.find(signal);
    parts.push_back(std::string(meaning) + " " +
                    (found == facts.metrics.end() ? "(none)" : found->second.series));
  }
  out.push_back("Metrics of " + facts.server.name + " " + facts.version + ": " + join(parts, ", "));
  if (facts.server.metrics_path.empty())
    out.push_back("No PodMonitoring: the catalog knows no metrics path of " + facts.server.name);
}

void remarks_block(Lines& out, const Request& request, const Facts& facts, const Plan& plan,
                   const StartCommand& start) {
  if (facts.accelerator.gke_label.empty() && request.delivery.platform == Platform::Gke)
    out.push_back("No GKE label is known for " + facts.accelerator.id +
                  ": no node selector is set. Where GPU Feature Discovery runs, select on "
                  "nvidia.com/gpu.product");
  if (facts.server.status == "maintenance" || facts.server.status == "archived")
    out.push_back("WARNING: " + facts.server.name + " is " + facts.server.status +
                  "; choose another server for new deployments");
  if (facts.server.name != "vllm" && !facts.server.from.note.empty())
    out.push_back("Catalog note on " + facts.server.name + ": " + facts.server.from.note);
  if (!facts.checkpoint_known && !request.checkpoint.empty())
    out.push_back("The catalog does not describe checkpoint " + request.checkpoint +
                  ": sizes are of " + facts.model.id +
                  (request.weight_precision.empty() ? std::string(" as published")
                                                    : " at " + request.weight_precision));
  if (plan.slots > 0)
    out.push_back(fmt::format(
        "The cache is divided among {} requests at once of at most {} tokens each ({}); more wait",
        plan.slots, plan.max_model_len.value_or(0),
        request.max_num_seqs ? "as asked" : "a start, not measured"));
  if (loads_gguf(facts.server))
    out.push_back("Weights: " + gguf_model(request, facts) + ", taken to be " +
                  shortest(facts.model.weight_bits.value_or(0)) +
                  " bits a weight by the name of its quantization");
  if (facts.server.name == "ollama")
    out.emplace_back(
        "Ollama answers before a model is loaded: the container fetches and loads it first, and "
        "the startup probe waits for that. It has no metrics, so nothing is scraped or scaled");
  if (needs_more_mappings(facts))
    out.emplace_back(
        "Before the server starts a privileged container raises vm.max_map_count of the node to "
        "8388608, as the recipe of TPU7x does. Where privileged pods are refused (Pod Security "
        "baseline or restricted, Autopilot), set it on the nodes instead, in the sysctl of the "
        "node pool's linuxConfig where GKE takes it, and take the container out");
  if (facts.accelerator.kind == "tpu")
    out.emplace_back(
        "The compiled graphs are kept in each pod's own folder (VLLM_XLA_CACHE_PATH), lost with "
        "the pod. On a bucket they are shared, but then start one replica and scale when it is "
        "ready: several that start at once collide as they write");
  for (const auto& remark : start.remarks) out.push_back("Not set: " + remark);
}

void commands_block(Lines& out, const Request& request, const Facts& facts, const Plan& plan,
                    const std::string& base) {
  const std::string space = shell_word(request.namespace_name);
  const std::string& loaded = request.checkpoint.empty() ? request.model : request.checkpoint;
  const bool ollama = facts.server.name == "ollama";
  const bool hugging_face = from_hugging_face(request);
  if (!hugging_face || ollama) {
    // No token: nothing is asked of Hugging Face.
  } else if (facts.model.gated.value_or(false)) {
    out.push_back("Gated model: first accept the licence of " + facts.model.id + " at " +
                  (facts.model.licence_url.empty() ? "https://huggingface.co/" + loaded
                                                   : facts.model.licence_url));
  } else if (!facts.model.gated) {
    out.push_back("Whether " + facts.model.id +
                  " is gated is not known; if so, accept its licence at https://huggingface.co/" +
                  loaded);
  }
  out.emplace_back(hugging_face && !ollama
                       ? "To deploy (the token is read from the variable HF_TOKEN of your shell):"
                       : "To deploy:");
  if (request.namespace_name != "default") out.push_back("  kubectl create namespace " + space);
  const std::string optional =
      facts.model.gated.has_value() && !*facts.model.gated ? "   # optional: not gated" : "";
  // Through a pipe: as an argument the token would stand in the process list.
  if ((hugging_face && !ollama) || request.delivery.storage == Storage::HyperdiskMl ||
      request.delivery.fill_bucket)
    out.push_back("  printf %s \"$HF_TOKEN\" | kubectl create secret generic " +
                  shell_word(request.secret_name) +
                  " --from-file=hf_api_token=/dev/stdin --namespace=" + space + optional);
  out.push_back("  kubectl apply --filename=manifest.yaml --namespace=" + space);
  out.push_back(
      fmt::format("  kubectl wait --for=condition=Available --timeout={}s {} --namespace={}",
                  plan.rollout_seconds(), workload_name(plan, base).resource, space));
  out.push_back("  kubectl port-forward service/" + base +
                "-service 8000:8000 --namespace=" + space);
  const json::Object body{
      {"model", loads_gguf(facts.server)                    ? gguf_served_name(request, facts)
                : facts.flags.contains("served_model_name") ? request.model
                : hugging_face                              ? loaded
                                                            : model_location(request)},
      {"messages", json::Array{json::Object{{"role", "user"}, {"content", "Hello"}}}},
      {"max_tokens", 64}};
  out.push_back("  curl http://localhost:8000/v1/chat/completions --header " +
                shell_word("Content-Type: application/json") + " --data " +
                shell_word(json::to_line(body)));
}

void scrape_block(Lines& out, Scrape scrape) {
  if (scrape == Scrape::PrometheusOperator) {
    out.emplace_back(
        "The PodMonitor is for the Prometheus operator. Its Prometheus must select it: that of "
        "kube-prometheus-stack takes those with its own label release, and all of them with this "
        "setting:");
    out.emplace_back(
        "  helm upgrade --install kube-prometheus-stack prometheus-community/kube-prometheus-stack "
        "--namespace=monitoring --create-namespace "
        "--set=prometheus.prometheusSpec.podMonitorSelectorNilUsesHelmValues=false");
    return;
  }
  out.emplace_back(
      "To collect metrics (managed Prometheus; PodMonitoring is its resource, leave that document "
      "out "
      "on clusters without it):");
  out.emplace_back(
      "  gcloud container clusters update CLUSTER --project=PROJECT --location=LOCATION "
      "--enable-managed-prometheus --logging=SYSTEM,WORKLOAD "
      "--monitoring=SYSTEM,DEPLOYMENT,HPA,POD,DCGM --auto-monitoring-scope=ALL");
}

}  // namespace

std::vector<std::string> comments(const Request& request, const Facts& facts, const Plan& plan,
                                  const StartCommand& start, const std::string& base,
                                  Scrape scrape) {
  Lines out;
  version_block(out, request, facts);
  setup_block(out, request, facts, plan);
  memory_block(out, facts, plan);
  metrics_block(out, facts);
  remarks_block(out, request, facts, plan, start);
  commands_block(out, request, facts, plan, base);
  scrape_block(out, scrape);
  return out;
}

}  // namespace kneepoint::manifest
