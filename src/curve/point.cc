#include "curve/point.h"

#include <array>
#include <cstddef>

namespace kneepoint::curve {
namespace {

constexpr std::array kKinds{LoadKind::Concurrency, LoadKind::RequestRate, LoadKind::Burst};
constexpr std::array<std::string_view, kKinds.size()> kNames{"concurrency", "request_rate",
                                                             "burst"};
constexpr std::array<std::string_view, kKinds.size()> kUnits{"clients", "requests/s", "requests"};

}  // namespace

std::string_view name(LoadKind kind) { return kNames[static_cast<std::size_t>(kind)]; }
std::string_view unit(LoadKind kind) { return kUnits[static_cast<std::size_t>(kind)]; }

std::optional<LoadKind> parse_load_kind(std::string_view name) {
  for (const LoadKind kind : kKinds) {
    if (name == curve::name(kind)) return kind;
  }
  return std::nullopt;
}

}  // namespace kneepoint::curve
