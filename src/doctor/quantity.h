#pragma once

#include <optional>
#include <string_view>

namespace kneepoint::doctor {

/// A Kubernetes quantity ("500m", "48Gi", "1e3") as a number; nothing when it is none.
std::optional<double> parse_quantity(std::string_view text);

/// A duration of Go's form as Prometheus objects take it ("15s", "1m30s") in seconds.
std::optional<double> parse_duration(std::string_view text);

}  // namespace kneepoint::doctor
