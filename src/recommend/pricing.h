#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "catalog/catalog.h"
#include "recommend/request.h"

namespace kneepoint::recommend {

/// What one replica costs per hour, and by which row of the catalog.
struct Quote {
  double usd_per_hour = 0;  // of one replica
  std::string provider, region;
  std::string machine_type;         // empty where a provider rents accelerators, not machines
  double machine_usd_per_hour = 0;  // of the whole machine (or of one accelerator)
  double machines_per_replica = 0;  // 0.125: eight replicas share a machine; 2: spans two
  bool region_substituted = false;  // the default region has no price; this is the nearest priced
  std::string wanted_region;        // region_substituted only
  bool stale = false;               // older than PricingRules::stale_after_days, or undated
  const catalog::Price* price = nullptr;      // the row; owned by the catalog
  const catalog::Machine* machine = nullptr;  // may be null
};

/// Why there is no price: a sentence that says what is missing and what there is instead.
struct NoPrice {
  std::string sentence;
};

/// The cheapest way to rent `count` accelerators under the rules. A replica takes its share of the
/// machine it packs into: a machine with m accelerators holds floor(m / count) replicas and each
/// pays an equal part; more than one machine holds is ceil(count / m) whole machines.
class Pricer {
 public:
  Pricer(const catalog::Catalog& catalog, PricingRules rules);

  /// Answers are remembered: thousands of profiles ask for the same few.
  const tl::expected<Quote, NoPrice>& quote(std::string_view accelerator, int count);

 private:
  tl::expected<Quote, NoPrice> find(std::string_view accelerator, int count) const;
  std::optional<Quote> machine_quote(const catalog::Machine& machine, int count) const;
  const catalog::Price* newest(std::string_view provider, std::string_view region,
                               std::string_view item, bool accelerators) const;
  const catalog::Price* in_region(const catalog::Machine& machine, std::string_view item,
                                  bool accelerators, Quote& quote) const;
  void finish(Quote& quote) const;
  std::string why_not(std::string_view accelerator, int count) const;

  const catalog::Catalog& catalog_;
  PricingRules rules_;
  std::map<std::string, std::map<int, tl::expected<Quote, NoPrice>>, std::less<>> known_;
};

/// Dollars per million tokens. Per output token = price per second / (input tok/s / r + output
/// tok/s) and per input token = that / r, where r is the price of an output token over that of an
/// input token (GKE Inference Quickstart documentation; the API's Cost message).
struct TokenCost {
  double input = 0, output = 0;
};
TokenCost token_cost(double usd_per_hour, double input_tokens_per_second,
                     double output_tokens_per_second, double ratio);

}  // namespace kneepoint::recommend
