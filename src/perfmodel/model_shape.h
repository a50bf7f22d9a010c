#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "catalog/types.h"
#include "perfmodel/operator_tables.h"

namespace kneepoint::perfmodel {

/// The sizes of a model that a step is made of, every one filled. What the catalog does not state
/// is estimated, and `estimated` says so in a sentence each: a prediction widens by it, it is not
/// refused.
struct ModelShape {
  double hidden = 0, heads = 1, kv_heads = 1, head_dim = 128, vocab = 0;
  double intermediate = 0;  // of the dense layers
  double attention_layers = 0, linear_layers = 0, dense_layers = 0, expert_layers = 0;
  double windowed_layers = 0, window = 0;  // of the attention layers
  double linear_width = 0;                 // values of one linear-attention layer
  bool gated_attention = false;            // queries are twice as wide

  double experts = 0, top_k = 0, expert_intermediate = 0, shared_intermediate = 0;

  bool latent = false;  // MLA
  double q_lora = 0, kv_lora = 0, nope = 128, rope = 64, v_head = 128;
  double attended_tokens = 0;             // sparse index: tokens it picks per query; 0: none
  double index_heads = 0, index_dim = 0;  // of the sparse index

  std::vector<std::string> estimated;

  double layers() const { return attention_layers + linear_layers; }
};

ModelShape shape_of(const catalog::Model& model);

/// What the matrices of a checkpoint are stored in, by block.
struct BlockTypes {
  Dtype attention = Dtype::Bf16, dense = Dtype::Bf16, shared = Dtype::Bf16, experts = Dtype::Bf16;
  std::vector<std::string> estimated;
};

/// `weight_precision` empty: as the checkpoint. An unknown word counts as bf16, and says so.
BlockTypes block_types(const catalog::Model& model, std::string_view weight_precision);

}  // namespace kneepoint::perfmodel
