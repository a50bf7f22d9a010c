#include "catalog/types.h"

namespace kneepoint::catalog {

std::string_view name(PricingModel model) {
  switch (model) {
    case PricingModel::OnDemand:
      return "on-demand";
    case PricingModel::Spot:
      return "spot";
    case PricingModel::OneYear:
      return "1-year-cud";
    case PricingModel::ThreeYears:
      return "3-years-cud";
  }
  __builtin_unreachable();
}

std::optional<PricingModel> parse_pricing_model(std::string_view text) {
  for (const PricingModel model : {PricingModel::OnDemand, PricingModel::Spot,
                                   PricingModel::OneYear, PricingModel::ThreeYears}) {
    if (name(model) == text) return model;
  }
  return {};
}

std::optional<double> Price::at(PricingModel model) const {
  switch (model) {
    case PricingModel::OnDemand:
      return on_demand;
    case PricingModel::Spot:
      return spot;
    case PricingModel::OneYear:
      return one_year;
    case PricingModel::ThreeYears:
      return three_years;
  }
  __builtin_unreachable();
}

}  // namespace kneepoint::catalog
