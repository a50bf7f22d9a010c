#include "manifest/scaling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "autoscale/behavior.h"
#include "base/text.h"
#include "manifest/text.h"

namespace kneepoint::manifest {
namespace {

using autoscale::Signal;
using std::chrono::seconds;

struct SignalWords {
  const char* flag;    // of --hpa-signal
  const char* signal;  // the catalog's
  const char* text;
};
SignalWords words(Signal signal) {
  switch (signal) {
    case Signal::Running:
      return {"running", "running", "running requests"};
    case Signal::Queue:
      return {"queue", "waiting", "waiting requests"};
    case Signal::KvCache:
      return {"kv", "kv_cache_usage", "KV cache use"};
  }
  return {};
}

Result<void> find_series(const Facts& facts, ScalePlan& plan) {
  const auto found = facts.metrics.find(words(plan.signal).signal);
  // Without a scale the series counts something else: JetStream's running requests are a share.
  const auto scale =
      found == facts.metrics.end() ? std::nullopt : parse_number(found->second.scale);
  if (!scale || *scale != 1 || facts.server.metrics_path.empty())
    return fail(ErrorCode::Unsatisfiable,
                fmt::format("{} {} has no metric of {} that an autoscaler can use",
                            facts.server.name, facts.version, words(plan.signal).text));
  if (!is_series_name(found->second.series))
    return fail(ErrorCode::Unsatisfiable, "the catalog's series " + shown(found->second.series) +
                                              " is no name of a Prometheus metric");
  plan.series = found->second.series;
  for (const auto label : split(found->second.labels, ';')) {
    const auto equals = label.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string name(label.substr(0, equals));
    const std::string value(label.substr(equals + 1));
    if (!is_series_name(name) || !is_label_value(value))
      return fail(ErrorCode::Unsatisfiable,
                  "the catalog's label " + shown(label) + " of " + plan.series + " is none");
    plan.labels.emplace_back(name, value);
  }
  return {};
}

/// What the queue stands at is easily seen, but says nothing of latency before it is there.
void queue(ScalePlan& plan) {
  plan.target_milli = kQueueTarget * 1000;
  plan.whence = fmt::format(
      "{} per replica is a start: lower it where latency suffers, raise it where it does not",
      kQueueTarget);
}

/// Rounded down: whole requests from 10 on, tenths below.
std::int64_t request_milli(double requests) {
  const double step = requests >= 10 ? 1 : 0.1;
  return std::max<std::int64_t>(100,
                                std::llround(std::floor(requests / step + 1e-9) * step * 1000));
}

void running(const ReplicaPoint& point, ScalePlan& plan) {
  const double buffer = autoscale::buffer_for(plan.startup, plan.metric_delay);
  plan.target_milli = request_milli(point.running * (1 - buffer));
  plan.whence =
      fmt::format("{} at the operating point ({}) less {} % for the time a new replica takes",
                  shortest(std::round(point.running * 10) / 10), point.running_from,
                  shortest(std::round(buffer * 1000) / 10));
}

void kv_cache(const Plan& numbers, const std::optional<ReplicaPoint>& point, ScalePlan& plan) {
  const double room = numbers.fit.use.kv_capacity_tokens;
  std::optional<double> use;
  std::string from;
  if (point && point->kv_use) {
    use = point->kv_use;
    from = "measured";
  } else if (point && point->tokens_per_request > 0 && room > 0) {
    use = point->running * point->tokens_per_request / room;
    from = fmt::format("{} requests of {} tokens in {} by the memory model",
                       shortest(std::round(point->running * 10) / 10),
                       fixed(point->tokens_per_request, 0), fixed(room, 0));
  }
  const double buffer = autoscale::buffer_for(plan.startup, plan.metric_delay);
  const double wanted = use ? *use * (1 - buffer) : kMostKvUse;
  plan.target_milli =
      std::max<std::int64_t>(10, std::llround(std::floor(std::min(wanted, kMostKvUse) * 100) * 10));
  if (!use) {
    plan.whence = "no curve says how full the cache is where latency is met: 0.8 is a start";
  } else if (wanted > kMostKvUse) {
    plan.whence = "no more than 0.8: a fuller cache throws requests out";
  } else {
    plan.whence = fmt::format(
        "{} at the operating point ({}) less {} % for the time a new replica "
        "takes",
        fixed(*use, 2), from, shortest(std::round(buffer * 1000) / 10));
  }
}

/// Latency is held by how many requests a replica works on; cost by never adding one before
/// requests wait.
Signal choose(const Autoscaling& asked, const Facts& facts, std::string& why) {
  switch (asked.signal) {
    case SignalWanted::Running:
      why = ", as asked";
      return Signal::Running;
    case SignalWanted::Queue:
      why = ", as asked";
      return Signal::Queue;
    case SignalWanted::KvCache:
      why = ", as asked";
      return Signal::KvCache;
    case SignalWanted::Auto:
      break;
  }
  if (asked.target.empty()) {
    why = ", because no latency target was given: it is tuned for throughput and cost";
    return Signal::Queue;
  }
  if (asked.any_latency) {
    why = ", because " + asked.target +
          " is above all latencies of the curve: it is tuned for throughput";
    return Signal::Queue;
  }
  const auto series = facts.metrics.find("running");
  if (!asked.point) {
    why = ", because no curve of this setup says how many requests at once meet " + asked.target;
    return Signal::Queue;
  }
  if (series == facts.metrics.end() || parse_number(series->second.scale) != 1.0) {
    why = ", because " + facts.server.name + " does not tell how many requests run, by which " +
          asked.target + " could be held";
    return Signal::Queue;
  }
  why = ", which holds " + asked.target;
  return Signal::Running;
}

Result<void> set_replicas(const Request& request, ScalePlan& plan) {
  const Autoscaling& asked = request.autoscaling;
  constexpr int kMost = 100'000;
  if (asked.min_replicas < 1 || asked.min_replicas > kMost)
    return fail(ErrorCode::InvalidArgument,
                "the least number of replicas is a number from 1: the metrics come from the "
                "replicas, so none would never come back");
  const int wanted = std::max(request.replicas, asked.min_replicas);
  plan.min_replicas = asked.min_replicas;
  plan.max_replicas = asked.max_replicas.value_or(std::min(std::max(5, 2 * wanted), kMost));
  if (plan.max_replicas < plan.min_replicas || plan.max_replicas > kMost)
    return fail(ErrorCode::InvalidArgument,
                fmt::format("at least {} and at most {} replicas: the second must not be smaller",
                            plan.min_replicas, plan.max_replicas));
  plan.replicas = std::min(wanted, plan.max_replicas);
  return {};
}

Result<void> set_path(const Request& request, ScalePlan& plan) {
  const Autoscaling& asked = request.autoscaling;
  int delay = kScrapeSeconds;
  if (asked.by == Autoscaler::HpaStackdriver) {
    delay += kCloudMonitoringSeconds;
  } else {
    plan.prometheus_url = asked.prometheus_url.empty() ? kOperatorPrometheus : asked.prometheus_url;
    if (!is_http_url(plan.prometheus_url))
      return fail(ErrorCode::InvalidArgument,
                  "Prometheus address " + shown(plan.prometheus_url) +
                      " is not of the form http://HOST:PORT or https://HOST/PATH");
    plan.managed_prometheus = plan.prometheus_url.starts_with("https://monitoring.googleapis.com/");
    if (plan.managed_prometheus) delay += kCloudMonitoringSeconds;
    if (plan.managed_prometheus && asked.by == Autoscaler::PrometheusAdapter)
      return fail(ErrorCode::InvalidArgument,
                  "prometheus-adapter cannot sign in to Google's managed Prometheus; take "
                  "hpa-stackdriver or keda, or the address of a query frontend in the cluster");
  }
  plan.metric_delay = seconds(delay);
  return {};
}

/// What one replica does, by its curve. Where the memory model has room for fewer requests than the
/// curve says ran at the operating point, the curve is right: it was there.
autoscale::Server server_of(const Request& request, const ReplicaPoint& point, double room) {
  autoscale::Server out;
  out.rates = point.rates;
  const double slots =
      request.max_num_seqs ? *request.max_num_seqs : std::max(256.0, point.running);
  out.most_running = slots;
  if (room > 0 && point.tokens_per_request > 0) {
    out.cache_per_request = point.tokens_per_request / room;
    out.most_running =
        std::max(std::min(slots, point.running), std::min(slots, room / point.tokens_per_request));
  }
  if (point.kv_use) out.cache_per_request = *point.kv_use / point.running;
  return out;
}

/// The requests at which the signal stands at its target, so that nothing moves before the load
/// does.
double held(const ReplicaPoint& point, const autoscale::Server& server, const ScalePlan& plan) {
  const double target = static_cast<double>(plan.target_milli) / 1000;
  double out = point.running;
  if (plan.signal == Signal::Running) out = target;
  if (plan.signal == Signal::KvCache) out = std::min(out, target / server.cache_per_request);
  return std::min(out, server.most_running);
}

/// The same autoscaler under a load that doubles, by the model of the controller.
std::optional<autoscale::StepAnswer> double_the_load(const Request& request, const Plan& numbers,
                                                     const ScalePlan& plan) {
  const auto& point = request.autoscaling.point;
  if (!point || point->rates.empty() || plan.max_replicas < 2 * plan.replicas) return std::nullopt;
  autoscale::LoadStep step;
  step.spec.min_replicas = plan.min_replicas;
  step.spec.max_replicas = plan.max_replicas;
  const bool pods = request.autoscaling.by != Autoscaler::Keda;
  step.spec.metrics = {
      {pods ? autoscale::MetricKind::PodsAverage : autoscale::MetricKind::ExternalAverage,
       plan.target_milli}};
  step.spec.behavior = plan.behavior;
  step.signal = plan.signal;
  step.server = server_of(request, *point, numbers.fit.use.kv_capacity_tokens);
  if (plan.signal == Signal::KvCache && !(step.server.cache_per_request > 0)) return std::nullopt;
  step.rate_before = step.server.rate(held(*point, step.server, plan)) * plan.replicas;
  step.rate_after = 2 * step.rate_before;
  step.replicas = plan.replicas;
  step.needed = 2 * plan.replicas;
  step.startup = plan.startup;
  step.metric_delay = plan.metric_delay;
  return autoscale::answer(step);
}

Result<ScalePlan> plan_scaling(const Request& request, const Facts& facts, const Plan& numbers) {
  const Autoscaling& asked = request.autoscaling;
  ScalePlan plan;
  plan.startup =
      seconds(kNodeAndImageSeconds + static_cast<int>(std::lround(numbers.load_seconds)));
  if (auto ok = set_replicas(request, plan); !ok) return fail(ok.error());
  if (auto ok = set_path(request, plan); !ok) return fail(ok.error());
  plan.signal = choose(asked, facts, plan.why);
  if (auto ok = find_series(facts, plan); !ok) return fail(ok.error());
  if (plan.signal == Signal::Running && !asked.point)
    return fail(ErrorCode::Unsatisfiable,
                "no curve of this setup says how many requests a replica should run; scale by the "
                "queue, or measure one with 'kneepoint bench sweep'");
  if (plan.signal == Signal::Running) running(*asked.point, plan);
  if (plan.signal == Signal::KvCache) kv_cache(numbers, asked.point, plan);
  if (plan.signal == Signal::Queue) queue(plan);
  plan.behavior = autoscale::behavior_for(plan.startup, plan.metric_delay);
  plan.doubling = double_the_load(request, numbers, plan);
  return plan;
}

}  // namespace

Result<Scaling> scaling(const Request& request, const Facts& facts, const Plan& numbers) {
  Scaling out;
  out.why_none = request.autoscaling.why_none;
  if (request.autoscaling.by == Autoscaler::None) return out;
  auto plan = plan_scaling(request, facts, numbers);
  if (plan) {
    out.plan = std::move(*plan);
  } else if (request.autoscaling.implied && plan.error().code == ErrorCode::Unsatisfiable) {
    out.why_none = plan.error().message;
  } else {
    return fail(std::move(plan).error());
  }
  return out;
}

}  // namespace kneepoint::manifest
