#include "sim/scheduling.h"

#include <array>

namespace kneepoint::sim {
namespace {
constexpr std::array<std::string_view, 4> kNames{"vllm", "vllm-v0", "tensorrt-llm", "sglang"};
}

std::string_view name(ServerRules rules) { return kNames[static_cast<std::size_t>(rules)]; }

std::optional<ServerRules> parse_server_rules(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<ServerRules>(i);
  }
  return std::nullopt;
}

Scheduling scheduling_of(ServerRules rules) {
  Scheduling out;
  switch (rules) {
    case ServerRules::Vllm:
      break;
    case ServerRules::VllmV0:
      out.mixed = false;
      break;
    case ServerRules::TensorRtLlm:
      out.reserve_output = 1;
      out.long_prompts_alone = true;
      break;
    case ServerRules::Sglang:
      out.mixed = false;
      out.reserve_output = 0.5;
      out.preempted_go_last = true;
      break;
  }
  return out;
}

}  // namespace kneepoint::sim
