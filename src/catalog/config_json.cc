#include "catalog/config_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <ranges>

#include "base/text.h"
#include "catalog/schema.h"

namespace kneepoint::catalog {
namespace {

/// Which layers look back only as far as sliding_window, when layer_types does not say.
enum class Windows { None, Every, FromLayer, Alternating, Pattern };

/// The architectures whose every weight is accounted for by the formulas below.
struct Architecture {
  std::string_view model_type;
  bool latent;  // multi-head latent attention: the cache holds one compressed vector per layer
  bool experts;
  bool tied;  // input and output embedding are one when the file is silent
  Windows windows;
};
constexpr std::array kKnown = std::to_array<Architecture>({
    {"llama", false, false, false, Windows::None},
    {"mistral", false, false, false, Windows::Every},
    {"mixtral", false, true, false, Windows::Every},
    {"qwen2", false, false, false, Windows::FromLayer},
    {"qwen2_vl", false, false, false, Windows::FromLayer},
    {"qwen2_5_vl", false, false, false, Windows::FromLayer},
    {"qwen2_5_vl_text", false, false, false, Windows::FromLayer},
    {"qwen2_moe", false, true, false, Windows::FromLayer},
    {"qwen3", false, false, false, Windows::FromLayer},
    {"qwen3_moe", false, true, false, Windows::FromLayer},
    {"qwen3_vl_text", false, false, false, Windows::None},
    {"qwen3_vl_moe_text", false, true, false, Windows::None},
    {"mimo", false, false, false, Windows::FromLayer},
    {"gemma", false, false, true, Windows::None},
    {"gemma2", false, false, true, Windows::Alternating},
    {"gemma3_text", false, false, true, Windows::Pattern},
    {"phi3", false, false, false, Windows::Every},
    {"deepseek_v2", true, true, false, Windows::None},
    {"deepseek_v3", true, true, false, Windows::None},
    {"kimi_k2", true, true, false, Windows::None},
    {"gpt_oss", false, true, false, Windows::Alternating},
    {"llama4_text", false, true, false, Windows::None},  // chunks keep the whole cache
    {"minimax_m2", false, true, false, Windows::None},
});

/// Members that tell of weights or cache outside the formulas, whatever the model_type.
struct Beyond {
  std::string_view member, what;
};
constexpr std::array kBeyond = std::to_array<Beyond>({
    {"linear_attn_config", "linear attention"},
    {"linear_num_key_heads", "linear attention"},
    {"linear_num_value_heads", "linear attention"},
    {"linear_conv_kernel_dim", "linear attention"},
    {"full_attention_interval", "linear attention"},
    {"hybrid_override_pattern", "state-space layers"},
    {"hybrid_layer_pattern", "layers of several kinds"},
    {"mamba_d_state", "state-space layers"},
    {"mamba_num_heads", "state-space layers"},
    {"ssm_state_size", "state-space layers"},
    {"ssm_cfg", "state-space layers"},
    {"state_size", "state-space layers"},
    {"index_topk", "a sparse attention index"},
    {"index_n_heads", "a sparse attention index"},
    {"index_head_dim", "a sparse attention index"},
    {"sparse_attention_config", "sparse attention"},
    {"compress_ratios", "a compressed cache"},
    {"moe_latent_size", "latent experts"},
    {"zero_expert_num", "experts without weights"},
    {"num_kv_shared_layers", "layers that share a cache"},
    {"cla_share_factor", "layers that share a cache"},
    {"hidden_size_per_layer_input", "embeddings per layer"},
    {"global_head_dim", "heads that differ by layer"},
    {"num_global_key_value_heads", "heads that differ by layer"},
    {"swa_head_dim", "heads that differ by layer"},
    {"swa_num_attention_heads", "heads that differ by layer"},
    {"swa_num_key_value_heads", "heads that differ by layer"},
    {"attention_other_setting", "heads that differ by layer"},
    {"attention_k_eq_v", "keys that are values"},
    {"block_configs", "layers that differ in size"},
    {"cross_attention_layers", "cross attention"},
    {"is_encoder_decoder", "an encoder"},
});

constexpr int kMostLayers = 10'000;
constexpr int kMost = 1'000'000'000;

bool is_set(const json::Value* value) {
  if (value == nullptr || value->is_null()) return false;
  if (const bool* flag = value->if_bool()) return *flag;
  if (const auto* number = value->if_int64()) return *number != 0;
  if (const auto* text = value->if_string()) return !text->empty();
  if (const auto* array = value->if_array()) return !array->empty();
  if (const auto* object = value->if_object()) return !object->empty();
  return true;
}

/// Text that ends up in a table: a plain word or nothing.
bool is_plain(std::string_view text) {
  return text.size() <= 64 && std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-' || c == '.' || c == '+';
         });
}

