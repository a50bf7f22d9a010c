#include <cmath>

#include "base/text.h"
#include "doctor/quantity.h"
#include "doctor/rules.h"
#include "doctor/server_use.h"
#include "perfmodel/memory.h"

namespace kneepoint::doctor {
namespace {

std::string number(double value) { return shortest(value); }

void check_heads(const Object& object, const ServerUse& use, const catalog::Model& model,
                 int tensor, Report& report) {
  if (!model.heads || *model.heads % tensor == 0) return;
  int divisor = tensor;
  while (*model.heads % divisor != 0) --divisor;
  const auto it = use.flags.find("--tensor-parallel-size");
  report.error(object, it == use.flags.end() ? use.container : it->second.at, "tp-heads",
               number(*model.heads) + " attention heads can not be split over " + number(tensor) +
                   " accelerators.",
               "Take a tensor parallel size that divides them.",
               "--tensor-parallel-size=" + std::to_string(divisor));
}

void check_fit(const Object& object, const ServerUse& use, const catalog::Model& model,
               const catalog::Accelerator& accelerator, const perfmodel::MemorySetup& setup,
               Report& report) {
  const auto answer = perfmodel::fits(model, accelerator, setup);
  if (answer.fit != perfmodel::Fit::DoesNotFit) return;
  const double whole = answer.use.available_bytes_per_accelerator / setup.utilization;
  // Beyond the whole memory there is no doubt; below it the overhead is an estimate.
  const bool certain = answer.use.weights_bytes_per_accelerator > whole;
  report.add(certain ? Severity::Error : Severity::Warning, object, use.model_at,
             "model-does-not-fit", answer.sentence,
             "Take more or larger accelerators per replica, quantised weights, or a shorter "
             "--max-model-len; "
             "`kneepoint recommend` lists what holds this model.",
             "kneepoint recommend --model=" + use.model);
}

/// bfloat16 on accelerators that do not compute in it.
void check_type(const Object& object, const ServerUse& use, const catalog::Model& model,
                const catalog::Accelerator& accelerator, Report& report) {
  const std::string type = use.value({"--dtype"});
  if (accelerator.bf16 != false || model.dtype != "bfloat16" || use.server != "vllm") return;
  if (!type.empty() && type != "auto" && type != "bfloat16") return;
  report.error(
      object, use.container, "bf16-unsupported",
      accelerator.display_name + " does not compute in bfloat16, the type of the checkpoint.",
      "Load it as float16.", "--dtype=half");
}

}  // namespace

void check_memory(const Object& object, const Facts& facts, Report& report) {
  for (const ServerUse& use : servers_of(object)) {
    const catalog::Model* model = facts.catalog.model(use.model);
    if (model == nullptr) continue;
    perfmodel::MemorySetup setup;
    setup.tensor_parallel =
        use.count({"--tensor-parallel-size", "--tp-size", "--tp", "--num-shard", "--tp_size"}, 1);
    setup.pipeline_parallel = use.count({"--pipeline-parallel-size", "--pp-size", "--pp"}, 1);
    setup.data_parallel = use.count({"--data-parallel-size", "--dp-size", "--dp"}, 1);
    if (setup.tensor_parallel > 4096 || setup.pipeline_parallel > 4096 ||
        setup.data_parallel > 4096)
      continue;
    setup.accelerators = setup.tensor_parallel * setup.pipeline_parallel * setup.data_parallel;
    check_heads(object, use, *model, setup.tensor_parallel, report);
    const AcceleratorUse where = accelerator_of(use.pod, facts.catalog);
    if (where.accelerator == nullptr) continue;
    check_type(object, use, *model, *where.accelerator, report);
    if (use.value({"--quantization", "--quantize"}) == "fp8") setup.weight_precision = "fp8";
    if (use.value({"--kv-cache-dtype"}).starts_with("fp8")) setup.kv_precision = "fp8";
    const auto share =
        parse_number(use.value({"--gpu-memory-utilization", "--mem-fraction-static"}));
    if (share && *share > 0 && *share <= 1) setup.utilization = *share;
    setup.max_tokens_per_request =
        use.count({"--max-model-len", "--context-length", "--max-total-tokens"}, 0);
    check_fit(object, use, *model, *where.accelerator, setup, report);
  }
  // Volumes in memory count against the containers' limits.
  for (const Pod& pod : pods_of(object)) {
    double in_memory = 0, limit = 0;
    bool bounded = true;
    for (const At& volume : pod.spec["volumes"].items()) {
      if (volume["emptyDir"]["medium"].text() != "Memory") continue;
      in_memory += parse_quantity(volume["emptyDir"]["sizeLimit"].text()).value_or(0);
    }
    for (const At& container : pod.spec["containers"].items()) {
      const auto most = parse_quantity(container["resources"]["limits"]["memory"].text());
      bounded &= most.has_value();
      limit += most.value_or(0);
    }
    if (bounded && in_memory > 0 && limit < in_memory) {
      report.warning(object, pod.spec["volumes"], "memory-volume-over-limit",
                     "Volumes in memory may grow to " + human_bytes(in_memory) +
                         ", and the containers are killed at " + human_bytes(limit) + ".",
                     "Raise the memory limit above the volumes and what the server needs.");
    }
  }
}

}  // namespace kneepoint::doctor
