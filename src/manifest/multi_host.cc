#include "manifest/multi_host.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "catalog/catalog.h"
#include "manifest/gpu_network.h"
#include "manifest/text.h"

namespace kneepoint::manifest {
namespace {

// The controller puts these variables into every container, before our own.
constexpr const char* kLeaderAddress = "$(LWS_LEADER_ADDRESS)";
constexpr const char* kGroupSize = "$(LWS_GROUP_SIZE)";
constexpr const char* kWorkerIndex = "$(LWS_WORKER_INDEX)";

// The server's words come as arguments of the script, so nothing of them is read by the shell.
constexpr const char* kRayLeader =
    R"(ray start --head --port=6379
python3 -c 'import os, time, ray
ray.init(address="auto")
size = int(os.environ["LWS_GROUP_SIZE"])
while sum(node["Alive"] for node in ray.nodes()) < size:
    time.sleep(2)'
exec "$@")";
// Waits for the leader's port, because a worker that gives up restarts its whole group.
constexpr const char* kRayWorker =
    R"(until (exec 3<>"/dev/tcp/$LWS_LEADER_ADDRESS/6379") 2>/dev/null; do sleep 2; done
exec ray start --address="$LWS_LEADER_ADDRESS:6379" --block)";

tl::unexpected<Error> cannot(std::string why) {
  return fail(ErrorCode::Unsatisfiable, std::move(why));
}

bool before(const Facts& facts, std::string_view version) {
  return catalog::compare_versions(facts.version, version).value_or(1) < 0;
}

void give(const Facts& facts, StartCommand& to, const char* purpose, const std::string& value) {
  const auto found = facts.flags.find(purpose);
  if (found == facts.flags.end()) return;
  to.args.push_back(found->second.form == "switch" ? found->second.flag
                                                   : found->second.flag + "=" + value);
}

/// `vllm serve MODEL`: the module alone does not know how to run without answering requests.
StartCommand served(const StartCommand& start) {
  StartCommand out = start;
  const std::string model = std::string("$(") + kModelVariable + ")";
  out.command = {"vllm", "serve"};
  for (std::string& arg : out.args) {
    if (arg.ends_with("=" + model)) arg = model;
  }
  return out;
}

/// The words of `run` as arguments of a script that ends in exec "$@".
void through(const char* script, StartCommand& run) {
  std::vector<std::string> words = std::move(run.command);
  words.insert(words.end(), run.args.begin(), run.args.end());
  run.command = {"bash", "-e", "-c", script, "server"};
  run.args = std::move(words);
}

Result<Group> vllm_group(const Request& request, const Facts& facts, const Plan& plan,
                         const StartCommand& start) {
  Group out;
  const bool native = facts.flags.contains("nnodes") && facts.flags.contains("headless");
  out.start = request.hosting.start;
  if (out.start == GroupStart::Auto) out.start = native ? GroupStart::Native : GroupStart::Ray;
  if (out.start == GroupStart::Native && !native)
    return cannot(facts.server.name + " " + facts.version +
                  " has no start over several hosts of its own; take ray, or a newer version");
  out.leader = out.worker = served(start);
  out.image = facts.image;
  if (out.start == GroupStart::Native) {
    give(facts, out.leader, "executor_backend", "mp");
    give(facts, out.leader, "nnodes", kGroupSize);
    give(facts, out.leader, "master_addr", kLeaderAddress);
    out.worker.args = out.leader.args;
    give(facts, out.leader, "node_rank", "0");
    give(facts, out.worker, "node_rank", kWorkerIndex);
    give(facts, out.worker, "headless", "");
    return out;
  }
  if (plan.split.data_parallel > 1)
    return cannot(
        "data parallel over several hosts is started by vLLM's own options, which this version "
        "or this start has not; leave out data parallel");
  give(facts, out.leader, "executor_backend", "ray");
  through(kRayLeader, out.leader);
  out.worker.command = {"bash", "-e", "-c", kRayWorker};
  out.worker.args.clear();
  if (!before(facts, "0.19.0") && request.image.empty()) {
    out.image_to_build = true;
    out.image = "us-docker.pkg.dev/project/repository/vllm-ray:" + facts.version;
    if (!is_image_reference(out.image) || !is_image_tag(facts.version))
      return cannot("no image with Ray for version " + shown(facts.version) + "; name one");
  }
  return out;
}