/// Reads members one by one and keeps the first complaint, so that the reading below stays a list.
class Members {
 public:
  Members(const json::Object& whole, const json::Object& text) : whole_(whole), text_(text) {}

  /// Where lists may stand for one number per layer (an architecture we do not compute), they are
  /// left out instead of refused.
  void allow_lists() { lists_ = true; }
  bool lists_allowed() const { return lists_; }

  const json::Value* find(std::string_view name) const { return text_.if_contains(name); }
  /// The text part's own member, else the whole model's.
  const json::Value* find_anywhere(std::string_view name) const {
    const json::Value* own = find(name);
    return own != nullptr && !own->is_null() ? own : whole_.if_contains(name);
  }

  /// The first of these members that is there and not null.
  std::optional<int> integer(std::initializer_list<std::string_view> names, int least = 1,
                             int most = kMost) {
    for (const std::string_view name : names) {
      const json::Value* value = find(name);
      if (value == nullptr || value->is_null()) continue;
      if (lists_ && (value->is_array() || value->is_object())) return {};
      if (value->is_int64() && value->get_int64() >= least && value->get_int64() <= most) {
        return static_cast<int>(value->get_int64());
      }
      complain(fmt::format("{}: {} is not a whole number from {} to {}", name, shown(*value), least,
                           most));
      return {};
    }
    return {};
  }

  std::optional<bool> yes_no(std::string_view name) {
    const json::Value* value = find_anywhere(name);
    if (value == nullptr || value->is_null()) return {};
    if (!value->is_bool())
      complain(fmt::format("{}: {} is not true or false", name, shown(*value)));
    return value->is_bool() ? std::optional(value->get_bool()) : std::nullopt;
  }

  std::string word(std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) {
      const json::Value* value = find_anywhere(name);
      if (value == nullptr || value->is_null()) continue;
      if (value->is_string() && is_plain(value->get_string())) {
        return std::string(value->get_string());
      }
      complain(fmt::format("{}: {} is not a plain word", name, shown(*value)));
      return {};
    }
    return {};
  }

  void complain(std::string what) {
    if (complaint_.empty()) complaint_ = std::move(what);
  }
  const std::string& complaint() const { return complaint_; }

  static std::string shown(const json::Value& value) {
    const std::string line = json::to_line(value);
    return line.size() <= 40 ? line : line.substr(0, 37) + "...";
  }

 private:
  const json::Object& whole_;
  const json::Object& text_;
  bool lists_ = false;
  std::string complaint_;
};

/// The part of a model that reads and writes text.
const json::Object* text_part(const json::Object& whole) {
  for (const std::string_view name : {"text_config", "llm_config", "language_config"}) {
    const json::Value* part = whole.if_contains(name);
    if (part != nullptr && part->is_object() && !part->get_object().empty()) {
      return &part->get_object();
    }
  }
  return &whole;
}

std::string first_beyond(const Members& members) {
  for (const Beyond& beyond : kBeyond) {
    if (is_set(members.find(beyond.member))) {
      return fmt::format("{} ({})", beyond.what, beyond.member);
    }
  }
  // MiniMax marks each layer: 1 is full attention, 0 is linear.
  if (const json::Value* kinds = members.find("attn_type_list"); is_set(kinds)) {
    const bool full =
        kinds->is_array() && std::ranges::all_of(kinds->get_array(), [](const json::Value& kind) {
          return kind.is_int64() && kind.get_int64() == 1;
        });
    if (!full) return "linear attention (attn_type_list)";
  }
  return {};
}

