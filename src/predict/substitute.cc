#include "predict/substitute.h"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "base/text.h"

namespace kneepoint::predict {
namespace {

struct Size {
  std::optional<double> total, active;  // billions
};

/// "Qwen3-30B-A3B": 30 and 3; "8x7B": 56 and 14.
Size size_in(std::string_view name) {
  Size size;
  const std::string text = lower(name);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != 'b' || i == 0 || std::isdigit(static_cast<unsigned char>(text[i - 1])) == 0) {
      continue;
    }
    std::size_t begin = i;
    while (begin > 0 && (std::isdigit(static_cast<unsigned char>(text[begin - 1])) != 0 ||
                         text[begin - 1] == '.')) {
      --begin;
    }
    const auto value = parse_number(std::string_view(text).substr(begin, i - begin));
    if (!value || *value <= 0) continue;
    if (begin > 0 && text[begin - 1] == 'a') {
      size.active = value;
    } else if (begin > 1 && text[begin - 1] == 'x') {
      const double experts = text[begin - 2] - '0';
      if (experts > 1) size = {*value * experts, *value * 2};
    } else if (!size.total) {
      size.total = value;
    }
  }
  return size;
}

}  // namespace

std::string architecture_name(std::string_view id) {
  const auto slash = id.rfind('/');
  if (slash != std::string_view::npos) id.remove_prefix(slash + 1);
  constexpr std::array<std::string_view, 22> kNotArchitecture{
      "instruct", "chat", "hf",     "it",   "base",    "fp8",   "fp4",   "nvfp4",
      "mxfp4",    "bf16", "awq",    "gptq", "int4",    "int8",  "w4a16", "thinking",
      "dynamic",  "meta", "nvidia", "code", "preview", "static"};
  std::string lowered = lower(id);
  for (char& c : lowered) {
    if (c == '_' || c == ' ') c = '-';
  }
  std::string out;
  for (const std::string_view word : split(lowered, '-')) {
    bool drop = false;
    for (const std::string_view other : kNotArchitecture) drop = drop || word == other;
    // Dates of a release: 2507, 0528, 2501; and v0.1.
    drop = drop || (word.size() == 4 && word.find_first_not_of("0123456789") == word.npos);
    drop = drop || (word.size() > 1 && word.starts_with("v0"));
    if (!drop) out += std::string(word) + '-';
  }
  return out;
}

StandIn<catalog::Model> find_model(const catalog::Catalog& catalog, std::string_view name) {
  if (const catalog::Model* exact = catalog.model(name)) return {exact, true, false, ""};
  const std::string architecture = architecture_name(name);
  for (const catalog::Model& model : catalog.models()) {
    if (architecture_name(model.id) == architecture) {
      return {&model, false, true, fmt::format("model {}: as {}", name, model.id)};
    }
  }
  const Size wanted = size_in(name);
  const catalog::Model* best = nullptr;
  double nearest_by = std::numeric_limits<double>::infinity();
  for (const catalog::Model& model : catalog.models()) {
    if (!model.complete || !model.params_b || !model.active_params_b) continue;
    // A name without sizes is taken for the middling dense model.
    const double total = wanted.total.value_or(8);
    const double active = wanted.active.value_or(total);
    const double off = std::abs(std::log(*model.active_params_b / active)) +
                       0.5 * std::abs(std::log(*model.params_b / total));
    if (off < nearest_by) {
      nearest_by = off;
      best = &model;
    }
  }
  if (best == nullptr && !catalog.models().empty()) best = &catalog.models().front();
  return {
      best, false, false,
      best == nullptr ? "" : fmt::format("model {} is not in the catalog: as {}", name, best->id)};
}

StandIn<catalog::Accelerator> find_accelerator(const catalog::Catalog& catalog,
                                               std::string_view name) {
  if (const catalog::Accelerator* exact = catalog.accelerator(name))
    return {exact, true, false, ""};
  std::vector<std::string> ids;
  for (const catalog::Accelerator& a : catalog.accelerators()) ids.push_back(a.id);
  const std::vector<std::string> close = nearest(name, ids, 1);
  const catalog::Accelerator* stand_in =
      catalog.accelerator(close.empty() ? "nvidia-h100-80gb" : close.front());
  if (stand_in == nullptr && !catalog.accelerators().empty()) {
    stand_in = &catalog.accelerators().front();
  }
  return {stand_in, false, false,
          stand_in == nullptr
              ? ""
              : fmt::format("accelerator {} is not in the catalog: as {}", name, stand_in->id)};
}

}  // namespace kneepoint::predict
