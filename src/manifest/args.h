#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "manifest/facts.h"
#include "manifest/objects.h"
#include "manifest/plan.h"
#include "manifest/request.h"

namespace kneepoint::manifest {

/// The name of the variable that holds the model, so that arguments show where to change it.
inline constexpr const char* kModelVariable = "MODEL_ID";
inline constexpr const char* kConfigFolder = "/etc/kneepoint";
inline constexpr const char* kConfigFile = "server.yaml";

struct StartCommand {
  std::vector<std::string> command, args;
  std::vector<EnvVar> env;  // beside MODEL_ID and the token
  std::vector<std::string>
      loaded;          // succeeds in the container once the model is loaded; empty: HTTP
  std::string config;  // text of a file that the arguments name; empty: none
  std::vector<std::string> remarks;  // asked for, but this server version has no option for it
};

/// How this server version is started for this plan: each option only where the catalog says that
/// the version knows it. Unsatisfiable names what the catalog lacks to start the server at all.
Result<StartCommand> start_command(const Request& request, const Facts& facts, const Plan& plan);

}  // namespace kneepoint::manifest