void read_precision(Members& members, Model& model) {
  model.dtype = members.word({"dtype", "torch_dtype"});
  const json::Value* stated = members.find_anywhere("quantization_config");
  if (!is_set(stated)) stated = members.find_anywhere("compression_config");
  if (!is_set(stated)) {
    if (model.dtype == "bfloat16" || model.dtype == "float16") model.weight_bits = 16;
    if (model.dtype == "float32") model.weight_bits = 32;
    return;
  }
  if (!stated->is_object()) {
    members.complain("quantization_config: not an object");
    return;
  }
  Members inside(stated->get_object(), stated->get_object());
  const std::string method = lower(inside.word({"quant_method"}));
  const std::string algorithm = lower(inside.word({"quant_algo"}));
  const auto bits = inside.integer({"bits", "w_bit"}, 1, 32);
  const bool four = inside.yes_no("load_in_4bit").value_or(false);
  const bool eight = inside.yes_no("load_in_8bit").value_or(false);
  if (!inside.complaint().empty()) {
    members.complain("quantization_config." + inside.complaint());
    return;
  }
  model.quantization = method.empty() ? "unnamed" : method;
  if (method == "modelopt" || method == "modelopt_fp4") {
    model.quantization = algorithm.empty() ? method : algorithm;
  }
  if (model.quantization == "fp8" || model.quantization == "fbgemm_fp8") model.weight_bits = 8;
  if (model.quantization == "mxfp4" || model.quantization == "nvfp4") model.weight_bits = 4;
  if (method == "bitsandbytes" && four != eight) model.weight_bits = four ? 4 : 8;
  if ((method == "awq" || method == "gptq") && bits) {
    model.weight_bits = *bits;
    if (*bits != 4) model.quantization += fmt::format("_{}bit", *bits);  // the bare name means 4
  }
  // compressed-tensors has groups of layers; one width for all of them is a width of the model.
  const json::Value* groups = inside.find("config_groups");
  if (model.quantization == "compressed-tensors" && is_set(groups) && groups->is_object()) {
    std::optional<int> width;
    bool same = true;
    for (const auto& [name, group] : groups->get_object()) {
      const auto* members_of = group.if_object();
      const auto* weights = members_of == nullptr ? nullptr : members_of->if_contains("weights");
      if (weights == nullptr || !weights->is_object()) continue;
      Members of_weights(weights->get_object(), weights->get_object());
      const auto here = of_weights.integer({"num_bits"}, 1, 32);
      same = same && here && (!width || width == here);
      width = here;
    }
    if (same && width) model.weight_bits = *width;
  }
}

/// Fills window, windowed_layers and full_attention_layers; says what else layer_types holds.
std::string read_windows(Members& members, Windows windows, Model& model) {
  const int layers = model.layers.value_or(0);
  const auto window = members.integer({"sliding_window"}, 0);
  int windowed = 0;
  int linear = 0;
  std::string other;
  if (const json::Value* types = members.find("layer_types"); is_set(types)) {
    if (!types->is_array() || types->get_array().size() != static_cast<std::size_t>(layers)) {
      if (members.lists_allowed()) return {};
      members.complain("layer_types: not a list of num_hidden_layers words");
      return {};
    }
    for (const json::Value& type : types->get_array()) {
      const auto* text = type.if_string();
      const std::string_view kind = text == nullptr ? std::string_view() : *text;
      if (kind == "sliding_attention") {
        ++windowed;
      } else if (kind == "linear_attention") {
        ++linear;
        other = "linear attention (layer_types)";
      } else if (kind != "full_attention" && kind != "chunked_attention" && other.empty()) {
        other = fmt::format("layers of a kind we do not know ({})", Members::shown(type));
      }
    }
    if (windowed > 0 && !window.value_or(0)) members.complain("sliding_window: missing");
  } else if (window.value_or(0) > 0) {
    switch (windows) {
      case Windows::None:
        break;
      case Windows::Every:
        windowed = layers;
        break;
      case Windows::FromLayer:
        if (members.yes_no("use_sliding_window").value_or(false)) {
          windowed =
              std::max(0, layers - members.integer({"max_window_layers"}, 0).value_or(layers));
        }
        break;
      case Windows::Alternating:
        windowed = (layers + 1) / 2;  // the first layer is one
        break;
      case Windows::Pattern: {
        const int every =
            members.integer({"sliding_window_pattern", "_sliding_window_pattern"}).value_or(6);
        windowed = layers - layers / every;
        break;
      }
    }
  }
  if (windowed > 0) model.window = window;
  model.windowed_layers = windowed;
  model.linear_attention_layers = linear;
  model.full_attention_layers = layers - windowed - linear;
  return other;
}

