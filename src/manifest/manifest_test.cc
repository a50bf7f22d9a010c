#include "manifest/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <functional>
#include <set>

#include "base/file.h"
#include "base/text.h"
#include "manifest/testing/cases.h"
#include "manifest/text.h"

namespace kneepoint::manifest {
namespace {

using ::testing::AllOf;
using testing::Case;
using ::testing::Contains;
using testing::gpt_oss_20b;
using ::testing::HasSubstr;
using testing::llama_70b;
using ::testing::Not;
using testing::vllm;

Request gpt_oss_request() {
  Request request;
  request.model = "openai/gpt-oss-20b";
  request.accelerator = "nvidia-h100-80gb";
  request.generated_on = *parse_date("2026-10-20");
  return request;
}

Case llama_on_four() {
  Case c{gpt_oss_request(), vllm("0.7.2")};
  c.request.model = "meta-llama/Llama-3.3-70B-Instruct";
  c.request.accelerators_per_replica = 4;
  c.request.namespace_name = "prod";
  c.request.machine_type = "a3-highgpu-4g";
  c.request.reasons = {"Meets TTFT p50 <= 500 ms up to 12 requests/s (published, 2026-05-01)"};
  c.facts.model = llama_70b();
  c.facts.machine = testing::machine("a3-highgpu-4g", 4, 104, 936);
  return c;
}

std::vector<YAML::Node> parsed(const Manifest& manifest, Output what = Output::All) {
  return YAML::LoadAll(to_yaml_text(manifest, what));
}

/// Names of keys and kinds of nodes, without any value: what a hostile value must not change.
std::string skeleton(const YAML::Node& node) {
  std::string out;
  if (node.IsMap()) {
    out = "{";
    for (const auto& member : node)
      out += member.first.as<std::string>() + ":" + skeleton(member.second) + ",";
    return out + "}";
  }
  if (node.IsSequence()) {
    // A list of words, the arguments, may differ in length: another value, another option.
    if (node.size() > 0 && node[0].IsScalar()) {
      for (const auto& item : node) EXPECT_TRUE(item.IsScalar());
      return "[words]";
    }
    out = "[";
    for (const auto& item : node) out += skeleton(item) + ",";
    return out + "]";
  }
  return node.IsNull() ? "null" : "scalar";
}

std::vector<std::string> texts(const YAML::Node& sequence) {
  std::vector<std::string> out;
  for (const auto& item : sequence) out.push_back(item.as<std::string>());
  return out;
}

YAML::Node container(const Manifest& manifest) {
  return parsed(manifest).at(0)["spec"]["template"]["spec"]["containers"][0];
}

/// What must hold of every manifest, whatever is in it.
void expect_lawful(const std::string& text) {
  const auto documents = YAML::LoadAll(text);
  ASSERT_GE(documents.size(), 2U);
  for (const auto& document : documents) {
    ASSERT_TRUE(document.IsMap());
    const auto name = document["metadata"]["name"].as<std::string>();
    EXPECT_TRUE(is_dns_label(name)) << name;
    EXPECT_TRUE(name[0] >= 'a' && name[0] <= 'z') << name;
    EXPECT_EQ(document["metadata"]["namespace"].as<std::string>(),
              documents[0]["metadata"]["namespace"].as<std::string>());
    for (const auto& label : document["metadata"]["labels"])
      EXPECT_TRUE(is_label_value(label.second.as<std::string>()));
    for (const auto& note : document["metadata"]["annotations"])
      EXPECT_TRUE(note.second.IsScalar());
  }
  const YAML::Node pod = documents[0]["spec"]["template"];
  const YAML::Node server = pod["spec"]["containers"][0];
  std::set<std::string> ports;
  for (const auto& port : server["ports"]) ports.insert(port["name"].as<std::string>());
  const auto selects_the_pod = [&](const YAML::Node& selector) {
    ASSERT_GT(selector.size(), 0U);
    for (const auto& label : selector)
      EXPECT_EQ(pod["metadata"]["labels"][label.first.as<std::string>()].as<std::string>(),
                label.second.as<std::string>());
  };
  for (const auto& label : pod["metadata"]["labels"])
    EXPECT_TRUE(is_label_value(label.second.as<std::string>()));
  selects_the_pod(documents[0]["spec"]["selector"]["matchLabels"]);
  selects_the_pod(documents[1]["spec"]["selector"]);
  EXPECT_EQ(documents[1]["spec"]["ports"][0]["port"].as<int>(), 8000);
  EXPECT_TRUE(ports.contains(documents[1]["spec"]["ports"][0]["targetPort"].as<std::string>()));
  if (documents.size() > 2) {
    selects_the_pod(documents[2]["spec"]["selector"]["matchLabels"]);
    EXPECT_TRUE(ports.contains(documents[2]["spec"]["endpoints"][0]["port"].as<std::string>()));
  }
  for (const char* probe : {"startupProbe", "readinessProbe", "livenessProbe"})
    EXPECT_TRUE(ports.contains(server[probe]["httpGet"]["port"].as<std::string>())) << probe;
  for (const char* resource : {"nvidia.com/gpu", "memory", "ephemeral-storage"})
    EXPECT_EQ(server["resources"]["requests"][resource].as<std::string>(),
              server["resources"]["limits"][resource].as<std::string>());
  const auto gib = [](const YAML::Node& node) { return std::stoi(node.as<std::string>()); };
  EXPECT_GT(gib(server["resources"]["limits"]["memory"]),
            gib(pod["spec"]["volumes"][0]["emptyDir"]["sizeLimit"]));
  std::set<std::string> volumes;
  for (const auto& volume : pod["spec"]["volumes"])
    volumes.insert(volume["name"].as<std::string>());
  for (const auto& mount : server["volumeMounts"])
    EXPECT_TRUE(volumes.contains(mount["name"].as<std::string>()));
}

void expect_golden(const Manifest& manifest, const std::string& name) {
  const std::filesystem::path path = KP_SOURCE_DIR "/tests/golden/manifest/" + name;
  const std::string text = to_yaml_text(manifest, Output::All);
  expect_lawful(text);
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::filesystem::create_directories(path.parent_path());
    ASSERT_TRUE(write_file(path, text));
  }
  EXPECT_EQ(text, read_file(path).value_or("no golden: run once with UPDATE_GOLDEN=1"));
}

TEST(Manifest, OfASmallModelIsAsInTheGolden) {
  const auto manifest = create(gpt_oss_request(), vllm("0.19.0"));
  ASSERT_TRUE(manifest) << manifest.error().message;
  expect_golden(*manifest, "gpt-oss-20b-vllm-0.19.0.yaml");
}

TEST(Manifest, OfALargeGatedModelOnAnOldServerIsAsInTheGolden) {
  const Case c = llama_on_four();
  const auto manifest = create(c.request, c.facts);
  ASSERT_TRUE(manifest) << manifest.error().message;
  expect_golden(*manifest, "llama-3.3-70b-vllm-0.7.2.yaml");
}

TEST(Manifest, HasOneSeparatorBetweenDocumentsAndNoneAtTheEnd) {
  const auto manifest = create(gpt_oss_request(), vllm("0.19.0")).value();
  for (const auto what : {Output::Manifest, Output::All}) {
    const auto documents = parsed(manifest, what);
    ASSERT_EQ(documents.size(), 3U);
    EXPECT_EQ(documents[0]["kind"].as<std::string>(), "Deployment");
    EXPECT_EQ(documents[1]["kind"].as<std::string>(), "Service");
    EXPECT_EQ(documents[2]["kind"].as<std::string>(), "PodMonitoring");
  }
  EXPECT_THAT(to_yaml_text(manifest, Output::Manifest), Not(HasSubstr("#")));
  EXPECT_THAT(to_yaml_text(manifest, Output::Comments), Not(HasSubstr("apiVersion")));
}

TEST(Manifest, NamesWhatWasNotValidated) {
  Request request = gpt_oss_request();
  auto manifest = create(request, vllm("0.19.0")).value();
  EXPECT_THAT(
      manifest.comments,
      AllOf(Contains("Generated on 2026-10-20 using:"), Contains("GKE cluster not validated"),
            Contains("GPU driver not validated for node version not validated")));
  request.validated = {"1.34.1-gke.100", "580.95", "1.34.1-gke.100", true};
  manifest = create(request, vllm("0.19.0")).value();
  EXPECT_THAT(manifest.comments,
              AllOf(Contains("GKE cluster 1.34.1-gke.100"), Contains("Model server vllm 0.19.0")));
}

TEST(Manifest, FollowsTheServerVersion) {
  const auto old = create(gpt_oss_request(), vllm("0.7.2")).value();
  const auto now = create(gpt_oss_request(), vllm("0.19.0")).value();
  EXPECT_THAT(texts(container(old)["args"]),
              AllOf(Contains("--swap-space=4"), Contains("--disable-log-requests")));
  EXPECT_THAT(texts(container(now)["args"]), Not(Contains(HasSubstr("swap-space"))));
  EXPECT_THAT(old.comments, Contains(HasSubstr("vllm:gpu_cache_usage_perc")));
  EXPECT_THAT(now.comments, Contains(HasSubstr("vllm:kv_cache_usage_perc")));
}

TEST(Manifest, CachesLargeWeightsInMemoryThatItAsksFor) {
  const Case c = llama_on_four();  // 141 GB of weights
  const auto manifest = create(c.request, c.facts).value();
  const auto server = container(manifest);
  EXPECT_EQ(server["env"][3]["name"].as<std::string>(), "HF_HOME");
  EXPECT_EQ(server["env"][3]["value"].as<std::string>(), "/dev/shm/hf_cache");
  EXPECT_GT(std::stoi(server["resources"]["limits"]["memory"].as<std::string>()), 132);
  EXPECT_EQ(container(create(gpt_oss_request(), vllm("0.19.0")).value())["env"].size(), 3U);
}

TEST(Manifest, CutsTheContextToWhatFits) {
  Case c = llama_on_four();
  c.request.accelerators_per_replica = 2;  // 71 GB a card: little is left
  const auto tight = create(c.request, c.facts);
  ASSERT_FALSE(tight);
  EXPECT_EQ(tight.error().code, ErrorCode::Unsatisfiable);

  Case qwen{gpt_oss_request(), vllm("0.19.0")};
  qwen.facts.model = llama_70b();
  qwen.facts.model.params_b = 30;
  const auto manifest = create(qwen.request, qwen.facts).value();
  EXPECT_THAT(texts(container(manifest)["args"]), Contains(HasSubstr("--max-model-len=")));
  EXPECT_THAT(manifest.comments, Contains(HasSubstr("Longest context: ")));
}

TEST(Manifest, SaysHowMuchIsMissingWhenItDoesNotFit) {
  Case c = llama_on_four();
  c.request.accelerators_per_replica = 1;
  const auto refused = create(c.request, c.facts);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Unsatisfiable);
  EXPECT_THAT(
      refused.error().message,
      AllOf(HasSubstr("does not fit"), HasSubstr("offers 71.3 GiB"), HasSubstr("too little")));
  c.request.allow_unfit = true;
  const auto emitted = create(c.request, c.facts);
  ASSERT_TRUE(emitted) << emitted.error().message;
  EXPECT_THAT(emitted->comments, Contains(HasSubstr("WARNING: by this estimate")));
}

