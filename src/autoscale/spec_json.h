#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "autoscale/hpa.h"
#include "base/json.h"
#include "base/result.h"

namespace kneepoint::autoscale {

/// A Kubernetes quantity in thousandths, rounded up as Kubernetes does: "10", "2500m", "0.5", "1k".
/// Decimal suffixes m, k, M, G; nothing for what is none, is negative or does not fit.
std::optional<std::int64_t> milli_quantity(std::string_view text);

/// The `spec` of a HorizontalPodAutoscaler, with the API server's defaults. InvalidArgument names
/// the field; Unsatisfiable a metric of a type that is not modelled.
Result<Spec> spec_of(const json::Object& hpa);

}  // namespace kneepoint::autoscale
