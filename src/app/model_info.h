#pragma once

#include <map>
#include <string_view>
#include <tuple>

#include "base/json.h"
#include "catalog/catalog.h"

namespace kneepoint::app {

/// The message ModelInfo of google.cloud.gkerecommender.v1: a model's shape as the catalog has it,
/// with the bytes of its weights (modelSizeGb, 1e9 bytes) and of one token's cache over all layers
/// (kvCacheSizePerToken, bytes) at the precisions of a setup. That API does not say the unit of the
/// latter; bytes are ours.
class ModelInfos {
 public:
  explicit ModelInfos(const catalog::Catalog& catalog) : catalog_(catalog) {}

  /// Empty for a model the catalog does not describe. Thousands of profiles ask for the same few.
  const json::Object& of(std::string_view model, std::string_view weight_precision,
                         std::string_view kv_precision);

 private:
  const catalog::Catalog& catalog_;
  std::map<std::tuple<std::string, std::string, std::string>, json::Object, std::less<>> known_;
};

}  // namespace kneepoint::app
