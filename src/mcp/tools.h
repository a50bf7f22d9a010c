#pragma once

#include <span>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "verbs/verb.h"

/// The verbs as tools of the Model Context Protocol.
namespace kneepoint::mcp {

struct Tool {
  std::string_view name;         // "kneepoint_recommend"
  std::string_view title;        // for people
  std::string_view description;  // for the model: what it is for and when to take it
  std::string_view input;        // JSON Schema of the arguments
  std::string_view service;      // whose verb: "kneepoint" or "gkerecommender"
  std::string_view verb;         // "Recommend"
  /// From arguments to what the verb is asked.
  json::Object (*ask)(const json::Object& arguments) = nullptr;
  /// What a reader sees of an answer; empty: the answer as JSON.
  std::string (*text)(const json::Value& answer) = nullptr;
};

/// Names of the integrations that assistants know first, then our own.
std::span<const Tool> tools();
const Tool* find_tool(std::string_view name);
const verbs::Verb& verb_of(const Tool& tool);

/// One entry of tools/list.
json::Object describe(const Tool& tool);

}  // namespace kneepoint::mcp
