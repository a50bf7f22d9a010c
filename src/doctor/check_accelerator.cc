#include <algorithm>
#include <vector>

#include "base/text.h"
#include "doctor/quantity.h"
#include "doctor/rules.h"
#include "doctor/server_use.h"

namespace kneepoint::doctor {
namespace {

void check_label(const Object& object, const AcceleratorUse& use, const Facts& facts,
                 Report& report) {
  if (use.label.empty() || use.accelerator != nullptr) return;
  std::vector<std::string> known;
  for (const catalog::Accelerator& each : facts.catalog.accelerators()) {
    if (!each.gke_label.empty()) known.push_back(each.gke_label);
  }
  const auto near = nearest(use.label, known, 1);
  report.warning(
      object, use.at, "unknown-accelerator",
      "No accelerator is called " + use.label + ": the pod would wait for a node for ever.",
      near.empty() ? "Correct the name." : "Did you mean " + near.front() + "?",
      near.empty() ? "" : near.front());
}

void check_machine(const Object& object, const At& spec, const AcceleratorUse& accelerator,
                   long long count, const Facts& facts, Report& report) {
  const At type = spec["nodeSelector"]["node.kubernetes.io/instance-type"];
  if (!type.exists()) return;
  const catalog::Machine* machine = nullptr;
  for (const catalog::Machine& each : facts.catalog.machines()) {
    if (each.machine_type == type.text()) machine = &each;
  }
  if (machine == nullptr) return;  // not every machine is in the catalog
  if (accelerator.accelerator != nullptr && machine->accelerator != accelerator.accelerator->id) {
    report.warning(
        object, type, "machine-without-accelerator",
        machine->machine_type + " has " + machine->accelerator + ", not " + accelerator.label + ".",
        "Correct one of the two selectors.");
  } else if (static_cast<double>(count) > machine->accelerator_count) {
    report.warning(object, type, "machine-too-small",
                   machine->machine_type + " has " + shortest(machine->accelerator_count) +
                       " accelerators; the pod asks for " + std::to_string(count) + ".",
                   "Take a larger machine type.");
  }
  // A node offers less than its machine type has: at most this share of the memory is asked for.
  constexpr double kAllocatable = 0.9;
  double memory = 0;
  for (const At& container : spec["containers"].items()) {
    const At resources = container["resources"];
    const At request = resources["requests"]["memory"].exists() ? resources["requests"]["memory"]
                                                                : resources["limits"]["memory"];
    memory += parse_quantity(request.text()).value_or(0);
  }
  constexpr double kGiB = 1024.0 * 1024 * 1024;
  if (machine->mem_gib && memory > *machine->mem_gib * kGiB * kAllocatable) {
    report.warning(object, type, "more-than-allocatable",
                   machine->machine_type + " has " + shortest(*machine->mem_gib) +
                       " GiB, of which a node offers about 90 %; the pod asks for " +
                       human_bytes(memory) + ".",
                   "Ask for less memory, or take a larger machine type.");
  }
}

void check_count(const Object& object, const ServerUse& use, Report& report) {
  const DeviceUse devices = devices_of(use.container);
  const long long tensor =
      use.count({"--tensor-parallel-size", "--tp-size", "--tp", "--num-shard", "--tp_size"}, 1);
  const long long pipeline = use.count({"--pipeline-parallel-size", "--pp-size", "--pp"}, 1);
  if (tensor * pipeline <= 1 || !use.role.empty() || use.server == "vllm-tpu") return;
  const auto it = std::find_if(use.flags.begin(), use.flags.end(), [](const auto& flag) {
    return flag.first.find("tensor") != std::string::npos || flag.first.starts_with("--tp");
  });
  const At at = it == use.flags.end() ? use.container : it->second.at;
  if (devices.count >= 0 && devices.count < tensor * pipeline) {
    report.error(object, at, "tp-gt-gpus",
                 "The server splits over " + std::to_string(tensor * pipeline) +
                     " accelerators, and its container has " + std::to_string(devices.count) + ".",
                 "Set the limit to tensor times pipeline parallel size.",
                 "limits: {" +
                     (devices.resource.empty() ? std::string("nvidia.com/gpu") : devices.resource) +
                     ": \"" + std::to_string(tensor * pipeline) + "\"}");
  }
}

void check_tpu(const Object& object, const At& spec, const DeviceUse& devices, Report& report) {
  if (devices.resource != "google.com/tpu") return;
  for (const char* key :
       {"cloud.google.com/gke-tpu-accelerator", "cloud.google.com/gke-tpu-topology"}) {
    if (spec["nodeSelector"][key].exists()) continue;
    report.warning(object, spec, "tpu-without-selector",
                   std::string("A pod with TPUs needs the selector ") + key + ".", "Add it.",
                   std::string("nodeSelector: {") + key + ": ...}");
  }
}

}  // namespace

void check_accelerator(const Object& object, const Facts& facts, Report& report) {
  for (const Pod& pod : pods_of(object)) {
    const AcceleratorUse use = accelerator_of(pod.spec, facts.catalog);
    check_label(object, use, facts, report);
    long long devices = 0;
    for (const At& container : pod.spec["containers"].items()) {
      const DeviceUse mine = devices_of(container);
      devices += std::max(0LL, mine.count);
      check_tpu(object, pod.spec, mine, report);
    }
    check_machine(object, pod.spec, use, devices, facts, report);
    if (use.accelerator != nullptr && use.accelerator->max_per_host &&
        devices > *use.accelerator->max_per_host) {
      report.warning(object, use.at, "more-than-a-host-has",
                     "A host has at most " + std::to_string(*use.accelerator->max_per_host) + " " +
                         use.label + "; the pod asks for " + std::to_string(devices) + ".",
                     "Split the model over hosts with a LeaderWorkerSet.");
    }
  }
  for (const ServerUse& use : servers_of(object)) check_count(object, use, report);
}

}  // namespace kneepoint::doctor
