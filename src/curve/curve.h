#pragma once

/// Pure functions over the load points of one serving setup under one workload. All points of a
/// curve have the same LoadKind; any order is accepted. Definitions and pictures:
/// docs/metrics/knee.md.
#include "curve/interpolate.h"      // IWYU pragma: export
#include "curve/knee.h"             // IWYU pragma: export
#include "curve/operating_point.h"  // IWYU pragma: export
#include "curve/point.h"            // IWYU pragma: export
