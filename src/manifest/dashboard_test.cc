#include "manifest/dashboard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>

#include "manifest/alerts.h"
#include "manifest/kustomize.h"
#include "manifest/testing/cases.h"

namespace kneepoint::manifest {
namespace {

using testing::Case;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using testing::made;
using ::testing::Not;

Case watched() {
  Case c = testing::llama_8b(Autoscaler::HpaStackdriver);
  const auto add = [&](const char* signal, const char* series, const char* type) {
    auto& metric = c.facts.metrics[signal];
    metric.series = series;
    metric.type = type;
    metric.scale = "1";
  };
  add("waiting", "vllm:num_requests_waiting", "gauge");
  add("running", "vllm:num_requests_running", "gauge");
  add("kv_cache_usage", "vllm:kv_cache_usage_perc", "gauge");
  add("ttft", "vllm:time_to_first_token_seconds", "histogram");
  add("e2e", "vllm:e2e_request_latency_seconds", "histogram");
  add("generation_tokens", "vllm:generation_tokens_total", "counter");
  add("finished", "vllm:request_success_total", "counter");
  c.request.delivery.targets = {{"ttft", 0.5, 300}, {"tpot", 0.9, 40}};
  return c;
}

std::vector<std::string> names(const std::vector<Alert>& alerts) {
  std::vector<std::string> out;
  for (const Alert& alert : alerts) out.push_back(alert.name);
  return out;
}

TEST(Dashboard, HasAPanelForWhatTheVersionTellsAndNamesTheRest) {
  const Case c = watched();
  const json::Object board = dashboard(c.request, c.facts, "chat-deployment");
  std::set<std::string> titles;
  std::set<std::int64_t> ids;
  for (const auto& panel : board.at("panels").as_array()) {
    titles.insert(std::string(panel.at("title").as_string()));
    EXPECT_TRUE(ids.insert(panel.at("id").as_int64()).second);
    for (const auto& target : panel.at("targets").as_array()) {
      EXPECT_THAT(std::string(target.at("expr").as_string()),
                  HasSubstr("namespace=\"default\",pod=~\"chat-deployment-.+\""));
    }
  }
  EXPECT_TRUE(titles.contains("Time to first token"));
  EXPECT_FALSE(titles.contains("Time per output token"));
  EXPECT_THAT(std::string(board.at("description").as_string()), HasSubstr("Time per output token"));
}

TEST(Dashboard, DrawsALineAtTheTarget) {
  const Case c = watched();
  const json::Object board = dashboard(c.request, c.facts, "w");
  for (const auto& panel : board.at("panels").as_array()) {
    if (panel.at("title").as_string() != "Time to first token") continue;
    const auto& steps = panel.at("fieldConfig").at("defaults").at("thresholds").at("steps");
    EXPECT_EQ(steps.at(1).at("value").as_double(), 0.3);
    return;
  }
  FAIL() << "no panel";
}

TEST(Dashboard, CountsAsTheServerDoes) {
  Case c = watched();
  c.facts.metrics["ttft"].scale = "0.001";  // milliseconds, as Triton tells
  c.facts.metrics["generation_tokens"].type = "histogram";
  c.facts.metrics["waiting"].labels = "request_type=waiting";
  const std::string text = json::to_line(dashboard(c.request, c.facts, "w"));
  EXPECT_THAT(text, HasSubstr("[5m]))) * 0.001"));
  EXPECT_THAT(text, HasSubstr("vllm:generation_tokens_total_sum{"));
  EXPECT_THAT(text, HasSubstr("request_type=\\\"waiting\\\","));
}

TEST(Alerts, WatchTheTargetsAndWhatGoesWrong) {
  const Case c = watched();
  const auto all = alerts(c.request, c.facts, "w", std::nullopt);
  EXPECT_THAT(names(all), ::testing::ElementsAre("TtftAboveTarget", "RequestsWait", "KvCacheFull",
                                                 "NothingFinishes", "NoReplicaAnswers"));
  EXPECT_EQ(all[0].expression,
            "histogram_quantile(0.5, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket{"
            "namespace=\"default\",pod=~\"w-.+\"}[5m]))) > 0.3");
}

TEST(Alerts, AreOfTheKindThatThePlatformScrapesWith) {
  Case c = watched();
  c.request.delivery.alerts = true;
  EXPECT_THAT(testing::kinds(made(c)), Contains("Rules"));
  c.request.delivery.platform = Platform::Eks;
  c.request.autoscaling.by = Autoscaler::PrometheusAdapter;
  EXPECT_THAT(testing::kinds(made(c)), Contains("PrometheusRule"));
  c.request.delivery.alerts = false;
  EXPECT_THAT(testing::kinds(made(c)), Each(Not("PrometheusRule")));
  std::set<std::string> paths;
  for (const File& file : kustomize(made(c))) paths.insert(file.path);
  EXPECT_TRUE(paths.contains("alerts.yaml"));
  EXPECT_TRUE(paths.contains("dashboard.json"));
}

TEST(Alerts, KnowTheAutoscalersMaximum) {
  Case c = watched();
  c.request.delivery.alerts = true;
  const auto manifest = made(c);
  EXPECT_THAT(to_yaml_text(manifest, Output::Manifest), HasSubstr("AsManyReplicasAsAllowed"));
}

}  // namespace
}  // namespace kneepoint::manifest
