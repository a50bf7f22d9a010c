#include "app/status.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <thread>

#include "app/deploy_live.h"
#include "autoscale/behavior.h"
#include "base/text.h"
#include "manifest/scaling.h"
#include "scrape/detect.h"
#include "scrape/recorder.h"
#include "scrape/signal_map.h"

namespace kneepoint::app {
namespace {

using cluster::Ref;
using metrics::is_missing;

constexpr std::size_t kMostPods = 8;  // that are asked for their metrics

/// "prometheus.googleapis.com|vllm:num_requests_running|gauge" -> "vllm:num_requests_running"
std::string series_of(const std::string& metric) {
  const auto parts = split(metric, '|');
  return parts.size() == 3 ? std::string(parts[1]) : metric;
}

double at(const json::Value& promise, const char* name) {
  const json::Value* value = cluster::find(promise, std::string("/") + name);
  return value != nullptr && value->is_number() ? value->to_number<double>() : metrics::kMissing;
}

/// Reads the metrics page of each pod twice.
class Measurement {
 public:
  Measurement(Session& session, const cluster::Kubectl& kubectl, const cluster::Workload& workload,
              const json::Object& object)
      : session_(session), kubectl_(kubectl), workload_(workload), object_(object) {}

  MeasuredLoad run(Nanos window) {
    const int port = serving_port(object_);
    if (port == 0) return none("the manifest names no port");
    const auto began = std::chrono::steady_clock::now();
    for (const cluster::PodView& pod : workload_.pods) {
      if (pod.phase != cluster::PodPhase::Ready || recorders_.size() == kMostPods) continue;
      const auto page = page_of(pod.name, port);
      if (!page) {
        out_.why_none = page.error().message;
        continue;
      }
      if (!know_server(*page)) return none("its metrics are of no server that is known here");
      auto reading = map_->read(*page);
      if (!reading) return none(reading.error().message);
      recorders_.emplace(pod.name, scrape::Recorder(*map_));
      recorders_.at(pod.name).add(since(began), *reading);
    }
    if (recorders_.empty()) return none(out_.why_none.empty() ? "no pod is ready" : out_.why_none);
    wait(window);
    for (auto& [pod, recorder] : recorders_) {
      const auto page = page_of(pod, port);
      if (!page) continue;
      if (auto reading = map_->read(*page)) recorder.add(since(began), *reading);
    }
    summarize(since(began));
    return std::move(out_);
  }

 private:
  MeasuredLoad none(std::string why) {
    out_ = MeasuredLoad{};
    out_.why_none = std::move(why);
    return std::move(out_);
  }

  static Nanos since(std::chrono::steady_clock::time_point began) {
    return std::chrono::steady_clock::now() - began;
  }

  void wait(Nanos window) const {
    const auto until = std::chrono::steady_clock::now() + window;
    const auto& interrupted = kubectl_.access().interrupted;
    while (std::chrono::steady_clock::now() < until && !(interrupted && interrupted()))
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }

  Result<std::string> page_of(const std::string& pod, int port) const {
    return kubectl_.run({"get", fmt::format("--raw=/api/v1/namespaces/{}/pods/{}:{}/proxy/metrics",
                                            workload_.ref.namespace_name, pod, port)});
  }

  bool know_server(const std::string& page) {
    if (map_) return true;
    std::string server = cluster::annotation(object_, "kneepoint.dev/inference-server");
    std::string version = cluster::annotation(object_, "kneepoint.dev/inference-server-version");
    if (server.empty()) {
      const auto found = scrape::detect(session_.catalog(), page, "", {});
      if (!found) return false;
      server = found->server;
      version = found->version;
    }
    auto map = scrape::SignalMap::of(session_.catalog(), server, version);
    if (!map) return false;
    out_.server = server;
    out_.version = version;
    map_ = std::move(*map);
    return true;
  }

  void summarize(Nanos whole) {
    const double seconds = std::chrono::duration<double>(whole).count();
    std::vector<metrics::ServerSignals> all;
    for (const auto& [pod, recorder] : recorders_)
      all.push_back(recorder.summarize({Nanos(0), whole}));
    const auto mean = [&all](auto figure) {
      double sum = 0;
      int count = 0;
      for (const metrics::ServerSignals& each : all) {
        const double value = figure(each);
        if (is_missing(value)) continue;
        sum += value;
        ++count;
      }
      return count == 0 ? metrics::kMissing : sum / count;
    };
    using Signals = metrics::ServerSignals;
    out_.running = mean([](const Signals& s) { return s.running.mean; });
    out_.running_most = mean([](const Signals& s) { return s.running.max; });
    out_.waiting = mean([](const Signals& s) { return s.waiting.mean; });
    out_.kv_use = mean([](const Signals& s) { return s.kv_use.mean; });
    out_.output_tokens_per_second =
        mean([](const Signals& s) { return s.generation_tokens_per_second; });
    out_.ttft_ms = mean([](const Signals& s) { return s.ttft_mean_ms; });
    out_.tpot_ms = mean([](const Signals& s) {
      return is_missing(s.tpot_mean_ms) ? s.itl_mean_ms : s.tpot_mean_ms;
    });
    out_.e2e_ms = mean([](const Signals& s) { return s.e2e_mean_ms; });
    out_.pods = static_cast<int>(recorders_.size());
    out_.seconds = seconds;
  }

