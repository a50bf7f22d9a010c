#include "perfmodel/memory.h"

#include <algorithm>
#include <cmath>

#include "base/result.h"
#include "base/text.h"
#include "perfmodel/layout.h"
#include "perfmodel/precision.h"

// Every answer here is either computed from stated figures or "unknown, because ..."; the reason
// travels as the error of a Result until fits() turns it into a sentence.
namespace kneepoint::perfmodel {
namespace {

constexpr double kGiB = 1024.0 * 1024 * 1024;
// kaito#2139, fitted to vLLM on H100: a flat 2.3 GiB made large models crash at start.
constexpr double kOverheadBase = 2.3 * kGiB;
constexpr double kOverheadPerWeight = 0.05;

tl::unexpected<Error> unknown(std::string why) {
  return fail(ErrorCode::Unsatisfiable, std::move(why));
}

template <class T>
Result<double> stated(const std::optional<T>& figure, const char* name) {
  if (!figure || !(*figure > 0)) return unknown(std::string(name) + " is not known");
  return static_cast<double>(*figure);
}

Result<void> whole(const catalog::Model& model) {
  if (!model.complete)
    return unknown("the catalog describes the architecture of " + model.id +
                   " only in part (model type " + model.model_type +
                   "), so no size is computed from it");
  return {};
}

Result<WeightFormat> format_of(const catalog::Model& model, std::string_view precision) {
  if (!precision.empty()) {
    if (const auto format = weight_format(precision)) return *format;
    return unknown("weight precision '" + std::string(precision) + "' is not one we know");
  }
  if (!model.quantization.empty()) {
    // The name of a scheme tells its scales; a container such as compressed-tensors only its bits.
    if (const auto format = weight_format(model.quantization)) return *format;
    if (!model.weight_bits)
      return unknown("bits per weight of the " + model.quantization +
                     " checkpoint are not known; state the weight precision");
    if (*model.weight_bits <= 4) return *weight_format("int4");
    if (*model.weight_bits <= 8) return *weight_format("int8");
  }
  if (model.weight_bits) return WeightFormat{*model.weight_bits, *model.weight_bits < 16, false};
  if (const auto format = weight_format(model.dtype)) return *format;
  return unknown("bits per weight of the checkpoint are not known");
}

/// Bytes by how they are split: experts over all ranks of a stage, blocks over attention ranks,
/// the two vocabulary tables on the first and the last stage.
struct Weights {
  double experts = 0;
  double blocks = 0;
  double embedding = 0;  // one table
  int tables = 1;

  double total() const { return experts + blocks + tables * embedding; }
};

Result<double> expert_parameters(const catalog::Model& model) {
  if (model.experts.value_or(0) <= 0) return 0.0;
  const auto hidden = stated(model.hidden, "hidden size");
  const auto inner = stated(model.moe_intermediate, "width of an expert");
  const auto layers = stated(model.layers, "number of layers");
  for (const auto* figure : {&hidden, &inner, &layers})
    if (!*figure) return fail(figure->error());
  const double moe_layers = *layers - model.dense_layers.value_or(0);
  return *model.experts * 3.0 * *hidden * *inner * std::max(moe_layers, 0.0);
}

Result<Weights> weights(const catalog::Model& model, std::string_view precision) {
  if (auto ok = whole(model); !ok) return fail(ok.error());
  const auto format = format_of(model, precision);
  const auto params = stated(model.params_b, "number of parameters");
  const auto experts = expert_parameters(model);
  if (!format) return fail(format.error());
  if (!params) return fail(params.error());
  if (!experts) return fail(experts.error());

  const double all = *params * 1e9;
  Weights result;
  result.tables = model.tie_embeddings.value_or(false) ? 1 : 2;
  double table = 0;
  if (model.vocab && model.hidden) {
    table = static_cast<double>(*model.vocab) * *model.hidden;
  } else if (format->quantised) {
    return unknown("vocabulary or hidden size is not known");
  }
  if (*experts + result.tables * table > all * 1.01)
    return unknown("the stated parameter count is less than its experts and embeddings hold");
  const double block_params = std::max(all - *experts - result.tables * table, 0.0);
  const double full = format->quantised ? 16 : format->bits;
  result.experts = *experts * format->bits / 8;
  result.embedding = table * full / 8;
  const bool blocks_stay = format->experts_only && *experts > 0;
  result.blocks = block_params * (blocks_stay ? full : format->bits) / 8;
  return result;
}

double ceil_share(int whole, int parts) {
  return std::ceil(static_cast<double>(whole) / parts) / whole;
}

Result<double> weights_per_accelerator(const catalog::Model& model, const Weights& all,
                                       const Layout& split) {
  double layers = 1;  // share of the layers in the fullest stage
  double tables = all.tables;
  if (split.stages > 1) {
    if (auto known = stated(model.layers, "number of layers"); !known) return known;
    layers = ceil_share(*model.layers, split.stages);
    tables = 1;
  }
  double experts = 1.0 / split.stage_size();
  if (all.experts > 0)
    experts =
        ceil_share(*model.experts, split.expert_groups) * split.expert_groups / split.stage_size();
  return all.experts * layers * experts +
         (all.blocks * layers + tables * all.embedding) / split.attention_ranks;
}

/// Cache bytes per layer and token on one rank, and how many layers of each kind a stage holds.
struct CacheShape {
  double bytes_per_layer = 0;
  double layers = 0;       // of the fullest stage
  double full_layers = 0;  // of those, the ones that see the whole context
  double window = 0;

