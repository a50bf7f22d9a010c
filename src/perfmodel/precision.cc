#include "perfmodel/precision.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/text.h"

namespace kneepoint::perfmodel {
namespace {

struct NamedFormat {
  std::string_view name;
  WeightFormat format;
};

// Bits with their scales: NVFP4 keeps an 8-bit scale per 16 weights (4.5), MXFP4 an 8-bit scale per
// 32 (4.25), AWQ and GPTQ a 16-bit scale and a 4-bit zero per 128 (4.16). A bare "int4" is counted
// at its finest common group, 16 bits per 32 weights (4.5). 8-bit scales are per channel or per
// 128 x 128 block: below 0.1 %, not counted.
constexpr WeightFormat kHalf{16, false, false};
constexpr WeightFormat kByte{8, true, false};
constexpr std::array kFormats = std::to_array<NamedFormat>({
    {"bf16", kHalf},
    {"bfloat16", kHalf},
    {"fp16", kHalf},
    {"float16", kHalf},
    {"half", kHalf},
    {"fp32", {32, false, false}},
    {"float32", {32, false, false}},
    {"fp8", kByte},
    {"fp8_e4m3", kByte},
    {"fp8_e5m2", kByte},
    {"int8", kByte},
    {"w8a8", kByte},
    {"w8a16", kByte},
    {"fp4", {4.5, true, true}},
    {"nvfp4", {4.5, true, true}},
    {"mxfp4", {4.25, true, true}},
    {"int4", {4.5, true, true}},
    {"w4a16", {4.5, true, true}},
    {"awq", {4.16, true, true}},
    {"gptq", {4.16, true, true}},
});

}  // namespace

std::optional<WeightFormat> weight_format(std::string_view precision) {
  const std::string wanted = lower(precision);
  const auto* found = std::ranges::find(kFormats, wanted, &NamedFormat::name);
  if (found == kFormats.end()) return std::nullopt;
  return found->format;
}

std::optional<double> kv_element_bytes(std::string_view precision) {
  const std::string name = lower(precision);
  if (name.empty() || name == "auto") return 2.0;
  if (name == "fp4" || name == "nvfp4" || name == "fp4_e2m1") return 4.5 / 8;
  if (name.starts_with("fp8") || name == "int8") return 1.0;
  if (const auto format = weight_format(name); format && !format->quantised)
    return format->bits / 8;
  return std::nullopt;
}

}  // namespace kneepoint::perfmodel
