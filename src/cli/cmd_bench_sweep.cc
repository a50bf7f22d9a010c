#include <fmt/format.h>

#include "app/bench_run.h"
#include "app/campaign.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/bench_common.h"
#include "cli/commands.h"
#include "cli/version.h"
#include "run/measured_profile.h"

namespace kneepoint::cli {
namespace {

namespace fs = std::filesystem;
using bench::Interruptible;

Result<app::CampaignAsk> ask_of(Run& run) {
  const Parsed& args = run.args();
  app::CampaignAsk ask;
  auto target = bench::target_of(run, {});
  if (!target) return fail(std::move(target.error()));
  ask.target = *std::move(target);
  ask.setup = bench::setup_of(run);
  if (ask.setup.model.empty()) ask.setup.model = ask.target.model;
  ask.scrape = args.on("--scrape");

  app::SweepAsk sweep;
  workload::RunSpec empty;
  empty.lengths.input.first = 512;
  empty.lengths.output.first = 128;
  auto spec = bench::workload_of(run, std::move(empty));
  if (!spec) return fail(std::move(spec.error()));
  sweep.spec = *std::move(spec);
  const bool by_rate = args.text("--by") == "rate";
  sweep.limits.kind = by_rate ? curve::LoadKind::RequestRate : curve::LoadKind::Concurrency;
  sweep.limits.highest = 4096;
  if (const auto lowest = args.number("--lowest")) {
    sweep.limits.lowest = *lowest;
    sweep.lowest_given = true;
  }
  if (const auto highest = args.number("--highest")) sweep.limits.highest = *highest;
  if (sweep.limits.lowest > sweep.limits.highest) {
    return fail(ErrorCode::InvalidArgument, "--lowest is above --highest");
  }
  if (!by_rate && (sweep.limits.lowest != std::floor(sweep.limits.lowest) ||
                   sweep.limits.highest != std::floor(sweep.limits.highest))) {
    return fail(ErrorCode::InvalidArgument,
                "--lowest and --highest count requests in flight: whole numbers, or --by=rate");
  }
  sweep.limits.precision = 1 + args.number("--precision").value_or(10) / 100;
  sweep.limits.most_points = static_cast<std::size_t>(args.integer("--most-points").value_or(40));
  auto options = bench::point_options_of(run);
  if (!options) return fail(std::move(options.error()));
  ask.options = *std::move(options);
  const auto cap = app::parse_duration(args.text("--point-time"));
  if (!cap) return fail(Error(cap.error()).during("--point-time"));
  const auto least = app::parse_duration(args.text("--least-time"));
  if (!least) return fail(Error(least.error()).during("--least-time"));
  sweep.spec.duration = *cap;
  ask.options.time_cap = *cap;
  ask.options.least = std::min(*least, *cap);
  if (by_rate) {
    sweep.spec.arrivals = bench::arrivals_of(args, sweep.limits.lowest);
  } else {
    sweep.spec.in_flight = 1;
  }
  if (auto ok = workload::check(sweep.spec); !ok) return fail(std::move(ok.error()));
  ask.sweep = std::move(sweep);
  return ask;
}

std::string plan_text(const app::CampaignAsk& ask) {
  const app::SweepAsk& sweep = *ask.sweep;
  const auto& limits = sweep.limits;
  const double doublings = std::ceil(std::log2(limits.highest / std::max(1.0, limits.lowest)));
  const double cap = std::chrono::duration<double>(*ask.options.time_cap).count();
  const double least = std::chrono::duration<double>(ask.options.least).count();
  const std::size_t most =
      std::min(limits.most_points, static_cast<std::size_t>(doublings) + 1 + 8);
  return fmt::format(
      "{} on {}: {} by doublings from {} until throughput stops growing, at most to {}; then "
      "between its neighbours until they are within {:.0f} %\n"
      "each load point: until known within {:.1f} %, {:.0f} to {:.0f} s, and its last answers\n"
      "at most about {} load points: {:.0f} s to {:.0f} s\n",
      ask.target.model, ask.target.url, curve::unit(limits.kind),
      limits.kind == curve::LoadKind::RequestRate && !sweep.lowest_given
          ? "half the rate of one client"
          : shortest(limits.lowest),
      shortest(limits.highest), 100 * (limits.precision - 1),
      100 * ask.options.confident_within.value_or(0), least, cap, most,
      static_cast<double>(most) * least, static_cast<double>(most) * cap);
}

/// Puts what was measured into the store, and says how to use it.
Result<void> keep_profile(Run& run, const app::CampaignResult& result, std::string_view identity) {
  profile::ServingSetup setup = result.setup;
  if (setup.model_server.empty()) setup.model_server = "unknown";
  if (setup.accelerator.empty()) {
    setup.accelerator = "unknown";
    run.note(
        "no --accelerator was given: the profile is kept, but cannot be priced or deployed");
  }
  const profile::Profile profile = run::measured_profile(setup, identity, result.points);
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

/// The campaign in a directory, from where it stands.
Result<void> go_on(Run& run, const app::CampaignAsk& ask, run::Directory& directory) {
  const auto session = run.session();
  if (!session) return fail(session.error());
  Result<app::CampaignResult> result;
  {
    const Interruptible interruptible;
    bench::Shown shown(run);
    result = app::run_campaign(ask, &directory, (*session)->catalog(), shown.watch());
  }
  if (!result) return fail(std::move(result.error()));

  app::BenchAsk told{.target = ask.target, .points = ask.points, .options = ask.options};
  json::Value report = app::bench_report(told, result->points, kVersion);
  if (result->knee) {
    report.as_object().emplace(
        "knee", json::Object{{"state", curve::name(result->knee->state)},
                             {"load", result->knee->load},
                             {"unit", curve::unit(ask.sweep->limits.kind)},
                             {"sentence", sentence(*result->knee, ask.sweep->limits.kind)},
                             {"ended", result->ended}});
  }
  report.as_object().emplace("run", fs::absolute(directory.folder()).filename().string());
  if (const auto path = run.args().maybe_text("--report")) {
    if (auto ok = write_file(*path, json::to_text(report)); !ok) return ok;
  }
  if (run.args().format().name == "json") {
    run.out(json::to_text(report));
  } else if (auto ok = print_rows(run, bench::point_rows(result->points)); !ok) {
    return ok;
  }
  if (result->knee) {
    run.note(sentence(*result->knee, ask.sweep->limits.kind) +
             (result->ended.empty() ? "" : " (" + result->ended + ")"));
  }
  if (!result->whole) {
    run.note(fmt::format("not finished; go on with: kneepoint bench resume {}",
                         directory.folder().string()));
    return app::judge(told, result->points);
  }
  if (run.args().on("--keep-profile")) {
    if (auto kept = keep_profile(run, *result, fs::absolute(directory.folder()).filename().string());
        !kept) {
      return kept;
    }
  }
  return app::judge(told, result->points);
}

}  // namespace

Result<void> sweep_bench(Run& run) {
  auto ask = ask_of(run);
  if (!ask) return fail(std::move(ask.error()));
  if (run.args().on("--dry-run")) {
    run.out(plan_text(*ask));
    return {};
  }
  fs::path folder = run.args().text("--run");
  if (folder.empty()) {
    const auto settings = run.settings();
    if (!settings) return fail(settings.error());
    folder = settings->runs_folder / app::run_name(ask->target.model);
  }
  auto directory = run::Directory::create(folder, app::to_json(*ask));
  if (!directory) return fail(std::move(directory.error()));
  run.note(fmt::format("run kept in {}", folder.string()));
  return go_on(run, *ask, *directory);
}

Result<void> resume_bench(Run& run) {
  auto directory =
      run::Directory::open(run.args().positionals().front(), run::Directory::For::Appending);
  if (!directory) return fail(std::move(directory.error()));
  for (const std::string& warning : directory->warnings()) run.note(warning);
  auto ask = app::campaign_from_json(directory->header());
  if (!ask) return fail(std::move(ask.error()).during(directory->folder().string()));
  if (auto ok = bench::add_secrets(run, ask->target); !ok) return ok;
  return go_on(run, *ask, *directory);
}

}  // namespace kneepoint::cli