TEST(Manifest, TakesTheLargestPossibleSizeWhenNobodyKnowsIt) {
  Facts facts = vllm("0.19.0");
  facts.model.complete = false;
  const auto manifest = create(gpt_oss_request(), facts).value();
  EXPECT_THAT(manifest.comments, AllOf(Contains(HasSubstr("size unknown")),
                                       Contains(HasSubstr("Weights: at most 71.3 GiB"))));
}

TEST(Manifest, RefusesSplitsThatCannotBe) {
  const auto refused = [](const std::function<void(Case&)>& change) {
    Case c = llama_on_four();
    change(c);
    const auto manifest = create(c.request, c.facts);
    EXPECT_FALSE(manifest);
    return manifest ? std::string() : manifest.error().message;
  };
  EXPECT_THAT(refused([](Case& c) { c.request.tensor_parallel = 3; }),
              HasSubstr("does not make 4"));
  EXPECT_THAT(refused([](Case& c) { c.facts.model.heads = 70; }), HasSubstr("attention heads"));
  EXPECT_THAT(refused([](Case& c) { c.facts.machine->accelerator_count = 0.5; }),
              HasSubstr("has 0.5 accelerators"));
  EXPECT_THAT(refused([](Case& c) { c.facts.machine->mem_gib = 100; }), HasSubstr("of memory"));
  EXPECT_THAT(refused([](Case& c) { c.request.weight_precision = "fp4"; }),
              HasSubstr("holds 16-bit weights"));
  EXPECT_THAT(refused([](Case& c) { c.facts.accelerator.vendor = "amd"; }), HasSubstr("NVIDIA"));
  EXPECT_THAT(refused([](Case& c) { c.facts.server.command = ""; }),
              HasSubstr("its start command"));
}

