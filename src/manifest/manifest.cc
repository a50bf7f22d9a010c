#include "manifest/manifest.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "manifest/alerts.h"
#include "manifest/args.h"
#include "manifest/cloud_run.h"
#include "manifest/comments.h"
#include "manifest/comments_cluster.h"
#include "manifest/comments_scaling.h"
#include "manifest/dashboard.h"
#include "manifest/gguf.h"
#include "manifest/gpu_network.h"
#include "manifest/multi_host.h"
#include "manifest/objects.h"
#include "manifest/plan.h"
#include "manifest/platform_pod.h"
#include "manifest/scaling.h"
#include "manifest/scaling_objects.h"
#include "manifest/serving_stack.h"
#include "manifest/storage.h"
#include "manifest/storage_place.h"
#include "manifest/storage_xla.h"
#include "manifest/text.h"
#include "manifest/workload.h"

namespace kneepoint::manifest {
namespace {

constexpr int kServicePort = 8000;
constexpr const char* kShmVolume = "dshm";
constexpr const char* kXlaFolder = "/xla-cache";

/// What the objects of one manifest share.
struct Naming {
  std::string base;  // <model>-<server>
  std::string namespace_name;
  WorkloadName workload;

  StringMap selector() const { return {{"app", base + "-inference-server"}}; }
  /// Of the pods that answer requests.
  StringMap answering() const {
    return workload.kind == "Deployment" ? selector() : leader_selector(workload.name);
  }
  ScaleTarget target() const { return {workload.api_version, workload.kind, workload.name}; }
  ObjectMeta meta(const std::string& suffix) const {
    return {base + suffix,
            namespace_name,
            {{"app", base + "-inference-server"}, {"kneepoint.dev/generated", "true"}},
            {}};
  }
};

bool on_gpu(const Facts& facts) {
  return facts.accelerator.vendor == "nvidia" && facts.accelerator.kind == "gpu";
}
bool on_tpu(const Facts& facts) {
  return facts.accelerator.vendor == "google" && facts.accelerator.kind == "tpu" &&
         is_label_value(facts.accelerator.gke_label);
}

Result<void> check(const Request& request, const Facts& facts) {
  const auto invalid = [](std::string why) {
    return fail(ErrorCode::InvalidArgument, std::move(why));
  };
  if (!is_model_id(request.model))
    return invalid("model " + shown(request.model) + " is not a Hugging Face id (owner/name)");
  if (!request.checkpoint.empty() && !is_model_id(request.checkpoint))
    return invalid("checkpoint " + shown(request.checkpoint) +
                   " is not a Hugging Face id (owner/name)");
  if (!is_dns_label(request.namespace_name))
    return invalid("namespace " + shown(request.namespace_name) +
                   " is not a DNS label: lower case letters, digits and '-', at most 63");
  if (!is_dns_subdomain(request.secret_name))
    return invalid("secret name " + shown(request.secret_name) +
                   " is not a DNS name: lower case letters, digits, '-' and '.'");
  if (request.replicas < 0 || request.replicas > 100'000)
    return invalid("replicas is a number from 0");
  for (const auto& limit : {request.max_num_seqs, request.max_num_batched_tokens})
    if (limit && *limit < 1) return invalid("engine limits are numbers from 1");
  if (!facts.image.empty() && !is_image_reference(facts.image))
    return invalid(shown(facts.image) + " is not an image reference");
  if (!on_gpu(facts) && !on_tpu(facts))
    return fail(ErrorCode::Unsatisfiable,
                "manifests are made for NVIDIA GPUs and for TPUs on GKE; of " +
                    facts.accelerator.id + " (" + facts.accelerator.vendor + " " +
                    facts.accelerator.kind +
                    ") the resource name and image of the server are not described yet");
  return {};
}

std::vector<EnvVar> environment(const Request& request, const Facts& facts, const Plan& plan) {
  if (loads_gguf(facts.server)) {
    std::vector<EnvVar> env{{kModelVariable, no_expansion(gguf_model(request, facts)), "", ""}};
    // Ollama takes no token of Hugging Face.
    if (facts.server.name != "ollama")
      env.push_back({"HF_TOKEN", "", request.secret_name, "hf_api_token", true});
    return env;
  }
  std::vector<EnvVar> env{{kModelVariable, no_expansion(model_location(request)), "", ""}};
  if (!from_hugging_face(request)) return env;
  // Without a gate the pod must start even if nobody made the secret.
  const bool optional = facts.model.gated.has_value() && !*facts.model.gated;
  for (const char* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"})
    env.push_back({name, "", request.secret_name, "hf_api_token", optional});
  if (plan.weights_in_memory) env.push_back({"HF_HOME", "/dev/shm/hf_cache", "", ""});
  return env;
}

Container server_container(const Request& request, const Facts& facts, const Plan& plan,
                           const StartCommand& start) {
  Container server;
  server.name = "inference-server";
  server.image = facts.image;
  server.command = start.command;
  server.args = start.args;
  server.env = environment(request, facts, plan);
  server.env.insert(server.env.end(), start.env.begin(), start.env.end());
  server.ports = {{"http", *facts.server.port}};
  if (facts.server.metrics_port && *facts.server.metrics_port != *facts.server.port)
    server.ports.push_back({"metrics", *facts.server.metrics_port});
  const std::string gpus = std::to_string(plan.accelerators_per_host());
  const StringMap bounded{{"memory", std::to_string(plan.memory_gib) + "Gi"},
                          {"ephemeral-storage", std::to_string(plan.ephemeral_gib) + "Gi"},
                          {on_tpu(facts) ? "google.com/tpu" : "nvidia.com/gpu", gpus}};
  server.requests = {{"cpu", std::to_string(plan.cpu)}};
  server.requests.insert(server.requests.end(), bounded.begin(), bounded.end());
  server.limits = bounded;

  const std::string ready =
      facts.server.readiness_path.empty() ? facts.server.health_path : facts.server.readiness_path;
  // The first answer comes when the weights are loaded, so only the startup probe has to wait.
  server.startup = HttpProbe{facts.server.health_path, "http", kStartupPeriodSeconds, 5,
                             plan.startup_periods,     {}};
  server.startup->command = start.loaded;
  server.readiness = HttpProbe{ready, "http", 5, 5, 3, {}, 0};
  server.liveness = HttpProbe{facts.server.health_path, "http", 10, 5, 3, {}, 0};
  server.mounts = {{kShmVolume, "/dev/shm"}};
  if (!start.config.empty()) server.mounts.push_back({"config", kConfigFolder, true});
  if (on_tpu(facts)) {
    server.env.push_back({"VLLM_XLA_CACHE_PATH", kXlaFolder, "", ""});
    server.mounts.push_back({"xla-cache", kXlaFolder});
  }
  return server;
}

/// Two devices a chip map far more memory than a node allows a process. Source: the recipe of
/// TPU7x.
Container more_mappings() {
  Container out;
  out.name = "more-mappings";
  out.image = "busybox:1.37";
  out.command = {"sysctl", "-w", "vm.max_map_count=8388608"};
  out.requests = {{"cpu", "10m"}, {"memory", "16Mi"}};
  out.limits = {{"memory", "16Mi"}};
  out.privileged = true;
  return out;
}

PodTemplate pod(const Request& request, const Facts& facts, const Plan& plan,
                const StartCommand& start, const Naming& naming) {
  PodTemplate out;
  out.labels = naming.selector();
  out.labels.emplace_back("ai.gke.io/model", label_value(model_name(request.model)));
  out.labels.emplace_back("ai.gke.io/inference-server", label_value(facts.server.name));
  if (on_tpu(facts)) {
    out.node_selector = {{"cloud.google.com/gke-tpu-accelerator", facts.accelerator.gke_label},
                         {"cloud.google.com/gke-tpu-topology", plan.tpu_topology}};
    out.disk_volumes.push_back({"xla-cache", ""});
  } else if (is_label_value(facts.accelerator.gke_label)) {
    out.node_selector = {{"cloud.google.com/gke-accelerator", facts.accelerator.gke_label},
                         {"cloud.google.com/gke-gpu-driver-version", "latest"}};
  }
  out.tolerations = {
      {on_tpu(facts) ? "google.com/tpu" : "nvidia.com/gpu", "Exists", "", "NoSchedule"}};
  if (!start.config.empty()) out.config_volumes.push_back({"config", naming.base + "-config"});
  if (facts.arm_host) {
    out.node_selector.emplace_back("kubernetes.io/arch", "arm64");
    out.tolerations.push_back({"kubernetes.io/arch", "Equal", "arm64", "NoSchedule"});
  }
  if (needs_more_mappings(facts)) out.init_containers = {more_mappings()};
  out.containers = {server_container(request, facts, plan, start)};
  out.volumes = {{kShmVolume, std::to_string(plan.shm_gib) + "Gi"}};
  return out;
}

ObjectMeta workload_meta(const Facts& facts, const Naming& naming) {
  ObjectMeta out = naming.meta("");
  out.name = naming.workload.name;
  out.annotations = {{"kneepoint.dev/generated", "true"},
                     {"kneepoint.dev/version", kManifestVersion},
                     {"kneepoint.dev/inference-server", facts.server.name},
                     {"kneepoint.dev/inference-server-version", facts.version}};
  return out;
}

Deployment deployment(const Facts& facts, const Plan& plan, int replicas, PodTemplate pod,
                      const Naming& naming) {
  Deployment out;
  out.meta = workload_meta(facts, naming);
  out.replicas = replicas;
  // The default of ten minutes would call a slow first start a failed rollout.
  out.progress_deadline_seconds = plan.rollout_seconds();
  out.selector = naming.selector();
  out.pod = std::move(pod);
  return out;
}

Service service(const Naming& naming) {
  return {naming.meta("-service"), naming.answering(), {{"http", kServicePort, "http", ""}}};
}

/// The same fields serve managed Prometheus and the Prometheus operator.
template <class Monitor>
Monitor monitoring(const Facts& facts, const Naming& naming) {
  const auto& server = facts.server;
  const bool own_port = server.metrics_port && *server.metrics_port != *server.port;
  return {naming.meta("-monitoring"),           naming.answering(),
          own_port ? "metrics" : "http",        server.metrics_path,
          std::to_string(kScrapeSeconds) + "s", ""};
}

/// By a Prometheus in the cluster, whose own resource says what it scrapes?
bool by_operator(const Request& request, const Scaling& scaling) {
  if (request.delivery.platform != Platform::Gke) return true;
  return scaling.plan && !scaling.plan->prometheus_url.empty() && !scaling.plan->managed_prometheus;
}

HorizontalPodAutoscaler horizontal(const Request& request, const ScalePlan& plan,
                                   const Naming& naming) {
  HorizontalPodAutoscaler out;
  out.meta = naming.meta("-hpa");
  out.target = naming.target();
  out.min_replicas = plan.min_replicas;
  out.max_replicas = plan.max_replicas;
  out.metric = metric_name(request.autoscaling.by, plan);
  // prometheus-adapter's rule selects; Cloud Monitoring has every label of the series.
  if (request.autoscaling.by == Autoscaler::HpaStackdriver) {
    for (const auto& [name, value] : plan.labels)
      out.metric_selector.emplace_back("metric.labels." + name, value);
  }
  out.average_milli = plan.target_milli;
  out.behavior = plan.behavior;
  return out;
}

ScaledObject scaled(const ScalePlan& plan, const Naming& naming) {
  ScaledObject out;
  out.meta = naming.meta("-scaler");
  out.target = naming.target();
  out.min_replicas = plan.min_replicas;
  out.max_replicas = plan.max_replicas;
  out.fallback_replicas = plan.replicas;
  out.behavior = plan.behavior;
  out.cooldown_seconds = plan.behavior.down.stabilization_seconds;
  out.server_address = plan.prometheus_url;
  out.query = total_query(plan, naming.namespace_name, naming.workload);
  out.threshold = shortest(static_cast<double>(plan.target_milli) / 1000);
  if (plan.managed_prometheus) out.authentication = naming.base + "-metrics";
  return out;
}

template <class T>
void add(Manifest& manifest, const T& object) {
  json::Object doc = to_json(object);
  manifest.objects.push_back({std::string(doc.at("kind").as_string()),
                              std::string(doc.at("apiVersion").as_string()), object.meta.name,
                              std::move(doc)});
}

void scaler(Manifest& manifest, const Request& request, const ScalePlan& plan,
            const Naming& naming) {
  if (request.autoscaling.by != Autoscaler::Keda) {
    add(manifest, horizontal(request, plan, naming));
    return;
  }
  if (plan.managed_prometheus) add(manifest, TriggerAuthentication{naming.meta("-metrics"), "gcp"});
  add(manifest, scaled(plan, naming));
}

/// Alert rules, among the objects where that was asked for, and a dashboard.
void watch(Manifest& manifest, const Request& request, const Facts& facts, const Scaling& scaling,
           const Naming& naming) {
  manifest.platform = request.delivery.platform;
  if (facts.server.metrics_path.empty()) return;
  const std::string& workload = naming.workload.name;
  const AlertRules rules{naming.meta("-alerts"), !by_operator(request, scaling),
                         alerts(request, facts, workload, scaling.plan)};
  if (request.delivery.alerts) add(manifest, rules);
  manifest.files.push_back({kAlertsFile, json::to_yaml(to_json(rules))});
  manifest.files.push_back({kDashboardFile, json::to_text(dashboard(request, facts, workload))});
}

}  // namespace

Result<Manifest> create(const Request& request, const Facts& facts) {
  if (auto ok = check(request, facts); !ok) return fail(ok.error());
  if (request.delivery.platform == Platform::CloudRun) return cloud_run(request, facts);
  if (auto ok = check_platform(request, facts); !ok) return fail(ok.error());
  const auto numbers = plan(request, facts);
  if (!numbers) return fail(numbers.error());
  const auto start = start_command(request, facts, *numbers);
  if (!start) return fail(start.error());
  auto scales = scaling(request, facts, *numbers);
  if (!scales) return fail(scales.error());
  if (scales->plan && one_replica_first(request))
    scales->plan->min_replicas = scales->plan->replicas = 1;

  const std::string base = base_name(request.model, facts.server.name);
  const Naming naming{base, request.namespace_name, workload_name(*numbers, base)};
  Manifest manifest;
  manifest.manifest_version = kManifestVersion;
  const int replicas = one_replica_first(request) ? std::min(1, request.replicas)
                       : scales->plan             ? scales->plan->replicas
                                                  : request.replicas;
  PodTemplate runs = pod(request, facts, *numbers, *start, naming);
  fit_to_platform(request, facts, runs);
  auto placed = place_weights(request, facts, *numbers, naming.meta(""), naming.base, runs);
  if (!placed) return fail(std::move(placed).error());
  for (auto& one : placed->objects) manifest.objects.push_back(std::move(one));
  manifest.storage = storage_options(request, facts, *numbers);
  std::vector<std::string> over_hosts;
  if (numbers->hosts > 1) {
    const auto together = group(request, facts, *numbers, *start);
    if (!together) return fail(together.error());
    auto set =
        leader_worker_set(request, facts, *numbers, *together, workload_meta(facts, naming), runs);
    if (!set) return fail(set.error());
    set->replicas = replicas;
    add(manifest, *set);
    if (request.hosting.gpu_network && has_compute_domain(facts)) {
      ComputeDomain domain{naming.meta(""), naming.workload.name + "-channel"};
      domain.meta.name = naming.workload.name + "-domain";
      add(manifest, domain);
    }
    over_hosts = multi_host_comments(request, facts, *numbers, *together, *set);
  } else {
    add(manifest, deployment(facts, *numbers, replicas, std::move(runs), naming));
  }
  add(manifest, service(naming));
  if (!start->config.empty())
    add(manifest, ConfigMap{naming.meta("-config"), {{kConfigFile, start->config}}});
  const Scrape scrape =
      by_operator(request, *scales) ? Scrape::PrometheusOperator : Scrape::ManagedPrometheus;
  if (!facts.server.metrics_path.empty()) {
    if (scrape == Scrape::PrometheusOperator)
      add(manifest, monitoring<PodMonitor>(facts, naming));
    else
      add(manifest, monitoring<PodMonitoring>(facts, naming));
  }
  std::vector<std::string> stacked;
  if (request.hosting.stack != ServingStack::None) {
    const auto stack =
        serving_stack(request, facts, naming.meta(""), naming.base, naming.answering(), scrape);
    if (!stack) return fail(stack.error());
    for (json::Object& doc : stack->objects()) {
      const auto text = [&](const char* key) { return std::string(doc.at(key).as_string()); };
      const std::string object_name(doc.at("metadata").as_object().at("name").as_string());
      manifest.objects.push_back({text("kind"), text("apiVersion"), object_name, std::move(doc)});
    }
    stacked = stack_comments(request, *stack);
  }
  if (scales->plan) scaler(manifest, request, *scales->plan, naming);
  watch(manifest, request, facts, *scales, naming);
  manifest.comments = comments(request, facts, *numbers, *start, naming.base, scrape);
  for (auto& line : stacked) manifest.comments.push_back(std::move(line));
  for (auto& line : over_hosts) manifest.comments.push_back(std::move(line));
  if (request.delivery.platform == Platform::Gke) {
    const int most = scales->plan ? scales->plan->max_replicas : replicas;
    for (auto& line : cluster_comments(request, facts, *numbers, replicas * numbers->hosts,
                                       most * numbers->hosts))
      manifest.comments.push_back(std::move(line));
  }
  for (auto& line : platform_comments(request, facts, *numbers, naming.base))
    manifest.comments.push_back(std::move(line));
  for (auto& line : placed->comments) manifest.comments.push_back(std::move(line));
  for (auto& line : scaling_comments(request, facts, *scales, naming.base, naming.workload))
    manifest.comments.push_back(std::move(line));
  return manifest;
}

Result<Manifest> create(const catalog::Catalog& catalog, const Request& request) {
  const auto facts = resolve(catalog, request);
  if (!facts) return fail(facts.error());
  if (auto ok = runs_there(catalog, request, *facts); !ok) return fail(ok.error());
  return create(request, *facts);
}

std::string to_yaml_text(const Manifest& manifest, Output what) {
  std::string out;
  if (what != Output::Comments) {
    for (const auto& object : manifest.objects) {
      if (!out.empty()) out += "---\n";
      out += json::to_yaml(object.doc);
    }
  }
  if (what == Output::All && !out.empty() && !manifest.comments.empty()) out += "\n";
  if (what != Output::Manifest) {
    for (const auto& line : manifest.comments) out += "# " + comment_line(line) + "\n";
  }
  return out;
}

}  // namespace kneepoint::manifest
