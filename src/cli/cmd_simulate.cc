#include <fmt/format.h>

#include <cmath>

#include "app/bench_spec.h"
#include "app/bench_target.h"
#include "app/simulate.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/bench_show.h"
#include "cli/commands.h"
#include "cli/large_pages.h"
#include "cli/progress.h"
#include "cli/rows.h"
#include "cli/setup_flags.h"
#include "cli/version.h"

namespace kneepoint::cli {
namespace {

constexpr std::int64_t kUsualRequests = 1000;

workload::LengthSpec fixed(long long tokens) {
  return *workload::parse_length(std::to_string(tokens));
}

Result<workload::RunSpec> base_spec(Run& run) {
  const Parsed& args = run.args();
  workload::RunSpec out;
  if (!args.positionals().empty()) {
    auto file = app::read_bench_spec(args.positionals().front());
    if (!file) return fail(std::move(file).error());
    out = std::move(file->run);
  }
  if (args.positionals().empty() || args.given("--input-length")) {
    out.lengths.input = fixed(*args.integer("--input-length"));
  }
  if (args.positionals().empty() || args.given("--output-length")) {
    out.lengths.output = fixed(*args.integer("--output-length"));
  }
  if (const auto seed = args.integer("--seed")) out.seed = static_cast<std::uint64_t>(*seed);
  if (const auto count = args.integer("--requests")) out.requests = *count;
  if (const auto text = args.maybe_text("--duration")) {
    const auto time = app::parse_duration(*text);
    if (!time) return fail(Error(time.error()).during("--duration"));
    out.duration = *time;
  }
  return out;
}

/// One spec for each rate or concurrency; without either, the one of the file.
Result<std::vector<workload::RunSpec>> points_of(Run& run) {
  const Parsed& args = run.args();
  auto base = base_spec(run);
  if (!base) return fail(std::move(base).error());
  const auto clients = numbers_of(args, "--concurrency", 1);
  if (!clients) return fail(clients.error());
  const auto rates = numbers_of(args, "--rate", 1e-6);
  if (!rates) return fail(rates.error());
  std::vector<workload::RunSpec> out;
  if (clients->empty() && rates->empty()) {
    if (args.positionals().empty()) {
      return fail(ErrorCode::InvalidArgument,
                  "how much load? Give --rate, --concurrency or a SPEC");
    }
    out.push_back(*base);
  } else if (!clients->empty() && !rates->empty()) {
    return fail(ErrorCode::InvalidArgument, "give either --rate or --concurrency");
  }
  for (const double rate : *rates) {
    workload::RunSpec spec = *base;
    if (!spec.arrivals) {
      spec.arrivals = workload::Arrivals{};
      spec.in_flight.reset();
    }
    spec.arrivals->rate = rate;
    out.push_back(std::move(spec));
  }
  for (const double count : *clients) {
    workload::RunSpec spec = *base;
    spec.arrivals.reset();
    spec.in_flight = std::llround(count);
    out.push_back(std::move(spec));
  }
  for (workload::RunSpec& spec : out) {
    if (!spec.requests && !spec.duration) {
      spec.requests = std::max(kUsualRequests, 10 * spec.in_flight.value_or(0));
    }
    if (auto ok = workload::check(spec); !ok) return fail(std::move(ok).error());
  }
  return out;
}

}  // namespace

Result<void> simulate(Run& run) {
  prefer_large_pages();
  const Parsed& args = run.args();
  auto question = question_of(run);
  if (!question) return fail(std::move(question).error());
  auto points = points_of(run);
  if (!points) return fail(std::move(points).error());
  auto bounds = app::parse_bounds(args.list("--goodput"));
  if (!bounds) return fail(Error(bounds.error()).during("--goodput"));
  const auto session = run.session();
  if (!session) return fail(session.error());
  const auto servers = app::SimulatedServers::open(**session, args.text("--calibration"));
  if (!servers) return fail(servers.error());
  const auto server = servers->of(*question);
  if (!server) return fail(server.error());

  app::SimulateAsk ask;
  ask.setup = question->setup;
  ask.points = std::move(*points);
  ask.replicas = *args.integer("--replicas");
  ask.router = *sim::parse_router_kind(args.text("--router"));
  ask.bounds = std::move(*bounds);
  ask.overhead = args.on("--overhead");
  const std::string day = to_text((*session)->settings().today);
  Progress progress(run, "load points");
  std::vector<run::PointRecord> records;
  for (std::size_t i = 0; i < ask.points.size(); ++i) {
    auto record = app::simulate_point(*server, ask, i, day);
    if (!record) return fail(std::move(record).error());
    records.push_back(std::move(*record));
    progress.tell(i + 1, ask.points.size());
  }
  const json::Value report = app::simulated_report(*server, ask, records, day, kVersion);
  if (const auto file = args.maybe_text("--report")) {
    if (auto done = write_file(*file, json::to_text(report)); !done) return done;
  }
  const std::string format = args.format().name;
  if (format == "json" || format == "yaml") {
    run.out(format == "json" ? json::to_text(report) : json::to_yaml(report));
    return {};
  }
  if (auto done = print_rows(run, bench::point_rows(records)); !done) return done;
  run.note(fmt::format("simulated, calibration {}: a prediction, no measurement", server->by));
  for (const std::string& note : server->notes) run.note("extrapolated: " + note);
  return {};
}

}  // namespace kneepoint::cli