  Session& session_;
  const cluster::Kubectl& kubectl_;
  const cluster::Workload& workload_;
  const json::Object& object_;
  MeasuredLoad out_;
  std::optional<scrape::SignalMap> map_;
  std::map<std::string, scrape::Recorder> recorders_;  // by pod
};

/// "24", "9500m"
std::optional<double> quantity(std::string_view text) {
  const bool milli = text.ends_with('m');
  if (milli) text.remove_suffix(1);
  const auto number = parse_number(text);
  return number && milli ? std::optional(*number / 1000) : number;
}

/// What a target was set below its operating point; for one that was not, what it would have been.
double buffer_below(double target, double promised_running) {
  constexpr double kMost = 0.5;
  if (target < promised_running) return std::min(kMost, 1 - target / promised_running);
  return autoscale::buffer_for(
      std::chrono::seconds(manifest::kNodeAndImageSeconds),
      std::chrono::seconds(manifest::kScrapeSeconds + manifest::kCloudMonitoringSeconds));
}

void compare(SetStatus& out) {
  const MeasuredLoad& now = out.measured;
  const json::Value& promise = out.inventory.promise;
  if (now.pods == 0 || promise.is_null()) return;
  struct Row {
    const char *words, *name, *unit;
    double measured;
  };
  for (const Row& row :
       {Row{"running requests per replica", "running", "", now.running},
        Row{"output tokens/s per replica", "outputTokensPerSecond", "",
            now.output_tokens_per_second},
        Row{"TTFT", "ttftMs", " ms", now.ttft_ms}, Row{"TPOT", "tpotMs", " ms", now.tpot_ms},
        Row{"end to end", "e2eMs", " ms", now.e2e_ms}}) {
    const double promised = at(promise, row.name);
    if (is_missing(promised) || is_missing(row.measured)) continue;
    out.remarks.push_back(fmt::format("{}: {}{} measured, {}{} promised at the operating point",
                                      row.words, fixed(row.measured, 1), row.unit,
                                      fixed(promised, 1), row.unit));
  }
}

/// What shows whether the signal of an autoscaler arrives, from the server to the autoscaler.
std::vector<std::string> queries(const cluster::Kubectl& kubectl, const SetStatus& status) {
  std::vector<std::string> out;
  for (const cluster::Workload& workload : status.workloads) {
    const std::string pods = fmt::format("{{namespace=\"{}\",pod=~\"{}-.*\"}}",
                                         workload.ref.namespace_name, workload.ref.name);
    out.push_back("up" + pods);
    for (const ScalerStatus& scaler : status.scalers) {
      if (scaler.target.name != workload.ref.name) continue;
      for (const ScalerStatus::Metric& metric : scaler.metrics) {
        out.push_back(fmt::format("sum by (pod) ({}{})", metric.series, pods));
        out.push_back(kubectl.shown(
            {"get",
             fmt::format("--raw='/apis/custom.metrics.k8s.io/v1beta1/namespaces/{}/pods/*/{}'",
                         workload.ref.namespace_name, metric.name)}));
      }
    }
  }
  return out;
}

Result<SetStatus> status_of(Session& session, const cluster::Kubectl& kubectl,
                            const cluster::Inventory& inventory,
                            const std::vector<json::Object>& autoscalers,
                            const StatusQuestion& question) {
  SetStatus out;
  out.inventory = inventory;
  std::vector<Ref> refs, workloads;
  for (const cluster::Owned& each : inventory.objects) refs.push_back(each.ref);
  const auto live = cluster::get_live(kubectl, refs);
  if (!live) return fail(live.error());
  for (const Ref& ref : refs) {
    const json::Object* object = cluster::find_object(*live, ref);
    switch (cluster::whose(object, inventory)) {
      case cluster::Whose::Nobodys:
        out.missing.push_back(ref.shown() + " is gone");
        break;
      case cluster::Whose::Others:
        out.missing.push_back(ref.shown() + " is somebody else's now");
        break;
      case cluster::Whose::Ours:
        if (cluster::makes_pods(ref)) workloads.push_back(ref);
    }
  }
  auto looked = cluster::look_at(kubectl, workloads);
  if (!looked) return fail(std::move(looked).error());
  out.workloads = std::move(*looked);
  for (const json::Object& each : autoscalers) {
    ScalerStatus scaler = read_scaler(each);
    const bool ours = std::any_of(workloads.begin(), workloads.end(), [&](const Ref& ref) {
      return ref.kind == scaler.target.kind && ref.name == scaler.target.name;
    });
    if (ours) out.scalers.push_back(std::move(scaler));
  }
  out.queries = queries(kubectl, out);
  for (const cluster::Workload& each : out.workloads) {
    if (!question.measure || each.ref.kind == "Job") continue;
    out.measured = Measurement(session, kubectl, each, *cluster::find_object(*live, each.ref))
                       .run(question.window);
    break;
  }
  compare(out);
  for (const ScalerStatus& scaler : out.scalers) {
    for (const ScalerStatus::Metric& metric : scaler.metrics) {
      if (metric.series.find("running") == std::string::npos) continue;
      const auto target = quantity(metric.target);
      if (target) out.proposal = propose_target(*target, out.measured, inventory.promise);
    }
  }
  return out;
}

std::string metric_value(const json::Object& from, std::string_view pointer) {
  for (const char* form : {"/averageValue", "/value", "/averageUtilization"}) {
    if (std::string text = cluster::text_at(from, std::string(pointer) + form); !text.empty())
      return text;
  }
  return {};
}

}  // namespace

ScalerStatus read_scaler(const json::Object& autoscaler) {
  ScalerStatus out;
  out.ref = cluster::ref_of(autoscaler);
  out.target = {cluster::text_at(autoscaler, "/spec/scaleTargetRef/apiVersion"),
                cluster::text_at(autoscaler, "/spec/scaleTargetRef/kind"), out.ref.namespace_name,
                cluster::text_at(autoscaler, "/spec/scaleTargetRef/name")};
  const auto number = [&](const char* where, int otherwise) {
    return static_cast<int>(cluster::integer_at(autoscaler, where).value_or(otherwise));
  };
  out.min = number("/spec/minReplicas", 1);
  out.max = number("/spec/maxReplicas", 0);
  out.current = number("/status/currentReplicas", 0);
  out.desired = number("/status/desiredReplicas", 0);
  out.conditions = cluster::conditions(autoscaler);
  const auto current = cluster::objects_at(autoscaler, "/status/currentMetrics");
  for (const json::Object* each : cluster::objects_at(autoscaler, "/spec/metrics")) {
    std::string type = lower(cluster::text_at(*each, "/type"));
    const std::string at = "/" + type;
    ScalerStatus::Metric metric;
    metric.name = cluster::text_at(*each, at + "/metric/name");
    if (metric.name.empty()) metric.name = cluster::text_at(*each, at + "/name");
    metric.series = series_of(metric.name);
    metric.target = metric_value(*each, at + "/target");
    for (const json::Object* now : current) {
      std::string name = cluster::text_at(*now, at + "/metric/name");
      if (name.empty()) name = cluster::text_at(*now, at + "/name");
      if (name == metric.name) metric.current = metric_value(*now, at + "/current");
    }
    out.metrics.push_back(std::move(metric));
  }
  return out;
}

std::optional<Proposal> propose_target(double target, const MeasuredLoad& measured,
                                       const json::Value& promise) {
  constexpr double kMostUp = 1.5;  // in one step, of what runs
  constexpr double kNear = 0.8;    // of the target: replicas are as full as they are to be
  constexpr double kLate = 1.2;    // of the promise: more than figures of one window differ
  constexpr double kRoom = 0.8;
  constexpr double kUneven = 1.5;  // the most over the mean: latencies are not of that mean
  if (measured.pods == 0 || is_missing(measured.running) || !(target > 0)) return std::nullopt;
  if (measured.running_most > kUneven * measured.running + 1) return std::nullopt;
  const double promised_running = at(promise, "running");
  // The latency that is farthest above its promise, or least below it.
  double ratio = 0;
  std::string what;
  for (const auto& [name, words, now] : {std::tuple{"tpotMs", "TPOT", measured.tpot_ms},
                                         std::tuple{"ttftMs", "TTFT", measured.ttft_ms},
                                         std::tuple{"e2eMs", "end-to-end time", measured.e2e_ms}}) {
    const double promised = at(promise, name);
    if (is_missing(promised) || is_missing(now) || !(promised > 0)) continue;
    if (now / promised > ratio) {
      ratio = now / promised;
      what = fmt::format("{} is {} ms where {} ms was promised", words, fixed(now, 1),
                         fixed(promised, 1));
    }
  }
  if (what.empty()) return std::nullopt;
  const bool within = is_missing(promised_running) || measured.running <= 1.1 * promised_running;
  const bool late = ratio > kLate && within && measured.running >= 1;
  const bool room = ratio < kRoom && measured.running >= kNear * target;
  if (!late && !room) return std::nullopt;
  Proposal out;
  out.point = std::min(measured.running / ratio, kMostUp * measured.running);
  out.buffer = buffer_below(target, promised_running);
  out.target = std::max(1.0, std::floor(out.point * (1 - out.buffer) + 1e-9));
  if (late ? out.target >= target : out.target <= target) return std::nullopt;
  out.why = fmt::format(
      "{} at {} running requests per replica{}, measured over {} s on {} pod{} ({} {}): latency as "
      "promised at {} of them, less {} % for the time a new replica takes",
      what, fixed(measured.running, 1), room ? ", the most that the autoscaler allows" : "",
      fixed(measured.seconds, 0), measured.pods, measured.pods == 1 ? "" : "s", measured.server,
      measured.version, fixed(out.point, 1), fixed(100 * out.buffer, 0));
  return out;
}

Result<std::vector<SetStatus>> status(Session& session, const cluster::Kubectl& kubectl,
                                      const std::string& namespace_name,
                                      const StatusQuestion& question) {
  std::vector<cluster::Inventory> sets;
  if (question.name.empty()) {
    auto all = cluster::list_inventories(kubectl, namespace_name);
    if (!all) return fail(std::move(all).error());
    sets = std::move(*all);
  } else {
    auto one = find_set(kubectl, namespace_name, question.name);
    if (!one) return fail(std::move(one).error());
    sets.push_back(std::move(*one));
  }
  std::vector<SetStatus> out;
  if (sets.empty()) return out;
  const auto autoscalers =
      kubectl.get({"horizontalpodautoscalers.autoscaling", "--namespace=" + namespace_name});
  if (!autoscalers) return fail(autoscalers.error());
  for (const cluster::Inventory& set : sets) {
    auto one = status_of(session, kubectl, set, *autoscalers, question);
    if (!one) return fail(std::move(one).error());
    out.push_back(std::move(*one));
  }
  return out;
}

json::Object to_json(const SetStatus& status) {
  const auto texts = [](const std::vector<std::string>& lines) {
    json::Array out;
    for (const std::string& line : lines) out.emplace_back(line);
    return out;
  };
  json::Array workloads, scalers;
  for (const cluster::Workload& each : status.workloads) workloads.push_back(to_json(each));
  for (const ScalerStatus& each : status.scalers) {
    json::Array metrics, conditions;
    for (const ScalerStatus::Metric& metric : each.metrics) {
      metrics.push_back(json::Object{{"name", metric.name},
                                     {"series", metric.series},
                                     {"target", metric.target},
                                     {"current", metric.current}});
    }
    for (const cluster::Condition& one : each.conditions) {
      conditions.push_back(json::Object{{"type", one.type},
                                        {"status", one.status},
                                        {"reason", one.reason},
                                        {"message", one.message}});
    }
    scalers.push_back(json::Object{{"name", each.ref.name},
                                   {"target", each.target.shown()},
                                   {"minReplicas", each.min},
                                   {"maxReplicas", each.max},
                                   {"currentReplicas", each.current},
                                   {"desiredReplicas", each.desired},
                                   {"metrics", std::move(metrics)},
                                   {"conditions", std::move(conditions)}});
  }
  json::Object out{
      {"name", status.inventory.set},      {"namespace", status.inventory.namespace_name},
      {"workloads", std::move(workloads)}, {"missing", texts(status.missing)},
      {"autoscalers", std::move(scalers)}, {"promised", status.inventory.promise}};
  const MeasuredLoad& now = status.measured;
  if (now.pods > 0) {
    json::Object measured{{"pods", now.pods},
                          {"server", now.server},
                          {"version", now.version},
                          {"seconds", std::round(now.seconds * 10) / 10}};
    const auto put = [&measured](const char* name, double value) {
      if (!is_missing(value)) measured[name] = std::round(value * 1000) / 1000;
    };
    put("running", now.running);
    put("waiting", now.waiting);
    put("kvUse", now.kv_use);
    put("outputTokensPerSecond", now.output_tokens_per_second);
    put("ttftMs", now.ttft_ms);
    put("tpotMs", now.tpot_ms);
    put("e2eMs", now.e2e_ms);
    out["measured"] = std::move(measured);
  } else {
    out["measured"] = nullptr;
    out["notMeasured"] = now.why_none;
  }
  out["remarks"] = texts(status.remarks);
  out["queries"] = texts(status.queries);
  if (status.proposal) {
    out["proposal"] = json::Object{{"target", status.proposal->target},
                                   {"operatingPoint", std::round(status.proposal->point * 10) / 10},
                                   {"buffer", std::round(status.proposal->buffer * 1000) / 1000},
                                   {"why", status.proposal->why}};
  }
  return out;
}

}  // namespace kneepoint::app
