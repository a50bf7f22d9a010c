#pragma once

#include "predict/measured_point.h"

namespace kneepoint::predict {

/// How far a measured point is believed: 1 fully, 0 not at all.
struct Trust {
  double tpot = 1, ttft = 1;
  bool lowered = false;  // by a rule that names it or one of its flags
};

/// Rules by point id and by flag, each with its reason, in data_rules.cc. They say what a point is
/// worth for fitting; every point is predicted and scored.
Trust trust_in(const MeasuredPoint& point);

}  // namespace kneepoint::predict
