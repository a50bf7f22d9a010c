#include "app/deploy_live.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "app/doctor.h"
#include "base/file.h"
#include "base/text.h"
#include "doctor/document.h"

namespace kneepoint::app {
namespace fs = std::filesystem;
namespace {

bool is_kustomization(const fs::path& folder) {
  std::error_code error;
  for (const char* file : {"kustomization.yaml", "kustomization.yml", "Kustomization"}) {
    if (fs::exists(folder / file, error)) return true;
  }
  return false;
}

Result<void> check_yaml(const std::string& name, std::string_view text) {
  const doctor::Documents documents = doctor::read_documents(text);
  if (!documents.mistake) return {};
  return fail(ErrorCode::InvalidArgument,
              fmt::format("{}: line {} is no YAML: {}", name, documents.mistake->line,
                          documents.mistake->sentence));
}

/// All that kubectl will read of a file or folder.
Result<void> check_files(const fs::path& path) {
  std::error_code error;
  std::vector<fs::path> files;
  if (!fs::is_directory(path, error)) files.push_back(path);
  for (auto it = fs::recursive_directory_iterator(path, error);
       !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    const std::string ending = it->path().extension().string();
    if (ending == ".yaml" || ending == ".yml" || ending == ".json") files.push_back(it->path());
  }
  for (const fs::path& file : files) {
    const auto text = read_file(file);
    if (!text) return fail(text.error());
    if (auto ok = check_yaml(file.string(), *text); !ok) return ok;
  }
  return {};
}

/// "gemma-2-9b-it-vllm" of "gemma-2-9b-it-vllm-deployment".
std::string set_name_of(const std::string& object) {
  std::string out = object;
  for (const std::string_view end : {"-deployment", "-lws"}) {
    if (out.ends_with(end) && out.size() > end.size()) out.resize(out.size() - end.size());
  }
  return dns_label(out);
}

struct SecretUse {
  std::string name, key;
};

/// A word that no shell reads anything into.
bool is_plain(const std::string& word) {
  return !word.empty() && word.find_first_not_of(
                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV"
                              "WXYZ0123456789._-") == std::string::npos;
}

/// The Secrets that containers cannot start without.
void find_secrets(const json::Value& value, std::vector<SecretUse>& into) {
  if (value.is_array()) {
    for (const json::Value& each : value.get_array()) find_secrets(each, into);
  } else if (value.is_object()) {
    for (const auto& [key, each] : value.get_object()) {
      if (key == "secretKeyRef" && !cluster::is_true_at(each, "/optional")) {
        SecretUse use{cluster::text_at(each, "/name"), cluster::text_at(each, "/key")};
        const bool known = std::any_of(into.begin(), into.end(), [&](const SecretUse& other) {
          return other.name == use.name;
        });
        if (!known && cluster::is_set_name(use.name) && is_plain(use.key))
          into.push_back(std::move(use));
      }
      find_secrets(each, into);
    }
  }
}

/// Says which are not there, before pods wait for them in vain. Who may not look is not told.
void note_missing_secrets(const cluster::Kubectl& kubectl, PlannedDeploy& planned) {
  std::vector<SecretUse> uses;
  for (const cluster::Step& step : planned.plan.steps) {
    if (step.ref.namespace_name == planned.place.namespace_name) find_secrets(step.object, uses);
  }
  for (const SecretUse& use : uses) {
    const bool comes_along = std::any_of(
        planned.plan.steps.begin(), planned.plan.steps.end(),
        [&](const auto& step) { return step.ref.kind == "Secret" && step.ref.name == use.name; });
    if (comes_along) continue;
    const std::string space = "--namespace=" + planned.place.namespace_name;
    const auto found =
        kubectl.run({"get", "secret", use.name, "--ignore-not-found", "--output=name", space});
    if (!found || !found->empty()) continue;
    planned.plan.notes.push_back(fmt::format(
        "Secret {} with key {} is not in namespace {}: pods will not start without it. printf %s "
        "\"$HF_TOKEN\" | {}",
        use.name, use.key, planned.place.namespace_name,
        kubectl.shown({"create", "secret", "generic", use.name,
                       "--from-file=" + use.key + "=/dev/stdin", space})));
  }
}

json::Object pod_json(const cluster::PodView& pod) {
  json::Object out{{"name", pod.name}, {"phase", cluster::name(pod.phase)}};
  if (!pod.node.empty()) out["node"] = pod.node;
  if (!pod.reason.empty()) out["reason"] = pod.reason;
  if (!pod.message.empty()) out["message"] = pod.message;
  if (pod.restarts > 0) out["restarts"] = pod.restarts;
  return out;
}

std::string_view name(DeployReport::Outcome outcome) {
  switch (outcome) {
    case DeployReport::Outcome::Ready:
      return "ready";
    case DeployReport::Outcome::Failed:
      return "failed";
    case DeployReport::Outcome::Interrupted:
      return "interrupted";
    case DeployReport::Outcome::NotWaited:
      return "not-waited";
  }
  return "?";
}

/// Of a group of pods the leader, which alone serves; its name is the shortest.
const cluster::PodView* ready_pod(const cluster::Workload& workload) {
  const cluster::PodView* out = nullptr;
  for (const cluster::PodView& pod : workload.pods) {
    if (pod.phase != cluster::PodPhase::Ready) continue;
    if (out == nullptr || pod.name.size() < out->name.size()) out = &pod;
  }
  return out;
}

}  // namespace

Result<ManifestSource> manifest_source(const std::vector<std::string>& paths,
                                       const std::function<Result<std::string>()>& standard_input) {
  ManifestSource out;
  for (const std::string& path : paths) {
    std::error_code error;
    if (path == "-") {
      auto text = standard_input();
      if (!text) return fail(std::move(text).error());
      out.text = std::move(*text);
      if (auto ok = check_yaml("standard input", out.text); !ok) return fail(std::move(ok).error());
      out.words.emplace_back("--filename=-");
    } else if (!fs::exists(path, error)) {
      return fail(ErrorCode::NotFound, "no such file or folder: " + path);
    } else if (fs::is_directory(path, error) && is_kustomization(path)) {
      if (paths.size() > 1) {
        return fail(ErrorCode::InvalidArgument,
                    path + " has a kustomization.yaml: give it alone, without other files");
      }
      out.words.push_back("--kustomize=" + path);
    } else {
      if (auto ok = check_files(path); !ok) return fail(std::move(ok).error());
      out.words.push_back("--filename=" + path);
      if (fs::is_directory(path, error)) out.words.emplace_back("--recursive");
    }
  }
  return out;
}

Result<PlannedDeploy> plan_deploy(const cluster::Kubectl& kubectl, const ManifestSource& source,
                                  const DeployOptions& options, json::Value promise) {
  PlannedDeploy out;
  auto place = kubectl.place();
  if (!place) return fail(std::move(place).error());
  out.place = std::move(*place);
  auto objects = cluster::read_manifests(kubectl, source.words, source.text,
                                         options.skip_unknown_kinds ? &out.left_out : nullptr);
  if (!objects) return fail(std::move(objects).error());
  std::string set = options.name;
  for (const json::Object& each : *objects) {
    cluster::Ref ref = cluster::ref_of(each);
    if (!cluster::makes_pods(ref)) continue;
    if (out.workloads.empty()) {
      if (set.empty()) set = set_name_of(ref.name);
      if (!ref.namespace_name.empty()) out.place.namespace_name = ref.namespace_name;
    }
    out.workloads.push_back(std::move(ref));
  }
  if (set.empty()) {
    return fail(ErrorCode::InvalidArgument,
                "nothing in the manifest makes pods; say with --name what this deployment is "
                "called");
  }
  if (!cluster::is_set_name(set)) {
    return fail(ErrorCode::InvalidArgument,
                "'" + set +
                    "' cannot name a deployment: lower case letters, digits and '-', at "
                    "most 63");
  }
  auto plan = cluster::plan_apply(kubectl, set, out.place.namespace_name, std::move(*objects),
                                  std::move(promise));
  if (!plan) return fail(std::move(plan).error());
  out.plan = std::move(*plan);
  out.unchanged = !out.plan.changes_anything() &&
                  cluster::to_json(out.plan.before) == cluster::to_json(out.plan.after);
  if (!out.unchanged) note_missing_secrets(kubectl, out);
  return out;
}

std::optional<ServingPod> serving_pod(const DeployReport& report) {
  for (const cluster::Workload& workload : report.waited.workloads) {
    if (workload.ref.kind == "Job") continue;
    const cluster::PodView* pod = ready_pod(workload);
    if (pod == nullptr) continue;
    for (const cluster::Step& step : report.planned.plan.steps) {
      if (!step.ref.same(workload.ref)) continue;
      if (const int port = serving_port(step.object); port != 0)
        return ServingPod{workload.ref.namespace_name, pod->name, port, step.object};
    }
  }
  return std::nullopt;
}

int serving_port(const json::Object& workload) {
  for (const char* place : {"/spec/template/spec/containers", "/spec/containers",
                            "/spec/leaderWorkerTemplate/leaderTemplate/spec/containers",
                            "/spec/leaderWorkerTemplate/workerTemplate/spec/containers"}) {
    int first = 0;
    for (const json::Object* container : cluster::objects_at(workload, place)) {
      for (const json::Object* port : cluster::objects_at(*container, "/ports")) {
        const int number =
            static_cast<int>(cluster::integer_at(*port, "/containerPort").value_or(0));
        if (cluster::text_at(*port, "/name") == "http") return number;
        if (first == 0) first = number;
      }
    }
    if (first != 0) return first;
  }
  return 0;
}

Result<std::vector<doctor::Finding>> diagnose_failure(Session& session,
                                                      const cluster::Failure& failure) {
  const std::string where = failure.pod.empty() ? failure.workload.shown() : "pod " + failure.pod;
  std::string state = failure.reason + ": " + failure.message + "\n";
  std::string events;
  for (const std::string& line : failure.events) events += line + "\n";
  return diagnose_texts(session, {{"state of " + where, state},
                                  {"events of " + where, events},
                                  {"log of " + where, failure.log}});
}

Result<DeployReport> carry_out(const cluster::Kubectl& kubectl, PlannedDeploy planned,
                               const CarryOut& how) {
  DeployReport out;
  if (!planned.unchanged) {
    if (auto done = cluster::apply(kubectl, planned.plan); !done) return fail(done.error());
  }
  out.planned = std::move(planned);
  if (!how.wait) {
    out.outcome = DeployReport::Outcome::NotWaited;
    return out;
  }
  auto waited = cluster::wait_until_ready(kubectl, out.planned.workloads, how.patience, how.tell);
  if (!waited) return fail(std::move(waited).error());
  out.waited = std::move(*waited);
  if (out.waited.interrupted) {
    out.outcome = DeployReport::Outcome::Interrupted;
  } else if (out.waited.failure) {
    out.outcome = DeployReport::Outcome::Failed;
  } else if (how.smoke) {
    if (const auto at = serving_pod(out))
      out.smoke = smoke_request(kubectl, at->namespace_name, at->pod, at->port);
    if (out.smoke && !out.smoke->passed) out.outcome = DeployReport::Outcome::Failed;
  }
  return out;
}

Result<cluster::Inventory> find_set(const cluster::Kubectl& kubectl,
                                    const std::string& namespace_name, const std::string& name) {
  auto found = cluster::is_set_name(name) ? cluster::read_inventory(kubectl, namespace_name, name)
                                          : Result<std::optional<cluster::Inventory>>(std::nullopt);
  if (!found) return fail(std::move(found).error());
  if (*found) return std::move(**found);
  std::vector<std::string> names;
  const auto all = cluster::list_inventories(kubectl, namespace_name);
  if (!all) return fail(all.error());
  for (const cluster::Inventory& each : *all) names.push_back(each.set);
  return fail(ErrorCode::NotFound,
              fmt::format("no deployment '{}' in namespace {}{}", name, namespace_name,
                          names.empty() ? "; none was made there by kneepoint deploy"
                                        : "; there are: " + join(names, ", ")));
}

json::Object to_json(const cluster::Workload& workload) {
  json::Array pods;
  for (const cluster::PodView& pod : workload.pods) pods.push_back(pod_json(pod));
  return {{"kind", workload.ref.kind}, {"name", workload.ref.name}, {"wanted", workload.wanted},
          {"ready", workload.ready},   {"done", workload.done},     {"pods", std::move(pods)}};
}

json::Object to_json(const PlannedDeploy& planned) {
  json::Array objects;
  for (const cluster::Step& step : planned.plan.steps) {
    json::Object one{{"action", cluster::name(step.action)},
                     {"apiVersion", step.ref.api_version},
                     {"kind", step.ref.kind},
                     {"name", step.ref.name}};
    if (!step.ref.namespace_name.empty()) one["namespace"] = step.ref.namespace_name;
    json::Array changes;
    for (const cluster::Change& each : step.changes) {
      json::Object change{{"path", each.path}};
      if (!each.before.empty()) change["before"] = each.before;
      if (!each.after.empty()) change["after"] = each.after;
      changes.push_back(std::move(change));
    }
    if (!changes.empty()) one["changes"] = std::move(changes);
    objects.push_back(std::move(one));
  }
  json::Array notes, left_out;
  for (const std::string& note : planned.plan.notes) notes.emplace_back(note);
  for (const std::string& kind : planned.left_out) left_out.emplace_back(kind);
  return {{"schema", "kneepoint.deploy.v1"},  {"name", planned.plan.after.set},
          {"context", planned.place.context}, {"namespace", planned.place.namespace_name},
          {"unchanged", planned.unchanged},   {"objects", std::move(objects)},
          {"notes", std::move(notes)},        {"leftOut", std::move(left_out)}};
}

json::Object to_json(const DeployReport& report) {
  json::Object out = to_json(report.planned);
  out["outcome"] = name(report.outcome);
  json::Array workloads;
  for (const cluster::Workload& each : report.waited.workloads) workloads.push_back(to_json(each));
  out["workloads"] = std::move(workloads);
  out["waitedSeconds"] =
      std::round(10 * std::chrono::duration<double>(report.waited.took).count()) / 10;
  if (report.waited.failure) {
    const cluster::Failure& failure = *report.waited.failure;
    json::Array events, findings;
    for (const std::string& line : failure.events) events.emplace_back(line);
    for (const doctor::Finding& each : report.findings) {
      findings.push_back(json::Object{{"severity", doctor::name(each.severity)},
                                      {"id", each.id},
                                      {"where", each.file},
                                      {"evidence", each.evidence},
                                      {"cause", each.cause},
                                      {"fix", each.fix},
                                      {"patch", each.patch}});
    }
    out["failure"] = json::Object{{"kind", cluster::name(failure.trouble)},
                                  {"workload", failure.workload.shown()},
                                  {"pod", failure.pod},
                                  {"container", failure.container},
                                  {"reason", failure.reason},
                                  {"message", failure.message},
                                  {"events", std::move(events)},
                                  {"findings", std::move(findings)}};
  }
  if (report.smoke) {
    const Smoke& smoke = *report.smoke;
    out["smoke"] =
        json::Object{{"passed", smoke.passed}, {"pod", smoke.pod},
                     {"model", smoke.model},   {"path", smoke.path},
                     {"status", smoke.status}, {"milliseconds", std::round(smoke.milliseconds)},
                     {"said", smoke.said}};
  }
  return out;
}

}  // namespace kneepoint::app
