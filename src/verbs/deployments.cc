#include <chrono>

#include "app/deploy_live.h"
#include "app/status.h"
#include "manifest/manifest.h"
#include "verbs/deploy_ask.h"
#include "verbs/handlers.h"
#include "verbs/pieces.h"
#include "verbs/question.h"

namespace kneepoint::verbs {
namespace {

using json::Array;
using json::Object;

constexpr double kMostSeconds = 6 * 3600;

/// Refused even where a door forgot to ask: without it nobody deploys.
Result<void> allowed(const Call& call) {
  if (call.session.settings().allowed.deploy) return {};
  return fail(ErrorCode::Conflict,
              "this server does not deploy: it was started without --allow-deploy");
}

/// The cluster of the server's own kubeconfig, while somebody waits for the answer.
cluster::Kubectl kubectl_of(Call& call, const std::string& space) {
  const app::Settings& settings = call.session.settings();
  cluster::Access access{
      .kubeconfig = settings.kubeconfig, .context = settings.kube_context, .namespace_name = space};
  if (call.progress) {
    access.interrupted = [&call] { return !call.progress({{"event", "waiting"}}); };
  }
  return cluster::Kubectl(std::move(access));
}

Nanos seconds(const std::optional<double>& value, double otherwise) {
  return std::chrono::duration_cast<Nanos>(
      std::chrono::duration<double>(value.value_or(otherwise)));
}

std::string read_namespace(Ask& ask) { return ask.text("namespace", 63); }

Object status_json(const app::SetStatus& status) {
  Object out = app::to_json(status);
  for (const char* name : {"promised", "measured"}) {
    if (json::Value* found = out.if_contains(name)) *found = with_units(std::move(*found));
  }
  return out;
}

Result<json::Value> statuses(Call& call, const std::string& name, const std::string& space,
                             bool measure, bool one) {
  const cluster::Kubectl kubectl = kubectl_of(call, space);
  const auto place = kubectl.place();
  if (!place) return fail(place.error());
  app::StatusQuestion question;
  question.name = name;
  question.measure = measure;
  const auto sets = app::status(call.session, kubectl, place->namespace_name, question);
  if (!sets) return fail(sets.error());
  if (one) {
    if (sets->empty()) {
      return fail(ErrorCode::NotFound,
                  "no deployment '" + name + "' in namespace " + place->namespace_name);
    }
    return Object{{"deployment", status_json(sets->front())}};
  }
  Array all;
  for (const app::SetStatus& set : *sets) all.push_back(status_json(set));
  return Object{{"context", place->context},
                {"namespace", place->namespace_name},
                {"deployments", std::move(all)}};
}

}  // namespace

Result<json::Value> deploy(Call& call) {
  if (auto ok = allowed(call); !ok) return fail(ok.error());
  Ask ask(call.ask);
  app::DeployRequest wanted = read_deploy(ask, call.session);
  app::DeployOptions options;
  options.name = ask.text("name", 63);
  options.skip_unknown_kinds = ask.flag("skipUnknownKinds");
  const bool only_plan = ask.flag("dryRun");
  app::CarryOut how;
  how.wait = ask.flag("wait", true);
  how.smoke = ask.flag("smoke", true);
  how.patience.whole = seconds(ask.positive("timeoutSeconds", kMostSeconds), 1800);
  const auto unscheduled = ask.positive("unscheduledTimeoutSeconds", kMostSeconds);
  if (unscheduled) how.patience.unscheduled = seconds(unscheduled, 0);
  if (wanted.delivery.platform == manifest::Platform::CloudRun) {
    ask.wrong("platform", "a Cloud Run service is not applied by kubectl: create its manifest");
  }
  const bool namespace_given = ask.given("namespace");
  if (auto done = ask.done(); !done) return fail(done.error());

  const cluster::Kubectl kubectl =
      kubectl_of(call, namespace_given ? wanted.namespace_name : std::string());
  const auto place = kubectl.place();
  if (!place) return fail(place.error());
  wanted.namespace_name = place->namespace_name;
  const auto made = app::create_manifest(call.session, wanted);
  if (!made) return fail(made.error());
  std::vector<json::Object> objects;
  for (const manifest::Object& each : made->manifest.objects) objects.push_back(each.doc);
  auto plan = app::plan_deploy(kubectl, {{"--filename=-"}, cluster::list_text(objects)}, options,
                               made->promise);
  if (!plan) return fail(std::move(plan).error());
  if (only_plan) {
    Object out = app::to_json(*plan);
    out.erase("schema");
    return out;
  }
  how.tell = [&call](std::string_view sentence) {
    if (call.progress) call.progress({{"what", sentence}});
  };
  auto report = app::carry_out(kubectl, std::move(*plan), how);
  if (!report) return fail(std::move(report).error());
  if (report->waited.failure) {
    auto findings = app::diagnose_failure(call.session, *report->waited.failure);
    if (!findings) return fail(std::move(findings).error());
    report->findings = std::move(*findings);
  }
  Object out = app::to_json(*report);
  out.erase("schema");
  return out;
}

Result<json::Value> list_deployments(Call& call) {
  if (auto ok = allowed(call); !ok) return fail(ok.error());
  Ask ask(call.ask);
  const std::string space = read_namespace(ask);
  const bool measure = ask.flag("measure");
  if (auto done = ask.done(); !done) return fail(done.error());
  return statuses(call, "", space, measure, false);
}

Result<json::Value> get_deployment(Call& call) {
  if (auto ok = allowed(call); !ok) return fail(ok.error());
  Ask ask(call.ask);
  const std::string name = ask.required("name", 63), space = read_namespace(ask);
  const bool measure = ask.flag("measure", true);
  if (auto done = ask.done(); !done) return fail(done.error());
  return statuses(call, name, space, measure, true);
}

Result<json::Value> undeploy(Call& call) {
  if (auto ok = allowed(call); !ok) return fail(ok.error());
  Ask ask(call.ask);
  const std::string name = ask.required("name", 63), space = read_namespace(ask);
  const Nanos patience = seconds(ask.positive("timeoutSeconds", kMostSeconds), 600);
  if (auto done = ask.done(); !done) return fail(done.error());
  const cluster::Kubectl kubectl = kubectl_of(call, space);
  const auto place = kubectl.place();
  if (!place) return fail(place.error());
  const auto set = app::find_set(kubectl, place->namespace_name, name);
  if (!set) return fail(set.error());
  app::PlannedDeploy planned;
  planned.place = *place;
  auto plan = cluster::plan_removal(kubectl, *set);
  if (!plan) return fail(std::move(plan).error());
  planned.plan = std::move(*plan);
  if (auto done = cluster::remove(kubectl, planned.plan, patience); !done) {
    return fail(done.error());
  }
  Object out = app::to_json(planned);
  out.erase("schema");
  return out;
}

}  // namespace kneepoint::verbs
