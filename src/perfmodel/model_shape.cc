#include "perfmodel/model_shape.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <optional>

#include "base/text.h"

namespace kneepoint::perfmodel {
namespace {

using catalog::Model;

/// "…-70B-…" says 70: the last resort where no figure is stated.
std::optional<double> billions_in_name(std::string_view id) {
  for (std::size_t i = 1; i < id.size(); ++i) {
    if (id[i] != 'B' && id[i] != 'b') continue;
    if (i + 1 < id.size() && std::isalnum(static_cast<unsigned char>(id[i + 1])) != 0) continue;
    std::size_t from = i;
    while (from > 0 &&
           (std::isdigit(static_cast<unsigned char>(id[from - 1])) != 0 || id[from - 1] == '.'))
      --from;
    if (from == i || (from > 0 && std::isalpha(static_cast<unsigned char>(id[from - 1])) != 0))
      continue;
    if (const auto value = parse_number(id.substr(from, i - from)); value && *value > 0)
      return value;
  }
  return std::nullopt;
}

class Filler {
 public:
  Filler(const Model& model, ModelShape& out) : model_(model), out_(out) {}

  double stated(const std::optional<int>& figure, double otherwise, std::string_view name) {
    if (figure && *figure > 0) return *figure;
    out_.estimated.push_back(
        fmt::format("the {} of {} is not known: {} taken", name, model_.id, shortest(otherwise)));
    return otherwise;
  }

