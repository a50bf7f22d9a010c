#include <fmt/format.h>

#include "app/bench_run.h"
#include "app/bench_spec.h"
#include "base/text.h"
#include "cli/bench_common.h"
#include "cli/bench_go.h"
#include "cli/bench_show.h"
#include "cli/commands.h"

namespace kneepoint::cli {
namespace {

/// One spec for each rate or concurrency; without either, the one of the file.
Result<std::vector<workload::RunSpec>> points_of(Run& run,
                                                 const std::optional<app::BenchSpec>& file) {
  const Parsed& args = run.args();
  auto base = bench::workload_of(run, file ? file->run : bench::default_lengths());
  if (!base) return fail(base.error());
  const auto rates = args.list("--rate"), counts = args.list("--concurrency");
  if (file && rates.empty() && counts.empty()) return std::vector{*base};
  base->arrivals.reset();
  base->in_flight.reset();
  if (rates.empty() == counts.empty()) {
    return fail(ErrorCode::InvalidArgument,
                "how much load? Give either --rate (open loop) or --concurrency (closed loop)");
  }
  if (!base->requests && !base->duration) {
    return fail(ErrorCode::InvalidArgument, "until when? Give --requests, --duration or both");
  }
  if (args.given("--burstiness") && args.text("--arrivals") != "gamma") {
    return fail(ErrorCode::InvalidArgument, "--burstiness shapes --arrivals=gamma");
  }
  std::vector<workload::RunSpec> out;
  for (const std::string& text : rates) {
    const auto rate = parse_number(text);
    if (!rate) {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("--rate: '{}' is no number of requests per second", text));
    }
    workload::RunSpec spec = *base;
    spec.arrivals = bench::arrivals_of(args, *rate);
    if (const auto cap = args.integer("--in-flight")) spec.in_flight = *cap;
    out.push_back(std::move(spec));
  }
  for (const std::string& text : counts) {
    const auto count = parse_integer(text);
    if (!count) {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("--concurrency: '{}' is no whole number", text));
    }
    workload::RunSpec spec = *base;
    spec.in_flight = *count;
    out.push_back(std::move(spec));
  }
  if (!counts.empty() && args.given("--in-flight")) {
    return fail(ErrorCode::InvalidArgument, "--in-flight goes with --rate; --concurrency is one");
  }
  for (const workload::RunSpec& spec : out) {
    if (auto ok = workload::check(spec); !ok) return fail(std::move(ok.error()));
  }
  return out;
}

}  // namespace

Result<void> run_bench(Run& run) {
  app::CampaignAsk ask;
  std::optional<app::BenchSpec> file;
  app::BenchTarget named;
  if (const auto path = run.args().maybe_text("--spec")) {
    auto read = app::read_bench_spec(*path);
    if (!read) return fail(std::move(read.error()));
    named.url = read->url;
    named.model = read->model;
    named.api = read->api.value_or(named.api);
    file = *std::move(read);
  }
  auto target = bench::target_of(run, std::move(named));
  if (!target) return fail(std::move(target.error()));
  ask.target = *std::move(target);
  auto points = points_of(run, file);
  if (!points) return fail(std::move(points.error()));
  ask.points = *std::move(points);
  auto options = bench::point_options_of(run);
  if (!options) return fail(std::move(options.error()));
  ask.options = *std::move(options);
  ask.setup = bench::setup_of(run);
  if (ask.setup.model.empty()) ask.setup.model = ask.target.model;
  ask.scrape = run.args().on("--scrape");
  ask.keep_profile = run.args().on("--keep-profile");
  ask.timelines = run.args().on("--timelines");
  if (ask.timelines && !run.args().on("--keep-run")) {
    return fail(ErrorCode::InvalidArgument,
                "--timelines are kept in the run: not with --no-keep-run");
  }
  if (run.args().on("--dry-run")) {
    const auto plan = app::bench_plan({ask.target, ask.points, ask.options});
    if (!plan) return fail(plan.error());
    run.out(join(*plan, "\n") + "\n");
    return {};
  }
  if (!run.args().on("--keep-run")) return bench::go_on(run, ask, nullptr);
  return bench::start(run, ask);
}

Result<void> load_bench(Run& run) {
  const Parsed& args = run.args();
  app::CampaignAsk ask;
  auto target = bench::target_of(run, {});
  if (!target) return fail(std::move(target.error()));
  ask.target = *std::move(target);
  auto spec = bench::workload_of(run, bench::default_lengths());
  if (!spec) return fail(std::move(spec.error()));
  if (args.given("--workers") == args.given("--rate")) {
    return fail(ErrorCode::InvalidArgument, "how much load? Give either --workers or --rate");
  }
  if (const auto workers = args.integer("--workers")) spec->in_flight = *workers;
  if (const auto per_second = args.number("--rate")) {
    spec->arrivals = workload::Arrivals{.rate = *per_second};
  }
  // Until somebody ends it: a month is for ever.
  if (!spec->duration) spec->duration = std::chrono::hours(24 * 30);
  if (auto ok = workload::check(*spec); !ok) return ok;
  ask.points.push_back(*std::move(spec));
  auto done = bench::go_on(run, ask, nullptr);
  // Being interrupted is how this command ends.
  if (bench::Interruptible::interrupted()) return {};
  return done;
}

}  // namespace kneepoint::cli