TEST(Manifest, SetsHalfWhereBfloat16IsMissing) {
  Case c{gpt_oss_request(), vllm("0.19.0")};
  c.facts.model = llama_70b();
  c.facts.model.params_b = 3;
  EXPECT_THAT(texts(container(create(c.request, c.facts).value())["args"]),
              Not(Contains("--dtype=half")));
  c.facts.accelerator = testing::t4();
  EXPECT_THAT(texts(container(create(c.request, c.facts).value())["args"]),
              Contains("--dtype=half"));
}

TEST(Manifest, PointsToTheLicenceOfAGatedModelAndNeverHoldsAToken) {
  const Case c = llama_on_four();
  const auto manifest = create(c.request, c.facts).value();
  EXPECT_THAT(
      manifest.comments,
      Contains(AllOf(HasSubstr("accept the licence"),
                     HasSubstr("https://huggingface.co/meta-llama/Llama-3.3-70B-Instruct"))));
  const auto env = container(manifest)["env"];
  for (const int i : {1, 2}) {
    const auto reference = env[i]["valueFrom"]["secretKeyRef"];
    EXPECT_EQ(reference["name"].as<std::string>(), "hf-secret");
    EXPECT_EQ(reference["key"].as<std::string>(), "hf_api_token");
    EXPECT_FALSE(reference["optional"]);
    EXPECT_FALSE(env[i]["value"]);
  }
  const auto open = container(create(gpt_oss_request(), vllm("0.19.0")).value())["env"];
  EXPECT_TRUE(open[1]["valueFrom"]["secretKeyRef"]["optional"].as<bool>());
}

