#include "manifest/multi_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <functional>

#include "base/file.h"
#include "base/text.h"
#include "manifest/testing/cases.h"

namespace kneepoint::manifest {
namespace {

using ::testing::AllOf;
using testing::Case;
using ::testing::Contains;
using ::testing::HasSubstr;
using testing::kinds;
using testing::made;
using ::testing::Not;
using testing::r1_on_two_hosts;

std::vector<std::string> words(const YAML::Node& list) {
  std::vector<std::string> out;
  for (const auto& one : list) out.push_back(one.as<std::string>());
  return out;
}

YAML::Node document(const Manifest& manifest, const std::string& kind) {
  for (const auto& one : YAML::LoadAll(to_yaml_text(manifest, Output::Manifest))) {
    if (one["kind"].as<std::string>() == kind) return one;
  }
  ADD_FAILURE() << "no " << kind;
  return {};
}

YAML::Node set_of(const Manifest& manifest) {
  return document(manifest, "LeaderWorkerSet")["spec"]["leaderWorkerTemplate"];
}

YAML::Node server(const Manifest& manifest, const char* part) {
  return set_of(manifest)[part]["spec"]["containers"][0];
}

std::string refusal(const Case& c) {
  const auto manifest = create(c.request, c.facts);
  EXPECT_FALSE(manifest);
  return manifest ? std::string() : manifest.error().message;
}

Case sglang(Case c) {
  auto& server = c.facts.server;
  server.name = c.request.model_server = "sglang";
  server.command = "python3 -m sglang.launch_server";
  server.model_flag = "--model-path";
  server.port = server.metrics_port = 30000;
  server.readiness_path = "/health_generate";
  server.metrics_enable = "--enable-metrics";
  c.facts.version = "0.5.9";
  c.facts.image = "lmsysorg/sglang:v0.5.9";
  c.facts.flags.clear();
  for (const auto& [purpose, flag] : {std::pair{"host", "--host"},
                                      {"port", "--port"},
                                      {"tensor_parallel", "--tp-size"},
                                      {"pipeline_parallel", "--pp-size"},
                                      {"data_parallel", "--dp-size"},
                                      {"max_model_len", "--context-length"},
                                      {"nnodes", "--nnodes"},
                                      {"node_rank", "--node-rank"},
                                      {"dist_init_addr", "--dist-init-addr"}}) {
    c.facts.flags[purpose].flag = flag;
    c.facts.flags[purpose].form = "value";
  }
  return c;
}

/// What must hold of every group, whatever is in it.
void expect_lawful(const Manifest& manifest) {
  const YAML::Node set = document(manifest, "LeaderWorkerSet");
  const auto name = set["metadata"]["name"].as<std::string>();
  EXPECT_LE(name.size(), 46U);  // the controller adds a number and the hash of a revision
  const YAML::Node both = set["spec"]["leaderWorkerTemplate"];
  const YAML::Node leader = both["leaderTemplate"];
  const YAML::Node worker = both["workerTemplate"];
  EXPECT_GT(both["size"].as<int>(), 1);
  EXPECT_EQ(both["restartPolicy"].as<std::string>(), "RecreateGroupOnPodRestart");
  EXPECT_EQ(leader["metadata"]["labels"]["role"].as<std::string>(), "leader");
  EXPECT_EQ(worker["metadata"]["labels"]["role"].as<std::string>(), "worker");
  for (const char* same : {"nodeSelector", "tolerations", "volumes"})
    EXPECT_EQ(YAML::Dump(leader["spec"][same]), YAML::Dump(worker["spec"][same]));
  for (const char* same : {"image", "env", "resources", "volumeMounts"})
    EXPECT_EQ(YAML::Dump(leader["spec"]["containers"][0][same]),
              YAML::Dump(worker["spec"]["containers"][0][same]));
  EXPECT_FALSE(worker["spec"]["containers"][0]["readinessProbe"]);
  for (const YAML::Node& selector :
       {document(manifest, "Service")["spec"]["selector"],
        document(manifest, "PodMonitoring")["spec"]["selector"]["matchLabels"]}) {
    EXPECT_EQ(selector.size(), 2U);
    EXPECT_EQ(selector[kGroupNameLabel].as<std::string>(), name);
    EXPECT_EQ(selector["role"].as<std::string>(), "leader");
  }
}

void expect_golden(const Manifest& manifest, const std::string& name) {
  const std::filesystem::path path = KP_SOURCE_DIR "/tests/golden/manifest/" + name;
  const std::string text = to_yaml_text(manifest, Output::All);
  expect_lawful(manifest);
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(write_file(path, text));
  }
  EXPECT_EQ(text, read_file(path).value_or("no golden: run once with UPDATE_GOLDEN=1"));
}

TEST(MultiHost, R1OnTwoHostsIsAsInTheGolden) {
  expect_golden(made(r1_on_two_hosts("0.19.0", Autoscaler::HpaStackdriver)),
                "deepseek-r1-2-hosts-vllm-0.19.0.yaml");
}

TEST(MultiHost, R1ThroughRayIsAsInTheGolden) {
  Case c = r1_on_two_hosts("0.11.0");
  expect_golden(made(c), "deepseek-r1-2-hosts-vllm-0.11.0-ray.yaml");
}

TEST(MultiHost, R1OnSglangIsAsInTheGolden) {
  expect_golden(made(sglang(r1_on_two_hosts())), "deepseek-r1-2-hosts-sglang-0.5.9.yaml");
}

TEST(MultiHost, SplitsTensorsInsideAHostAndLayersOverHosts) {
  const auto manifest = made(r1_on_two_hosts());
  EXPECT_EQ(kinds(manifest),
            (std::vector<std::string>{"LeaderWorkerSet", "Service", "PodMonitoring"}));
  EXPECT_EQ(set_of(manifest)["size"].as<int>(), 2);
  EXPECT_THAT(words(server(manifest, "leaderTemplate")["args"]),
              AllOf(Contains("--tensor-parallel-size=8"), Contains("--pipeline-parallel-size=2")));
  for (const char* part : {"leaderTemplate", "workerTemplate"})
    EXPECT_EQ(server(manifest, part)["resources"]["limits"]["nvidia.com/gpu"].as<std::string>(),
              "8");
}

TEST(MultiHost, AsksForATensorGroupOverHostsOnlyWithAWarning) {
  Case c = r1_on_two_hosts();
  c.request.tensor_parallel = 16;
  const auto manifest = made(c);
  EXPECT_THAT(words(server(manifest, "leaderTemplate")["args"]),
              Contains("--tensor-parallel-size=16"));
  EXPECT_THAT(manifest.comments, Contains(HasSubstr("WARNING: a tensor group spans hosts")));
  EXPECT_THAT(made(r1_on_two_hosts()).comments, Not(Contains(HasSubstr("spans hosts"))));
}

TEST(MultiHost, TensorGroupsOverHostsArePartsOfTheGroup) {
  Case c = r1_on_two_hosts();
  EXPECT_FALSE(set_of(made(c))["subGroupPolicy"]);
  c.request.accelerators_per_replica = 32;
  c.request.tensor_parallel = 16;
  c.request.pipeline_parallel = 2;
  const auto manifest = made(c);
  EXPECT_EQ(set_of(manifest)["size"].as<int>(), 4);
  EXPECT_EQ(set_of(manifest)["subGroupPolicy"]["subGroupSize"].as<int>(), 2);
  EXPECT_EQ(set_of(manifest)["subGroupPolicy"]["subGroupPolicyType"].as<std::string>(),
            "LeaderWorker");
  EXPECT_THAT(manifest.comments, Contains(HasSubstr("subgroup-index")));
}

TEST(MultiHost, TheLeaderAloneAnswersAndTheOthersFollowIt) {
  const auto manifest = made(r1_on_two_hosts());
  const auto leader = words(server(manifest, "leaderTemplate")["args"]);
  const auto worker = words(server(manifest, "workerTemplate")["args"]);
  EXPECT_EQ(leader.front(), "$(MODEL_ID)");  // `vllm serve` takes it without a flag
  EXPECT_THAT(leader, AllOf(Contains("--node-rank=0"), Not(Contains("--headless")),
                            Contains("--nnodes=$(LWS_GROUP_SIZE)")));
  EXPECT_THAT(worker, AllOf(Contains("--node-rank=$(LWS_WORKER_INDEX)"), Contains("--headless"),
                            Contains("--master-addr=$(LWS_LEADER_ADDRESS)")));
  EXPECT_EQ(words(server(manifest, "leaderTemplate")["command"]),
            (std::vector<std::string>{"vllm", "serve"}));
}

TEST(MultiHost, StartsAsTheVersionCan) {
  const auto old = made(r1_on_two_hosts("0.11.0"));
  EXPECT_THAT(words(server(old, "leaderTemplate")["command"]),
              Contains(HasSubstr("ray start --head")));
  EXPECT_THAT(words(server(old, "leaderTemplate")["args"]),
              AllOf(Contains("--distributed-executor-backend=ray"), Not(Contains("--headless"))));
  Case c = r1_on_two_hosts("0.11.0");
  c.request.hosting.start = GroupStart::Native;
  EXPECT_THAT(refusal(c), HasSubstr("0.11.0 has no start over several hosts of its own"));
}

TEST(MultiHost, ANewImageWithoutRayComesWithItsBuildFile) {
  Case c = r1_on_two_hosts("0.30.0");
  c.request.hosting.start = GroupStart::Ray;
  const auto manifest = made(c);
  EXPECT_THAT(manifest.comments,
              AllOf(Contains("  FROM vllm/vllm-openai:v0.30.0"), Contains(HasSubstr("docker push")),
                    Contains(HasSubstr("is yours to build"))));
  c.request.image = c.facts.image = "registry.example/vllm-ray:1";
  const auto own = made(c);
  EXPECT_EQ(server(own, "workerTemplate")["image"].as<std::string>(),
            "registry.example/vllm-ray:1");
  EXPECT_THAT(own.comments, Not(Contains(HasSubstr("is yours to build"))));
}

TEST(MultiHost, AnAutoscalerScalesTheGroups) {
  for (const auto by : {Autoscaler::HpaStackdriver, Autoscaler::Keda}) {
    const auto manifest = made(r1_on_two_hosts("0.19.0", by));
    const auto& target =
        manifest.objects.back().doc.at("spec").as_object().at("scaleTargetRef").as_object();
    EXPECT_EQ(target.at("apiVersion"), "leaderworkerset.x-k8s.io/v1");
    EXPECT_EQ(target.at("kind"), "LeaderWorkerSet");
    EXPECT_EQ(std::string_view(target.at("name").as_string()), manifest.objects.front().name);
  }
  const auto keda = to_yaml_text(made(r1_on_two_hosts("0.19.0", Autoscaler::Keda)), Output::All);
  EXPECT_THAT(keda, HasSubstr("deepseek-r1-vllm-hosts-[0-9]+"));
}

TEST(MultiHost, JoinsTheNetworksOfMachinesThatHaveThem) {
  Case c = r1_on_two_hosts();
  c.request.hosting.gpu_network = true;
  c.facts.host->gpudirect = "efa";
  EXPECT_THAT(refusal(c), HasSubstr("the GPU network of a3-highgpu-8g (efa) is not described"));
  c.facts.host->machine_type = "a3-ultragpu-8g";
  c.facts.host->gpudirect = "rdma-roce";
  const auto manifest = made(c);
  expect_lawful(manifest);
  for (const char* part : {"leaderTemplate", "workerTemplate"}) {
    const auto annotations = set_of(manifest)[part]["metadata"]["annotations"];
    const auto interfaces =
        json::parse(annotations["networking.gke.io/interfaces"].as<std::string>()).value();
    ASSERT_EQ(interfaces.as_array().size(), 10U);
    EXPECT_EQ(interfaces.as_array().at(9).as_object().at("network"), "rdma-7");
    EXPECT_EQ(words(server(manifest, part)["securityContext"]["capabilities"]["add"]),
              std::vector<std::string>{"IPC_LOCK"});
    EXPECT_THAT(words(server(manifest, part)["command"]), Contains(HasSubstr("set_nccl_env.sh")));
  }
}

TEST(MultiHost, JoinsTheHostsOfA4xByAClaim) {
  Case c = r1_on_two_hosts();
  c.request.hosting.gpu_network = true;
  c.facts.host->gpudirect = "rdma-roce+mnnvl";
  c.facts.host->machine_type = "a4x-maxgpu-4g-metal";
  EXPECT_THAT(refusal(c), HasSubstr("a4x-maxgpu-4g-metal (rdma-roce+mnnvl) is not described"));
  c.facts.host->machine_type = "a4x-highgpu-4g";
  const auto manifest = made(c);
  expect_lawful(manifest);
  const auto domain = YAML::LoadAll(to_yaml_text(manifest, Output::Manifest)).at(1);
  ASSERT_EQ(domain["kind"].as<std::string>(), "ComputeDomain");
  const auto channel = domain["spec"]["channel"]["resourceClaimTemplate"]["name"].as<std::string>();
  for (const char* part : {"leaderTemplate", "workerTemplate"}) {
    const auto pod = set_of(manifest)[part];
    const auto interfaces =
        json::parse(
            pod["metadata"]["annotations"]["networking.gke.io/interfaces"].as<std::string>())
            .value();
    ASSERT_EQ(interfaces.as_array().size(), 6U);
    EXPECT_EQ(interfaces.as_array().at(5).as_object().at("network"), "rdma-3");
    const auto claim = pod["spec"]["resourceClaims"][0];
    EXPECT_EQ(claim["resourceClaimTemplateName"].as<std::string>(), channel);
    EXPECT_EQ(server(manifest, part)["resources"]["claims"][0]["name"].as<std::string>(),
              claim["name"].as<std::string>());
  }
}

TEST(MultiHost, PutsADaemonBesideTheServerWhereTheNetworkNeedsOne) {
  struct {
    const char *kind, *daemon, *variable, *machine;
    std::size_t interfaces;
  } const rows[] = {
      {"tcpx", "tcpx-daemon", "NCCL_GPUDIRECTTCPX_SOCKET_IFNAME", "a3-highgpu-8g", 5},
      {"tcpxo", "tcpxo-daemon", "NCCL_FASTRAK_LLCM_DEVICE_DIRECTORY", "a3-megagpu-8g", 9}};
  for (const auto& row : rows) {
    SCOPED_TRACE(row.kind);
    Case c = r1_on_two_hosts();
    c.request.hosting.gpu_network = true;
    c.facts.host->gpudirect = row.kind;
    c.facts.host->machine_type = row.machine;
    const auto manifest = made(c);
    expect_lawful(manifest);
    for (const char* part : {"leaderTemplate", "workerTemplate"}) {
      const auto pod = set_of(manifest)[part];
      const auto annotations = pod["metadata"]["annotations"];
      EXPECT_EQ(json::parse(annotations["networking.gke.io/interfaces"].as<std::string>())
                    .value()
                    .as_array()
                    .size(),
                row.interfaces);
      EXPECT_THAT(
          annotations[std::string("devices.gke.io/container.") + row.daemon].as<std::string>(),
          HasSubstr("- path: /dev/nvidia7\n"));
      ASSERT_EQ(pod["spec"]["containers"].size(), 2U);
      EXPECT_EQ(pod["spec"]["containers"][1]["name"].as<std::string>(), row.daemon);
      EXPECT_FALSE(pod["spec"]["containers"][1]["resources"]);
      bool set = false;
      for (const auto& one : server(manifest, part)["env"])
        set |= one["name"].as<std::string>() == row.variable;
      EXPECT_TRUE(set);
    }
    EXPECT_THAT(to_yaml_text(manifest, Output::Comments),
                HasSubstr(std::string("nccl-") + row.kind + "-installer.yaml"));
  }
}

TEST(MultiHost, GivesAGroupNodesOfItsOwn) {
  Case c = r1_on_two_hosts();
  c.request.hosting.exclusive_topology = "cloud.google.com/gke-nodepool";
  const auto set = document(made(c), "LeaderWorkerSet");
  EXPECT_EQ(set["metadata"]["annotations"][kExclusiveTopology].as<std::string>(),
            "cloud.google.com/gke-nodepool");
  for (const char* wrong : {"a b", "x/", "/x", "a/b/c:d", "x\ny", "$(id)"}) {
    c.request.hosting.exclusive_topology = wrong;
    EXPECT_THAT(refusal(c), HasSubstr("is not the key of a node's label")) << wrong;
  }
}

TEST(MultiHost, RefusesWhatNoGroupIsKnownFor) {
  Case c = r1_on_two_hosts();
  c.facts.server.name = "tensorrt-llm";
  EXPECT_THAT(refusal(c), HasSubstr("need 2 hosts, over which TensorRT-LLM is started by MPI"));
  c = r1_on_two_hosts();
  c.request.accelerators_per_replica = 17;
  EXPECT_THAT(refusal(c), HasSubstr("do not spread evenly"));
  c = sglang(r1_on_two_hosts());
  c.request.hosting.start = GroupStart::Ray;
  EXPECT_THAT(refusal(c), HasSubstr("not through Ray"));
  c = r1_on_two_hosts("0.11.0");
  c.request.accelerators_per_replica = 32;
  c.request.tensor_parallel = 16;
  c.request.data_parallel = 2;
  EXPECT_THAT(refusal(c), HasSubstr("leave out data parallel"));
}

TEST(MultiHost, TakesFewerOfEachHostRatherThanPartOfATensorGroup) {
  Case c = r1_on_two_hosts();
  c.request.accelerators_per_replica = 12;
  c.request.tensor_parallel = 4;
  c.request.pipeline_parallel = 3;
  c.request.allow_unfit = true;
  EXPECT_EQ(set_of(made(c))["size"].as<int>(), 3);
}

TEST(MultiHost, AsksOfEachHostNoMoreThanItHas) {
  Case c = r1_on_two_hosts();
  c.facts.host->mem_gib = 600;
  EXPECT_THAT(refusal(c), HasSubstr("machine type a3-highgpu-8g can give 510 GiB"));
}

TEST(MultiHost, LongNamesLeaveRoomForTheController) {
  Case c = r1_on_two_hosts();
  c.request.model = "owner/" + std::string(90, 'm');
  expect_lawful(made(c));
}

/// Keys and kinds without any value, and every comment line behind its sign.
std::string shape(const Manifest& manifest) {
  std::string out;
  const std::function<void(const YAML::Node&)> walk = [&](const YAML::Node& node) {
    if (node.IsMap()) {
      for (const auto& member : node) {
        out += member.first.as<std::string>() + ":";
        walk(member.second);
      }
    } else if (node.IsSequence()) {
      for (const auto& item : node)
        if (!item.IsScalar()) walk(item);
    }
    out += ";";
  };
  for (const auto& one : YAML::LoadAll(to_yaml_text(manifest, Output::All))) walk(one);
  const std::string comments = to_yaml_text(manifest, Output::Comments);
  for (const auto line : split(comments, '\n')) EXPECT_TRUE(line.starts_with("#")) << line;
  return out;
}

TEST(ManifestLaw, AHostileValueOfAHostNeverChangesTheStructure) {
  const std::vector<std::string> hostile{"\n---\nkind: Secret\n", "x\n  injected: true",
                                         "$(rm -rf /) `id` ; rm", "'; kubectl delete ns x; '",
                                         "\"quoted\" 'twice'",    "a: b # c",
                                         std::string("nul\0", 4), "\xFF",
                                         std::string(5000, 'x')};
  using Change = std::function<void(Case&, const std::string&)>;
  const std::vector<Change> fields{
      [](Case& c, const std::string& s) { c.request.image = c.facts.image = s; },
      [](Case& c, const std::string& s) { c.request.hosting.exclusive_topology = s; },
      [](Case& c, const std::string& s) { c.request.hosting.stack_version = s; },
      [](Case& c, const std::string& s) { c.request.namespace_name = s; },
      [](Case& c, const std::string& s) { c.facts.version = s; },
      [](Case& c, const std::string& s) { c.facts.host->machine_type = s; },
      [](Case& c, const std::string& s) { c.facts.host->gpudirect = s; },
      [](Case& c, const std::string& s) { c.facts.machines.front().machine_type = s; },
      [](Case& c, const std::string& s) { c.facts.accelerator.id = s; },
      [](Case& c, const std::string& s) { c.facts.flags["nnodes"].flag = s; }};
  for (const auto start : {GroupStart::Native, GroupStart::Ray}) {
    Case plain = r1_on_two_hosts("0.30.0");
    plain.request.hosting.start = start;
    plain.request.hosting.exclusive_topology = "a/b";
    plain.request.hosting.stack = ServingStack::InferenceGateway;
    plain.facts.machines = {*plain.facts.host};
    const std::string expected = shape(made(plain));
    int emitted = 0;
    for (const auto& change : fields) {
      for (const auto& value : hostile) {
        Case c = plain;
        change(c, value);
        const auto manifest = create(c.request, c.facts);
        if (!manifest) {
          EXPECT_LT(manifest.error().message.size(), 12'000U);
          continue;
        }
        ++emitted;
        EXPECT_EQ(shape(*manifest), expected) << value.substr(0, 40);
        // What is typed into a shell stands in quotes there.
        const std::string text = to_yaml_text(*manifest, Output::Comments);
        for (const auto line : split(text, '\n')) {
          if (!line.starts_with("#   gcloud") && !line.starts_with("#   kubectl")) continue;
          const auto at = line.find(value);
          if (at == std::string_view::npos || value.find('(') == std::string::npos) continue;
          EXPECT_EQ(line[at - 1], '\'') << line;
        }
      }
    }
    EXPECT_GT(emitted, 20);
  }
}

}  // namespace
}  // namespace kneepoint::manifest
