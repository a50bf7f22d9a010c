#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "catalog/types.h"

/// Does a model fit? Pure functions; formulas, sources and worked examples: docs/memory.md.
namespace kneepoint::perfmodel {

/// How one replica is split over its accelerators, and in what precision.
///
/// tensor x pipeline x data parallel = accelerators. The notation that counts data-parallel
/// attention inside the tensor group (tensor 8, data 8 on 8 accelerators) is understood too. All
/// three left at 1 on several accelerators means that no split was stated: tensor parallel over all
/// of them. Any other product is no setup, and every size of it is unknown.
struct MemorySetup {
  int accelerators = 1;  // per replica
  int tensor_parallel = 1;
  int pipeline_parallel = 1;
  int data_parallel = 1;  // attention data parallelism: each rank has its own KV cache
  int expert_parallel = 1;
  std::string weight_precision;  // empty: as the checkpoint; else bf16, fp16, fp8, fp4, int4, int8
  std::string kv_precision;      // empty: 16-bit; fp8 ...
  double utilization = 0.9;      // share of usable memory the server may take
  double max_tokens_per_request = 0;  // context that must fit at least once; 0: not asked
};

struct MemoryUse {
  double weights_bytes = 0;                    // the model once, whatever is replicated
  double weights_bytes_per_accelerator = 0;    // of the fullest one
  double overhead_bytes_per_accelerator = 0;   // runtime, activations, captured graphs
  double kv_bytes_per_token = 0;               // of one accelerator, at its worst rank
  double available_bytes_per_accelerator = 0;  // usable memory x utilization
  double kv_room_bytes_per_accelerator = 0;    // what is left for the cache; may be negative
  double kv_capacity_tokens = 0;               // tokens the replica can hold at once; 0 when none
};

enum class Fit { Fits, DoesNotFit, UnknownSize };

struct FitAnswer {
  Fit fit = Fit::UnknownSize;
  MemoryUse use;                             // filled unless UnknownSize
  double missing_bytes_per_accelerator = 0;  // DoesNotFit
  /// What is needed against what is there, or which figure is unknown. Says so when the usable
  /// memory of the accelerator is not known and its nominal memory was taken.
  std::string sentence;
};

/// Bytes of all weights at a precision (empty: as the checkpoint); nothing when the architecture
/// is only partly described or the precision is not one we know.
std::optional<double> weight_bytes(const catalog::Model& model, std::string_view weight_precision);

/// KV cache bytes per token over all layers on one accelerator. GQA shards over tensor ranks (and
/// is replicated past kv_heads); MLA keeps a full latent on each rank; windowed layers count per
/// token only inside their window (kv_bytes_for below does that).
std::optional<double> kv_bytes_per_token(const catalog::Model& model, const MemorySetup& setup);

/// Cache bytes of one request of `tokens` tokens on one accelerator, windows respected.
std::optional<double> kv_bytes_for(const catalog::Model& model, const MemorySetup& setup,
                                   double tokens);

FitAnswer fits(const catalog::Model& model, const catalog::Accelerator& accelerator,
               const MemorySetup& setup);

}  // namespace kneepoint::perfmodel
