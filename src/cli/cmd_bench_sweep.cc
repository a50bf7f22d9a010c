#include <fmt/format.h>

#include <cmath>
#include <thread>

#include "app/campaign.h"
#include "app/mirrored_run.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/bench_common.h"
#include "cli/bench_go.h"
#include "cli/bench_show.h"
#include "cli/bench_sweep.h"
#include "cli/commands.h"
#include "cli/flags_sweep.h"

namespace kneepoint::cli {

Result<app::CampaignAsk> bench::sweep_of(Run& run, app::BenchTarget named) {
  const Parsed& args = run.args();
  app::CampaignAsk ask;
  auto target = bench::target_of(run, std::move(named));
  if (!target) return fail(std::move(target.error()));
  ask.target = *std::move(target);
  ask.setup = bench::setup_of(run);
  if (ask.setup.model.empty()) ask.setup.model = ask.target.model;
  ask.scrape = args.on("--scrape");
  ask.keep_profile = args.on("--keep-profile");
  ask.timelines = args.on("--timelines");

  app::SweepAsk sweep;
  auto spec = bench::workload_of(run, bench::default_lengths());
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

std::string bench::plan_text(const app::CampaignAsk& ask) {
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

namespace {

/// The run of the folder; with --seed it may still have to be made, and the pod that had it before
/// may still be ending.
Result<run::Directory> opened(const Parsed& args) {
  const std::string folder = args.positionals().front();
  const auto seed = args.maybe_text("--seed");
  if (!seed) return run::Directory::open(folder, run::Directory::For::Appending);
  const auto bytes = read_file(*seed);
  if (!bytes) return fail(bytes.error());
  const auto records = app::read_seed(*bytes);
  if (!records) return fail(Error(records.error()).during(*seed));
  constexpr int kTries = 120;
  for (int i = 1;; ++i) {
    auto out = app::open_mirror(folder, *records);
    const bool taken = !out && out.error().message.find("another process") != std::string::npos;
    if (!taken || i == kTries || bench::Interruptible::interrupted()) return out;
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

}  // namespace

Result<void> sweep_bench(Run& run) {
  if (run.args().on("--in-cluster")) return bench::sweep_in_cluster(run);
  for (const Flag& flag : bench::kInClusterFlags) {
    if (run.args().given(flag.name)) {
      return fail(ErrorCode::InvalidArgument,
                  std::string(flag.name) + " says how to measure in a cluster: add --in-cluster");
    }
  }
  auto ask = bench::sweep_of(run, {});
  if (!ask) return fail(std::move(ask.error()));
  if (run.args().on("--dry-run")) {
    run.out(bench::plan_text(*ask));
    return {};
  }
  return bench::start(run, *ask);
}

Result<void> resume_bench(Run& run) {
  auto directory = opened(run.args());
  if (!directory) return fail(std::move(directory.error()));
  for (const std::string& warning : directory->warnings()) run.note(warning);
  const bool stream = run.args().on("--stream");
  if (app::place_of(directory->header()) && !stream) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("this run is measured in a cluster, where the way to the server is "
                            "another: go on with kneepoint bench sweep --in-cluster --run={}",
                            directory->folder().string()));
  }
  auto ask = app::campaign_from_json(directory->header());
  if (!ask) return fail(std::move(ask.error()).during(directory->folder().string()));
  if (run.args().given("--keep-profile")) ask->keep_profile = run.args().on("--keep-profile");
  if (auto ok = bench::add_secrets(run, ask->target); !ok) return ok;
  return stream ? bench::stream(run, *ask, *directory) : bench::go_on(run, *ask, &*directory);
}

}  // namespace kneepoint::cli
