#include <fmt/format.h>

#include "app/cluster_sweep.h"
#include "app/server_in_cluster.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/bench_common.h"
#include "cli/bench_go.h"
#include "cli/bench_show.h"
#include "cli/bench_sweep.h"
#include "cli/cluster_access.h"
#include "cli/version.h"

namespace kneepoint::cli::bench {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExtraBodyFile = "extra-body.json";
constexpr const char* kCaFile = "ca.pem";

std::string in_pod(const char* file) { return std::string(manifest::kAskFolder) + "/" + file; }

/// What only this machine has, and what would have to travel as a secret.
Result<void> refuse_local(const Parsed& args) {
  struct Refused {
    const char *flag, *instead;
  };
  for (const Refused& each :
       {Refused{"--token-env", "the token comes from a Secret: --token-secret=NAME:KEY"},
        Refused{"--token-file", "the token comes from a Secret: --token-secret=NAME:KEY"},
        Refused{"--header-file",
                "header fields may hold secrets, which do not go into a ConfigMap"},
        Refused{"--client-certificate", "a client's key does not go into a ConfigMap"},
        Refused{"--client-key", "a client's key does not go into a ConfigMap"},
        Refused{"--timelines",
                "the run comes back through the pod's log, which has no room for "
                "what happened to each request"}}) {
    if (args.given(each.flag)) {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("{} does not go with --in-cluster: {}", each.flag, each.instead));
    }
  }
  return {};
}

/// What the flags say wins over what the Deployment says.
profile::ServingSetup merged(profile::ServingSetup flags, const profile::ServingSetup& live) {
  const auto text = [](std::string& into, const std::string& from) {
    if (into.empty()) into = from;
  };
  text(flags.model, live.model);
  text(flags.checkpoint, live.checkpoint);
  text(flags.model_server, live.model_server);
  text(flags.model_server_version, live.model_server_version);
  text(flags.container_image, live.container_image);
  text(flags.accelerator, live.accelerator);
  text(flags.weight_precision, live.weight_precision);
  text(flags.kv_precision, live.kv_precision);
  text(flags.server_settings, live.server_settings);
  const auto number = [](std::optional<int>& into, const std::optional<int>& from) {
    if (!into) into = from;
  };
  number(flags.accelerator_count, live.accelerator_count);
  number(flags.tensor_parallel, live.tensor_parallel);
  number(flags.pipeline_parallel, live.pipeline_parallel);
  number(flags.data_parallel, live.data_parallel);
  return flags;
}

Result<manifest::LoadJob> job_of(const Parsed& args) {
  using Volume = manifest::LoadJob::Volume;
  manifest::LoadJob out;
  out.image =
      args.text("--image").empty() ? fmt::format("kneepoint:{}", kVersion) : args.text("--image");
  out.cpu = args.text("--job-cpu");
  out.memory = args.text("--job-memory");
  for (const std::string& each : args.list("--node-selector")) {
    const auto at = each.find('=');
    if (at == std::string::npos)
      return fail(ErrorCode::InvalidArgument, "--node-selector takes KEY=VALUE, not " + each);
    out.node_selector.emplace_back(each.substr(0, at), each.substr(at + 1));
  }
  out.volume = args.text("--run-volume") == "pod" ? Volume::Pod : Volume::OwnClaim;
  if (args.given("--volume-claim")) {
    if (out.volume == Volume::Pod) {
      return fail(ErrorCode::InvalidArgument,
                  "--volume-claim names a claim, --run-volume=pod wants none: one of them");
    }
    out.volume = Volume::Claim;
    out.claim = args.text("--volume-claim");
  }
  out.storage_class = args.text("--storage-class");
  if (args.given("--token-secret")) {
    const std::string secret = args.text("--token-secret");
    const auto colon = secret.find(':');
    if (colon == std::string::npos) {
      return fail(ErrorCode::InvalidArgument,
                  "--token-secret takes NAME:KEY: a Secret of the namespace and its key");
    }
    out.secret_name = secret.substr(0, colon);
    out.secret_key = secret.substr(colon + 1);
  }
  return out;
}

/// Files travel in the ConfigMap.
Result<void> take_along(const std::string& flag, std::string& path, const char* name,
                        manifest::LoadJob& job) {
  if (path.empty()) return {};
  auto text = read_file(path);
  if (!text) return fail(std::move(text).error().during(flag));
  job.files.emplace_back(name, std::move(*text));
  path = in_pod(name);
  return {};
}

/// What is asked, and by which objects; the run goes on in the folder where there is one.
struct Wanted {
  app::CampaignAsk ask;
  app::ClusterPlace place;
  manifest::LoadJob job;
  std::optional<fs::path> folder;  // named by --run
};

