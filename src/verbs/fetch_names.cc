#include <algorithm>
#include <cmath>
#include <set>

#include "app/names.h"
#include "verbs/gkerecommender.h"
#include "verbs/gkerecommender_ask.h"
#include "verbs/paging.h"

namespace kneepoint::verbs {
namespace {

using Names = std::vector<std::string>;

/// Refused fields are told before names are looked up: an unknown one may be why nothing is found.
Result<json::Value> answer(Call& call, Reader& read, std::string_view key,
                           const std::function<Result<Names>()>& look_up) {
  auto page = Page::of(call, read);  // reads its fields
  if (auto end = read.end(); !end) return fail(end.error());
  if (!page) return fail(std::move(page).error());
  const auto names = look_up();
  if (!names) return fail(names.error());
  return page_of_names(*page, key, *names);
}

}  // namespace

Result<json::Value> fetch_models(Call& call) {
  Reader read(call.ask);
  return answer(call, read, "models", [&] { return app::list_models(call.session); });
}

Result<json::Value> fetch_model_servers(Call& call) {
  Reader read(call.ask);
  const std::string model = read.required_text("model");
  return answer(call, read, "modelServers",
                [&] { return app::list_model_servers(call.session, model); });
}

Result<json::Value> fetch_model_server_versions(Call& call) {
  Reader read(call.ask);
  const std::string model = read.required_text("model");
  const std::string server = read.required_text("modelServer");
  return answer(call, read, "modelServerVersions",
                [&] { return app::list_model_server_versions(call.session, model, server); });
}

Result<json::Value> fetch_use_cases(Call& call) {
  Reader read(call.ask);
  if (auto end = read.end(); !end) return fail(end.error());
  json::Array specs;
  for (const catalog::UseCase& row : call.session.catalog().use_cases()) {
    specs.push_back(json::Object{{"averageInputLength", std::llround(row.input_tokens_mean)},
                                 {"averageOutputLength", std::llround(row.output_tokens_mean)},
                                 {"useCase", row.name}});
  }
  return json::Object{{"workloadSpecs", std::move(specs)}};
}

Result<json::Value> fetch_serving_stacks(Call& call) {
  Reader read(call.ask);
  app::Selection wanted;
  wanted.model = read.text("model");
  wanted.model_server = read.text("modelServer");
  auto page = Page::of(call, read);
  if (auto end = read.end(); !end) return fail(end.error());
  if (!page) return fail(std::move(page).error());
  const auto stacks = app::list_serving_stacks(call.session, wanted);
  if (!stacks) return fail(stacks.error());
  json::Object out;
  json::Array list;
  for (std::size_t i = page->from(); i < stacks->size(); ++i) {
    json::Object stack{{"name", (*stacks)[i].name}, {"version", (*stacks)[i].version}};
    if (!page->takes(size_of(stack))) {
      out.emplace("nextPageToken", page->next_token());
      break;
    }
    list.push_back(std::move(stack));
  }
  out.emplace("servingStacks", std::move(list));
  return out;
}

Result<json::Value> fetch_serving_stack_versions(Call& call) {
  Reader read(call.ask);
  app::Selection wanted;
  wanted.model = read.text("model");
  wanted.model_server = read.text("modelServer");
  wanted.serving_stack = read.required_text("servingStack");
  return answer(call, read, "servingStackVersions", [&]() -> Result<Names> {
    const auto stacks = app::list_serving_stacks(call.session, wanted);
    if (!stacks) return fail(stacks.error());
    std::set<std::string> versions;
    for (const app::Stack& stack : *stacks) {
      if (!stack.version.empty()) versions.insert(stack.version);
    }
    return Names(versions.rbegin(), versions.rend());
  });
}

}  // namespace kneepoint::verbs
