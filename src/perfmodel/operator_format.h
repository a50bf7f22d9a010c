#pragma once

#include <cstdint>
#include <type_traits>

/// The packed file of kernel times, for the one who writes it and the one who reads it.
///
///   header    magic, version, counts, hash of what follows
///   systems   SystemEntry each
///   grids     GridEntry each, a system's in one run, ordered by kind
///   axes      32-bit points of all axes; grids share equal ones
///   values    16-bit times, padded to 8 bytes
namespace kneepoint::perfmodel::packed {

inline constexpr char kMagic[8] = {'K', 'P', 'O', 'P', 'E', 'R', 'A', '\n'};
inline constexpr std::uint32_t kVersion = 1;

struct Header {
  char magic[8];
  std::uint32_t version;
  std::uint32_t systems;
  std::uint32_t grids;
  std::uint32_t axis_points;  // even: what follows stays aligned
  std::uint64_t values;       // a multiple of four
  char hash[32];
};

struct SystemEntry {
  char name[32];
  char accelerators[160];  // separated by spaces
  double capability;       // 0: none
  double bandwidth_gbs, bf16_tflops, fp8_tflops, fp4_tflops, link_gbs;
  std::uint32_t first_grid, grids;
};

struct GridEntry {
  std::uint8_t kind, type, kv, axes;
  std::int32_t numbers[7];
  std::uint32_t axis_first[3];
  std::uint32_t axis_points[3];  // 0: no such axis
  std::uint64_t first_value;
};

static_assert(sizeof(Header) == 64 && sizeof(SystemEntry) == 248 && sizeof(GridEntry) == 64);
static_assert(std::is_trivially_copyable_v<SystemEntry> && std::is_trivially_copyable_v<GridEntry>);

}  // namespace kneepoint::perfmodel::packed
