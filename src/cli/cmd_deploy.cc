#include <fmt/format.h>

#include <iostream>
#include <iterator>

#include "app/deploy_live.h"
#include "app/live_setup.h"
#include "base/text.h"
#include "cli/bench_show.h"
#include "cli/cluster_access.h"
#include "cli/commands.h"
#include "cli/manifest_query.h"

namespace kneepoint::cli {
namespace {

using cluster::Action;

constexpr std::size_t kMostChanges = 30;  // of one object, in text

Nanos seconds(const Parsed& args, std::string_view flag) {
  return std::chrono::duration_cast<Nanos>(
      std::chrono::duration<double>(args.number(flag).value_or(0)));
}

bool as_json(const Run& run) { return run.args().text("--output") == "json"; }

Result<std::string> standard_input() {
  constexpr std::size_t kLargest = std::size_t{64} << 20;
  std::string out;
  for (std::istreambuf_iterator<char> it(std::cin), end; it != end; ++it) {
    if (out.size() == kLargest)
      return fail(ErrorCode::InvalidArgument, "standard input has more than 64 MiB");
    out += *it;
  }
  return out;
}

std::string plan_text(const app::PlannedDeploy& planned) {
  std::string out = fmt::format("Deployment {} in namespace {}, context {}\n",
                                planned.plan.after.set, planned.place.namespace_name,
                                planned.place.context.empty() ? "(none)" : planned.place.context);
  for (const cluster::Step& step : planned.plan.steps) {
    const char sign = step.action == Action::Create   ? '+'
                      : step.action == Action::Change ? '~'
                      : step.action == Action::Remove ? '-'
                                                      : '=';
    out += fmt::format("  {} {}\n", sign, step.ref.shown());
    for (std::size_t i = 0; i < std::min(kMostChanges, step.changes.size()); ++i)
      out += "      " + in_words(step.changes[i]) + "\n";
    if (step.changes.size() > kMostChanges)
      out += fmt::format("      and {} more\n", step.changes.size() - kMostChanges);
  }
  const cluster::Plan& plan = planned.plan;
  out +=
      fmt::format("{} to create, {} to change, {} to remove, {} as they are\n",
                  plan.count(Action::Create), plan.count(Action::Change),
                  plan.count(Action::Remove), plan.count(Action::Same) + plan.count(Action::Leave));
  return out;
}

void tell_notes(Run& run, const app::PlannedDeploy& planned) {
  for (const std::string& note : planned.plan.notes) run.note(note);
  for (const std::string& kind : planned.left_out)
    run.note("left out, the cluster does not know this kind: " + kind);
}

/// InvalidArgument when nobody can be asked, Conflict when somebody says no.
Result<void> agree(Run& run, const std::string& question) {
  if (run.args().on("--yes")) return {};
  if (!run.environment().stdin_is_terminal) {
    return fail(ErrorCode::InvalidArgument,
                "standard input is no terminal, so nobody can be asked: give --yes to go on");
  }
  if (run.confirm(question)) return {};
  return fail(ErrorCode::Conflict, "nothing was changed");
}

/// The flags that say which manifest, from `manifests create` or from files.
Result<app::PlannedDeploy> planned(Run& run, const cluster::Kubectl& kubectl) {
  const Parsed& args = run.args();
  app::DeployOptions options{.name = args.text("--name"),
                             .skip_unknown_kinds = args.on("--skip-unknown-kinds")};
  if (const auto files = args.list("--filename"); !files.empty()) {
    for (const char* flag : {"--model", "--accelerator-type", "--model-server"}) {
      if (args.given(flag))
        return fail(ErrorCode::InvalidArgument,
                    std::string(flag) + " makes a manifest, --filename gives one: use one of them");
    }
    const auto source = app::manifest_source(files, standard_input);
    if (!source) return fail(source.error());
    return app::plan_deploy(kubectl, *source, options, nullptr);
  }
  if (!args.given("--model") || !args.given("--accelerator-type")) {
    return fail(ErrorCode::InvalidArgument,
                "say what to deploy: --model and --accelerator-type, or --filename");
  }
  if (args.text("--platform") == "cloud-run") {
    return fail(ErrorCode::InvalidArgument,
                "a Cloud Run service is not applied by kubectl: write it with 'kneepoint manifests "
                "create --platform=cloud-run' and give it to 'gcloud run services replace'");
  }
  if (auto session = run.session(); !session) return fail(session.error());
  const auto place = kubectl.place();
  if (!place) return fail(place.error());
  const auto made = manifest_asked_for(run, place->namespace_name);
  if (!made) return fail(made.error());
  for (const std::string& note : made->notes) run.note(note);
  std::vector<json::Object> objects;
  for (const manifest::Object& each : made->manifest.objects) objects.push_back(each.doc);
  return app::plan_deploy(kubectl, {{"--filename=-"}, cluster::list_text(objects)}, options,
                          made->promise);
}

std::string failure_text(const app::DeployReport& report) {
  const cluster::Failure& failure = *report.waited.failure;
  std::string out =
      fmt::format("Not ready: {}{} ({}): {}\n", failure.workload.shown(),
                  failure.pod.empty() ? "" : ", pod " + failure.pod, cluster::name(failure.trouble),
                  failure.reason.empty() ? failure.message
                  : failure.message.empty() || failure.reason == std::string("Unschedulable")
                      ? (failure.message.empty() ? failure.reason : failure.message)
                      : failure.reason + ": " + failure.message);
  constexpr std::size_t kMostEvents = 5;
  const std::size_t first =
      failure.events.size() > kMostEvents ? failure.events.size() - kMostEvents : 0;
  for (std::size_t i = first; i < failure.events.size(); ++i)
    out += "  event: " + doctor::evidence_of(failure.events[i], 0, 0, 300) + "\n";
  if (!failure.log.empty()) {
    const auto lines = split(failure.log, '\n');
    constexpr std::size_t kMostLines = 10;
    const std::size_t from = lines.size() > kMostLines ? lines.size() - kMostLines : 0;
    out += "  the end of its log:\n";
    for (std::size_t i = from; i < lines.size(); ++i) {
      if (!lines[i].empty()) out += "  > " + doctor::evidence_of(lines[i], 0, 0, 300) + "\n";
    }
  }
  for (const doctor::Finding& each : report.findings) {
    out += fmt::format("{}  {}  ({})\n", doctor::name(each.severity), each.id, each.file);
    out += "  > " + each.evidence + "\n  Why: " + each.cause + "\n  Fix: " + each.fix + "\n";
    if (!each.patch.empty()) out += "       " + each.patch + "\n";
  }
  return out;
}

void tell_outcome(Run& run, const cluster::Kubectl& kubectl, const app::DeployReport& report) {
  const std::string& set = report.planned.plan.after.set;
  using Outcome = app::DeployReport::Outcome;
  if (report.waited.failure) run.out(failure_text(report));
  if (report.smoke) {
    const app::Smoke& smoke = *report.smoke;
    run.out(smoke.passed
                ? fmt::format("Smoke request: {} of model {} answered in {} ms: {}\n", smoke.path,
                              smoke.model, fixed(smoke.milliseconds, 0), smoke.said)
                : fmt::format("Smoke request failed (pod {}): {}\n", smoke.pod, smoke.said));
  }
  switch (report.outcome) {
    case Outcome::Ready:
      run.out(fmt::format("{} is ready{}\n", set,
                          report.planned.unchanged ? "; nothing was changed" : ""));
      break;
    case Outcome::Failed:
      run.out(
          fmt::format("Everything stays as it is in the cluster. Correct the cause and deploy "
                      "again, or: kneepoint undeploy {} --namespace={}\n",
                      set, report.planned.place.namespace_name));
      break;
    case Outcome::Interrupted:
      run.out(fmt::format(
          "Interrupted; the objects are applied and go on starting. {}\n",
          kubectl.shown({"get", "pods", "--namespace=" + report.planned.place.namespace_name})));
      break;
    case Outcome::NotWaited:
      run.out(report.planned.unchanged
                  ? "Nothing to change\n"
                  : fmt::format("Applied; `kneepoint status {}` shows how far it is\n", set));
  }
}

/// A short `bench sweep` of one pod, as a user would type it.
Result<int> sweep(Run& run, const cluster::Kubectl& kubectl, const app::DeployReport& report) {
  const auto at = app::serving_pod(report);
  if (!at) return fail(ErrorCode::Unavailable, "no pod is ready and names a port to sweep");
  const auto session = run.session();
  if (!session) return fail(session.error());
  const auto live = app::setup_of((*session)->catalog(), at->workload);
  if (!live) return fail(live.error());
  const auto forward = app::forward_to(kubectl, at->namespace_name, at->pod, at->port);
  if (!forward) return fail(forward.error());
  std::vector<std::string> words{"bench",
                                 "sweep",
                                 fmt::format("--url=http://127.0.0.1:{}", forward->port),
                                 "--most-points=8",
                                 "--point-time=20s",
                                 "--precision=25"};
  const profile::ServingSetup& setup = live->setup;
  const auto put = [&words](const char* flag, const std::string& value) {
    if (!value.empty()) words.push_back(std::string(flag) + "=" + value);
  };
  put("--model", report.smoke ? report.smoke->model : setup.model);
  put("--profile-model", setup.model);
  put("--model-server", setup.model_server);
  put("--model-server-version", setup.model_server_version);
  put("--accelerator", setup.accelerator);
  if (setup.accelerator_count) put("--accelerator-count", std::to_string(*setup.accelerator_count));
  put("--store", run.args().text("--store"));
  for (const std::string& folder : run.args().list("--catalog")) put("--catalog", folder);
  Run bench(run.environment(), run.program());
  // The document on standard output is that of deploy.
  bench.write_out = as_json(run) ? run.write_err : run.write_out;
  bench.write_err = run.write_err;
  return bench.main(words);
}

/// By what kept it from being ready.
int exit_status(const app::DeployReport& report) {
  using Outcome = app::DeployReport::Outcome;
  if (report.outcome == Outcome::Interrupted) return 130;
  if (report.outcome != Outcome::Failed) return 0;
  using cluster::Trouble;
  if (report.waited.failure) {
    const Trouble trouble = report.waited.failure->trouble;
    if (trouble == Trouble::NeverFits || trouble == Trouble::Quota)
      return exit_code(ErrorCode::Unsatisfiable);
  }
  return exit_code(ErrorCode::Unavailable);
}

}  // namespace

cluster::Kubectl kubectl_of(const Parsed& args) {
  return cluster::Kubectl({.program = args.text("--kubectl"),
                           .kubeconfig = args.text("--kubeconfig"),
                           .context = args.text("--context"),
                           .namespace_name = args.text("--namespace"),
                           .interrupted = bench::Interruptible::interrupted});
}

Result<void> deploy(Run& run) {
  const Parsed& args = run.args();
  const bench::Interruptible interruptible;
  const cluster::Kubectl kubectl = kubectl_of(args);
  auto plan = planned(run, kubectl);
  if (!plan) return fail(std::move(plan).error());
  if (!as_json(run)) run.out(plan_text(*plan));
  tell_notes(run, *plan);
  if (plan->unchanged) {
    run.note("nothing to change");
  } else if (auto agreed = agree(run, "Apply this?"); !agreed) {
    return agreed;
  }
  app::CarryOut how{.wait = !args.given("--wait") || args.on("--wait"),
                    .smoke = args.given("--smoke") ? args.on("--smoke") : !plan->unchanged,
                    .patience = {.whole = seconds(args, "--timeout"),
                                 .unscheduled = seconds(args, "--unscheduled-timeout")},
                    .tell = [&run](std::string_view sentence) { run.note(sentence); }};
  auto report = app::carry_out(kubectl, std::move(*plan), how);
  if (!report) return fail(std::move(report).error());
  if (report->waited.failure) {
    const auto session = run.session();
    if (!session) return fail(session.error());
    auto findings = app::diagnose_failure(**session, *report->waited.failure);
    if (!findings) return fail(std::move(findings).error());
    report->findings = std::move(*findings);
  }
  if (as_json(run)) {
    run.out(json::to_text(app::to_json(*report)));
  } else {
    tell_outcome(run, kubectl, *report);
  }
  run.end_with(exit_status(*report));
  if (args.on("--sweep") && report->outcome == app::DeployReport::Outcome::Ready) {
    const auto swept = sweep(run, kubectl, *report);
    if (!swept) return fail(Error(swept.error()).during("sweep"));
    run.end_with(*swept);
  }
  return {};
}

Result<void> diff_manifests(Run& run) {
  const bench::Interruptible interruptible;
  const cluster::Kubectl kubectl = kubectl_of(run.args());
  const auto plan = planned(run, kubectl);
  if (!plan) return fail(plan.error());
  run.out(as_json(run) ? json::to_text(app::to_json(*plan)) : plan_text(*plan));
  tell_notes(run, *plan);
  if (plan->plan.changes_anything()) run.end_with(1);
  return {};
}

Result<void> undeploy(Run& run) {
  const Parsed& args = run.args();
  const bench::Interruptible interruptible;
  const cluster::Kubectl kubectl = kubectl_of(args);
  const auto place = kubectl.place();
  if (!place) return fail(place.error());
  const auto set = app::find_set(kubectl, place->namespace_name, args.positionals().front());
  if (!set) return fail(set.error());
  app::PlannedDeploy planned;
  planned.place = *place;
  auto plan = cluster::plan_removal(kubectl, *set);
  if (!plan) return fail(std::move(plan).error());
  planned.plan = std::move(*plan);
  if (!as_json(run)) run.out(plan_text(planned));
  tell_notes(run, planned);
  if (auto agreed = agree(run, "Remove this?"); !agreed) return agreed;
  const auto gone = cluster::remove(kubectl, planned.plan, seconds(args, "--timeout"));
  if (!gone) return fail(gone.error());
  for (const std::string& note : *gone) run.note(note);
  run.out(as_json(run) ? json::to_text(app::to_json(planned)) : set->set + " is removed\n");
  return {};
}

}  // namespace kneepoint::cli