TEST(Manifest, ServesACheckpointUnderTheNameOfItsModel) {
  Request request = gpt_oss_request();
  request.checkpoint = "someone/gpt-oss-20b-tuned";
  const auto manifest = create(request, vllm("0.19.0")).value();
  EXPECT_EQ(container(manifest)["env"][0]["value"].as<std::string>(), "someone/gpt-oss-20b-tuned");
  EXPECT_THAT(texts(container(manifest)["args"]),
              Contains("--served-model-name=openai/gpt-oss-20b"));
}

TEST(Manifest, LeavesTheNodeSelectorOutWhereNoLabelIsKnown) {
  Facts facts = vllm("0.19.0");
  facts.accelerator.gke_label = "";
  const auto manifest = create(gpt_oss_request(), facts).value();
  EXPECT_FALSE(parsed(manifest)[0]["spec"]["template"]["spec"]["nodeSelector"]);
  EXPECT_THAT(manifest.comments, Contains(HasSubstr("No GKE label is known")));
}

// Nothing that comes from outside may add, remove or move a key, or leave its comment.
TEST(ManifestLaw, AHostileStringNeverChangesTheStructure) {
  std::vector<std::string> hostile{"\n---\nkind: Secret\n",
                                   "x\n  injected: true",
                                   "{{ .Values.x }}",
                                   "\"quoted\" 'twice'",
                                   "*alias &anchor !tag %x @y `z`",
                                   "a: b # c",
                                   "$(MODEL_ID) $(rm -rf /) `id` ; rm",
                                   "\xE2\x80\xA8kind: Secret\xC2\x85---\r\n",
                                   std::string("nul\0byte", 8),
                                   "\xFF\xFE",
                                   "true",
                                   "null",
                                   "~",
                                   "1e3",
                                   "- a",
                                   "",
                                   std::string(10'240, 'x'),
                                   std::string(10'240, '\n')};
  using Change = std::function<void(Case&, const std::string&)>;
  const std::vector<std::pair<const char*, Change>> fields{
      {"model", [](Case& c, const std::string& s) { c.request.model = s; }},
      {"checkpoint", [](Case& c, const std::string& s) { c.request.checkpoint = s; }},
      {"image", [](Case& c, const std::string& s) { c.facts.image = s; }},
      {"weights", [](Case& c, const std::string& s) { c.request.weight_precision = s; }},
      {"cache", [](Case& c, const std::string& s) { c.request.kv_precision = s; }},
      {"namespace", [](Case& c, const std::string& s) { c.request.namespace_name = s; }},
      {"secret", [](Case& c, const std::string& s) { c.request.secret_name = s; }},
      {"reason", [](Case& c, const std::string& s) { c.request.reasons = {s}; }},
      {"cluster", [](Case& c, const std::string& s) { c.request.validated.cluster_version = s; }},
      {"driver", [](Case& c, const std::string& s) { c.request.validated.gpu_driver_version = s; }},
      {"version", [](Case& c, const std::string& s) { c.facts.version = s; }},
      {"image from", [](Case& c, const std::string& s) { c.facts.image_from = s; }},
      {"server", [](Case& c, const std::string& s) { c.facts.server.name = s; }},
      {"note", [](Case& c, const std::string& s) { c.facts.server.from.note = s; }},
      {"series", [](Case& c, const std::string& s) { c.facts.metrics["waiting"].series = s; }},
      {"path", [](Case& c, const std::string& s) { c.facts.server.health_path = "/" + s; }},
      {"flag", [](Case& c, const std::string& s) { c.facts.flags["host"].flag = "--" + s; }},
      {"licence", [](Case& c, const std::string& s) { c.facts.model.licence_url = s; }},
      {"catalog model", [](Case& c, const std::string& s) { c.facts.model.id = s; }},
      {"accelerator", [](Case& c, const std::string& s) { c.facts.accelerator.id = s; }},
      {"machine", [](Case& c, const std::string& s) { c.facts.machine->machine_type = s; }},
  };
  const Case plain = llama_on_four();
  const auto skeletons = [](const Manifest& manifest) {
    std::string out;
    for (const auto& document : parsed(manifest)) out += skeleton(document) + "\n";
    return out;
  };
  const std::string expected = skeletons(create(plain.request, plain.facts).value());
  int emitted = 0;
  for (const auto& [field, change] : fields) {
    for (const auto& value : hostile) {
      Case c = plain;
      change(c, value);
      if (field == std::string("accelerator")) c.facts.machine->accelerator = value;
      const auto manifest = create(c.request, c.facts);
      if (!manifest) {
        EXPECT_LT(manifest.error().message.size(), 12'000U) << field;
        EXPECT_EQ(manifest.error().message.find('\0'), std::string::npos) << field;
        continue;
      }
      ++emitted;
      const std::string text = to_yaml_text(*manifest, Output::All);
      std::string actual = skeletons(*manifest);
      EXPECT_EQ(actual, expected) << field << ": " << value.substr(0, 40);
      expect_lawful(text);
      const std::string comments = to_yaml_text(*manifest, Output::Comments);
      for (const auto line : std::string_view(comments).empty() ? std::vector<std::string_view>{}
                                                                : split(comments, '\n'))
        EXPECT_TRUE(line.starts_with("#")) << field << ": " << line;
      EXPECT_TRUE(YAML::LoadAll(comments).empty() || !YAML::LoadAll(comments)[0].IsMap());
    }
  }
  EXPECT_GT(emitted, 150);
}

}  // namespace
}  // namespace kneepoint::manifest
