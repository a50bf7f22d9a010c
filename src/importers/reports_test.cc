// Reports that the real tools wrote of runs against the emulator (tests/data/reports), held to what
// the emulator served in the same run. A tool reads its own clock on a machine that did other
// things too, so times agree within a tolerance; counts of requests and tokens agree exactly.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "importers/join.h"

namespace kneepoint::importers {
namespace {

using metrics::Metric;
using metrics::Statistic;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::string kFolder = KP_SOURCE_DIR "/tests/data/reports/";

Document document(const std::string& name) {
  const auto text = read_file(kFolder + name);
  EXPECT_TRUE(text) << name;
  auto parsed = parse_document(name, text.value_or(""));
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message);
  return parsed.value_or(Document{});
}

std::vector<Measured> read(const std::string& name) {
  auto points = read_report(document(name));
  EXPECT_TRUE(points) << (points ? "" : points.error().message);
  return points.value_or(std::vector<Measured>{});
}

class Truth {
 public:
  explicit Truth(const std::string& name) : document_(document(name)) {}

  double count(std::string_view key) const {
    return document_.values[0].at(key).to_number<double>();
  }
  double time(std::string_view metric, std::string_view statistic) const {
    return document_.values[0].at(metric).at(statistic).to_number<double>();
  }

 private:
  Document document_;
};

void expect_counts(const Measured& m, const Truth& truth) {
  const double requests = truth.count("requests");
  EXPECT_EQ(m.point.request_count, requests);
  EXPECT_EQ(m.point.input_tokens_mean, truth.count("input_tokens") / requests);
  EXPECT_EQ(m.point.output_tokens_mean, truth.count("output_tokens") / requests);
  EXPECT_EQ(m.load_kind, curve::LoadKind::Concurrency);
  EXPECT_EQ(m.point.at.load, truth.count("concurrency"));
  // Little's law, loosely: clients pause between two requests, and the end of a run drains.
  const double throughput = truth.count("concurrency") / (truth.time("e2e_ms", "mean") / 1000);
  EXPECT_LT(m.point.at.requests_per_second, 1.02 * throughput);
  EXPECT_GT(m.point.at.requests_per_second, 0.6 * throughput);
  EXPECT_NEAR(m.point.at.output_tokens_per_second,
              m.point.at.requests_per_second * *m.point.output_tokens_mean,
              0.05 * m.point.at.output_tokens_per_second);
}

/// Within `share` of the truth, or `late` milliseconds above it: no tool sees a token before it was
/// sent.
void expect_time(const Measured& m, Metric metric, Statistic statistic, const Truth& truth,
                 double share, double late) {
  const std::string key = std::string(metrics::name(metric)) + "_ms";
  const double served = truth.time(key, metrics::name(statistic));
  const double read = m.point.at.latency.get(metric, statistic);
  SCOPED_TRACE(key + " " + std::string(metrics::name(statistic)));
  EXPECT_GE(read, served * (1 - share));
  EXPECT_LE(read, served * (1 + share) + late);
}

void expect_times(const Measured& m, const Truth& truth, double late) {
  for (const Statistic statistic : {Statistic::Mean, Statistic::P50}) {
    expect_time(m, Metric::Ttft, statistic, truth, 0.05, late);
    expect_time(m, Metric::Tpot, statistic, truth, 0.05, 0.5);
    expect_time(m, Metric::E2e, statistic, truth, 0.05, late);
  }
  expect_time(m, Metric::Ttft, Statistic::P99, truth, 0.15, 2 * late);
}

bool has_flag(const Measured& m, std::string_view flag) {
  return m.point.flags.find(flag) != std::string::npos;
}

Given given() {
  Given out;
  out.model_server = "vllm";
  out.model_server_version = "0.32.0";
  out.accelerator = "nvidia-l4";
  return out;
}

TEST(VllmBench, IsReadAsItWasServed) {
  for (const std::string load : {"c2", "c4"}) {
    const auto points = read("vllm-bench/" + load + ".json");
    ASSERT_THAT(points, SizeIs(1));
    const Truth truth("vllm-bench/" + load + ".truth.json");
    EXPECT_EQ(points[0].tool, "vllm bench serve");
    EXPECT_EQ(points[0].setup.model, "tiny-llama");
    expect_counts(points[0], truth);
    expect_times(points[0], truth, 10);
    expect_time(points[0], Metric::Itl, Statistic::P50, truth, 0.05, 0.5);
    expect_time(points[0], Metric::Itl, Statistic::P99, truth, 0.15, 2);
    EXPECT_TRUE(has_flag(points[0], "clock_starts_at_send"));
  }
}

TEST(VllmBench, ResultsAppendedToOneFileAreOneCurve) {
  const auto two = read_file(kFolder + "vllm-bench/c2.json");
  const auto four = read_file(kFolder + "vllm-bench/c4.json");
  const auto line = [](std::string text) {
    std::erase(text, '\n');
    return text;
  };
  const auto appended = parse_document("all.json", line(*two) + "\n" + line(*four));
  ASSERT_TRUE(appended);
  auto joined = join(*read_report(*appended), given());
  ASSERT_TRUE(joined) << joined.error().message;
  ASSERT_THAT(joined->profiles, SizeIs(1));
  const profile::Profile& p = joined->profiles[0];
  ASSERT_THAT(p.points, SizeIs(2));
  EXPECT_EQ(p.points[0].at.load, 2);
  EXPECT_EQ(p.points[1].at.load, 4);
  EXPECT_EQ(p.evidence.kind, profile::EvidenceKind::Measured);
  EXPECT_EQ(p.evidence.source, "vllm bench serve (all.json)");

  // As two files, in any order, it is the same profile.
  auto apart = read("vllm-bench/c4.json");
  const auto other = read("vllm-bench/c2.json");
  apart.insert(apart.end(), other.begin(), other.end());
  const auto again = join(apart, given());
  ASSERT_TRUE(again);
  ASSERT_THAT(again->profiles, SizeIs(1));
  EXPECT_EQ(again->profiles[0].id, p.id);
}

TEST(SglangBench, IsReadAsItWasServed) {
  const auto points = read("sglang-bench/c4.jsonl");
  ASSERT_THAT(points, SizeIs(1));
  const Truth truth("sglang-bench/c4.truth.json");
  expect_counts(points[0], truth);
  expect_times(points[0], truth, 10);
  expect_time(points[0], Metric::Itl, Statistic::P50, truth, 0.05, 0.5);
  expect_time(points[0], Metric::Itl, Statistic::P99, truth, 0.15, 2);
  EXPECT_EQ(points[0].workload.name, "random:64/32");
}

TEST(Guidellm, HasNoItlBecauseItPublishesMeansOfRequests) {
  for (const std::string load : {"c2", "c4"}) {
    const auto points = read("guidellm/" + load + ".json");
    ASSERT_THAT(points, SizeIs(1));
    const Truth truth("guidellm/" + load + ".truth.json");
    expect_counts(points[0], truth);
    expect_times(points[0], truth, 10);
    // The true gaps reach far beyond what it calls the 99th percentile of inter-token latency.
    EXPECT_LT(points[0].point.at.latency.get(Metric::Tpot, Statistic::P99),
              0.7 * truth.time("itl_ms", "p99"));
    EXPECT_FALSE(points[0].point.at.latency.has(Metric::Itl, Statistic::P99));
    EXPECT_TRUE(has_flag(points[0], "itl_percentiles_are_tpot"));
    // What it calls time per output token is end-to-end time over tokens.
    EXPECT_NEAR(points[0].point.at.latency.get(Metric::Ntpot, Statistic::Mean),
                truth.time("e2e_ms", "mean") / 32, 0.5);
    EXPECT_EQ(points[0].tool_version, "0.8.1");
  }
}

TEST(InferencePerf, TakesModelAndLengthsFromTheConfigBesideTheReport) {
  auto points = read("inference-perf/stage_0_lifecycle_metrics.json");
  ASSERT_THAT(points, SizeIs(1));
  const Truth truth("inference-perf/truth.json");
  expect_counts(points[0], truth);
  expect_times(points[0], truth, 10);
  expect_time(points[0], Metric::Itl, Statistic::P50, truth, 0.05, 0.5);
  expect_time(points[0], Metric::Itl, Statistic::P99, truth, 0.15, 2);
  EXPECT_EQ(points[0].setup.model, "");
  const auto config = read("inference-perf/config.yaml");
  points.insert(points.end(), config.begin(), config.end());
  const auto joined = join(points, given());
  ASSERT_TRUE(joined) << joined.error().message;
  ASSERT_THAT(joined->profiles, SizeIs(1));
  EXPECT_EQ(joined->profiles[0].setup.model, "tiny-llama");
  EXPECT_EQ(joined->profiles[0].workload.name, "random:64/32");
}

TEST(Aiperf, HasItlFromTheGapsBetweenChunks) {
  const auto points = read("aiperf/profile_export_aiperf.json");
  ASSERT_THAT(points, SizeIs(1));
  const Truth truth("aiperf/truth.json");
  EXPECT_EQ(points[0].tool_version, "0.13.0");
  expect_counts(points[0], truth);
  expect_times(points[0], truth, 15);
  expect_time(points[0], Metric::Itl, Statistic::P50, truth, 0.05, 0.5);
  expect_time(points[0], Metric::Itl, Statistic::P99, truth, 0.15, 2);
}

TEST(Aiperf, SummaryAndRecordsOfOneRunAgreeAndCountOnce) {
  auto summary = read("aiperf/profile_export_aiperf.json");
  const auto records = read("aiperf/profile_export.jsonl");
  ASSERT_THAT(records, SizeIs(1));
  for (const Metric metric : {Metric::Ttft, Metric::Tpot, Metric::Itl, Metric::E2e}) {
    EXPECT_NEAR(records[0].point.at.latency.get(metric, Statistic::Mean),
                summary[0].point.at.latency.get(metric, Statistic::Mean), 0.001);
  }
  EXPECT_EQ(records[0].point.request_count, summary[0].point.request_count);
  summary.insert(summary.end(), records.begin(), records.end());
  const auto joined = join(summary, given());
  ASSERT_TRUE(joined);
  ASSERT_THAT(joined->profiles, SizeIs(1));
  EXPECT_THAT(joined->profiles[0].points, SizeIs(1));
  EXPECT_THAT(joined->notes, ElementsAre(HasSubstr("profile_export.jsonl: left out")));
}

// Schema only: genai-perf's own code wrote it, over made-up times (tests/peers/stand-ins).
TEST(GenaiPerf, HasNoItlBecauseItPublishesMeansOfRequests) {
  const auto points = read("genai-perf/schema-only.json");
  ASSERT_THAT(points, SizeIs(1));
  const Measured& m = points[0];
  EXPECT_EQ(m.tool, "genai-perf");
  EXPECT_EQ(m.setup.model, "tiny-llama");
  EXPECT_EQ(m.point.at.load, 4);
  EXPECT_EQ(m.point.request_count, 40);
  EXPECT_EQ(m.point.output_tokens_mean, 32);
  EXPECT_EQ(m.point.at.latency.get(Metric::Ttft, Statistic::P99), 60);
  EXPECT_EQ(m.point.at.latency.get(Metric::Tpot, Statistic::Mean), 12);
  EXPECT_EQ(m.point.at.latency.get(Metric::E2e, Statistic::Mean), 432);
  EXPECT_FALSE(m.point.at.latency.has(Metric::Itl, Statistic::Mean));
  EXPECT_TRUE(has_flag(m, "itl_percentiles_are_tpot"));
}

TEST(LlmdReport, OfEveryVersionSaysWhatTheReportItWasMadeFromSays) {
  const auto source = read("vllm-bench/c4.json");
  for (const std::string version : {"0.1", "0.2", "0.2.1"}) {
    SCOPED_TRACE(version);
    const auto points = read("llmd/vllm-" + version + ".yaml");
    ASSERT_THAT(points, SizeIs(1));
    for (const Metric metric : {Metric::Ttft, Metric::Tpot, Metric::Itl, Metric::E2e}) {
      for (const Statistic statistic : metrics::kStatistics) {
        EXPECT_DOUBLE_EQ(points[0].point.at.latency.get(metric, statistic),
                         source[0].point.at.latency.get(metric, statistic));
      }
    }
    EXPECT_EQ(points[0].point.at.load, 4);
    expect_counts(points[0], Truth("llmd/truth.json"));
    EXPECT_TRUE(has_flag(points[0], "converted_from_another_tool"));
  }
}

TEST(Reports, NamesTheFlagsForWhatAReportDoesNotSay) {
  const auto joined = join(read("sglang-bench/c4.jsonl"), {});
  ASSERT_FALSE(joined);
  EXPECT_EQ(joined.error().code, ErrorCode::InvalidArgument);
  for (const char* flag :
       {"--model=", "--model-server=", "--model-server-version=", "--accelerator="})
    EXPECT_THAT(joined.error().message, HasSubstr(flag));
}

TEST(Reports, NamesFileMemberAndWhatWasExpected) {
  const auto message = [](std::string_view text) {
    const auto points = read_report(*parse_document("bad.json", text));
    return points ? std::string() : points.error().message;
  };
  const std::string head = R"({"backend":"vllm","request_throughput":1,"total_input_tokens":1,)";
  EXPECT_THAT(message(head + R"("model_id":7})"),
              HasSubstr("bad.json: model_id: must be a text, and is a number"));
  EXPECT_THAT(message(head + R"("model_id":"m","completed":-1})"),
              HasSubstr("bad.json: completed: must be at least 0"));
  EXPECT_THAT(message(head + R"("model_id":"m"})"),
              HasSubstr("bad.json: completed: is missing; expected a number"));
  EXPECT_THAT(message(R"({"a":1})"), HasSubstr("is no report of a tool known here"));
}

TEST(Reports, ExplainsEveryFlagItSets) {
  for (const std::string name : {"vllm-bench/c4.json", "guidellm/c4.json", "llmd/vllm-0.2.yaml",
                                 "aiperf/profile_export.jsonl", "sglang-bench/c4.jsonl"}) {
    profile::Profile p;
    p.points.push_back(read(name)[0].point);
    for (const std::string& flag : profile::flags_of(p)) EXPECT_NE(sentence_of(flag), "") << flag;
  }
}

}  // namespace
}  // namespace kneepoint::importers
