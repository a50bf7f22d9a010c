#include <algorithm>
#include <vector>

#include "verbs/handlers.h"
#include "verbs/pieces.h"
#include "verbs/question.h"

namespace kneepoint::verbs {
namespace {

using json::Array;
using json::Object;

/// Of a server, the newest first; what is no version after them.
std::vector<const catalog::ServerVersion*> versions_of(const catalog::Catalog& catalog,
                                                       std::string_view server) {
  std::vector<const catalog::ServerVersion*> out;
  for (const catalog::ServerVersion& version : catalog.server_versions()) {
    if (version.server == server) out.push_back(&version);
  }
  const auto is_version = [](const catalog::ServerVersion* v) {
    return catalog::compare_versions(v->version, v->version).has_value();
  };
  std::stable_sort(out.begin(), out.end(), [&](const auto* a, const auto* b) {
    const bool va = is_version(a), vb = is_version(b);
    if (va != vb) return va;
    return va && *catalog::compare_versions(a->version, b->version) > 0;
  });
  return out;
}

}  // namespace

Result<json::Value> list_servers(Call& call) {
  Ask ask(call.ask);
  if (auto done = ask.done(); !done) return fail(done.error());
  const catalog::Catalog& catalog = call.session.catalog();
  Array servers;
  for (const catalog::Server& server : catalog.servers()) {
    Array versions;
    for (const catalog::ServerVersion* version : versions_of(catalog, server.name)) {
      Object one{{"version", version->version}};
      put(one, "releasedOn", version->released_on);
      put(one, "image", version->image);
      put(one, "channel", version->channel);
      versions.push_back(std::move(one));
    }
    Object one{{"name", server.name}};
    put(one, "displayName", server.display_name);
    put(one, "status", server.status);
    put(one, "port", server.port);
    one.emplace("versions", std::move(versions));
    servers.push_back(std::move(one));
  }
  return Object{{"servers", std::move(servers)}};
}

Result<json::Value> list_use_cases(Call& call) {
  Ask ask(call.ask);
  if (auto done = ask.done(); !done) return fail(done.error());
  Array all;
  for (const catalog::UseCase& use_case : call.session.catalog().use_cases()) {
    all.push_back(Object{{"name", use_case.name},
                         {"averageInputLength", use_case.input_tokens_mean},
                         {"averageOutputLength", use_case.output_tokens_mean},
                         {"aliases", texts(use_case.aliases)},
                         {"source", use_case.from.source}});
  }
  return Object{{"useCases", std::move(all)}};
}

}  // namespace kneepoint::verbs
