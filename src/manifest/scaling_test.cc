#include "manifest/scaling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <functional>

#include "autoscale/spec_json.h"
#include "base/file.h"
#include "base/text.h"
#include "manifest/manifest.h"
#include "manifest/testing/cases.h"
#include "manifest/text.h"

namespace kneepoint::manifest {
namespace {

using ::testing::AllOf;
using testing::Case;
using ::testing::Contains;
using ::testing::HasSubstr;
using testing::kinds;
using testing::llama_8b;
using testing::made;
using ::testing::Not;

const json::Object& spec_of_last(const Manifest& manifest) {
  return manifest.objects.back().doc.at("spec").as_object();
}

std::string refusal(const Case& c) {
  const auto manifest = create(c.request, c.facts);
  EXPECT_FALSE(manifest);
  return manifest ? std::string() : manifest.error().message;
}

constexpr const char* kManagedPrometheus =
    "https://monitoring.googleapis.com/v1/projects/PROJECT/location/global/prometheus";

/// What must hold of every set with an autoscaler.
void expect_lawful(const Manifest& manifest) {
  const json::Object& deployment = manifest.objects.front().doc;
  const json::Object& scaler = manifest.objects.back().doc;
  const auto& spec = scaler.at("spec").as_object();
  const auto& target = spec.at("scaleTargetRef").as_object();
  EXPECT_EQ(target.at("kind"), deployment.at("kind"));
  EXPECT_EQ(target.at("apiVersion"), deployment.at("apiVersion"));
  EXPECT_EQ(target.at("name"), deployment.at("metadata").as_object().at("name"));
  const bool keda = scaler.at("kind") == "ScaledObject";
  const auto replicas = deployment.at("spec").as_object().at("replicas").as_int64();
  EXPECT_GE(replicas, spec.at(keda ? "minReplicaCount" : "minReplicas").as_int64());
  EXPECT_LE(replicas, spec.at(keda ? "maxReplicaCount" : "maxReplicas").as_int64());
  // The controller's model reads what we emit: the fields are where the API has them.
  json::Object hpa = spec;
  if (keda) {
    const auto& trigger = spec.at("triggers").as_array().at(0).as_object();
    const auto& metadata = trigger.at("metadata").as_object();
    for (const auto& member : metadata) EXPECT_TRUE(member.value().is_string()) << member.key();
    hpa = {
        {"minReplicas", spec.at("minReplicaCount")},
        {"maxReplicas", spec.at("maxReplicaCount")},
        {"behavior", spec.at("advanced")
                         .as_object()
                         .at("horizontalPodAutoscalerConfig")
                         .as_object()
                         .at("behavior")},
        {"metrics",
         json::Array{json::Object{
             {"type", "External"},
             {"external", json::Object{{"target", json::Object{{"type", "AverageValue"},
                                                               {"averageValue",
                                                                metadata.at("threshold")}}}}}}}}};
  } else {
    const auto& metric = spec.at("metrics").as_array().at(0).as_object().at("pods").as_object();
    const auto& name = metric.at("metric").as_object().at("name").as_string();
    EXPECT_EQ(std::string_view(name).find('/'), std::string_view::npos);
  }
  const auto read = autoscale::spec_of(hpa);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(read->behavior);
  // Something scrapes the pods that the selector of the Deployment names.
  bool scraped = false;
  for (const auto& object : manifest.objects) {
    if (object.kind != "PodMonitoring" && object.kind != "PodMonitor") continue;
    scraped = true;
    EXPECT_EQ(object.doc.at("spec").as_object().at("selector"),
              deployment.at("spec").as_object().at("selector"));
  }
  EXPECT_TRUE(scraped);
}

void expect_golden(const Manifest& manifest, const std::string& name) {
  const std::filesystem::path path = KP_SOURCE_DIR "/tests/golden/manifest/" + name;
  const std::string text = to_yaml_text(manifest, Output::All);
  expect_lawful(manifest);
  EXPECT_EQ(YAML::LoadAll(text).size(), manifest.objects.size());
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(write_file(path, text));
  }
  EXPECT_EQ(text, read_file(path).value_or("no golden: run once with UPDATE_GOLDEN=1"));
}

TEST(Scaling, OnGkeIsAsInTheGolden) {
  const auto manifest = made(llama_8b(Autoscaler::HpaStackdriver));
  EXPECT_EQ(kinds(manifest), (std::vector<std::string>{"Deployment", "Service", "PodMonitoring",
                                                       "HorizontalPodAutoscaler"}));
  expect_golden(manifest, "llama-3.1-8b-hpa-stackdriver.yaml");
}

TEST(Scaling, WithKedaIsAsInTheGolden) {
  Case c = llama_8b(Autoscaler::Keda);
  c.request.autoscaling.target.clear();
  const auto manifest = made(c);
  EXPECT_EQ(kinds(manifest),
            (std::vector<std::string>{"Deployment", "Service", "PodMonitor", "ScaledObject"}));
  expect_golden(manifest, "llama-3.1-8b-keda.yaml");
}

TEST(Scaling, WithPrometheusAdapterIsAsInTheGolden) {
  Case c = llama_8b(Autoscaler::PrometheusAdapter);
  c.request.autoscaling.signal = SignalWanted::KvCache;
  const auto manifest = made(c);
  EXPECT_EQ(kinds(manifest), (std::vector<std::string>{"Deployment", "Service", "PodMonitor",
                                                       "HorizontalPodAutoscaler"}));
  expect_golden(manifest, "llama-3.1-8b-prometheus-adapter.yaml");
}

TEST(Scaling, KedaOnManagedPrometheusSignsIn) {
  Case c = llama_8b(Autoscaler::Keda);
  c.request.autoscaling.prometheus_url = kManagedPrometheus;
  const auto manifest = made(c);
  EXPECT_EQ(kinds(manifest), (std::vector<std::string>{"Deployment", "Service", "PodMonitoring",
                                                       "TriggerAuthentication", "ScaledObject"}));
  expect_lawful(manifest);
  EXPECT_EQ(spec_of_last(manifest)
                .at("triggers")
                .as_array()
                .at(0)
                .as_object()
                .at("authenticationRef")
                .as_object()
                .at("name"),
            manifest.objects.at(3).doc.at("metadata").as_object().at("name"));
  EXPECT_THAT(manifest.comments, Contains(HasSubstr("/subject/ns/keda/sa/keda-operator")));
}

TEST(Scaling, RunningRequestsAreThoseOfTheOperatingPointLessABuffer) {
  const Case c = llama_8b(Autoscaler::HpaStackdriver);
  const auto numbers = plan(c.request, c.facts).value();
  const auto found = scaling(c.request, c.facts, numbers).value();
  ASSERT_TRUE(found.plan);
  EXPECT_EQ(found.plan->signal, autoscale::Signal::Running);
  EXPECT_GE(found.plan->target_milli, 25'000);  // 20 % at most
  EXPECT_LE(found.plan->target_milli, 28'000);  // 10 % at least, whole requests
  ASSERT_TRUE(found.plan->doubling);
  EXPECT_LE(found.plan->doubling->peak, 5);  // of four needed: a quarter more at most
  EXPECT_THAT(made(c).comments,
              AllOf(Contains(HasSubstr(", which holds TTFT p50 <= 300 ms")),
                    Contains(AllOf(HasSubstr("a load that doubles has its 4 replicas after "),
                                   HasSubstr("never more than 5 replicas")))));
}

// The memory model's room is a bound from below: where fewer requests fit by it than ran when the
// curve was measured, replicas were forecast to be there before the load had doubled.
TEST(Scaling, NoReplicaIsForecastBeforeTheLoadDoubles) {
  int told = 0;
  for (const auto signal : {SignalWanted::Running, SignalWanted::Queue, SignalWanted::KvCache}) {
    for (const double tokens : {0.0, 1536.0, 30'000.0, 90'000.0}) {
      for (const auto kv_use : {std::optional<double>(), std::optional(0.4), std::optional(0.95)}) {
        for (const auto slots : {std::optional<int>(), std::optional(8), std::optional(512)}) {
          Case c = llama_8b(Autoscaler::HpaStackdriver);
          c.request.replicas = 1;
          c.request.max_num_seqs = slots;
          c.request.autoscaling.signal = signal;
          c.request.autoscaling.point->tokens_per_request = tokens;
          c.request.autoscaling.point->kv_use = kv_use;
          const auto found = scaling(c.request, c.facts, plan(c.request, c.facts).value()).value();
          SCOPED_TRACE(::testing::Message() << static_cast<int>(signal) << " " << tokens << " "
                                            << kv_use.value_or(0) << " " << slots.value_or(0));
          ASSERT_TRUE(found.plan);
          EXPECT_EQ(found.plan->doubling.has_value(),
                    signal != SignalWanted::KvCache || tokens > 0 || kv_use);
          if (!found.plan->doubling) continue;
          EXPECT_EQ(found.plan->doubling->before, 1);
          if (!found.plan->doubling->enough) continue;
          EXPECT_GE(*found.plan->doubling->enough, found.plan->startup);
          ++told;
        }
      }
    }
  }
  EXPECT_GT(told, 60);
}

TEST(Scaling, WithoutALatencyTargetTheQueueIsFollowed) {
  Case c = llama_8b(Autoscaler::HpaStackdriver);
  c.request.autoscaling.target.clear();
  const auto manifest = made(c);
  EXPECT_THAT(json::to_line(spec_of_last(manifest)),
              HasSubstr("prometheus.googleapis.com|vllm:num_requests_waiting|gauge"));
  EXPECT_THAT(manifest.comments, Contains(HasSubstr("tuned for throughput and cost")));
}

TEST(Scaling, ATargetAboveAllThatWasMeasuredIsTunedForThroughput) {
  Case c = llama_8b(Autoscaler::HpaStackdriver);
  c.request.autoscaling.any_latency = true;
  EXPECT_THAT(made(c).comments, Contains(AllOf(HasSubstr("Signal: waiting requests"),
                                               HasSubstr("above all latencies"))));
}

TEST(Scaling, ATargetOutOfReachHasNoAutoscalerAndTheReason) {
  Case c = llama_8b(Autoscaler::None);
  c.request.autoscaling.why_none = "no profile here meets TTFT p50 <= 1 ms";
  const auto manifest = made(c);
  EXPECT_EQ(kinds(manifest), (std::vector<std::string>{"Deployment", "Service", "PodMonitoring"}));
  EXPECT_THAT(manifest.comments, Contains("No autoscaler: no profile here meets TTFT p50 <= 1 ms"));
}

TEST(Scaling, TheMetricIsThatOfTheServersVersion) {
  for (const auto& [version, series] :
       {std::pair{"0.9.1", "vllm:gpu_cache_usage_perc"}, {"0.19.0", "vllm:kv_cache_usage_perc"}}) {
    Case c = llama_8b(Autoscaler::HpaStackdriver, version);
    c.request.autoscaling.signal = SignalWanted::KvCache;
    EXPECT_THAT(json::to_line(spec_of_last(made(c))), HasSubstr(series));
  }
}

TEST(Scaling, ASignalTheServerDoesNotHaveIsRefusedOrLeftOut) {
  Case c = llama_8b(Autoscaler::HpaStackdriver);
  c.facts.metrics.erase("kv_cache_usage");
  c.request.autoscaling.signal = SignalWanted::KvCache;
  EXPECT_THAT(refusal(c), HasSubstr("has no metric of KV cache use"));
  c.request.autoscaling.implied = true;
  EXPECT_THAT(made(c).comments, Contains(HasSubstr("No autoscaler: vllm 0.19.0 has no metric")));
  c = llama_8b(Autoscaler::HpaStackdriver);
  c.facts.metrics["running"].scale.clear();  // a share of slots, as JetStream has it
  EXPECT_THAT(made(c).comments, Contains(HasSubstr("Signal: waiting requests")));
  c = llama_8b(Autoscaler::HpaStackdriver);
  c.request.autoscaling.point.reset();
  EXPECT_THAT(made(c).comments, Contains(HasSubstr("no curve of this setup")));
  c.request.autoscaling.signal = SignalWanted::Running;
  EXPECT_THAT(refusal(c), HasSubstr("bench sweep"));
}

TEST(Scaling, LabelsChooseAmongRowsOfOneName) {
  Case c = llama_8b(Autoscaler::HpaStackdriver);
  auto& metric = c.facts.metrics["running"];
  metric.series = "nv_trt_llm_request_metrics";
  metric.labels = "model_name;request_type=scheduled";
  EXPECT_THAT(json::to_line(spec_of_last(made(c))),
              HasSubstr(R"("matchLabels":{"metric.labels.request_type":"scheduled"})"));
  c.request.autoscaling.by = Autoscaler::Keda;
  EXPECT_THAT(json::to_line(spec_of_last(made(c))),
              HasSubstr(R"(nv_trt_llm_request_metrics{request_type=\"scheduled\",namespace=)"));
  c.request.autoscaling.by = Autoscaler::PrometheusAdapter;
  EXPECT_THAT(json::to_line(spec_of_last(made(c))),
              HasSubstr("nv_trt_llm_request_metrics_scheduled"));
}

TEST(Scaling, ReplicasAreHeldToTheRange) {
  Case c = llama_8b(Autoscaler::HpaStackdriver);
  c.request.replicas = 7;
  EXPECT_EQ(spec_of_last(made(c)).at("maxReplicas").as_int64(), 14);
  c.request.autoscaling.max_replicas = 4;
  const auto capped = made(c);
  EXPECT_EQ(capped.objects[0].doc.at("spec").as_object().at("replicas").as_int64(), 4);
  EXPECT_THAT(capped.comments,
              AllOf(Contains(HasSubstr("WARNING: the load expected needs 7 replicas")),
                    Contains(HasSubstr("needs 8 replicas, more than the 4 allowed"))));
  c.request.autoscaling.min_replicas = 5;
  EXPECT_THAT(refusal(c), HasSubstr("must not be smaller"));
  c.request.autoscaling.min_replicas = 0;
  EXPECT_THAT(refusal(c), HasSubstr("from 1"));
}

TEST(Scaling, AnAddressIsAnAddress) {
  for (const char* address :
       {"prometheus:9090", "ftp://x", "http://", "http://a b", "http://x/$(id)", "http://x\n"}) {
    Case c = llama_8b(Autoscaler::Keda);
    c.request.autoscaling.prometheus_url = address;
    EXPECT_THAT(refusal(c), HasSubstr("Prometheus address")) << address;
  }
  Case c = llama_8b(Autoscaler::PrometheusAdapter);
  c.request.autoscaling.prometheus_url = kManagedPrometheus;
  EXPECT_THAT(refusal(c), HasSubstr("cannot sign in"));
}

/// Words of a comment's commands that a shell would run: none but the commands themselves.
bool quoted(const std::string& line, const std::string& value) {
  return line.find(value) == std::string::npos || line.find(shell_word(value)) != std::string::npos;
}

TEST(ScalingLaw, AHostileStringNeverChangesTheStructure) {
  const std::vector<std::string> hostile{"\n---\nkind: Secret\n",
                                         "x\n  injected: true",
                                         "\"quoted\" 'twice'",
                                         "a: b # c",
                                         "$(rm -rf /)",
                                         "`id`; rm",
                                         "'; kubectl delete ns x; '",
                                         "x\"} or vector(1) #",
                                         "\xE2\x80\xA8kind: Secret\r\n",
                                         std::string("nul\0byte", 8),
                                         "\xFF\xFE",
                                         "null",
                                         std::string(10'240, 'x')};
  using Change = std::function<void(Case&, const std::string&)>;
  const std::vector<std::pair<const char*, Change>> fields{
      {"target", [](Case& c, const std::string& s) { c.request.autoscaling.target = s; }},
      {"why none", [](Case& c, const std::string& s) { c.request.autoscaling.why_none = s; }},
      {"address",
       [](Case& c, const std::string& s) { c.request.autoscaling.prometheus_url = "http://" + s; }},
      {"from",
       [](Case& c, const std::string& s) { c.request.autoscaling.point->running_from = s; }},
      {"namespace", [](Case& c, const std::string& s) { c.request.namespace_name = s; }},
      {"model", [](Case& c, const std::string& s) { c.request.model = s; }},
      {"series", [](Case& c, const std::string& s) { c.facts.metrics["running"].series = s; }},
      {"label",
       [](Case& c, const std::string& s) { c.facts.metrics["running"].labels = "a=" + s; }},
      {"label name",
       [](Case& c, const std::string& s) { c.facts.metrics["running"].labels = s + "=a"; }},
      {"note", [](Case& c, const std::string& s) { c.facts.metrics["running"].from.note = s; }},
      {"version", [](Case& c, const std::string& s) { c.facts.version = s; }}};
  int emitted = 0;
  for (const auto by :
       {Autoscaler::HpaStackdriver, Autoscaler::Keda, Autoscaler::PrometheusAdapter}) {
    const auto wanted = kinds(made(llama_8b(by)));
    for (const auto& [field, change] : fields) {
      for (const auto& value : hostile) {
        Case c = llama_8b(by);
        change(c, value);
        const auto manifest = create(c.request, c.facts);
        if (!manifest) {
          EXPECT_LT(manifest.error().message.size(), 12'000U) << field;
          continue;
        }
        ++emitted;
        EXPECT_EQ(kinds(*manifest), wanted) << field;
        expect_lawful(*manifest);
        const std::string text = to_yaml_text(*manifest, Output::All);
        const auto documents = YAML::LoadAll(text);
        ASSERT_EQ(documents.size(), wanted.size()) << field;
        for (std::size_t i = 0; i < wanted.size(); ++i)
          EXPECT_EQ(documents[i]["kind"].as<std::string>(), wanted[i]);
        const std::string comments = to_yaml_text(*manifest, Output::Comments);
        for (const auto line : split(comments, '\n'))
          EXPECT_TRUE(line.empty() || line.starts_with("#")) << field << ": " << line;
        for (const auto& line : manifest->comments) {
          EXPECT_TRUE(!line.starts_with("  ") || quoted(line, value)) << field << ": " << line;
        }
      }
    }
  }
  EXPECT_GT(emitted, 150);
}

}  // namespace
}  // namespace kneepoint::manifest
