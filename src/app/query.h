#pragma once

#include <string>

#include "app/profiles.h"
#include "catalog/catalog.h"
#include "recommend/request.h"

namespace kneepoint::app {

/// InvalidArgument when nobody knows the provider, region or machine type: it names near ones.
Result<void> check_pricing(const catalog::Catalog& catalog, const recommend::PricingRules& rules);

/// Of what is to be recommended the workload: lengths that were asked for go from the selection,
/// which wants them within 20 %, to the request, which takes the nearest measured workload; without
/// lengths and without a use case a chat is assumed. True: it was assumed.
bool settle_workload(Selection& selection, recommend::Request& request);
inline constexpr const char* kUsualUseCase = "Chatbot (ShareGPT)";

/// What an answer rests on, for people: "prices: on-demand (default) at gcp; targets on p50".
std::string assumptions(const recommend::Request& request, bool pricing_model_given);

}  // namespace kneepoint::app
