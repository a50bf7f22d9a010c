#include "cli/bench_go.h"

#include <fmt/format.h>

#include "app/bench_run.h"
#include "app/mirrored_run.h"
#include "base/file.h"
#include "cli/bench_show.h"
#include "cli/bench_stream.h"
#include "cli/version.h"
#include "run/measured_profile.h"

namespace kneepoint::cli::bench {
namespace {

namespace fs = std::filesystem;

/// Puts what was measured into the store, and says how to use it.
Result<void> keep_profile(Run& run, const app::CampaignResult& result, std::string_view identity) {
  profile::ServingSetup setup = result.setup;
  if (setup.model_server.empty()) setup.model_server = "unknown";
  if (setup.accelerator.empty()) {
    setup.accelerator = "unknown";
    run.note("no --accelerator was given: the profile is kept, but cannot be priced or deployed");
  }
  // What the load generator itself spoilt says nothing of the server.
  std::vector<run::PointRecord> points = result.points;
  std::erase_if(points, [](const run::PointRecord& point) { return !point.self.valid; });
  if (const std::size_t left_out = result.points.size() - points.size(); left_out > 0) {
    run.note(fmt::format("left out of the profile, as not valid: {} of {} load points", left_out,
                         result.points.size()));
  }
  const profile::Profile profile = run::measured_profile(setup, identity, points);
  if (profile.points.empty()) {
    run.note("no load point that could be kept: no profile");
    return {};
  }
  const auto session = run.session();
  if (!session) return fail(session.error());
  const auto store = (*session)->store();
  if (!store) return fail(store.error());
  if (auto put = (*store)->put_all(std::span(&profile, 1)); !put) return put;
  run.note(fmt::format("profile {} kept: kneepoint explain {}; kneepoint profiles list --model={}",
                       profile.id, profile.id, profile.setup.model));
  return {};
}

/// In the folder that was named, or in one of its own: runs of a model that begin in the same
/// second are told apart by a number.
Result<run::Directory> make_directory(Run& run, const app::CampaignAsk& ask) {
  const json::Value header = app::to_json(ask);
  if (const auto named = run.args().maybe_text("--run")) {
    return run::Directory::create(*named, header);
  }
  const auto folder = runs_folder(run);
  if (!folder) return fail(folder.error());
  const std::string name = app::run_name(ask.target.model);
  for (int number = 1;; ++number) {
    const std::string own = number == 1 ? name : fmt::format("{}-{}", name, number);
    auto directory = run::Directory::create(*folder / own, header);
    const bool taken = !directory && directory.error().code == ErrorCode::Conflict;
    if (!taken || number == 1000) return directory;
  }
}

}  // namespace

Result<void> go_on(Run& run, const app::CampaignAsk& ask, run::Directory* directory) {
  const auto session = run.session();
  if (!session) return fail(session.error());
  Result<app::CampaignResult> result;
  {
    const Interruptible interruptible;
    Shown shown(run);
    result = app::run_campaign(ask, directory, (*session)->catalog(), shown.watch());
  }
  if (!result) return fail(std::move(result.error()));
  return tell(run, ask, *result, directory);
}

Result<void> stream(Run& run, const app::CampaignAsk& ask, run::Directory& directory) {
  const auto session = run.session();
  if (!session) return fail(session.error());
  const Interruptible interruptible;
  Stream stream(run, directory);
  const auto result = app::run_campaign(ask, &directory, (*session)->catalog(), stream.watch());
  if (!result) return fail(result.error());
  if (result->whole || result->valid_end) {
    stream.end(*result);
    return {};
  }
  const app::BenchAsk told{.target = ask.target, .points = ask.points, .options = ask.options};
  if (auto judged = app::judge(told, result->points); !judged) return judged;
  return fail(ErrorCode::Unavailable, "the run is not whole: " + result->ended);
}

Result<void> tell(Run& run, const app::CampaignAsk& ask, const app::CampaignResult& result,
                  const run::Directory* directory) {
  app::BenchAsk told{.target = ask.target, .points = ask.points, .options = ask.options};
  json::Value report = app::bench_report(told, result.points, kVersion);
  if (result.knee) {
    report.as_object().emplace(
        "knee", json::Object{{"state", curve::name(result.knee->state)},
                             {"load", result.knee->load},
                             {"unit", curve::unit(ask.sweep->limits.kind)},
                             {"sentence", sentence(*result.knee, ask.sweep->limits.kind)},
                             {"ended", result.ended}});
  }
  const auto place = directory == nullptr ? std::nullopt : app::place_of(directory->header());
  const std::string identity = directory == nullptr ? app::run_name(ask.target.model)
                               : place              ? place->run
                                       : fs::absolute(directory->folder()).filename().string();
  report.as_object().emplace("run", directory == nullptr ? "" : identity);
  if (const auto path = run.args().maybe_text("--report")) {
    if (auto ok = write_file(*path, json::to_text(report)); !ok) return ok;
  }
  if (run.args().format().name == "json") {
    run.out(json::to_text(report));
  } else if (auto ok = print_rows(run, point_rows(result.points)); !ok) {
    return ok;
  }
  if (result.knee) {
    run.note(sentence(*result.knee, ask.sweep->limits.kind) +
             (result.ended.empty() ? "" : " (" + result.ended + ")"));
  }
  if (!result.whole && directory != nullptr) {
    run.note(fmt::format("not finished; go on with: kneepoint bench {} {}",
                         place ? "sweep --in-cluster --run" : "resume",
                         directory->folder().string()));
  }
  if (ask.keep_profile && (result.whole || result.valid_end)) {
    if (auto kept = keep_profile(run, result, identity); !kept) return kept;
  }
  return app::judge(told, result.points);
}

Result<fs::path> runs_folder(Run& run) {
  const auto settings = run.settings();
  if (!settings) return fail(settings.error());
  if (settings->runs_folder.empty()) {
    return fail(ErrorCode::InvalidArgument,
                "no home folder to keep the run in: set HOME, or name a folder with --run");
  }
  return settings->runs_folder;
}

Result<void> start(Run& run, const app::CampaignAsk& ask) {
  auto directory = make_directory(run, ask);
  if (!directory) return fail(std::move(directory.error()));
  run.note(fmt::format("run kept in {}", directory->folder().string()));
  return go_on(run, ask, &*directory);
}

}  // namespace kneepoint::cli::bench
