#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/profiles.h"
#include "app/session.h"

/// What there is: the names a user can put into the other verbs.
namespace kneepoint::app {

/// Nothing when the model is empty or some profile or the catalog knows it; else NotFound with the
/// nearest names.
Result<void> check_model(Session& session, const std::string& model);

/// "; nearest: a, b", or nothing where no name is near.
std::string nearest_words(std::string_view wanted, const std::vector<std::string>& names);

/// Models with profiles; all = also those the catalog describes without a profile.
Result<std::vector<std::string>> list_models(Session& session);
Result<std::vector<std::string>> list_model_servers(Session& session, const std::string& model);
/// The newest first, unversioned builds last.
Result<std::vector<std::string>> list_model_server_versions(Session& session,
                                                            const std::string& model,
                                                            const std::string& model_server);

struct Stack {
  std::string name, version;
};
Result<std::vector<Stack>> list_serving_stacks(Session& session, const Selection& selection);

struct Combination {
  std::string model, model_server, model_server_version;
};
Result<std::vector<Combination>> list_combinations(Session& session, const Selection& selection);

}  // namespace kneepoint::app