/// How many layers have one feed-forward block for all tokens instead of experts.
int count_dense_layers(Members& members, int layers) {
  const int first = members.integer({"first_k_dense_replace"}, 0, layers).value_or(0);
  const int frequency = members.integer({"moe_layer_freq"}).value_or(1);
  const int step =
      members.integer({"decoder_sparse_step", "interleave_moe_layer_step"}).value_or(1);
  std::vector<bool> dense(static_cast<std::size_t>(layers), false);
  const auto marks = [&](std::string_view name, bool as) {
    const json::Value* list = members.find(name);
    if (list == nullptr || list->is_null() || members.lists_allowed()) return false;
    const auto* array = list->if_array();
    if (array == nullptr) {
      members.complain(fmt::format("{}: not a list", name));
      return false;
    }
    if (array->empty()) return false;
    if (!as) dense.assign(dense.size(), true);
    for (const json::Value& layer : *array) {
      if (!layer.is_int64() || layer.get_int64() < 0 || layer.get_int64() >= layers) {
        members.complain(fmt::format("{}: {} is not a layer", name, Members::shown(layer)));
        return false;
      }
      dense[static_cast<std::size_t>(layer.get_int64())] = as;
    }
    return true;
  };
  if (!marks("moe_layers", false)) {
    for (int layer = 0; layer < layers; ++layer) {
      dense[static_cast<std::size_t>(layer)] =
          layer < first || layer % frequency != 0 || (layer + 1) % step != 0;
    }
    marks("mlp_only_layers", true);
  }
  return static_cast<int>(std::ranges::count(dense, true));
}

void read_experts(Members& members, Model& model) {
  model.experts = members.integer({"num_local_experts", "n_routed_experts", "num_experts"}, 0);
  if (model.experts == 0) model.experts.reset();
  if (!model.experts) return;
  model.experts_per_token =
      members.integer({"num_experts_per_tok", "num_experts_per_token", "experts_per_token"});
  model.moe_intermediate = members.integer({"moe_intermediate_size"});
  if (model.model_type == "llama4_text") {
    model.moe_intermediate = model.intermediate;
    model.shared_expert_intermediate = model.intermediate;
    model.intermediate = members.integer({"intermediate_size_mlp"});
  } else if (const auto shared = members.integer({"n_shared_experts"}, 0, 10'000)) {
    if (model.moe_intermediate && *model.moe_intermediate <= kMost / std::max(1, *shared)) {
      model.shared_expert_intermediate = *shared * *model.moe_intermediate;
    }
  } else {
    model.shared_expert_intermediate =
        members.integer({"shared_expert_intermediate_size", "shared_intermediate_size"}, 0);
  }
  if (!model.moe_intermediate) model.moe_intermediate = model.intermediate;
  model.dense_layers = count_dense_layers(members, model.layers.value_or(0));
  if (model.experts_per_token && *model.experts_per_token > *model.experts) {
    members.complain(fmt::format("num_experts_per_tok: {} of {} experts", *model.experts_per_token,
                                 *model.experts));
  }
}

/// The released files of Gemma 3 leave out what equals the defaults of their class.
void fill_gemma3_defaults(Model& model) {
  if (!model.heads) model.heads = 8;
  if (!model.kv_heads) model.kv_heads = 4;
  if (!model.head_dim) model.head_dim = 256;
  if (!model.vocab) model.vocab = 262'208;
  if (!model.max_position) model.max_position = 131'072;
}

void require_parts(Members& members, const Architecture& is, const Model& model) {
  const auto need = [&](const std::optional<int>& value, std::string_view name) {
    if (!value) members.complain(fmt::format("{}: missing", name));
  };
  need(model.hidden, "hidden_size");
  need(model.layers, "num_hidden_layers");
  need(model.heads, "num_attention_heads");
  need(model.vocab, "vocab_size");
  if (!model.experts || model.dense_layers.value_or(0) > 0) {
    need(model.intermediate,
         is.model_type == "llama4_text" ? "intermediate_size_mlp" : "intermediate_size");
  }
  if (model.experts) {
    need(model.experts_per_token, "num_experts_per_tok");
    need(model.moe_intermediate, "moe_intermediate_size");
  }
  if (is.latent) {
    need(model.kv_lora, "kv_lora_rank");
    need(model.qk_nope, "qk_nope_head_dim");
    need(model.qk_rope, "qk_rope_head_dim");
    need(model.v_head, "v_head_dim");
    return;
  }
  if (!model.head_dim && model.hidden && model.heads) {
    members.complain(fmt::format("head_dim: missing, and hidden_size {} is no multiple of {} heads",
                                 *model.hidden, *model.heads));
  }
  if (model.heads && model.kv_heads && *model.heads % *model.kv_heads != 0) {
    members.complain(fmt::format("num_key_value_heads: {} heads cannot share {}", *model.heads,
                                 *model.kv_heads));
  }
}

/// Matrices only: norms, biases and rotary tables are below 0.1 % of any model here. A feed-forward
/// block is gate, up and down. Heads for drafting several tokens (num_nextn_predict_layers) are
/// left out, since servers load them on request only. Embeddings count as active: a token reads one
/// row of the first, but all of the second.
void compute_sizes(const Architecture& is, Model& m) {
  const auto n = [](const std::optional<int>& value) { return static_cast<double>(*value); };
  const double hidden = n(m.hidden);
  const double layers = n(m.layers);
  const double heads = n(m.heads);
  double attention = 0;
  if (is.latent) {
    const double query = heads * (n(m.qk_nope) + n(m.qk_rope));
    attention = m.q_lora ? n(m.q_lora) * (hidden + query) : hidden * query;
    attention += hidden * (n(m.kv_lora) + n(m.qk_rope));              // down to the cached vector
    attention += n(m.kv_lora) * heads * (n(m.qk_nope) + n(m.v_head))  // and up from it
                 + heads * n(m.v_head) * hidden;
    m.kv_elements_per_token = layers * (n(m.kv_lora) + n(m.qk_rope));
  } else {
    attention = 2 * hidden * n(m.head_dim) * (heads + n(m.kv_heads));
    m.kv_elements_per_token = 2 * layers * n(m.kv_heads) * n(m.head_dim);
  }
  const double dense_layers = n(m.dense_layers);
  double common = n(m.vocab) * hidden * (*m.tie_embeddings ? 1 : 2) + layers * attention;
  if (dense_layers > 0) common += dense_layers * 3 * hidden * n(m.intermediate);
  double all = common;
  double active = common;
  if (m.experts) {
    const double with_experts = layers - dense_layers;
    const double expert = 3 * hidden * n(m.moe_intermediate);
    const double always = 3 * hidden * m.shared_expert_intermediate.value_or(0)  //
                          + hidden * n(m.experts);                               // the router
    all += with_experts * (n(m.experts) * expert + always);
    active += with_experts * (n(m.experts_per_token) * expert + always);
  }
  m.params_b = all / 1e9;
  m.active_params_b = active / 1e9;
}

}  // namespace

