#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/types.h"
#include "perfmodel/log_grid.h"
#include "perfmodel/operator_tables.h"

/// How long single operators take on one accelerator: from its own kernel tables, or from those of
/// its relatives where it has none. The rules and their reasons: docs/step-time.md.
namespace kneepoint::perfmodel {

/// Data-sheet figures, in what is done per nanosecond.
struct DeviceRates {
  double bandwidth = 0;               // bytes
  double bf16 = 0, fp8 = 0, fp4 = 0;  // floating point operations; 0: no hardware for it
  double link = 0;                    // bytes, one way
  double network = 50;                // bytes, one way, to another host
  int per_host = 8;                   // accelerators joined by the link
  bool native(Dtype type) const;      // multiplies in that type; else only stores it
  double compute(Dtype type) const;   // operations per nanosecond
};

double bytes_per_weight(Dtype type);

using TokenCurve = TokenGrid::Values;  // nanoseconds by tokens
/// Nanoseconds by batch (outer) and tokens in the cache of each sequence, the new one included.
using ContextSurface = std::array<ContextGrid::Values, BatchGrid::kPoints>;

struct AttentionShape {  // of one accelerator
  double heads = 1, kv_heads = 1, head_dim = 128;
  double window = 0;  // 0: sees everything
  Dtype kv = Dtype::Bf16;
};

struct LatentAttentionShape {  // MLA; heads of one accelerator
  double hidden = 0, heads = 1, q_lora = 0, kv_lora = 0, nope = 128, rope = 64, v_head = 128;
  double attended_tokens = 0;  // at most, per query; 0: all (a sparse index chooses them)
  Dtype type = Dtype::Bf16, kv = Dtype::Bf16;
};

struct ExpertShape {  // routed experts of one layer
  Dtype type = Dtype::Bf16;
  double hidden = 0, intermediate = 0, experts = 0, top_k = 0;
  double tensor = 1, expert = 1;  // ways each expert, and the set of experts, is split
};

enum class Collective { AllReduce, AllGather, ReduceScatter };

/// Read-only once made; keeps the tables' memory alive through `tables`.
class Operators {
 public:
  /// Error: the catalog lacks bandwidth or compute of the accelerator.
  static Result<Operators> of(const OperatorTables& tables,
                              const catalog::Accelerator& accelerator);

  const DeviceRates& rates() const { return rates_; }
  /// Where it has no tables of its own: which tables it is computed from.
  const std::vector<std::string>& notes() const { return notes_; }

  /// Y[m, n] = X[m, k] W[k, n] over all m.
  TokenCurve gemm(Dtype type, double n, double k) const;
  double gemm(Dtype type, double m, double n, double k) const;

  /// By tokens that enter the layer, over all ranks that share the experts.
  TokenCurve experts(const ExpertShape& shape) const;

  ContextSurface decode_attention(const AttentionShape& shape) const;
  /// One sequence of so many tokens, nothing cached.
  TokenCurve prefill_attention(const AttentionShape& shape) const;

  /// The whole block, projections included.
  ContextSurface latent_decode(const LatentAttentionShape& shape) const;
  TokenCurve latent_prefill(const LatentAttentionShape& shape) const;

  /// Tokens times `bytes_per_token`, over `ranks` accelerators. For all-gather and reduce-scatter
  /// the bytes are of the whole, gathered message.
  TokenCurve collective(Collective what, double bytes_per_token, int ranks) const;

 private:
  /// A system whose tables are used.
  struct Relative {
    const System* system = nullptr;
    DeviceRates rates;
  };

  std::vector<Relative> relatives_with(OperatorKind kind) const;
  TokenCurve gemm_of(const Relative& on, const Grid& grid, Dtype type, double n, double k) const;
  bool gemm_tables(Dtype table, Dtype type, double n, double k, TokenCurve& out) const;
  bool native_mxfp4(const ExpertShape& shape, TokenCurve& out) const;
  bool expert_tables(Dtype table, const ExpertShape& shape, double farthest, TokenCurve& out) const;
  TokenCurve reduce_within(Collective what, double bytes_per_token, int ranks) const;

  OperatorTables tables_;
  DeviceRates rates_;
  std::vector<Relative> relatives_;  // nearest first
  bool own_ = false;                 // relatives_ is the system it was measured on
  std::vector<std::string> notes_;
};

}  // namespace kneepoint::perfmodel
