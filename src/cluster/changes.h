#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace kneepoint::cluster {

/// One field that is, or will be, another.
struct Change {
  std::string path;           // "spec.template.spec.containers[server].image"
  std::string before, after;  // as JSON; empty: not there
};

/// What differs between an object as the server has it and as it would have it. What the server
/// keeps for itself (status, versions, times, who owns which field) does not count. Items of a list
/// are told apart by their names where all have one. Values of a Secret are not shown.
std::vector<Change> changes(const json::Object& before, const json::Object& after);

/// "spec.replicas: 1 -> 2"
std::string in_words(const Change& change);

}  // namespace kneepoint::cluster