/// Of a run that is in the folder already.
Result<std::optional<Wanted>> from_folder(Run& run) {
  const auto folder = run.args().maybe_text("--run");
  std::error_code error;
  if (!folder || !fs::exists(fs::path(*folder) / "run.log", error)) return std::nullopt;
  const auto there = run::Directory::open(*folder, run::Directory::For::Reading);
  if (!there) return fail(there.error());
  const auto place = app::place_of(there->header());
  if (!place) {
    return fail(ErrorCode::Conflict, *folder +
                                         " holds a run that was measured from here: go on with "
                                         "kneepoint bench resume, or name another folder");
  }
  auto ask = app::campaign_from_json(there->header());
  if (!ask) return fail(std::move(ask.error()).during(*folder));
  auto job = job_of(run.args());
  if (!job) return fail(std::move(job.error()));
  // What the run names lies in its ConfigMap, which may be gone.
  for (const auto& [flag, named, file] :
       {std::tuple{"--extra-body", &ask->target.extra_body_file, kExtraBodyFile},
        std::tuple{"--ca-file", &ask->target.ca_file, kCaFile}}) {
    std::string path = run.args().text(flag);
    if (path.empty() != named->empty()) {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("this run was begun with{} {}: give it as it was then",
                              named->empty() ? "out" : "", flag));
    }
    if (auto ok = take_along(flag, path, file, *job); !ok) return fail(std::move(ok.error()));
  }
  return Wanted{std::move(*ask), *place, std::move(*job), *folder};
}

Result<Wanted> from_flags(Run& run, const cluster::Kubectl& kubectl) {
  const Parsed& args = run.args();
  Wanted out;
  if (const auto folder = args.maybe_text("--run")) out.folder = *folder;
  auto job = job_of(args);
  if (!job) return fail(std::move(job.error()));
  out.job = std::move(*job);
  const auto place = kubectl.place();
  if (!place) return fail(place.error());
  out.place.namespace_name = place->namespace_name;

  app::ServerInCluster server;
  if (args.given("--service") || args.given("--deployment")) {
    const auto session = run.session();
    if (!session) return fail(session.error());
    const auto port = args.integer("--service-port");
    auto found = app::find_server((*session)->catalog(), kubectl, place->namespace_name,
                                  {args.text("--service"), args.text("--deployment"),
                                   port ? std::optional(static_cast<int>(*port)) : std::nullopt});
    if (!found) return fail(std::move(found.error()));
    server = std::move(*found);
    for (const std::string& note : server.notes) run.note(note);
  } else if (!args.given("--url") || !args.given("--job-name")) {
    return fail(ErrorCode::InvalidArgument,
                "which server of the cluster? Name it with --service or --deployment; or by an "
                "address that pods reach with --url, and call the Job with --job-name");
  }
  app::BenchTarget target;
  target.url = server.url;
  target.model = server.served;
  auto ask = sweep_of(run, std::move(target));
  if (!ask) return fail(std::move(ask.error()));
  out.ask = std::move(*ask);
  out.ask.setup = merged(setup_of(run), server.setup);
  if (out.ask.setup.model.empty()) out.ask.setup.model = out.ask.target.model;
  if (server.replicas > 1 && out.ask.keep_profile) {
    if (args.given("--keep-profile")) {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("{} has {} replicas and a profile is of one: scale it to one for the "
                              "time being, or leave out --keep-profile",
                              server.object, server.replicas));
    }
    out.ask.keep_profile = false;
    run.note(fmt::format("{} has {} replicas: they are measured together, which gives no profile",
                         server.object, server.replicas));
  }
  out.place.name = args.text("--job-name");
  if (out.place.name.empty()) out.place.name = "sweep-" + server.service.substr(0, 44);
  for (const auto& [flag, path, file] :
       {std::tuple{"--extra-body", &out.ask.target.extra_body_file, kExtraBodyFile},
        std::tuple{"--ca-file", &out.ask.target.ca_file, kCaFile}}) {
    if (auto ok = take_along(flag, *path, file, out.job); !ok) return fail(std::move(ok.error()));
  }
  if (!out.job.secret_name.empty()) out.ask.target.token_env = manifest::kTokenVariable;
  return out;
}

/// YAML that kubectl takes, with what will be measured before it.
std::string manifest_text(const Wanted& wanted, const std::vector<manifest::Object>& objects) {
  std::string out;
  const std::string plan = plan_text(wanted.ask);
  for (const std::string_view line : split(plan, '\n')) {
    if (!line.empty()) out += "# " + std::string(line) + "\n";
  }
  for (const manifest::Object& each : objects) out += "---\n" + json::to_yaml(each.doc);
  return out;
}

