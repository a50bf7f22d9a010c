#pragma once

#include <string>

#include "app/deploy.h"
#include "cli/run.h"

namespace kneepoint::cli {

/// The manifest that the flags of `manifests create` ask for.
Result<app::Deployment> manifest_asked_for(Run& run, const std::string& namespace_name);

}  // namespace kneepoint::cli
