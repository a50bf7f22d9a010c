#include "manifest/comments_cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "manifest/text.h"

namespace kneepoint::manifest {
namespace {

constexpr const char* kPlace = " --project=PROJECT --location=LOCATION";

bool holds(const catalog::Machine& machine, const Plan& plan) {
  const double count = machine.accelerator_count;
  const bool tpu = !machine.tpu_topology.empty();
  // A slice of TPUs is used whole.
  if (tpu ? count != plan.accelerators_per_host() : count < plan.accelerators_per_host())
    return false;
  const int memory = plan.memory_gib + plan.sidecar_gib;
  return (!machine.mem_gib || memory <= *machine.mem_gib * 0.85) &&
         (!machine.vcpu || plan.cpu <= std::max(1.0, *machine.vcpu - 1));
}

/// Of "n1-standard-8+t4": what --machine-type takes.
std::string machine_word(const catalog::Machine& machine) {
  return shell_word(machine.machine_type.substr(0, machine.machine_type.find('+')));
}

}  // namespace

std::optional<catalog::Machine> machine_for(const Facts& facts, const Plan& plan) {
  if (facts.machine) return facts.machine;
  std::optional<catalog::Machine> best;
  const auto size = [](const catalog::Machine& one) {
    return std::pair(one.accelerator_count, one.vcpu.value_or(0));
  };
  for (const catalog::Machine& one : facts.machines) {
    if (holds(one, plan) && (!best || size(one) < size(*best))) best = one;
  }
  return best;
}

std::vector<std::string> cluster_comments(const Request& request, const Facts& facts,
                                          const Plan& plan, int pods, int most) {
  std::vector<std::string> out;
  const bool tpu = facts.accelerator.kind == "tpu";
  const auto machine = machine_for(facts, plan);
  const int per_host = plan.accelerators_per_host();
  out.push_back(fmt::format(
      "Quota: {} x {} in the region at first, {} at most (on-demand and preemptible are counted "
      "apart). To see it:",
      pods * per_host, facts.accelerator.id, most * per_host));
  out.push_back(
      "  gcloud compute regions describe REGION --project=PROJECT --flatten='quotas[]' "
      "--format='table(quotas.metric,quotas.limit,quotas.usage)' | grep " +
      std::string(tpu ? "TPU" : "GPUS"));
  if (machine && !machine->on_demand)
    out.push_back(machine->machine_type +
                  " is sold as Spot or Flex-start only: add --spot to the node pool");
  out.emplace_back(
      "To make a cluster: Autopilot, which makes nodes for the selectors of the pods by itself,");
  out.push_back(std::string("  gcloud container clusters create-auto CLUSTER") + kPlace +
                " --release-channel=rapid");
  out.emplace_back("or Standard, with a pool of such nodes:");
  std::string addons = "GcePersistentDiskCsiDriver,HttpLoadBalancing";
  if (!request.model_bucket_uri.empty()) addons += ",GcsFuseCsiDriver";
  out.push_back(std::string("  gcloud container clusters create CLUSTER") + kPlace +
                " --release-channel=rapid --num-nodes=1 --workload-pool=PROJECT.svc.id.goog "
                "--addons=" +
                addons);
  if (!machine) {
    out.push_back("  (the catalog knows no machine type of " + request.provider + " with " +
                  std::to_string(per_host) + " x " + facts.accelerator.id + ")");
    return out;
  }
  std::string pool = std::string("  gcloud container node-pools create POOL --cluster=CLUSTER") +
                     kPlace + " --node-locations=ZONE --machine-type=" + machine_word(*machine);
  if (!tpu)
    pool += " --accelerator=type=" +
            shell_word(facts.accelerator.gke_label.empty() ? facts.accelerator.id
                                                           : facts.accelerator.gke_label) +
            fmt::format(",count={},gpu-driver-version=latest",
                        static_cast<int>(std::max(1.0, machine->accelerator_count)));
  // Pods may share a machine that holds several of them.
  const int a_node =
      tpu ? 1 : std::max(1, static_cast<int>(machine->accelerator_count) / std::max(1, per_host));
  const auto nodes = [&](int count) { return (count + a_node - 1) / a_node; };
  pool += fmt::format(" --num-nodes={} --enable-autoscaling --min-nodes=0 --max-nodes={}",
                      nodes(pods), nodes(std::max(pods, most)));
  if (plan.hosts > 1) pool += " --placement-type=COMPACT";
  if (plan.ephemeral_gib > kBootDiskGib)
    pool += fmt::format(" --disk-size={}", (plan.ephemeral_gib * 10 + 8) / 9 + 10);
  out.push_back(std::move(pool));
  out.push_back(std::string("  gcloud container clusters get-credentials CLUSTER") + kPlace);
  return out;
}

}  // namespace kneepoint::manifest