  double bytes_for(double tokens) const {
    const double seen = window > 0 ? std::min(tokens, window) : tokens;
    return bytes_per_layer * (full_layers * tokens + (layers - full_layers) * seen);
  }
};

Result<CacheShape> cache_shape(const catalog::Model& model, const MemorySetup& setup) {
  if (auto ok = whole(model); !ok) return fail(ok.error());
  const auto split = layout(setup);
  const auto layers = stated(model.layers, "number of layers");
  const auto element = kv_element_bytes(setup.kv_precision);
  if (!split) return fail(split.error());
  if (!layers) return fail(layers.error());
  if (!element) return unknown("cache precision '" + setup.kv_precision + "' is not one we know");

  CacheShape shape;
  if (model.kv_lora.value_or(0) > 0) {
    const auto rope = stated(model.qk_rope, "rotary part of the latent");
    if (!rope) return fail(rope.error());
    shape.bytes_per_layer = (*model.kv_lora + *rope) * *element;
  } else {
    const auto heads = stated(model.kv_heads, "number of KV heads");
    const auto dim = stated(model.head_dim, "head dimension");
    if (!heads) return fail(heads.error());
    if (!dim) return fail(dim.error());
    shape.bytes_per_layer = 2 * std::ceil(*heads / split->attention_ranks) * *dim * *element;
  }
  const int windowed = model.windowed_layers.value_or(0);
  shape.layers = std::ceil(*layers / split->stages);
  shape.full_layers = shape.layers;
  if (windowed > 0 && model.window.value_or(0) > 0) {
    shape.window = *model.window;
    shape.full_layers =
        std::min(shape.layers, std::ceil(std::max(*layers - windowed, 0.0) / split->stages));
  }
  return shape;
}

Result<MemoryUse> use_of(const catalog::Model& model, const catalog::Accelerator& accelerator,
                         const MemorySetup& setup, const CacheShape& cache) {
  const auto split = layout(setup);
  if (!split) return fail(split.error());
  const auto all = weights(model, setup.weight_precision);
  if (!all) return fail(all.error());
  const auto share = weights_per_accelerator(model, *all, *split);
  if (!share) return fail(share.error());
  const auto memory =
      accelerator.mem_gib_usable ? accelerator.mem_gib_usable : accelerator.mem_gib_nominal;
  if (!memory) return unknown("memory of " + accelerator.id + " is not known");
  if (!(setup.utilization > 0 && setup.utilization <= 1))
    return unknown("memory utilization " + shortest(setup.utilization) + " is not in (0, 1]");

  MemoryUse use;
  use.weights_bytes = all->total();
  use.weights_bytes_per_accelerator = *share;
  use.overhead_bytes_per_accelerator = kOverheadBase + kOverheadPerWeight * *share;
  use.kv_bytes_per_token = cache.bytes_per_layer * cache.layers;
  use.available_bytes_per_accelerator = *memory * kGiB * setup.utilization;
  use.kv_room_bytes_per_accelerator =
      use.available_bytes_per_accelerator - *share - use.overhead_bytes_per_accelerator;
  use.kv_capacity_tokens =
      std::max(0.0, std::floor(use.kv_room_bytes_per_accelerator / use.kv_bytes_per_token)) *
      split->data_ranks;
  return use;
}

std::string need_sentence(const MemoryUse& use, const catalog::Accelerator& accelerator,
                          const MemorySetup& setup, double cache_bytes) {
  const double need =
      use.weights_bytes_per_accelerator + use.overhead_bytes_per_accelerator + cache_bytes;
  std::string sentence = "needs " + human_bytes(need) + " per accelerator (weights " +
                         human_bytes(use.weights_bytes_per_accelerator) + ", runtime " +
                         human_bytes(use.overhead_bytes_per_accelerator) + ", cache of one ";
  sentence += setup.max_tokens_per_request > 0
                  ? shortest(setup.max_tokens_per_request) + "-token request "
                  : std::string("token ");
  sentence += human_bytes(cache_bytes) + "), " + accelerator.id + " offers " +
              human_bytes(use.available_bytes_per_accelerator);
  if (!accelerator.mem_gib_usable) sentence += " (usable memory not known, nominal used)";
  return sentence;
}

template <class T>
std::optional<T> optional_of(const Result<T>& result) {
  if (!result) return std::nullopt;
  return *result;
}

}  // namespace

std::optional<double> weight_bytes(const catalog::Model& model, std::string_view weight_precision) {
  const auto all = weights(model, weight_precision);
  if (!all) return std::nullopt;
  return all->total();
}

std::optional<double> kv_bytes_per_token(const catalog::Model& model, const MemorySetup& setup) {
  return optional_of(cache_shape(model, setup).map([](const CacheShape& shape) {
    return shape.bytes_per_layer * shape.layers;
  }));
}

std::optional<double> kv_bytes_for(const catalog::Model& model, const MemorySetup& setup,
                                   double tokens) {
  return optional_of(cache_shape(model, setup).map([tokens](const CacheShape& shape) {
    return shape.bytes_for(tokens);
  }));
}

FitAnswer fits(const catalog::Model& model, const catalog::Accelerator& accelerator,
               const MemorySetup& setup) {
  FitAnswer answer;
  const auto cache = cache_shape(model, setup);
  const auto use =
      cache ? use_of(model, accelerator, setup, *cache) : Result<MemoryUse>(fail(cache.error()));
  if (!use) {
    answer.sentence = "size unknown: " + use.error().message;
    return answer;
  }
  const double cache_bytes = cache->bytes_for(std::max(setup.max_tokens_per_request, 1.0));
  answer.use = *use;
  answer.missing_bytes_per_accelerator =
      std::max(0.0, cache_bytes - use->kv_room_bytes_per_accelerator);
  answer.fit = answer.missing_bytes_per_accelerator > 0 ? Fit::DoesNotFit : Fit::Fits;
  answer.sentence = need_sentence(*use, accelerator, setup, cache_bytes);
  return answer;
}

}  // namespace kneepoint::perfmodel
