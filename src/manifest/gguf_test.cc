#include "manifest/gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>

#include "base/file.h"
#include "manifest/testing/cases.h"

namespace kneepoint::manifest {
namespace {

using ::testing::AllOf;
using testing::Case;
using ::testing::Contains;
using ::testing::HasSubstr;
using testing::made;

Case gguf(const std::string& name, const std::string& file) {
  Case c = testing::llama_8b(Autoscaler::None);
  auto& server = c.facts.server;
  server = {};
  server.name = c.request.model_server = name;
  c.facts.flags.clear();
  c.facts.metrics.clear();
  server.status = "active";
  if (name == "ollama") {
    server.command = "ollama serve";
    server.port = 11434;
    server.health_path = server.readiness_path = "/";
    c.facts.version = "0.40.16";
    c.facts.image = "ollama/ollama:0.40.16";
  } else {
    server.command = "/app/llama-server";
    server.model_flag = "-m";
    server.port = server.metrics_port = 8080;
    server.health_path = server.readiness_path = "/health";
    server.metrics_path = "/metrics";
    server.metrics_enable = "--metrics";
    c.facts.version = "b6500";
    c.facts.image = "ghcr.io/ggml-org/llama.cpp:server-cuda-b6500";
    c.facts.metrics["running"].series = "llamacpp:requests_processing";
    c.facts.metrics["running"].scale = "1";
  }
  c.request.hosting.gguf = file;
  if (const auto described = describe_gguf(c.request, c.facts); !described)
    ADD_FAILURE() << described.error().message;
  return c;
}

YAML::Node container(const Manifest& manifest) {
  return YAML::LoadAll(to_yaml_text(manifest, Output::Manifest))
      .at(0)["spec"]["template"]["spec"]["containers"][0];
}

std::vector<std::string> words(const YAML::Node& list) {
  std::vector<std::string> out;
  for (const auto& one : list) out.push_back(one.as<std::string>());
  return out;
}

void expect_golden(const Manifest& manifest, const std::string& name) {
  const std::filesystem::path path = KP_SOURCE_DIR "/tests/golden/manifest/" + name;
  const std::string text = to_yaml_text(manifest, Output::All);
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(write_file(path, text));
  }
  EXPECT_EQ(text, read_file(path).value_or("no golden: run once with UPDATE_GOLDEN=1"));
}

TEST(Gguf, LlamaCppIsAsInTheGolden) {
  expect_golden(made(gguf("llama.cpp", "bartowski/Meta-Llama-3.1-8B-Instruct-GGUF:Q8_0")),
                "llama-3.1-8b-llama-cpp.yaml");
}

TEST(Gguf, OllamaIsAsInTheGolden) {
  expect_golden(made(gguf("ollama", "llama3.1:8b-instruct-q8_0")), "llama-3.1-8b-ollama.yaml");
}

TEST(Gguf, TheNameOfTheQuantizationGivesTheSize) {
  EXPECT_EQ(gguf_bits("Q8_0"), 8.51);
  EXPECT_EQ(gguf_bits("8b-instruct-q4_K_M"), 4.90);
  EXPECT_EQ(gguf_bits("UD-Q6_K"), 6.57);
  EXPECT_FALSE(gguf_bits("latest"));
  EXPECT_FALSE(gguf_bits(""));
  const auto big = gguf("llama.cpp", "a/b:F16");
  const auto small = gguf("llama.cpp", "a/b:Q4_K_M");
  EXPECT_EQ(big.facts.model.weight_bits, 16);
  EXPECT_EQ(small.facts.model.weight_bits, 4.90);
}

TEST(Gguf, OllamaIsReadyWhenTheModelIsLoadedAndNotBefore) {
  const auto server = container(made(gguf("ollama", "a/b:Q4_K_M")));
  EXPECT_EQ(words(server["startupProbe"]["exec"]["command"]),
            (std::vector<std::string>{"test", "-f", kLoadedFile}));
  EXPECT_FALSE(server["startupProbe"]["httpGet"]);
  EXPECT_THAT(server["command"][3].as<std::string>(),
              AllOf(HasSubstr("ollama pull \"$MODEL_ID\""), HasSubstr("touch /tmp/loaded")));
  EXPECT_EQ(server["env"][0]["value"].as<std::string>(), "hf.co/a/b:Q4_K_M");
}

TEST(Gguf, TheCacheIsDividedAmongTheRequestsAtOnce) {
  Case c = gguf("llama.cpp", "a/b");
  c.request.max_num_seqs = 16;
  c.request.max_model_len = 4096;
  EXPECT_THAT(words(container(made(c))["args"]),
              AllOf(Contains("65536"), Contains("16"), Contains("--metrics")));
  c.request.max_num_seqs = 64;
  c.request.max_model_len = 131072;
  const auto refused = create(c.request, c.facts);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("64 requests of 131072 tokens do not fit"));
  const auto ollama = container(made(gguf("ollama", "llama3.1")));
  std::map<std::string, std::string> env;
  for (const auto& one : ollama["env"])
    if (one["value"]) env[one["name"].as<std::string>()] = one["value"].as<std::string>();
  EXPECT_EQ(env["OLLAMA_NUM_PARALLEL"], "4");
  EXPECT_EQ(env["OLLAMA_CONTEXT_LENGTH"], "8192");
  EXPECT_EQ(env["OLLAMA_KEEP_ALIVE"], "-1");
}

TEST(Gguf, RefusesNamesThatAShellOrAnotherProgramWouldReadOtherwise) {
  for (const char* wrong :
       {"", "a b", "a/b:c d", "$(id)", "-x", "a/b/c", "a/b:$(rm -rf /)", "a\nb", "'x'", "a/b:"}) {
    EXPECT_FALSE(gguf_reference(wrong, true)) << wrong;
    EXPECT_FALSE(gguf_reference(wrong, false)) << wrong;
  }
  EXPECT_TRUE(gguf_reference("gemma3:27b", true));
  EXPECT_FALSE(gguf_reference("gemma3:27b", false));
  EXPECT_TRUE(gguf_reference("owner/name:Q4_K_M", false));
}

TEST(Gguf, AsksForTheFilesWhenNoneAreNamed) {
  Case c = testing::llama_8b(Autoscaler::None);
  c.facts.server.name = "ollama";
  const auto asked = describe_gguf(c.request, c.facts);
  ASSERT_FALSE(asked);
  EXPECT_THAT(asked.error().message, HasSubstr("--gguf=NAME[:TAG] of Ollama's library"));
}

}  // namespace
}  // namespace kneepoint::manifest
