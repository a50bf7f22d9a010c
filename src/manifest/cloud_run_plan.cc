#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "base/text.h"
#include "manifest/cloud_run.h"
#include "manifest/gguf.h"
#include "manifest/startup_cost.h"
#include "manifest/storage.h"
#include "manifest/streamer.h"
#include "manifest/text.h"

namespace kneepoint::manifest {
namespace {

constexpr double kGib = 1024.0 * 1024 * 1024;
constexpr int kMostStartupSeconds = 1800;  // failureThreshold x periodSeconds, with a GPU
constexpr int kLeastServerGib = 8;         // beside the weights in memory
constexpr int kMostConcurrency = 1000;

// Least CPU and memory from the public page: L4 4 and 16 GiB, with 8 and 32 advised; RTX PRO 6000
// 20 and 80 GiB.
constexpr CloudRunGpu kGpus[] = {{"nvidia-l4", 8, 32, false, "535.216.03 (CUDA 12.2)"},
                                 {"nvidia-rtx-pro-6000", 20, 80, true, "580 (CUDA 13.0)"}};

tl::unexpected<Error> cannot(std::string why) {
  return fail(ErrorCode::Unsatisfiable, std::move(why));
}
tl::unexpected<Error> invalid(std::string why) {
  return fail(ErrorCode::InvalidArgument, std::move(why));
}

bool is_network(std::string_view name) { return is_dns_label(name); }

Result<void> set_network(const Request& request, CloudRunPlan& out) {
  std::string_view wanted = request.delivery.network;
  const bool bucket = !request.model_bucket_uri.empty();
  if (wanted.empty() && bucket) wanted = "default";
  if (wanted.empty()) return {};
  const auto slash = wanted.find('/');
  out.network = wanted.substr(0, slash);
  out.subnet =
      slash == std::string_view::npos ? out.network : std::string(wanted.substr(slash + 1));
  if (!is_network(out.network) || !is_network(out.subnet))
    return invalid("network " + shown(request.delivery.network) +
                   " is not NETWORK or NETWORK/SUBNET");
  return {};
}

Result<void> storage_is_possible(const Request& request, const Facts& facts, Storage storage) {
  const bool bucket = !request.model_bucket_uri.empty();
  switch (storage) {
    case Storage::GcsFuse:
    case Storage::Download:
    case Storage::RunaiStreamer:
      if (!bucket)
        return invalid("--storage=" + std::string(name(storage)) +
                       " reads a bucket: name it with --model-bucket-uri=gs://BUCKET/FOLDER");
      if (auto found = bucket_folder(request.model_bucket_uri); !found)
        return fail(std::move(found).error());
      if (storage == Storage::RunaiStreamer)
        return streamer_supported(facts, request.model_bucket_uri);
      return {};
    case Storage::Image:
      if (!is_image_reference(request.delivery.model_image))
        return invalid(
            "--storage=image: say with --model-image=REGION-docker.pkg.dev/PROJECT/REPOSITORY/"
            "NAME:TAG where the image that holds the model is kept");
      [[fallthrough]];
    case Storage::Auto:
    case Storage::Memory:
      if (bucket)
        return invalid("--storage=" + std::string(name(storage)) + " does not read a bucket");
      return {};
    default:
      return cannot("Cloud Run has no " + std::string(name(storage)) +
                    "; take image, gcs-fuse, download, runai-streamer or memory");
  }
}

Result<void> set_memory(const Request& request, const Plan& plan, CloudRunPlan& out) {
  const double gib = plan.weight_bytes / kGib;
  const bool held = out.storage == Storage::Memory || out.storage == Storage::Download;
  out.weights_gib = held ? static_cast<int>(std::ceil(gib * 1.05)) + 1 : 0;
  out.server_gib = out.gpu.memory_gib - out.weights_gib;
  if (out.server_gib < kLeastServerGib && !request.allow_unfit)
    return cannot(fmt::format(
        "{} GiB of weights in the memory of an instance of {} GiB leave too little for the server; "
        "take --storage=gcs-fuse, runai-streamer or image",
        static_cast<int>(std::ceil(gib)), out.gpu.memory_gib));
  return {};
}

}  // namespace

Result<CloudRunGpu> cloud_run_gpu(const Request& request, const Facts& facts) {
  for (const CloudRunGpu& gpu : kGpus) {
    if (facts.accelerator.id != gpu.accelerator) continue;
    if (request.accelerators_per_replica != 1)
      return cannot(fmt::format("an instance of Cloud Run has one GPU; the setup takes {} x {}",
                                request.accelerators_per_replica, gpu.accelerator));
    return gpu;
  }
  return cannot("Cloud Run has no " + shown(facts.accelerator.id) +
                "; it has nvidia-l4 and nvidia-rtx-pro-6000");
}

Result<Concurrency> concurrency(const Request& request) {
  const Delivery& asked = request.delivery;
  const auto& point = request.autoscaling.point;
  Concurrency out;
  for (const auto& number : {std::optional(asked.model_instances), asked.parallel_queries,
                             asked.ideal_batch, asked.concurrency}) {
    if (number && (*number < 1 || *number > kMostConcurrency))
      return invalid(
          "model instances, parallel queries, batch and concurrency are numbers from 1 "
          "to 1000");
  }
  if (point) {
    out.by_curve =
        std::max(1, static_cast<int>(std::floor(point->running * asked.model_instances)));
    out.curve = fmt::format("{} requests of one model instance at its operating point ({})",
                            shortest(std::round(point->running * 10) / 10), point->running_from);
  }
  const int held = point ? std::max(1, static_cast<int>(std::floor(point->running / 2))) : 4;
  const int queries = asked.parallel_queries.value_or(held);
  const int batch = asked.ideal_batch.value_or(held);
  out.by_rule = asked.model_instances * queries + asked.model_instances * batch;
  out.rule = fmt::format(
      "{} model instances x {} parallel queries + {} model instances x ideal "
      "batch of {} = {}",
      asked.model_instances, queries, asked.model_instances, batch, out.by_rule);
  if (!asked.parallel_queries || !asked.ideal_batch)
    out.rule += point ? " (half of the curve's for each that was not given)"
                      : " (4 for each that was not given: an assumption)";
  if (asked.concurrency) {
    out.chosen = *asked.concurrency;
    out.why = "as asked";
  } else if (asked.parallel_queries || asked.ideal_batch || !out.by_curve) {
    out.chosen = out.by_rule;
    out.why = "by the rule of the public page";
  } else {
    out.chosen = *out.by_curve;
    out.why = "by the curve";
  }
  out.chosen = std::min(out.chosen, kMostConcurrency);
  return out;
}

Result<CloudRunPlan> cloud_run_plan(const Request& request, const Facts& facts, const Plan& plan) {
  CloudRunPlan out;
  const auto gpu = cloud_run_gpu(request, facts);
  if (!gpu) return fail(gpu.error());
  out.gpu = *gpu;
  if (!request.machine_type.empty())
    return invalid("Cloud Run has no machine types: leave --instance-type out");
  if (request.autoscaling.by != Autoscaler::None && !request.autoscaling.implied)
    return invalid("Cloud Run scales by itself, on requests and CPU: leave --autoscaler out");
  if (request.delivery.fill_bucket)
    return invalid("--fill-bucket is for --platform=gke; the comments tell how a bucket is filled");
  if (request.delivery.alerts)
    return invalid(
        "--alerts: on Cloud Run nothing scrapes the server; its own metrics are in Cloud "
        "Monitoring");
  if (request.secret_name.find('.') != std::string::npos)
    return invalid("a secret of Secret Manager has no '.' in its name");
  out.storage = storage_in_use(request, plan);
  if (loads_gguf(facts.server) && out.storage != Storage::Memory)
    return invalid(facts.server.name +
                   " fetches its own file here: leave --storage and the bucket out");
  if (auto ok = storage_is_possible(request, facts, out.storage); !ok) return fail(ok.error());
  if (auto ok = set_network(request, out); !ok) return fail(ok.error());
  if (auto ok = set_memory(request, plan, out); !ok) return fail(ok.error());
  auto requests = concurrency(request);
  if (!requests) return fail(std::move(requests).error());
  out.requests = std::move(*requests);
  const int wanted = std::max(1, request.replicas);
  out.max_instances = request.autoscaling.max_replicas.value_or(std::max(3, 2 * wanted));
  out.min_instances = request.delivery.min_instances.value_or(0);
  if (out.min_instances < 0 || out.max_instances > 10'000 ||
      out.max_instances < std::max(1, out.min_instances))
    return invalid("at most fewer instances than at least");
  for (const StorageOption& option : storage_options(request, facts, plan)) {
    if (option.chosen) out.start_seconds = option.start_seconds;
  }
  out.startup_periods = std::clamp(static_cast<int>(std::ceil(out.start_seconds * 2 / 10)), 60,
                                   kMostStartupSeconds / kStartupPeriodSeconds);
  return out;
}

}  // namespace kneepoint::manifest
