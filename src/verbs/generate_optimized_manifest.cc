#include <array>

#include "app/deploy.h"
#include "verbs/gkerecommender.h"
#include "verbs/gkerecommender_ask.h"

namespace kneepoint::verbs {
namespace {

constexpr std::string_view kUseCase = "Chatbot (ShareGPT)";  // the public API's own default

/// The stack is what stands before the servers; measured was the server alone, so profiles are not
/// narrowed to it.
void read_stack(Reader stack, manifest::Hosting& into) {
  using manifest::ServingStack;
  const std::string name = stack.text("name");
  into.stack_version = version_of(stack.text("version"));
  if (name.empty()) return;
  for (const auto known : {ServingStack::LlmD, ServingStack::InferenceGateway}) {
    if (name == manifest::name(known)) into.stack = known;
  }
  if (into.stack == ServingStack::None) {
    stack.refuse("name", "serving stacks are llm-d and gateway-inference-extension");
  }
}

}  // namespace

Result<json::Value> generate_optimized_manifest(Call& call) {
  Reader read(call.ask);
  app::DeployRequest wanted;
  wanted.ask = default_request(call);
  read_server_info(read.message("modelServerInfo"), true, wanted.selection);
  wanted.selection.accelerators = {read.required_text("acceleratorType")};
  wanted.selection.use_case = read.text("useCase");
  if (wanted.selection.use_case.empty()) wanted.selection.use_case = kUseCase;
  const std::string space = read.text("kubernetesNamespace");
  if (!space.empty()) wanted.namespace_name = space;
  read_requirements(read.message("performanceRequirements"), wanted.ask);
  Reader storage = read.message("storageConfig");
  wanted.model_bucket_uri = storage.text("modelBucketUri");
  wanted.delivery.xla_cache_uri = storage.text("xlaCacheBucketUri");
  read_stack(read.message("servingStack"), wanted.hosting);
  if (auto end = read.end(); !end) return fail(end.error());

  const auto made = app::create_manifest(call.session, wanted);
  if (!made) return fail(made.error());
  json::Array manifests;
  for (const manifest::Object& object : made->manifest.objects) {
    manifests.push_back(json::Object{{"apiVersion", object.api_version},
                                     {"content", json::to_yaml(object.doc)},
                                     {"kind", object.kind}});
  }
  json::Array comments;
  for (const std::string& line : made->manifest.comments) comments.emplace_back(line);
  return json::Object{{"comments", std::move(comments)},
                      {"kubernetesManifests", std::move(manifests)},
                      {"manifestVersion", made->manifest.manifest_version}};
}

}  // namespace kneepoint::verbs
