#include "manifest/plan.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "base/text.h"
#include "manifest/gguf.h"
#include "manifest/startup_cost.h"
#include "manifest/storage.h"
#include "manifest/storage_profile.h"
#include "manifest/streamer.h"
#include "manifest/text.h"
#include "perfmodel/precision.h"

namespace kneepoint::manifest {
namespace {

constexpr double kGiB = 1024.0 * 1024 * 1024;

tl::unexpected<Error> invalid(std::string why) {
  return fail(ErrorCode::InvalidArgument, std::move(why));
}
tl::unexpected<Error> cannot(std::string why) {
  return fail(ErrorCode::Unsatisfiable, std::move(why));
}

int whole_gib(double bytes) { return static_cast<int>(std::ceil(bytes / kGiB)); }

/// How many accelerators the machine asked for, or the largest one sold with them, holds.
int most_per_host(const Facts& facts) {
  if (facts.machine) return static_cast<int>(facts.machine->accelerator_count);
  int most = facts.accelerator.max_per_host.value_or(0);
  if (facts.host) most = std::max(most, static_cast<int>(facts.host->accelerator_count));
  return most > 0 ? most : std::numeric_limits<int>::max();
}

/// The fewest hosts with the same number of accelerators each, such that no tensor group has a part
/// of a host.
int hosts_for(int count, int most, int tensor) {
  int hosts = (count + most - 1) / most;
  while (hosts < count) {
    const int each = count / hosts;
    if (count % hosts == 0 && (each % tensor == 0 || tensor % each == 0)) break;
    ++hosts;
  }
  return hosts;
}

Result<void> split_is_possible(const Request& request, const Facts& facts, Plan& plan) {
  const int count = request.accelerators_per_replica;
  const int dp = request.data_parallel;
  const int ep = request.expert_parallel;
  if (count < 1 || count > 1024 || request.pipeline_parallel < 1 || dp < 1 || ep < 1 ||
      request.tensor_parallel < 0)
    return invalid("accelerators and degrees of parallelism are whole numbers from 1");
  const int most = most_per_host(facts);
  int pp = request.pipeline_parallel;
  // Nothing said of the split: tensor parallel inside a host, pipeline parallel over the hosts.
  if (request.tensor_parallel == 0 && pp == 1 && dp == 1 && ep == 1 && count > most)
    pp = hosts_for(count, most, 1);
  const long long outer = 1LL * pp * dp;
  int tp = request.tensor_parallel > 0 ? request.tensor_parallel
                                       : static_cast<int>(std::max<long long>(count / outer, 1));
  // Some count the devices of a chip, where it shows several.
  const int devices = facts.accelerator.devices_per_chip.value_or(1);
  if (facts.accelerator.kind == "tpu" && devices > 1 && tp * outer == 1LL * count * devices)
    tp /= devices;
  const bool outside = 1LL * tp * pp * dp == count;
  // SGLang counts data-parallel attention inside the tensor group.
  const bool inside = 1LL * tp * pp == count && tp % dp == 0;
  if (!outside && !inside)
    return invalid("tensor " + std::to_string(tp) + " x pipeline " + std::to_string(pp) +
                   " x data " + std::to_string(dp) + " parallel does not make " +
                   std::to_string(count) + " accelerators per replica");
  const int attention = outside ? tp : tp / dp;
  if (facts.model.heads.value_or(0) > 0 && *facts.model.heads % attention != 0)
    return cannot("tensor parallel " + std::to_string(attention) + " does not divide the " +
                  std::to_string(*facts.model.heads) + " attention heads of " + facts.model.id);
  if (const int kv = facts.model.kv_heads.value_or(0);
      kv > 0 && facts.model.kv_lora.value_or(0) == 0 && kv % attention != 0 && attention % kv != 0)
    return cannot("tensor parallel " + std::to_string(attention) + " and the " +
                  std::to_string(kv) + " KV heads of " + facts.model.id +
                  " do not divide one another");
  if (attention * dp % ep != 0)
    return invalid("expert parallel " + std::to_string(ep) + " does not divide the " +
                   std::to_string(attention * dp) + " accelerators of a pipeline stage");
  plan.split.accelerators = count;
  plan.split.tensor_parallel = attention;
  plan.split.pipeline_parallel = pp;
  plan.split.data_parallel = dp;
  plan.split.expert_parallel = ep;
  if (count > most) {
    plan.hosts = hosts_for(count, most, tp);
    if (count / plan.hosts < 2)
      return cannot(std::to_string(count) + " x " + facts.accelerator.id + " at tensor parallel " +
                    std::to_string(tp) + " do not spread evenly over hosts of " +
                    std::to_string(most) + "; take a multiple of " + std::to_string(most));
  }
  return {};
}

Result<void> machine_has_them(const Request& request, const Facts& facts) {
  if (!facts.machine) return {};
  const auto& machine = *facts.machine;
  if (machine.accelerator != facts.accelerator.id)
    return cannot("machine type " + machine.machine_type + " has " +
                  (machine.accelerator.empty() ? "no accelerator" : machine.accelerator) +
                  ", not " + facts.accelerator.id);
  if (machine.accelerator_count < 1)
    return cannot("machine type " + machine.machine_type + " has " +
                  shortest(machine.accelerator_count) + " accelerators, the replica needs " +
                  std::to_string(request.accelerators_per_replica));
  return {};
}

/// Weights cannot be served in a precision that the checkpoint does not hold, but for 16-bit
/// checkpoints that the server quantises to 8 bits while loading.
Result<void> precision_is_served(const Request& request, const Facts& facts) {
  if (!request.kv_precision.empty() && !perfmodel::kv_element_bytes(request.kv_precision))
    return invalid("cache precision " + shown(request.kv_precision) + " is not one we know");
  if (request.weight_precision.empty()) return {};
  const auto asked = perfmodel::weight_format(request.weight_precision);
  if (!asked)
    return invalid("weight precision " + shown(request.weight_precision) + " is not one we know");
  if (!facts.checkpoint_known || !facts.model.weight_bits) return {};
  const auto width = [](double bits) { return bits <= 5 ? 4 : bits <= 8 ? 8 : 16; };
  const int have = width(*facts.model.weight_bits);
  const int want = width(asked->bits);
  const bool on_the_fly = have == 16 && want == 8 && facts.flags.contains("quantization");
  if (have != want && !on_the_fly)
    return cannot(facts.model.id + " holds " + shortest(*facts.model.weight_bits) +
                  "-bit weights, not " + request.weight_precision +
                  "; name the checkpoint that was quantised to it");
  return {};
}

/// The longest context, in steps of 1024 tokens (16 below that), whose cache fits the room.
int longest_context(const catalog::Model& model, const perfmodel::MemorySetup& split, double room,
                    int most) {
  int fits = 0;
  int too_long = most + 1;
  while (too_long - fits > 1) {
    const int middle = fits + (too_long - fits) / 2;
    (perfmodel::kv_bytes_for(model, split, middle).value_or(0) <= room ? fits : too_long) = middle;
  }
  const int step = fits >= 1024 ? 1024 : 16;
  return fits == most ? most : fits / step * step;
}

Result<void> memory_of_accelerators(const Request& request, const Facts& facts, Plan& plan) {
  if (request.max_model_len && *request.max_model_len < 1)
    return invalid("the longest context starts at 1 token");
  plan.split.weight_precision = request.weight_precision;
  plan.split.kv_precision = request.kv_precision;
  // TensorRT-LLM may fill the whole memory: its share applies to what the weights leave.
  const bool whole = facts.server.name == "tensorrt-llm";
  plan.split.utilization = whole ? 1.0 : request.memory_utilization.value_or(0.9);
  if (!(plan.split.utilization > 0 && plan.split.utilization <= 1))
    return invalid("memory utilization is a share between 0 and 1");
  plan.split.max_tokens_per_request = request.max_model_len.value_or(0);
  plan.max_model_len = request.max_model_len;
  plan.fit = perfmodel::fits(facts.model, facts.accelerator, plan.split);
  plan.size_known = plan.fit.fit != perfmodel::Fit::UnknownSize;
  if (plan.fit.fit == perfmodel::Fit::DoesNotFit && !request.allow_unfit)
    return cannot(facts.model.id + " does not fit: " + plan.fit.sentence + ", " +
                  human_bytes(plan.fit.missing_bytes_per_accelerator) + " too little");
  const bool may_cut = plan.fit.fit == perfmodel::Fit::Fits && !request.max_model_len;
  if (may_cut && facts.model.max_position.value_or(0) > 0) {
    const int own = *facts.model.max_position;
    const int longest =
        longest_context(facts.model, plan.split, plan.fit.use.kv_room_bytes_per_accelerator, own);
    if (longest < 16 && !request.allow_unfit)
      return cannot(facts.model.id + " leaves no room for a useful context: " + plan.fit.sentence);
    if (longest < own && longest >= 16) {
      plan.max_model_len = longest;
      plan.max_model_len_cut = true;
    }
  }
  return {};
}

void size_of_pod(const Request& request, const Facts& facts, Plan& plan) {
  const int count = plan.accelerators_per_host();
  const auto memory = facts.accelerator.mem_gib_usable ? facts.accelerator.mem_gib_usable
                                                       : facts.accelerator.mem_gib_nominal;
  // Weights that fit can not be larger than the accelerators: the bound when the size is unknown.
  plan.weight_bytes = plan.size_known ? plan.fit.use.weights_bytes
                                      : memory.value_or(80) * kGiB * plan.split.utilization *
                                            plan.split.accelerators;
  const double weights_gib = plan.weight_bytes / kGiB;
  plan.weights_in_memory = kept_in_memory(request, weights_gib);
  const Storage storage = storage_in_use(request, plan);
  const bool bucket = storage == Storage::GcsFuse;
  const int stored = static_cast<int>(std::ceil(weights_gib * 1.05));

  plan.shm_gib = 2 * count + (plan.weights_in_memory ? stored : 0);
  plan.ephemeral_gib = 15 + (kept_on_node(storage) ? stored : 0);
  if (bucket) {
    plan.cache_gib = stored;
    plan.sidecar_gib = stored + 2;
  } else if (storage == Storage::GcsFuseProfile) {
    plan.sidecar_gib = kProfileSidecarGib;
  }
  plan.fetch_bytes_per_second = fetch_rate(request.delivery.platform, storage).value;
  plan.streamed = streams(storage);
  if (const auto swap = facts.flags.find("swap_space"); swap != facts.flags.end())
    plan.swap_gib_per_accelerator =
        static_cast<int>(parse_integer(swap->second.default_value).value_or(0));
  // Files read from disk pass through the page cache; from the memory volume they already are
  // there.
  int reading = plan.weights_in_memory ? 0 : whole_gib(plan.weight_bytes / 2 / plan.hosts);
  if (storage == Storage::RunaiStreamer) reading = std::min(reading, kStreamerGib);
  plan.memory_gib = 4 + (4 + plan.swap_gib_per_accelerator) * count + reading + plan.shm_gib;
  plan.cpu = 4 + 2 * count;

  plan.load_seconds = plan.weight_bytes / plan.fetch_bytes_per_second +
                      (plan.streamed ? 0 : plan.weight_bytes / plan.hosts / kLoadBytesPerSecond) +
                      kWarmUpSeconds;
  // Never below the ten minutes that Google's samples wait.
  plan.startup_periods =
      std::max(60, static_cast<int>(std::ceil(plan.load_seconds * 2 / kStartupPeriodSeconds)));
}

/// Requests above what a node can give never schedule: 0.85 of its memory, and all but two of its
/// processors, on large machines nine tenths of them.
Result<void> pod_fits_machine(const Facts& facts, Plan& plan) {
  // On one host any machine may do; of several, each is a whole one of a known type.
  const auto& known = plan.hosts > 1 ? facts.host : facts.machine;
  if (!known) return {};
  const catalog::Machine& machine = *known;
  const int memory = plan.memory_gib + plan.sidecar_gib;
  if (machine.mem_gib && memory > *machine.mem_gib * 0.85)
    return cannot(
        "the pod needs " + std::to_string(memory) + " GiB of memory" +
        (plan.weights_in_memory ? " because weights of 90 GiB or more are cached there" : "") +
        ", machine type " + machine.machine_type + " can give " +
        fixed(std::floor(*machine.mem_gib * 0.85), 0) + " GiB");
  if (machine.vcpu) {
    const double most = *machine.vcpu <= 20 ? *machine.vcpu - 2 : *machine.vcpu * 0.9;
    const int allowed = std::max(1, static_cast<int>(most));
    plan.cpu_cut = plan.cpu > allowed;
    plan.cpu = std::min(plan.cpu, allowed);
  }
  return {};
}

/// TPUs are had in slices of a few shapes, each used whole.
Result<void> slice_exists(const Facts& facts, Plan& plan) {
  if (facts.accelerator.kind != "tpu" || plan.hosts > 1) return {};
  std::string sizes;
  for (const catalog::Machine& machine : facts.machines) {
    if (machine.tpu_topology.empty()) continue;
    if (machine.accelerator_count == plan.split.accelerators)
      plan.tpu_topology = machine.tpu_topology;
    sizes += (sizes.empty() ? "" : ", ") + shortest(machine.accelerator_count);
  }
  if (!plan.tpu_topology.empty()) return {};
  return cannot("no slice of " + std::to_string(plan.split.accelerators) + " x " +
                facts.accelerator.id + " on one host is known" +
                (sizes.empty() ? "" : "; there are those of " + sizes + " chips"));
}

}  // namespace

Result<Plan> plan(const Request& request, const Facts& facts) {
  Plan result;
  if (auto ok = machine_has_them(request, facts); !ok) return fail(ok.error());
  if (auto ok = split_is_possible(request, facts, result); !ok) return fail(ok.error());
  if (auto ok = precision_is_served(request, facts); !ok) return fail(ok.error());
  if (auto ok = memory_of_accelerators(request, facts, result); !ok) return fail(ok.error());
  if (loads_gguf(facts.server)) {
    if (auto ok = divide_cache(request, facts, result); !ok) return fail(ok.error());
  }
  if (auto ok = slice_exists(facts, result); !ok) return fail(ok.error());
  size_of_pod(request, facts, result);
  if (auto ok = pod_fits_machine(facts, result); !ok) return fail(ok.error());
  return result;
}

}  // namespace kneepoint::manifest
