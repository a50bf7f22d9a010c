#pragma once

#include <string_view>

#include "predict/measured_point.h"

namespace kneepoint::predict {

/// How far a measured point is believed: 1 fully, 0 not at all.
struct Trust {
  double tpot = 1, ttft = 1;
  bool lowered = false;  // by a rule that names it or one of its flags
};

/// Sources that measured under conditions of their own (tuned submissions, nightly builds of forks,
/// bursts, tables in documents). What they say of each other's setups counts; of the setups that
/// were measured like a user would, little.
bool is_varied(std::string_view source);

/// Rules by point id and by flag, each with its reason, in data_rules.cc. They say what a point is
/// worth for fitting; every point is predicted and scored.
Trust trust_in(const MeasuredPoint& point);

}  // namespace kneepoint::predict
