#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/session.h"
#include "base/json.h"
#include "base/result.h"

/// What a team asks of a running Kneepoint, as JSON in and JSON out. REST, gRPC and MCP are three
/// ways to the same verbs: none of them knows what a verb does, and no verb knows who asked.
namespace kneepoint::verbs {

/// What a caller must be allowed to do. Each includes the ones above it.
enum class Right { Read, Write, Deploy };

/// One call of one verb. `ask` is canonical (see canonical.h): lowerCamel names, no nulls, no empty
/// strings where nothing is meant; parameters of the path and of the query are members like any
/// other.
struct Call {
  app::Session& session;  // this thread's own
  json::Object ask;
  /// Long verbs tell how far they are, often; may be empty. False: nobody waits any more, stop.
  std::function<bool(const json::Object& progress)> progress;
};

using Handler = Result<json::Value> (*)(Call& call);

struct Verb {
  std::string_view name;    // "FetchProfiles": the rpc
  std::string_view method;  // "GET" or "POST" ...
  std::string_view path;    // "/v1/profiles:fetch", "/kneepoint/v1/profiles/{id}"
  Right right = Right::Read;
  /// The same ask gets the same answer until the store, the catalog or the day changes.
  bool cacheable = false;
  /// Takes long: REST answers with a job at once (202), whose events tell of its progress.
  bool job = false;
  std::string_view summary;  // one sentence, for docs, OpenAPI and MCP
  Handler handler = nullptr;
  /// REST answers with server-sent events: every progress is one, named by its member "event"; the
  /// answer is the last, "done". The handler waits for what happens, so it has a thread of its own.
  bool stream = false;
  /// Not JSON: the answer is {"body": text}, and REST sends that text under this type.
  std::string_view content_type = {};
};

/// google.cloud.gkerecommender.v1, and the JSON-only methods of its newest client.
std::span<const Verb> gkerecommender();
/// kneepoint.v1: what that API lacks.
std::span<const Verb> kneepoint_v1();

}  // namespace kneepoint::verbs
