#include "app/model_info.h"

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>

#include "perfmodel/memory.h"

namespace kneepoint::app {
namespace {

void put(json::Object& out, std::string_view key, const std::optional<int>& value) {
  if (value && *value > 0) out.emplace(key, *value);
}

json::Object info_of(const catalog::Model& model, const std::string& weight_precision,
                     const std::string& kv_precision) {
  json::Object out;
  std::optional<int> head = model.head_dim;
  if (!head && model.hidden && model.heads && *model.heads > 0) head = *model.hidden / *model.heads;
  put(out, "attentionHeadsCount", model.heads);
  put(out, "headDimensions", head);
  put(out, "hiddenLayersCount", model.layers);
  perfmodel::MemorySetup setup;
  setup.kv_precision = kv_precision;
  if (const auto bytes = perfmodel::kv_bytes_per_token(model, setup); bytes && *bytes >= 1) {
    out.emplace("kvCacheSizePerToken", std::llround(*bytes));
  }
  put(out, "kvHeadsCount", model.kv_heads);
  put(out, "maxContextLength", model.max_position);
  if (const auto bytes = perfmodel::weight_bytes(model, weight_precision); bytes && *bytes > 0) {
    out.emplace("modelSizeGb", std::round(*bytes / 1e6) / 1e3);
  }
  if (model.params_b) out.emplace("parametersBillionsCount", *model.params_b);
  return out;
}

}  // namespace

const json::Object& ModelInfos::of(std::string_view model, std::string_view weight_precision,
                                   std::string_view kv_precision) {
  const auto known = known_.find(std::tie(model, weight_precision, kv_precision));
  if (known != known_.end()) return known->second;
  const catalog::Model* described = catalog_.model(model);
  std::string weights(weight_precision), kv(kv_precision);
  json::Object info = described != nullptr ? info_of(*described, weights, kv) : json::Object();
  return known_
      .emplace(std::tuple(std::string(model), std::move(weights), std::move(kv)), std::move(info))
      .first->second;
}

}  // namespace kneepoint::app