/// The run of this name that was begun, here or over there; else a new one.
Result<std::vector<run::Record>> begun_or_new(Run& run, const cluster::Kubectl& kubectl,
                                              Wanted& wanted) {
  auto there = app::find_cluster_run(kubectl, wanted.place.namespace_name, wanted.place.name);
  if (!there) return fail(std::move(there.error()));
  if (*there) {
    const auto place = app::place_of((*there)->front().value);
    if (place && wanted.place.run.empty()) wanted.place.run = place->run;
  }
  if (wanted.place.run.empty()) wanted.place.run = app::run_name(wanted.ask.target.model);
  const json::Value header = app::mirrored_header(wanted.ask, wanted.place);
  if (!*there) return std::vector<run::Record>{{0, "header", header}};
  if (json::to_line((*there)->front().value) != json::to_line(header)) {
    return fail(
        ErrorCode::Conflict,
        fmt::format("a sweep {} was begun with other flags, or of a server that was changed "
                    "since: give it another --job-name, or give that one up with `kneepoint "
                    "undeploy {}`",
                    wanted.place.name, wanted.place.name));
  }
  run.note("going on with the run that was begun: " + wanted.place.run);
  return std::move(**there);
}

}  // namespace

Result<void> sweep_in_cluster(Run& run) {
  const Parsed& args = run.args();
  if (auto ok = refuse_local(args); !ok) return ok;
  const Interruptible interruptible;
  const cluster::Kubectl kubectl = kubectl_of(args);
  auto begun = from_folder(run);
  if (!begun) return fail(std::move(begun.error()));
  auto wanted = *begun ? Result<Wanted>(std::move(**begun)) : from_flags(run, kubectl);
  if (!wanted) return fail(std::move(wanted.error()));
  wanted->job.name = wanted->place.name;
  wanted->job.namespace_name = wanted->place.namespace_name;
  const auto records = begun_or_new(run, kubectl, *wanted);
  if (!records) return fail(records.error());
  wanted->job.run = wanted->place.run;

  if (args.on("--dry-run")) {
    const auto objects = app::sweep_objects(wanted->job, *records);
    if (!objects) return fail(objects.error());
    const auto plan = app::plan_sweep(kubectl, wanted->job, *objects);
    if (!plan) return fail(plan.error());
    run.out(manifest_text(*wanted, *objects));
    return {};
  }
  if (!wanted->folder) {
    const auto folder = runs_folder(run);
    if (!folder) return fail(folder.error());
    wanted->folder = *folder / wanted->place.run;
  }
  auto mirror = app::open_mirror(*wanted->folder, *records);
  if (!mirror) return fail(std::move(mirror.error()));
  for (const std::string& warning : mirror->warnings()) run.note(warning);
  run.note(fmt::format("run kept in {}; {} in namespace {} measures {}", wanted->folder->string(),
                       "Job " + wanted->job.name, wanted->job.namespace_name,
                       wanted->ask.target.url));
  Result<std::optional<app::CampaignResult>> result;
  {
    Shown shown(run);
    result = app::sweep_in_cluster(
        kubectl, wanted->job, *mirror,
        {.unscheduled = std::chrono::duration_cast<Nanos>(
             std::chrono::duration<double>(args.number("--unscheduled-timeout").value_or(120)))},
        {.tell =
             [&](std::string_view sentence) {
               shown.clear();
               run.note(sentence);
             },
         .progress = [&](std::string_view line) { shown.draw_line(line); },
         .done =
             [&](const run::PointRecord& point) {
               shown.clear();
               note_point(run, point);
             }});
  }
  if (!result) return fail(std::move(result.error()));
  if (!*result) {
    run.note(
        fmt::format("interrupted here; it goes on in the cluster. Follow it again with: "
                    "kneepoint bench sweep --in-cluster --run={}; or end it with: kneepoint "
                    "undeploy {} --namespace={}",
                    wanted->folder->string(), wanted->job.name, wanted->job.namespace_name));
    run.end_with(130);
    return {};
  }
  app::CampaignResult& ended = **result;
  auto points = app::points_of(*mirror);
  if (!points) return fail(std::move(points.error()));
  ended.points = std::move(*points);
  ended.knee = app::knee_of(wanted->ask, ended.points);
  const profile::ServingSetup seen = ended.setup;
  ended.setup = wanted->ask.setup;
  if (!seen.model_server.empty()) {
    ended.setup.model_server = seen.model_server;
    ended.setup.model_server_version = seen.model_server_version;
  }
  if (!args.on("--keep-job")) {
    // What was measured is here: whether the cluster gives things back changes nothing about it.
    const auto gone = app::remove_sweep(kubectl, wanted->job.namespace_name, wanted->job.name);
    if (!gone) {
      run.note(fmt::format("not all is taken away yet ({}): kneepoint undeploy {} --namespace={}",
                           gone.error().message, wanted->job.name, wanted->job.namespace_name));
    } else {
      for (const std::string& note : *gone) run.note(note);
    }
  }
  app::CampaignAsk told = wanted->ask;
  if (args.given("--keep-profile")) told.keep_profile = args.on("--keep-profile");
  return tell(run, told, ended, &*mirror);
}

}  // namespace kneepoint::cli::bench