Result<Model> model_from_config(const json::Value& config, std::string_view id) {
  if (id.empty() || id.size() > 256 ||
      std::ranges::any_of(id, [](char c) { return c <= ' ' || c == 0x7f; })) {
    return fail(ErrorCode::InvalidArgument,
                "model id: give it as owner/name, without blanks, at most 256 characters");
  }
  if (!config.is_object()) {
    return fail(ErrorCode::InvalidArgument, "config.json: not an object");
  }
  const json::Object& whole = config.get_object();
  Members members(whole, *text_part(whole));

  Model model;
  model.id = std::string(id);
  model.from.source = "user";
  model.from.confidence = "user";
  model.model_type = members.word({"model_type"});
  if (model.model_type.empty() && members.complaint().empty())
    members.complain("model_type: missing");

  const auto* is = std::ranges::find(kKnown, model.model_type, &Architecture::model_type);
  const bool known = is != kKnown.end();
  if (!known) members.allow_lists();

  model.hidden = members.integer({"hidden_size"});
  model.layers = members.integer({"num_hidden_layers"}, 1, kMostLayers);
  model.intermediate = members.integer({"intermediate_size"});
  model.heads = members.integer({"num_attention_heads"});
  model.kv_heads = members.integer({"num_key_value_heads"});
  model.head_dim = members.integer({"head_dim"});
  model.vocab = members.integer({"vocab_size"});
  model.max_position = members.integer({"max_position_embeddings"}, 1, 2'000'000'000);
  model.tie_embeddings = members.yes_no("tie_word_embeddings");
  if (model.model_type == "gemma3_text") fill_gemma3_defaults(model);
  if (known && !model.kv_heads) model.kv_heads = model.heads;
  if (known && !model.tie_embeddings) model.tie_embeddings = is->tied;
  if (!model.head_dim && model.hidden && model.heads && *model.hidden % *model.heads == 0) {
    model.head_dim = *model.hidden / *model.heads;
  }
  model.q_lora = members.integer({"q_lora_rank"}, 0);
  if (model.q_lora == 0) model.q_lora.reset();
  model.kv_lora = members.integer({"kv_lora_rank"}, 0);
  if (model.kv_lora == 0) model.kv_lora.reset();
  model.qk_nope = members.integer({"qk_nope_head_dim"}, 0);
  model.qk_rope = members.integer({"qk_rope_head_dim"}, 0);
  model.v_head = members.integer({"v_head_dim"}, 0);
  read_precision(members, model);

  std::string beyond =
      known ? first_beyond(members) : fmt::format("the architecture '{}'", model.model_type);
  if (model.layers) {
    if (const auto other = read_windows(members, known ? is->windows : Windows::None, model);
        beyond.empty()) {
      beyond = other;
    }
    read_experts(members, model);
    if (known && !model.experts) model.dense_layers = model.layers;
  }
  if (known && beyond.empty()) {
    if (model.experts && !is->experts) beyond = "experts";
    if (model.kv_lora && !is->latent) beyond = "latent attention (kv_lora_rank)";
    if (beyond.empty()) require_parts(members, *is, model);
  }
  if (!members.complaint().empty()) {
    return fail(ErrorCode::InvalidArgument, "config.json: " + members.complaint());
  }
  if (!beyond.empty()) {
    model.from.note = "sizes cannot be computed: " + beyond;
    return model;
  }
  compute_sizes(*is, model);
  model.complete = true;
  return model;
}

std::vector<std::string> to_row(const Model& m) {
  const auto integer = [](const std::optional<int>& n) { return n ? std::to_string(*n) : ""; };
  const auto number = [](const std::optional<double>& n) { return n ? shortest(*n) : ""; };
  const auto billions = [](const std::optional<double>& n) {
    return n ? shortest(parse_number(fixed(*n, *n < 1 ? 6 : 3)).value_or(*n)) : "";
  };
  const auto yes_no = [](const std::optional<bool>& b) { return !b ? "" : *b ? "yes" : "no"; };
  const std::pair<std::string_view, std::string> cells[] = {
      {"model", m.id},
      {"model_type", m.model_type},
      {"layers", integer(m.layers)},
      {"hidden", integer(m.hidden)},
      {"intermediate", integer(m.intermediate)},
      {"heads", integer(m.heads)},
      {"kv_heads", integer(m.kv_heads)},
      {"head_dim", integer(m.head_dim)},
      {"vocab", integer(m.vocab)},
      {"max_position", integer(m.max_position)},
      {"tie_embeddings", yes_no(m.tie_embeddings)},
      {"window", integer(m.window)},
      {"windowed_layers", integer(m.windowed_layers)},
      {"full_attention_layers", integer(m.full_attention_layers)},
      {"linear_attention_layers", integer(m.linear_attention_layers)},
      {"experts", integer(m.experts)},
      {"experts_per_token", integer(m.experts_per_token)},
      {"moe_intermediate", integer(m.moe_intermediate)},
      {"shared_expert_intermediate", integer(m.shared_expert_intermediate)},
      {"dense_layers", integer(m.dense_layers)},
      {"q_lora", integer(m.q_lora)},
      {"kv_lora", integer(m.kv_lora)},
      {"qk_nope", integer(m.qk_nope)},
      {"qk_rope", integer(m.qk_rope)},
      {"v_head", integer(m.v_head)},
      {"dtype", m.dtype},
      {"quantization", m.quantization},
      {"weight_bits", number(m.weight_bits)},
      {"params_b", billions(m.params_b)},
      {"active_params_b", billions(m.active_params_b)},
      {"kv_elements_per_token", number(m.kv_elements_per_token)},
      {"complete", m.complete ? "yes" : "partial"},
      {"source", m.from.source},
      {"as_of", m.from.as_of},
      {"confidence", m.from.confidence},
      {"gated", yes_no(m.gated)},
      {"licence_url", m.licence_url},
  };
  std::vector<std::string> row;
  for (const ColumnSchema& column : schema("models")->columns) {
    const auto* cell =
        std::ranges::find(cells, column.name, &std::pair<std::string_view, std::string>::first);
    row.push_back(cell == std::end(cells) ? std::string() : cell->second);
  }
  return row;
}

}  // namespace kneepoint::catalog