 private:
  const Model& model_;
  ModelShape& out_;
};

/// A model whose depth or width nobody stated: a plain decoder of that many parameters, 128 times
/// as wide as deep.
void fill_from_parameters(const Model& model, ModelShape& out, double& layers) {
  double billions = model.params_b.value_or(0);
  std::string by = "its parameters";
  if (billions <= 0) {
    billions = billions_in_name(model.id).value_or(8);
    by = fmt::format("{} B parameters, read from its name", shortest(billions));
  }
  if (out.hidden <= 0) {
    const double block = billions * 1e9 * 128 / 12;
    out.hidden = 128 * std::max(4.0, std::round(std::cbrt(block) / 128));
  }
  // With experts, what fills a layer is known and the depth follows from the parameters.
  double per_layer = 12 * out.hidden * out.hidden;
  if (model.experts.value_or(0) > 0 && model.moe_intermediate.value_or(0) > 0)
    per_layer =
        3 * out.hidden * *model.moe_intermediate * *model.experts + 4 * out.hidden * out.hidden;
  if (layers <= 0) layers = std::max(8.0, std::round(billions * 1e9 / per_layer));
  out.estimated.push_back(fmt::format("the layers of {} are estimated from {}", model.id, by));
}

void fill_attention(const Model& model, ModelShape& out) {
  Filler fill(model, out);
  const double head_dim = model.head_dim.value_or(128) > 0 ? model.head_dim.value_or(128) : 128;
  out.heads =
      fill.stated(model.heads, std::max(1.0, std::round(out.hidden / head_dim)), "number of heads");
  out.head_dim = model.head_dim.value_or(0) > 0 ? *model.head_dim : out.hidden / out.heads;
  out.kv_heads = fill.stated(model.kv_heads, std::min(out.heads, 8.0), "number of KV heads");
  if (model.kv_lora.value_or(0) > 0) {
    out.latent = true;
    out.kv_lora = *model.kv_lora;
    out.q_lora = model.q_lora.value_or(0);
    out.nope = model.qk_nope.value_or(128);
    out.rope = model.qk_rope.value_or(64);
    out.v_head = model.v_head.value_or(128);
  }
  // Families whose attention reads what a small index picks. The index itself is in no column:
  // 2,048 tokens, 128 wide, as their first releases state.
  const std::string type = lower(model.model_type);
  if (type.find("dsa") != std::string::npos || type == "deepseek_v32") {
    out.attended_tokens = 2048;
    out.index_heads = std::max(32.0, out.heads / 2);
    out.index_dim = 128;
    out.estimated.push_back(
        fmt::format("the sparse index of {} is taken as 2048 tokens per query", model.id));
  }
  if (model.window.value_or(0) > 0 && model.windowed_layers.value_or(0) > 0) {
    out.window = *model.window;
    out.windowed_layers = std::min<double>(*model.windowed_layers, out.attention_layers);
  }
  if (out.linear_layers > 0) {
    out.gated_attention = type.starts_with("qwen3");
    out.linear_width = std::min(2 * out.hidden, 8192.0);
    out.estimated.push_back(fmt::format(
        "the state of the linear attention of {} is estimated from its width", model.id));
  }
}

}  // namespace

ModelShape shape_of(const Model& model) {
  ModelShape out;
  out.hidden = model.hidden.value_or(0);
  double layers = model.layers.value_or(0);
  if (out.hidden <= 0 || layers <= 0) fill_from_parameters(model, out, layers);
  Filler fill(model, out);

  out.linear_layers = std::min<double>(model.linear_attention_layers.value_or(0), layers);
  const double full = model.full_attention_layers.value_or(0);
  // Where attention and linear layers do not make all layers, the rest are feed-forward layers of
  // their own; else each layer has both.
  const bool apart = out.linear_layers > 0 && full > 0 && full + out.linear_layers < layers;
  out.attention_layers = apart ? full : layers - out.linear_layers;
  const double forward = apart ? layers - full - out.linear_layers : layers;
  fill_attention(model, out);

  out.vocab = fill.stated(model.vocab, 128'000, "vocabulary");
  out.experts = model.experts.value_or(0);
  if (out.experts > 0) {
    out.top_k = fill.stated(model.experts_per_token, 8, "number of experts per token");
    out.expert_intermediate =
        fill.stated(model.moe_intermediate, out.hidden / 2, "width of an expert");
    out.shared_intermediate = model.shared_expert_intermediate.value_or(0);
    out.dense_layers = std::min<double>(model.dense_layers.value_or(0), forward);
  } else {
    out.dense_layers = forward;
  }
  out.expert_layers = forward - out.dense_layers;
  if (out.dense_layers > 0)
    out.intermediate = fill.stated(model.intermediate, 3.5 * out.hidden, "feed-forward width");
  if (!model.complete && out.estimated.empty())
    out.estimated.push_back(fmt::format("the catalog describes {} only in part", model.id));
  return out;
}

BlockTypes block_types(const Model& model, std::string_view weight_precision) {
  BlockTypes out;
  std::string word = lower(weight_precision);
  const std::string checkpoint = lower(model.quantization);
  if (word.empty()) {
    word = checkpoint;
    if (word == "compressed-tensors" || word == "modelopt") {
      // A container: its bits, or else what the name of the checkpoint says.
      const std::string name = lower(model.id);
      const auto says = [&](std::string_view part) { return name.find(part) != std::string::npos; };
      if (model.weight_bits)
        word = *model.weight_bits <= 4 ? "int4" : *model.weight_bits <= 8 ? "fp8" : "bf16";
      else if (says("nvfp4") || says("fp4"))
        word = "nvfp4";
      else if (says("w4a16") || says("int4") || says("awq") || says("gptq"))
        word = "int4";
      else if (says("fp8") || says("w8a8") || says("int8"))
        word = "fp8";
      else {
        word = "int4";
        out.estimated.push_back(
            fmt::format("the precision of {} is not known: 4 bits per expert weight taken; state "
                        "--weight-precision",
                        model.id));
      }
    }
  }
  // Released in MXFP4, a mixture keeps all but its experts in 16 bits. A checkpoint brought down to
  // 4 bits by others has few exceptions, whichever 4-bit format it is in.
  if (word == "fp4" || word == "mxfp4") word = checkpoint == "mxfp4" ? "mxfp4" : "nvfp4";

  const bool routed = model.experts.value_or(0) > 0;
  const auto all = [&](Dtype type) { out.attention = out.dense = out.shared = out.experts = type; };
  if (word.starts_with("fp8") || word == "int8" || word.starts_with("w8a")) {
    // Mixtures of many small experts are released with a scale per block, others per tensor.
    const bool fine = model.experts.value_or(0) >= 64 && model.experts_per_token.value_or(0) > 1;
    all(fine && !word.ends_with("8a8") ? Dtype::Fp8Block : Dtype::Fp8);
  } else if (word == "nvfp4") {
    all(Dtype::Nvfp4);
    if (routed) out.attention = Dtype::Bf16;
  } else if (word == "mxfp4") {
    routed ? void(out.experts = Dtype::Mxfp4) : all(Dtype::Mxfp4);
  } else if (word == "int4" || word == "w4a16" || word == "awq" || word == "gptq") {
    routed ? void(out.experts = Dtype::Int4) : all(Dtype::Int4);
  } else if (!word.empty() && word != "bf16" && word != "bfloat16" && word != "fp16" &&
             word != "float16" && word != "half") {
    out.estimated.push_back(
        fmt::format("weight precision '{}' is not one we have times for: bf16 taken", word));
  }
  return out;
}

}  // namespace kneepoint::perfmodel
