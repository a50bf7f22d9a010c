#include "recommend/pricing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>

#include "base/date.h"
#include "base/text.h"

namespace kneepoint::recommend {
namespace {

using catalog::Covers;
using catalog::Machine;
using catalog::Price;
using catalog::Region;

constexpr std::string_view kAnyRegion = "any";

/// Where the public quickstart prices Google machines.
std::string_view default_region(std::string_view machine_family) {
  return machine_family.starts_with("a3") ? "us-central1" : "us-east5";
}

const Region* find_region(const catalog::Catalog& catalog, std::string_view provider,
                          std::string_view region) {
  for (const Region& row : catalog.regions()) {
    if (row.provider == provider && row.region == region) return &row;
  }
  return nullptr;
}

/// Great-circle angle in radians; far away when a place is unknown.
double distance(const Region* a, const Region* b) {
  if (a == nullptr || b == nullptr || !a->latitude || !a->longitude || !b->latitude ||
      !b->longitude) {
    return 10;
  }
  const auto radians = [](double degrees) { return degrees * std::numbers::pi / 180; };
  const double la = radians(*a->latitude);
  const double lb = radians(*b->latitude);
  const double along = radians(*a->longitude - *b->longitude);
  const double cosine = std::sin(la) * std::sin(lb) + std::cos(la) * std::cos(lb) * std::cos(along);
  return std::acos(std::clamp(cosine, -1.0, 1.0));
}

/// A user's row before a shipped one, then the newest date, then the better word.
bool better(const Price& a, const Price& b) {
  if (a.from.layer_rank != b.from.layer_rank) return a.from.layer_rank > b.from.layer_rank;
  const auto da = parse_date(a.from.as_of);
  const auto db = parse_date(b.from.as_of);
  if (da != db) return !db || (da && *da > *db);
  return a.from.confidence == "sourced" && b.from.confidence != "sourced";
}

}  // namespace

Pricer::Pricer(const catalog::Catalog& catalog, PricingRules rules)
    : catalog_(catalog), rules_(std::move(rules)) {}

const Price* Pricer::newest(std::string_view provider, std::string_view region,
                            std::string_view item, bool accelerators) const {
  const Covers covers = accelerators ? Covers::AcceleratorWithHost : Covers::Machine;
  const Price* best = nullptr;
  for (const Price& price : catalog_.prices()) {
    if (price.provider != provider || price.item != item || price.covers != covers) continue;
    if (price.region != region && price.region != kAnyRegion) continue;
    if (!price.at(rules_.model)) continue;
    if (best == nullptr || better(price, *best)) best = &price;
  }
  return best;
}

const Price* Pricer::in_region(const Machine& machine, std::string_view item, bool accelerators,
                               Quote& quote) const {
  if (!rules_.region.empty()) return newest(machine.provider, rules_.region, item, accelerators);
  const bool google = machine.provider == "gcp";
  const std::string home(google ? default_region(machine.family) : std::string_view());
  if (google) {
    if (const Price* price = newest(machine.provider, home, item, accelerators)) return price;
  }
  std::set<std::string> regions;
  for (const Price& price : catalog_.prices()) {
    if (price.provider == machine.provider && price.item == item) regions.insert(price.region);
  }
  const Region* from = find_region(catalog_, machine.provider, home);
  const Price* best = nullptr;
  double best_score = 0;
  for (const std::string& region : regions) {
    const Price* price = newest(machine.provider, region, item, accelerators);
    if (price == nullptr) continue;
    // Google: nearest to the default region. Others have none: cheapest.
    const double score = google ? distance(from, find_region(catalog_, machine.provider, region))
                                : *price->at(rules_.model);
    if (best == nullptr || score < best_score) {
      best = price;
      best_score = score;
    }
  }
  if (best != nullptr && google && best->region != kAnyRegion) {
    quote.region_substituted = true;
    quote.wanted_region = home;
  }
  return best;
}

void Pricer::finish(Quote& quote) const {
  quote.provider = quote.price->provider;
  quote.region = quote.price->region;
  // "2026" may mean January: what cannot be shown to be fresh is stale.
  const auto dated = parse_date_earliest(quote.price->from.as_of);
  quote.stale = !dated || rules_.today - *dated > std::chrono::days(rules_.stale_after_days);
  // A price the user typed without a date is as fresh as the user says.
  if (!dated && quote.price->from.layer_rank > 0) quote.stale = false;
}

std::optional<Quote> Pricer::machine_quote(const Machine& machine, int count) const {
  if (machine.accelerator_count < 1 && machine.accelerator_count < count) return {};
  if (rules_.model == catalog::PricingModel::OnDemand && !machine.on_demand) return {};
  const bool spans = machine.accelerator_count < count;
  if (spans && machine.accelerator_count != std::floor(machine.accelerator_count)) return {};

  Quote quote;
  quote.machine = &machine;
  quote.machine_type = machine.machine_type;
  quote.price = in_region(machine, machine.machine_type, false, quote);
  if (quote.price != nullptr) {
    quote.machine_usd_per_hour = *quote.price->at(rules_.model);
  } else {
    // TPU machines and the like are sold by the accelerator, host included.
    quote.price = in_region(machine, machine.accelerator, true, quote);
    if (quote.price == nullptr) return {};
    quote.machine_usd_per_hour = *quote.price->at(rules_.model) * machine.accelerator_count;
  }
  if (spans) {
    quote.machines_per_replica = std::ceil(count / machine.accelerator_count);
  } else if (rules_.whole_machine) {
    quote.machines_per_replica = 1;
  } else {
    quote.machines_per_replica = 1 / std::floor(machine.accelerator_count / count);
  }
  quote.usd_per_hour = quote.machine_usd_per_hour * quote.machines_per_replica;
  finish(quote);
  return quote;
}

const tl::expected<Quote, NoPrice>& Pricer::quote(std::string_view accelerator, int count) {
  auto known = known_.find(accelerator);
  if (known == known_.end())
    known = known_.emplace(accelerator, std::map<int, tl::expected<Quote, NoPrice>>()).first;
  const auto found = known->second.find(count);
  if (found != known->second.end()) return found->second;
  return known->second.emplace(count, find(accelerator, count)).first->second;
}

tl::expected<Quote, NoPrice> Pricer::find(std::string_view accelerator, int count) const {
  std::optional<Quote> best;
  const auto offer = [&](const Quote& quote) {
    const auto order = [&](const Quote& q) {
      // A whole machine means the smallest one; a share means the cheapest share.
      const double size = q.machine != nullptr ? q.machine->accelerator_count : 1;
      const double spill = q.machines_per_replica > 1 ? 1 : 0;
      // Tables round: what differs by less than a tenth of a cent costs the same.
      const double usd = std::round(q.usd_per_hour * 1000);
      return rules_.whole_machine ? std::tuple(spill, size * q.machines_per_replica, usd)
                                  : std::tuple(spill, usd, size);
    };
    if (!best || order(quote) < order(*best)) best = quote;
  };
  std::set<std::string_view> machine_providers;
  for (const Machine& machine : catalog_.machines()) {
    if (machine.accelerator != accelerator) continue;
    if (rules_.provider != "any" && machine.provider != rules_.provider) continue;
    machine_providers.insert(machine.provider);
    if (!rules_.machine_type.empty() && machine.machine_type != rules_.machine_type) continue;
    if (const auto quote = machine_quote(machine, count)) offer(*quote);
  }
  // Providers that rent accelerators by the hour and name no machine.
  for (const Price& price : catalog_.prices()) {
    if (price.item != accelerator || price.covers != Covers::AcceleratorWithHost) continue;
    if (rules_.provider != "any" && price.provider != rules_.provider) continue;
    if (!rules_.machine_type.empty() || machine_providers.contains(price.provider) ||
        !price.at(rules_.model))
      continue;
    if (!rules_.region.empty() && price.region != rules_.region && price.region != kAnyRegion) {
      continue;
    }
    Quote quote;
    quote.price = newest(price.provider, price.region, price.item, true);
    quote.machine_usd_per_hour = *quote.price->at(rules_.model);
    quote.machines_per_replica = count;
    quote.usd_per_hour = quote.machine_usd_per_hour * count;
    finish(quote);
    offer(quote);
  }
  if (!best) return tl::unexpected(NoPrice{why_not(accelerator, count)});
  return *best;
}

std::string Pricer::why_not(std::string_view accelerator, int count) const {
  std::set<std::string> items{std::string(accelerator)};
  std::set<std::string> providers;
  for (const Machine& machine : catalog_.machines()) {
    if (machine.accelerator != accelerator) continue;
    items.insert(machine.machine_type);
    providers.insert(machine.provider);
  }
  std::set<std::string> elsewhere;
  std::set<std::string> models;
  for (const Price& price : catalog_.prices()) {
    if (!items.contains(price.item)) continue;
    if (price.covers != Covers::Machine && price.covers != Covers::AcceleratorWithHost) continue;
    for (const auto model : {catalog::PricingModel::OnDemand, catalog::PricingModel::Spot,
                             catalog::PricingModel::OneYear, catalog::PricingModel::ThreeYears}) {
      if (!price.at(model)) continue;
      if (model == rules_.model) elsewhere.insert(price.provider + " " + price.region);
      const bool here = (rules_.provider == "any" || price.provider == rules_.provider) &&
                        (rules_.region.empty() || price.region == rules_.region);
      if (here) models.insert(std::string(name(model)));
    }
  }
  std::string out = fmt::format("no {} price for {} x {}", name(rules_.model), count, accelerator);
  if (rules_.provider != "any") out += " at " + rules_.provider;
  if (!rules_.machine_type.empty()) out += " on " + rules_.machine_type;
  if (!rules_.region.empty()) out += " in " + rules_.region;
  if (!models.empty()) {
    out += fmt::format("; there is one for {}", fmt::join(models, ", "));
  } else if (!elsewhere.empty()) {
    out += fmt::format("; priced at {}", fmt::join(elsewhere, ", "));
  } else {
    out += "; add your own with 'kneepoint prices import'";
  }
  return out;
}

TokenCost token_cost(double usd_per_hour, double input_tokens_per_second,
                     double output_tokens_per_second, double ratio) {
  const double weighted = input_tokens_per_second / ratio + output_tokens_per_second;
  const double per_output = usd_per_hour / 3600 / weighted;
  return {per_output / ratio * 1e6, per_output * 1e6};
}

}  // namespace kneepoint::recommend
