#include "manifest/comments_scaling.h"

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "manifest/scaling_objects.h"
#include "manifest/text.h"

namespace kneepoint::manifest {
namespace {

using Lines = std::vector<std::string>;
using autoscale::Signal;

long in_seconds(autoscale::Time time) {
  return std::chrono::round<std::chrono::seconds>(time).count();
}

std::string_view in_words(Signal signal) {
  return signal == Signal::Running ? "running requests"
         : signal == Signal::Queue ? "waiting requests"
                                   : "share of the KV cache in use";
}

std::string_view in_words(Autoscaler by) {
  switch (by) {
    case Autoscaler::HpaStackdriver:
      return "HorizontalPodAutoscaler, metrics through the Stackdriver adapter";
    case Autoscaler::Keda:
      return "KEDA ScaledObject, metrics from Prometheus";
    case Autoscaler::PrometheusAdapter:
      return "HorizontalPodAutoscaler, metrics through prometheus-adapter";
    case Autoscaler::None:
      break;
  }
  return "none";
}

/// "request_type=\"waiting\"", as PromQL selects it.
std::string selectors(const ScalePlan& plan) {
  std::string out;
  for (const auto& [name, value] : plan.labels) out += name + "=\"" + value + "\",";
  return out;
}

void what_and_why(Lines& out, const Request& request, const ScalePlan& plan) {
  out.push_back(fmt::format("Autoscaling: {}; {} to {} replicas, {} at first",
                            in_words(request.autoscaling.by), plan.min_replicas, plan.max_replicas,
                            plan.replicas));
  if (plan.replicas < request.replicas)
    out.push_back(
        fmt::format("WARNING: the load expected needs {} replicas, more than the {} "
                    "allowed",
                    request.replicas, plan.max_replicas));
  out.push_back(fmt::format("Signal: {} per replica{}", in_words(plan.signal), plan.why));
  out.push_back(
      fmt::format("Target: {} {}: {}", milli_text(plan.target_milli), plan.series, plan.whence));
  out.emplace_back(
      "GKE's page advises: for throughput and cost the queue, from 3 to 5 on, raised until latency "
      "is at its limit; for latency the batch size, which is the running requests, below the "
      "largest that met the target; KV cache use was its older advice; never use or memory of the "
      "GPU");
}

void how_fast(Lines& out, const ScalePlan& plan) {
  const auto& up = plan.behavior.up.policies;
  const long startup = in_seconds(plan.startup);
  out.push_back(fmt::format(
      "A new replica is taken to serve after {} s ({} s of start-up as above, {} s for a node and "
      "the image) and the autoscaler to see it {} s later: assumptions, not measurements",
      startup, startup - kNodeAndImageSeconds, kNodeAndImageSeconds,
      in_seconds(plan.metric_delay)));
  out.push_back(fmt::format(
      "So behavior lets the replicas at most double in {} s and grow 2.5 times in {} s: what piles "
      "up while new ones start would ask for ever more. Scale-down waits {} s and takes a pod or a "
      "fifth in {} s",
      up.at(0).period_seconds, up.at(1).period_seconds, plan.behavior.down.stabilization_seconds,
      plan.behavior.down.policies.at(0).period_seconds));
  if (plan.max_replicas < 2 * plan.replicas) {
    out.push_back(fmt::format(
        "A load that doubles needs {} replicas, more than the {} allowed: it is not served",
        2 * plan.replicas, plan.max_replicas));
  } else if (!plan.doubling) {
    out.push_back(
        fmt::format("A load that doubles is served after {} s at the earliest (seen, "
                    "decided, started)",
                    in_seconds(plan.metric_delay) + 15 + startup));
  } else if (!plan.doubling->enough) {
    out.emplace_back(
        "By the model of this autoscaler a load that doubles is not followed: the signal stays "
        "below its target. Lower the target or take another signal");
  } else {
    const auto& answer = *plan.doubling;
    if (answer.before != plan.replicas)
      out.push_back(fmt::format(
          "By the model of this autoscaler the {} replicas at first have become {} after half an "
          "hour of the load that they are meant for",
          plan.replicas, answer.before));
    if (answer.before >= 2 * plan.replicas) return;  // more than enough, whatever the load does
    std::string line = fmt::format(
        "By the model of this autoscaler, a load that doubles has its {} replicas after {} s",
        2 * plan.replicas, in_seconds(*answer.enough));
    line += answer.caught_up
                ? fmt::format("; what piled up is served after {} s", in_seconds(*answer.caught_up))
                : std::string("; what piled up is not served within two hours");
    out.push_back(line + fmt::format("; there are never more than {} replicas, and a request waits "
                                     "{} s at most if nobody gives up",
                                     answer.peak, fixed(answer.longest_wait_seconds, 0)));
  }
}

std::string viewer_binding(const std::string& space, const std::string& account) {
  return "  gcloud projects add-iam-policy-binding PROJECT_ID --role=roles/monitoring.viewer "
         "--member=principal://iam.googleapis.com/projects/PROJECT_NUMBER/locations/global/"
         "workloadIdentityPools/PROJECT_ID.svc.id.goog/subject/ns/" +
         space + "/sa/" + account;
}

void stackdriver_commands(Lines& out) {
  out.emplace_back(
      "The HPA needs the Stackdriver adapter, once per cluster (it owns the custom metrics API, so "
      "not beside prometheus-adapter; it and KEDA both own the external one):");
  out.emplace_back(
      "  kubectl apply --filename=https://raw.githubusercontent.com/GoogleCloudPlatform/"
      "k8s-stackdriver/master/custom-metrics-stackdriver-adapter/deploy/production/"
      "adapter_new_resource_model.yaml");
  out.push_back(viewer_binding("custom-metrics", "custom-metrics-stackdriver-adapter"));
}

void keda_commands(Lines& out, const ScalePlan& plan) {
  out.emplace_back("The ScaledObject needs KEDA, once per cluster:");
  out.emplace_back("  helm repo add kedacore https://kedacore.github.io/charts");
  out.emplace_back(
      "  helm upgrade --install keda kedacore/keda --namespace=keda --create-namespace");
  out.emplace_back(
      "cooldownPeriod and activationThreshold matter only with minReplicaCount 0: then the metric "
      "has to come from before the replicas (a gateway), for without replicas there is none");
  if (plan.managed_prometheus) {
    out.emplace_back("and its operator may read the metrics:");
    out.push_back(viewer_binding("keda", "keda-operator"));
  }
}

/// The adapter's rule as one word of the shell: JSON, written by the JSON writer.
void adapter_commands(Lines& out, const ScalePlan& plan) {
  const std::string chosen = selectors(plan);
  const auto resource = [](const char* name) { return json::Object{{"resource", name}}; };
  const json::Object rule{
      {"seriesQuery", plan.series + "{" + chosen + "namespace!=\"\",pod!=\"\"}"},
      {"resources", json::Object{{"overrides", json::Object{{"namespace", resource("namespace")},
                                                            {"pod", resource("pod")}}}}},
      {"name", json::Object{{"as", metric_name(Autoscaler::PrometheusAdapter, plan)}}},
      {"metricsQuery", std::string(plan.signal == Signal::KvCache ? "avg" : "sum") +
                           "(<<.Series>>{" + chosen + "<<.LabelMatchers>>}) by (<<.GroupBy>>)"}};
  out.emplace_back(
      "The HPA needs prometheus-adapter with this rule, once per cluster (it owns the custom "
      "metrics API, so not beside the Stackdriver adapter; add the rule to those you have):");
  out.emplace_back(
      "  helm repo add prometheus-community https://prometheus-community.github.io/helm-charts");
  out.push_back(
      "  helm upgrade --install prometheus-adapter prometheus-community/prometheus-adapter "
      "--namespace=monitoring --create-namespace --set=prometheus.port=0 --set-string=" +
      shell_word("prometheus.url=" + plan.prometheus_url) +
      " --set-json=" + shell_word("rules.custom=" + json::to_line(json::Array{rule})));
}

void look(Lines& out, const Request& request, const ScalePlan& plan, const std::string& base,
          const WorkloadName& workload) {
  const std::string space = shell_word(request.namespace_name);
  const bool keda = request.autoscaling.by == Autoscaler::Keda;
  out.emplace_back("To see that the metric arrives and what the autoscaler makes of it:");
  if (keda) {
    out.push_back("  kubectl get scaledobject " + base + "-scaler --namespace=" + space);
  } else {
    out.push_back("  kubectl get --raw=" +
                  shell_word("/apis/custom.metrics.k8s.io/v1beta1/namespaces/" +
                             request.namespace_name + "/pods/*/" +
                             metric_name(request.autoscaling.by, plan)));
  }
  out.push_back("  kubectl describe hpa " +
                (keda ? "keda-hpa-" + base + "-scaler" : base + "-hpa") + " --namespace=" + space);
  out.push_back(
      fmt::format("Applying this file again sets the replicas back to {}; take the line replicas "
                  "out of the {} once the autoscaler runs",
                  plan.replicas, workload.kind));
}

}  // namespace

std::string metric_name(Autoscaler by, const ScalePlan& plan) {
  // Cloud Monitoring's name of a Prometheus gauge; a vertical bar stands for the slash, which a
  // metric of the Kubernetes API must not hold.
  if (by == Autoscaler::HpaStackdriver)
    return "prometheus.googleapis.com|" + plan.series + "|gauge";
  std::string out = plan.series;
  for (char& c : out) {
    if (c == ':') c = '_';
  }
  for (const auto& label : plan.labels) out += "_" + label.second;
  return out;
}

std::string total_query(const ScalePlan& plan, const std::string& namespace_name,
                        const WorkloadName& workload) {
  return "sum(" + plan.series + "{" + selectors(plan) + "namespace=\"" + namespace_name +
         "\",pod=~\"" + workload.pod_pattern + "\"})";
}

std::vector<std::string> scaling_comments(const Request& request, const Facts& facts,
                                          const Scaling& scaling, const std::string& base,
                                          const WorkloadName& workload) {
  Lines out;
  if (!scaling.plan) {
    if (!scaling.why_none.empty()) out.push_back("No autoscaler: " + scaling.why_none);
    return out;
  }
  const ScalePlan& plan = *scaling.plan;
  what_and_why(out, request, plan);
  how_fast(out, plan);
  const auto found = facts.metrics.find(plan.signal == Signal::Running ? "running"
                                        : plan.signal == Signal::Queue ? "waiting"
                                                                       : "kv_cache_usage");
  if (found != facts.metrics.end() && !found->second.from.note.empty())
    out.push_back("Catalog note on " + plan.series + ": " + found->second.from.note);
  if (request.autoscaling.by == Autoscaler::HpaStackdriver) stackdriver_commands(out);
  if (request.autoscaling.by == Autoscaler::Keda) keda_commands(out, plan);
  if (request.autoscaling.by == Autoscaler::PrometheusAdapter) adapter_commands(out, plan);
  look(out, request, plan, base, workload);
  return out;
}

}  // namespace kneepoint::manifest
