#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

/// Measured times of single kernels, per system (one kind of accelerator with its stack). What they
/// are, where they come from and what is wrong with them: docs/step-time.md.
namespace kneepoint::perfmodel {

/// What a matrix of weights is stored and multiplied in.
enum class Dtype : std::uint8_t {
  Bf16,
  Fp8,       // scale per tensor
  Fp8Block,  // scale per 128 x 128
  Nvfp4,
  Int4,   // weights only: multiplied as bf16
  Mxfp4,  // weights only
  Count
};

/// Numbers of a grid's key in order, and its axes.
enum class OperatorKind : std::uint8_t {
  Gemm,           // -                                            axes n, k, m
  Decode,         // head_dim, window, heads, kv_heads            axes batch, context
  Prefill,        // the same; one sequence                       axis prompt
  Experts,        // skew %, hidden, intermediate, experts, top_k, tp, ep   axis tokens
  MlaDecode,      // heads                                        axes batch, context
  MlaPrefill,     // heads; one sequence                          axis prompt
  AllReduce,      // gpus                                         axis bytes
  AllGather,      // gpus
  ReduceScatter,  // gpus
  AllToAll,       // gpus
  Count
};

/// Times over one, two or three axes, the last one fastest. A value is 128 x log2(microseconds).
struct Grid {
  static constexpr double kSteps = 128;  // per doubling

  OperatorKind kind{};
  Dtype type{};  // of the weights
  Dtype kv{};    // of the cache: Bf16 or Fp8
  std::array<std::int32_t, 7> numbers{};
  std::array<std::span<const std::int32_t>, 3> axes;  // rising, from 1; absent ones are empty
  std::span<const std::int16_t> values;
};

class SystemGrids;

struct System {
  std::string name;
  std::vector<std::string> accelerators;  // ids of the catalog it was measured on
  std::optional<double> capability;       // compute capability, NVIDIA only
  double bandwidth_gbs = 0, bf16_tflops = 0;
  double fp8_tflops = 0, fp4_tflops = 0;  // 0: no hardware for it
  double link_gbs = 0;                    // one way
  std::shared_ptr<SystemGrids> grids{};

  /// Made for the whole system when first asked for: a setup reads one or two systems of ten. On
  /// any thread.
  std::span<const Grid> of(OperatorKind kind) const;
};

/// The packed tables, mapped. Read-only, free to share between threads; copies share the memory.
class OperatorTables {
 public:
  /// Error: no such file, a damaged one, or one of another version; says which file.
  static Result<OperatorTables> open(const std::filesystem::path& path);
  /// Checks every offset before anything is read through it. `memory` keeps `bytes` alive.
  static Result<OperatorTables> unpack(std::string_view bytes, std::shared_ptr<const void> memory);
  /// No tables at all: everything is computed from data sheets.
  OperatorTables() = default;

  std::span<const System> systems() const;
  const System* system(std::string_view name) const;
  const System* measured_on(std::string_view accelerator) const;
  /// As if the system had never been measured: to see how well the others stand in for it.
  OperatorTables without(std::string_view name) const;
  const std::string& hash() const { return hash_; }  // of the content

 private:
  struct Index {
    std::vector<System> systems;
    std::shared_ptr<const void> memory;
  };
  std::shared_ptr<const Index> index_;
  std::string hash_;
};

}  // namespace kneepoint::perfmodel
