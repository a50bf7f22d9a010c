#pragma once

#include "app/profiles.h"
#include "app/setup_question.h"
#include "verbs/ask.h"

/// Members that several verbs of kneepoint.v1 read alike.
namespace kneepoint::verbs {

/// model, modelServer, acceleratorTypes, useCase or lengths ...
app::Selection read_selection(Ask& ask);

/// targets, pricing, load, limits of money. Unknown providers, regions and machine types are the
/// ask's mistakes too.
recommend::Request read_request(Ask& ask, const app::Session& session);

/// Whether a pricing model was named.
bool names_pricing_model(const json::Object& ask);

/// A setup to predict or simulate, with lengths.
app::SetupWords read_setup(Ask& ask);

}  // namespace kneepoint::verbs
