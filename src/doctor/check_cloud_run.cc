#include <cmath>

#include "base/text.h"
#include "doctor/names.h"
#include "doctor/quantity.h"
#include "doctor/rules.h"
#include "doctor/server_use.h"

namespace kneepoint::doctor {
namespace {

struct Gpu {
  std::string_view name;
  double cpu, memory_gib;  // the least an instance has with it
  const char* cpu_patch;
  const char* memory_patch;
};
constexpr Gpu kGpus[] = {{"nvidia-l4", 4, 16, "cpu: \"8\"", "memory: 32Gi"},
                         {"nvidia-rtx-pro-6000", 20, 80, "cpu: \"20\"", "memory: 80Gi"}};

/// Of all containers: an instance is what they make together.
double total(const At& revision, std::string_view what) {
  double sum = 0;
  for (const At& container : revision["spec"]["containers"].items())
    sum += parse_quantity(container["resources"]["limits"][what].text()).value_or(0);
  return sum;
}

/// What Cloud Run asks of an instance with a GPU: the only place where it says more than Knative.
void check_gpu(const Object& object, const At& container, const At& revision, Report& report) {
  const At limits = container["resources"]["limits"],
           annotations = revision["metadata"]["annotations"];
  const At gpu = limits["nvidia.com/gpu"];
  if (!gpu.exists()) return;
  if (annotations["run.googleapis.com/cpu-throttling"].text() != "false") {
    report.warning(object, annotations, "cloud-run-throttling",
                   "With a GPU Cloud Run wants the CPU for the whole life of an instance.",
                   "Say so.", "annotations: {run.googleapis.com/cpu-throttling: \"false\"}");
  }
  const At kind = revision["spec"]["nodeSelector"]["run.googleapis.com/accelerator"];
  if (!kind.exists()) {
    report.warning(object, gpu, "cloud-run-accelerator",
                   "Which GPU is asked for stands in the node selector.", "Add it.",
                   "nodeSelector: {run.googleapis.com/accelerator: nvidia-l4}");
    return;
  }
  if (parse_integer(gpu.text()).value_or(1) != 1) {
    report.warning(object, gpu, "cloud-run-one-gpu", "An instance of Cloud Run has one GPU.",
                   "Ask for one.", "nvidia.com/gpu: \"1\"");
  }
  for (const Gpu& known : kGpus) {
    if (kind.text() != known.name) continue;
    if (total(revision, "cpu") < known.cpu) {
      report.warning(object, limits["cpu"], "cloud-run-cpu",
                     std::string(known.name) + " needs at least " + fixed(known.cpu, 0) +
                         " CPUs in an instance.",
                     "Raise it.", known.cpu_patch);
    }
    if (total(revision, "memory") < known.memory_gib * 1024 * 1024 * 1024) {
      report.warning(object, limits["memory"], "cloud-run-memory",
                     std::string(known.name) + " needs at least " + fixed(known.memory_gib, 0) +
                         "Gi in an instance.",
                     "Raise it.", known.memory_patch);
    }
    return;
  }
  report.warning(object, kind, "cloud-run-accelerator",
                 "Cloud Run has nvidia-l4 and nvidia-rtx-pro-6000.", "Take one of them.",
                 "nodeSelector: {run.googleapis.com/accelerator: nvidia-l4}");
}

/// Whether a container reads its model through a bucket that is mounted.
bool mounts_bucket(const At& revision) {
  for (const At& volume : revision["spec"]["volumes"].items()) {
    if (volume["csi"]["driver"].text() == "gcsfuse.run.googleapis.com") return true;
  }
  return false;
}

/// How the weights come, and how long Cloud Run waits for them.
void check_loading(const Object& object, const ServerUse& use, const At& revision, Report& report) {
  const At annotations = revision["metadata"]["annotations"];
  const bool bucket = mounts_bucket(revision), remote = use.model.starts_with("gs://");
  if (bucket) {
    report.info(
        object, revision["spec"]["volumes"], "cloud-run-parallel-loading",
        "A mounted bucket is read without parallel downloads.",
        "Where the start is too slow, copy with `gcloud storage cp` into memory, or let the "
        "server stream the bucket.",
        "--load-format=runai_streamer");
  }
  if ((bucket || remote) &&
      annotations["run.googleapis.com/vpc-access-egress"].text() != "all-traffic") {
    report.info(object, annotations, "cloud-run-egress",
                "The bucket is read fastest through Direct VPC with all traffic and Private Google "
                "Access.",
                "Add both annotations, and switch Private Google Access on in the subnet.",
                "run.googleapis.com/vpc-access-egress: all-traffic");
  }
  const At probe = use.container["startupProbe"];
  const auto period = probe["periodSeconds"].integer(), times = probe["failureThreshold"].integer();
  if (probe.exists() && period.value_or(10) * times.value_or(3) > 1800) {
    report.warning(object, probe, "cloud-run-startup-too-long",
                   "With a GPU Cloud Run waits at most 1800 s: failureThreshold x periodSeconds.",
                   "Lower one of them.", "failureThreshold: 180");
  }
  for (const char* list : {"command", "args"}) {
    for (const At& word : use.container[list].items()) {
      const std::string text(word.text());
      if (text.find("$(") == std::string::npos || text.find(' ') != std::string::npos) continue;
      report.warning(object, word, "cloud-run-no-variables",
                     "Cloud Run does not expand $(NAME) in commands and arguments.",
                     "Write the value itself.");
      return;
    }
  }
}

/// What a file cannot show of the whole system, said once for each server.
void check_design(const Object& object, const ServerUse& use, const At& revision, Report& report) {
  if (use.server == "llama.cpp" || use.server == "ollama") {
    report.info(
        object, use.container["image"], "cloud-run-prompt-cache",
        "A prompt that every request starts with is worked out again by every new instance.",
        "Warm the prompt cache while the image is built and keep it in the image.");
  } else if (use.server == "vllm" && use.given("--no-enable-prefix-caching")) {
    report.info(object, use.container, "cloud-run-prompt-cache",
                "Prompts that start alike are worked out again each time.",
                "Leave prefix caching on.");
  }
  report.info(object, revision["spec"], "cloud-run-prompt-order",
              "Only what prompts have in common at their start is cached.",
              "Put what stays the same first and what differs last.");
  report.info(object, revision["spec"], "cloud-run-semantic-cache",
              "Questions that mean the same cost a GPU each time.",
              "A semantic cache in front of the service answers what was asked before.");
}

/// The public advice on building, starting and running a model on Cloud Run that a file shows.
void check_advice(const Object& object, const ServerUse& use, const At& revision, Report& report) {
  const std::string model = lower(use.model), image = lower(use.container["image"].text());
  const bool vllm = use.server == "vllm";
  if (!use.container["startupProbe"].exists()) {
    report.info(
        object, use.container, "cloud-run-startup",
        "Without a startup probe requests come as soon as the port opens; Ollama opens it before "
        "the model is "
        "loaded.",
        "Add a probe that waits for the model.",
        "startupProbe: {httpGet: {path: /health}, periodSeconds: 10, failureThreshold: 180}");
  }
  if (!revision["spec"]["containerConcurrency"].exists()) {
    report.info(object, revision["spec"], "cloud-run-concurrency",
                "Without containerConcurrency an instance gets up to 80 requests at a time.",
                "Set it to model instances x parallel queries + model instances x ideal batch, or "
                "to the knee that "
                "`kneepoint bench sweep` finds.",
                "containerConcurrency: 24");
  }
  if (downloads(use)) {
    report.info(object, use.model_at, "cloud-run-model-location",
                "Every instance downloads the model over the internet when it starts.",
                "Keep the weights in the image (small models), or in a bucket in the same region, "
                "read through Direct VPC "
                "and Private Google Access.");
  }
  if (vllm && !use.given("--quantization") && model.find("awq") == std::string::npos &&
      model.find("gptq") == std::string::npos && model.find("4bit") == std::string::npos &&
      model.find("fp8") == std::string::npos) {
    report.info(
        object, use.container, "cloud-run-quantised",
        "Weights of 4 bits load in a quarter of the time and leave room for more requests at once.",
        "Look for a checkpoint of 4 bits, and measure what it costs in quality.");
  }
  if ((use.server == "llama.cpp" || use.server == "ollama") && model.ends_with(".bin")) {
    report.info(object, use.model_at, "cloud-run-gguf",
                "GGUF starts faster: it is mapped and not read.", "Convert the weights to GGUF.");
  }
  if (model.ends_with(".bin") || model.ends_with(".pt") || model.ends_with(".pth") ||
      model.ends_with(".pkl")) {
    report.info(object, use.model_at, "cloud-run-no-pickle",
                "Pickled weights run code while they load, and load slowly.",
                "Take safetensors or GGUF.");
  }
  if (vllm && !use.given("--max-model-len")) {
    report.info(object, use.container, "cloud-run-context",
                "Without --max-model-len the whole context of the model is planned for.",
                "Give the length that is needed.", "--max-model-len=8192");
  }
  if (vllm && !use.given("--gpu-memory-utilization")) {
    report.info(object, use.container, "cloud-run-memory-share",
                "The share of GPU memory is left to the server's default.",
                "Say how much it may take.", "--gpu-memory-utilization=0.95");
  }
  if (vllm && !use.given("--kv-cache-dtype")) {
    report.info(object, use.container, "cloud-run-kv",
                "A quantised KV cache holds twice as many tokens.",
                "Try it, and measure the quality.", "--kv-cache-dtype=fp8");
  }
  if (image.find("cuda") == std::string::npos && image.find("slim") == std::string::npos &&
      use.server.empty()) {
    report.info(
        object, use.container["image"], "cloud-run-base-image",
        "A base image with drivers and libraries starts faster than one that installs them.",
        "Start from the server's own image.");
  }
  const bool l4 =
      revision["spec"]["nodeSelector"]["run.googleapis.com/accelerator"].text() == "nvidia-l4";
  if (l4 && image.find("cu13") != std::string::npos) {
    report.warning(object, use.container["image"], "cloud-run-cuda",
                   "Cloud Run's driver for the L4 is older than CUDA 13 needs.",
                   "Take an image for CUDA 12.");
  }
  if (revision["metadata"]["annotations"]["autoscaling.knative.dev/minScale"].text() == "0" ||
      !revision["metadata"]["annotations"]["autoscaling.knative.dev/minScale"].exists()) {
    report.info(object, revision["metadata"], "cloud-run-cold-start",
                "With no instance kept, the first request waits for the whole start.",
                "Keep one when that matters; it is billed while idle.",
                "autoscaling.knative.dev/minScale: \"1\"");
  }
}

}  // namespace

void check_cloud_run(const Object& object, Report& report) {
  if (!object.is("serving.knative.dev", "Service")) return;
  const At revision = object["spec"]["template"];
  const At containers = revision["spec"]["containers"];
  for (const At& container : containers.items()) {
    check_gpu(object, container, revision, report);
    const At path = container["startupProbe"]["httpGet"]["path"];
    if (container["startupProbe"]["httpGet"].exists() && !path.text().starts_with('/') &&
        path.exists()) {
      report.error(object, path, "path-without-slash", "A path starts with '/'.",
                   "Put one in front.");
    }
  }
  for (const ServerUse& use : servers_of(object)) {
    check_advice(object, use, revision, report);
    check_loading(object, use, revision, report);
    check_design(object, use, revision, report);
  }
  long long share = 0;
  for (const At& part : object["spec"]["traffic"].items())
    share += part["percent"].integer().value_or(0);
  if (object["spec"]["traffic"].size() > 0 && share != 100) {
    report.error(object, object["spec"]["traffic"], "traffic-share",
                 "The shares of traffic must add up to 100, and are " + std::to_string(share) + ".",
                 "Correct them.");
  }
}

}  // namespace kneepoint::doctor
