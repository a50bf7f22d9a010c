#include "app/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "base/text.h"

namespace kneepoint::app {
namespace {

Result<std::vector<std::string>> distinct(Session& session, std::string_view column,
                                          const std::string& model, const std::string& server) {
  auto store = session.store();
  if (!store) return fail(std::move(store).error());
  store::Query query;
  query.layers = session.layers();
  query.model = model;
  query.model_server = server;
  auto values = (*store)->distinct(column, query);
  if (values) std::erase(*values, "");
  return values;
}

/// Releases by version, newest first; names that are no versions after them, by name.
bool newer(const std::string& a, const std::string& b) {
  const bool va = catalog::compare_versions(a, a).has_value();
  const bool vb = catalog::compare_versions(b, b).has_value();
  if (va != vb) return va;
  if (!va) return a > b;
  const int order = *catalog::compare_versions(a, b);
  return order != 0 ? order > 0 : a < b;
}

}  // namespace

std::string nearest_words(std::string_view wanted, const std::vector<std::string>& names) {
  const auto close = nearest(wanted, names);
  return close.empty() ? std::string() : "; nearest: " + join(close, ", ");
}

Result<void> check_model(Session& session, const std::string& model) {
  if (model.empty() || session.catalog().model(model) != nullptr) return {};
  auto names = list_models(session);
  if (!names) return fail(std::move(names).error());
  if (std::find(names->begin(), names->end(), model) != names->end()) return {};
  for (const catalog::Model& known : session.catalog().models()) names->push_back(known.id);
  std::sort(names->begin(), names->end());
  names->erase(std::unique(names->begin(), names->end()), names->end());
  const auto close = nearest(model, *names);
  return fail(ErrorCode::NotFound,
              fmt::format("unknown model '{}'{}; 'kneepoint models list' names those with profiles",
                          model.substr(0, 200),
                          close.empty() ? "" : "; did you mean " + join(close, ", ") + "?"));
}

Result<std::vector<std::string>> list_models(Session& session) {
  return distinct(session, "model", "", "");
}

Result<std::vector<std::string>> list_model_servers(Session& session, const std::string& model) {
  if (auto known = check_model(session, model); !known) return fail(known.error());
  return distinct(session, "model_server", model, "");
}

Result<std::vector<std::string>> list_model_server_versions(Session& session,
                                                            const std::string& model,
                                                            const std::string& model_server) {
  if (auto known = check_model(session, model); !known) return fail(known.error());
  auto versions = distinct(session, "model_server_version", model, model_server);
  if (versions) std::sort(versions->begin(), versions->end(), newer);
  return versions;
}

Result<std::vector<Stack>> list_serving_stacks(Session& session, const Selection& selection) {
  auto store = session.store();
  if (!store) return fail(std::move(store).error());
  store::Query query;
  query.layers = session.layers();
  query.model = selection.model;
  query.model_server = selection.model_server;
  query.serving_stack = selection.serving_stack;
  std::set<std::pair<std::string, std::string>> found;
  auto names = (*store)->distinct("serving_stack", query);
  if (!names) return fail(std::move(names).error());
  for (const std::string& name : *names) {
    if (name.empty()) continue;
    query.serving_stack = name;
    auto versions = (*store)->distinct("serving_stack_version", query);
    if (!versions) return fail(std::move(versions).error());
    for (const std::string& version : *versions) found.emplace(name, version);
  }
  std::vector<Stack> out;
  for (const auto& [name, version] : found) out.push_back({name, version});
  return out;
}

Result<std::vector<Combination>> list_combinations(Session& session, const Selection& selection) {
  if (auto known = check_model(session, selection.model); !known) return fail(known.error());
  auto store = session.store();
  if (!store) return fail(std::move(store).error());
  store::Query query;
  query.layers = session.layers();
  query.model = selection.model;
  query.model_server = selection.model_server;
  if (selection.model_server_version != "all") {
    query.model_server_version = selection.model_server_version;
  }
  const auto ranking = (*store)->rank(query);
  if (!ranking) return fail(ranking.error());
  std::set<std::tuple<std::string, std::string, std::string>> found;
  for (const profile::RankingRow& row : ranking->rows()) {
    found.emplace(row.setup.model, row.setup.model_server, row.setup.model_server_version);
  }
  std::vector<Combination> out;
  for (const auto& [model, server, version] : found) out.push_back({model, server, version});
  return out;
}

}  // namespace kneepoint::app
