#pragma once

#include <optional>
#include <string_view>

namespace kneepoint::perfmodel {

/// What a weight format stores per quantised weight, its scales included.
struct WeightFormat {
  double bits = 16;
  bool quantised = false;     // embeddings and output head stay 16-bit
  bool experts_only = false;  // in a mixture of experts, everything but the experts stays 16-bit
};

/// "bf16", "fp8_e4m3", "nvfp4", "awq" ...; case ignored. Nothing for a name we do not know.
std::optional<WeightFormat> weight_format(std::string_view precision);

/// Bytes of one cache element; an empty name and "auto" are 16-bit.
std::optional<double> kv_element_bytes(std::string_view precision);

}  // namespace kneepoint::perfmodel
