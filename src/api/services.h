#pragma once

#include <span>
#include <string_view>

#include "verbs/verb.h"

namespace kneepoint::api {

/// A gRPC service by its full name, and the verbs its rpcs are named after.
struct Service {
  std::string_view name;
  std::span<const verbs::Verb> verbs;
};

/// What both doors serve.
std::span<const Service> services();

}  // namespace kneepoint::api