Result<Group> sglang_group(const Request& request, const Facts& facts, const Plan& plan,
                           const StartCommand& start) {
  if (request.hosting.start == GroupStart::Ray)
    return cannot("SGLang starts over several hosts by itself, not through Ray");
  for (const char* needed : {"nnodes", "node_rank", "dist_init_addr"}) {
    if (!facts.flags.contains(needed))
      return cannot("no group of sglang: the catalog does not know the option of purpose " +
                    std::string(needed));
  }
  if (plan.split.data_parallel > 1 && facts.model.experts.value_or(0) == 0)
    return cannot(
        "whole copies over several hosts are better replicas of their own: leave out data "
        "parallel and raise the number of replicas");
  Group out;
  out.leader = start;
  give(facts, out.leader, "dist_init_addr",
       std::string(kLeaderAddress) + ":" + std::to_string(kSglangRendezvousPort));
  give(facts, out.leader, "nnodes", kGroupSize);
  give(facts, out.leader, "node_rank", kWorkerIndex);
  out.worker = out.leader;
  out.image = facts.image;
  return out;
}

bool is_label_key(std::string_view key) {
  const auto slash = key.rfind('/');
  if (slash == std::string_view::npos) return is_label_value(key);
  return is_dns_subdomain(key.substr(0, slash)) && is_label_value(key.substr(slash + 1));
}

void network_lines(std::vector<std::string>& out, const Request& request, const Facts& facts,
                   const Plan& plan) {
  if (plan.split.tensor_parallel > plan.accelerators_per_host())
    out.emplace_back(
        "WARNING: a tensor group spans hosts, and every layer waits for their network: only with "
        "RDMA between GPUs is that fast. Tensor parallel inside a host and pipeline parallel over "
        "hosts asks less of it");
  if (request.hosting.gpu_network) {
    for (std::string& line : gpu_network_comments(facts)) out.push_back(std::move(line));
    return;
  }
  out.push_back("Network between hosts: the pods' own" + gpu_network_offer(facts));
}

void ray_lines(std::vector<std::string>& out, const Facts& facts, const Group& group) {
  if (!group.image_to_build) {
    out.push_back("Ray: the image has to have it; vLLM's own images have it up to 0.18");
    return;
  }
  out.push_back("WARNING: " + group.image +
                " is yours to build: vLLM's images have no Ray from 0.19.0 on. Its Dockerfile:");
  out.push_back("  FROM " + facts.image);
  out.emplace_back("  RUN pip install --no-cache-dir 'ray[default]'");
  out.emplace_back("To build it and put it where the cluster finds it:");
  out.emplace_back(
      "  gcloud artifacts repositories create REPOSITORY --project=PROJECT "
      "--location=us --repository-format=docker");
  out.emplace_back("  gcloud auth configure-docker us-docker.pkg.dev");
  out.push_back(
      "  docker build --tag=us-docker.pkg.dev/PROJECT/REPOSITORY/vllm-ray:" + facts.version + " .");
  out.push_back("  docker push us-docker.pkg.dev/PROJECT/REPOSITORY/vllm-ray:" + facts.version);
  out.push_back(
      "Then create the manifest again with --image=us-docker.pkg.dev/PROJECT/REPOSITORY/"
      "vllm-ray:" +
      facts.version);
}

}  // namespace

StringMap leader_selector(const std::string& set_name) {
  return {{kGroupNameLabel, set_name}, {"role", "leader"}};
}

Result<Group> group(const Request& request, const Facts& facts, const Plan& plan,
                    const StartCommand& start) {
  if (facts.server.name == "vllm") return vllm_group(request, facts, plan, start);
  if (facts.server.name == "sglang") return sglang_group(request, facts, plan, start);
  if (facts.server.name == "tensorrt-llm")
    return cannot(fmt::format(
        "{} x {} per replica need {} hosts, over which TensorRT-LLM is started by MPI: with keys "
        "for ssh between the pods, and with a launcher whose words no source here states for {}; "
        "take vllm or sglang, or an accelerator with more memory",
        plan.split.accelerators, facts.accelerator.id, plan.hosts, shown(facts.version)));
  return cannot(fmt::format(
      "{} x {} per replica need {} hosts, and how {} starts over several hosts is not described; "
      "take vllm or sglang, or an accelerator with more memory",
      plan.split.accelerators, facts.accelerator.id, plan.hosts, facts.server.name));
}

