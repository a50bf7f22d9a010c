#pragma once

#include "cli/parse.h"
#include "cluster/kubectl.h"

namespace kneepoint::cli {

/// The cluster that the flags name. A SIGINT or SIGTERM ends what is asked of it, while a
/// bench::Interruptible lives.
cluster::Kubectl kubectl_of(const Parsed& args);

}  // namespace kneepoint::cli
