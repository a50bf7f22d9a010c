#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/date.h"
#include "catalog/types.h"
#include "curve/curve.h"

namespace kneepoint::recommend {

/// How a replica is priced, and where.
struct PricingRules {
  catalog::PricingModel model = catalog::PricingModel::OnDemand;
  std::string provider = "gcp";  // "any": whoever is cheapest
  /// Empty: Google machines in us-east5 (A3 in us-central1), and where no row has that region the
  /// nearest priced one, named in the quote; other providers wherever they have a price.
  std::string region;
  std::string machine_type;    // only this one; empty: any
  bool whole_machine = false;  // the smallest rentable machine instead of a share of one
  Date today{};
  int stale_after_days = 90;
};

/// What the user wants.
struct Request {
  std::vector<curve::Target> targets;
  curve::StatisticRule statistic_rule = curve::StatisticRule::Closest;
  PricingRules pricing;
  std::optional<double> max_usd_per_million_input, max_usd_per_million_output;
  std::optional<double> max_usd_per_hour;  // of the fleet
  std::vector<std::string> accelerators;   // empty: all
  std::optional<double> expected_requests_per_second;
  double headroom = 0.2;               // share of a replica's rate kept free
  bool min_available = false;          // replicas cover the loss of one
  double output_input_cost_ratio = 4;  // price of an output token / of an input token
  /// Lengths wanted. Per model, accelerator and server only the nearest measured workload counts.
  std::optional<double> input_tokens, output_tokens;
};

}  // namespace kneepoint::recommend