Result<LeaderWorkerSet> leader_worker_set(const Request& request, const Facts& facts,
                                          const Plan& plan, const Group& group,
                                          const ObjectMeta& meta, const PodTemplate& pod) {
  LeaderWorkerSet out;
  out.meta = meta;
  const std::string& topology = request.hosting.exclusive_topology;
  if (!topology.empty()) {
    if (!is_label_key(topology))
      return fail(ErrorCode::InvalidArgument,
                  "exclusive topology " + shown(topology) + " is not the key of a node's label");
    out.meta.annotations.emplace_back(kExclusiveTopology, topology);
  }
  out.size = plan.hosts;
  // Hosts of one tensor group talk in every layer, those of a pipeline once a token: the parts are
  // labelled, so that whoever places pods can tell them apart.
  const int together = plan.split.tensor_parallel / std::max(1, plan.accelerators_per_host());
  if (together > 1 && together < plan.hosts && plan.hosts % together == 0) out.part = together;
  out.leader = pod;
  out.leader.labels.emplace_back("role", "leader");
  if (request.hosting.gpu_network) {
    if (auto ok = join_gpu_network(facts, meta.name + "-channel", out.leader); !ok)
      return fail(ok.error());
  }
  out.worker = out.leader;
  out.worker.labels.back().second = "worker";
  const std::string script =
      request.hosting.gpu_network ? gpu_network_script(facts) : std::string();
  const auto run = [&](const StartCommand& start, PodTemplate& in) {
    StartCommand command = start;
    if (!script.empty()) through(script.c_str(), command);
    Container& server = in.containers.front();
    server.image = group.image;
    server.command = command.command;
    server.args = command.args;
  };
  run(group.leader, out.leader);
  run(group.worker, out.worker);
  // Workers answer no requests: a group is ready when its leader is.
  Container& worker = out.worker.containers.front();
  worker.ports.clear();
  worker.startup.reset();
  worker.readiness.reset();
  worker.liveness.reset();
  return out;
}

std::vector<std::string> multi_host_comments(const Request& request, const Facts& facts,
                                             const Plan& plan, const Group& group,
                                             const LeaderWorkerSet& set) {
  std::vector<std::string> out;
  out.push_back(fmt::format(
      "Hosts: each replica is a group of {} pods with {} x {} each; tensor {}, pipeline {}. The "
      "sizes above are of each pod, and each downloads the whole model",
      plan.hosts, plan.accelerators_per_host(), facts.accelerator.id, plan.split.tensor_parallel,
      plan.split.pipeline_parallel));
  if (set.part > 0)
    out.push_back(fmt::format(
        "The {} pods of a tensor group have one value of the label "
        "leaderworkerset.sigs.k8s.io/subgroup-index; with the set's annotation "
        "leaderworkerset.sigs.k8s.io/subgroup-exclusive-topology: LABEL each gets the nodes of one "
        "value of LABEL to itself",
        set.part));
  out.push_back("Start over hosts: " +
                std::string(group.start == GroupStart::Ray
                                ? "a Ray cluster in each group, the server on its leader"
                                : facts.server.name + "'s own, by rank and address of the leader") +
                ", not validated");
  if (group.start == GroupStart::Ray) ray_lines(out, facts, group);
  out.emplace_back(
      "A group is ready when its leader answers, which is after every host has loaded its part; "
      "the Service and the metrics are of leaders alone. A pod that restarts takes its group with "
      "it");
  network_lines(out, request, facts, plan);
  if (!request.hosting.exclusive_topology.empty())
    out.push_back("Each group has the nodes of one value of " + request.hosting.exclusive_topology +
                  " to itself: as many values are needed as replicas");
  out.emplace_back("The set needs the LeaderWorkerSet controller, once per cluster:");
  out.push_back(
      fmt::format("  helm upgrade --install lws oci://registry.k8s.io/lws/charts/lws --version={} "
                  "--namespace=lws-system --create-namespace --wait",
                  kGroupVersion));
  const std::string space = shell_word(request.namespace_name);
  out.emplace_back("To watch a group come up, and to see what its leader waits for:");
  out.push_back("  kubectl get pods --selector=" + std::string(kGroupNameLabel) + "=" +
                set.meta.name + " --namespace=" + space);
  out.push_back("  kubectl logs " + set.meta.name + "-0 --follow --namespace=" + space);
  return out;
}

}  // namespace kneepoint::manifest
