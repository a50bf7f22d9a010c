#include "app/simulate.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "sim/router.h"
#include "verbs/handlers.h"
#include "verbs/pieces.h"
#include "verbs/question.h"

namespace kneepoint::verbs {
namespace {

constexpr std::int64_t kUsualRequests = 1000, kMostSimulated = 200'000;
constexpr double kMostSeconds = 86400;

workload::LengthSpec fixed(double tokens) {
  return *workload::parse_length(std::to_string(std::llround(tokens)));
}

/// The spec that the points vary: the one given, or lengths alone.
Result<workload::RunSpec> base_spec(Ask& ask, const app::SetupWords& words) {
  workload::RunSpec out;
  const json::Value* given = ask.raw("spec");
  if (given != nullptr) {
    auto read = workload::from_json(*given);
    if (!read) return fail(std::move(read).error().during("spec"));
    out = std::move(*read);
    if (!out.lengths.pairs.empty() || (out.arrivals && !out.arrivals->file.empty())) {
      return fail(ErrorCode::InvalidArgument,
                  "spec: files cannot be named here: give lengths and arrivals");
    }
  }
  if (given == nullptr || ask.given("inputLength")) out.lengths.input = fixed(words.input_tokens);
  if (given == nullptr || ask.given("outputLength")) {
    out.lengths.output = fixed(words.output_tokens);
  }
  return out;
}

std::vector<workload::RunSpec> points_of(const workload::RunSpec& base,
                                         const std::vector<double>& clients,
                                         const std::vector<double>& rates) {
  std::vector<workload::RunSpec> out;
  if (clients.empty() && rates.empty()) out.push_back(base);
  for (const double rate : rates) {
    workload::RunSpec spec = base;
    if (!spec.arrivals) {
      spec.arrivals = workload::Arrivals{};
      spec.in_flight.reset();
    }
    spec.arrivals->rate = rate;
    out.push_back(std::move(spec));
  }
  for (const double count : clients) {
    workload::RunSpec spec = base;
    spec.arrivals.reset();
    spec.in_flight = std::llround(count);
    out.push_back(std::move(spec));
  }
  return out;
}

/// Ends somewhere, and within what one caller may ask of a server.
Result<void> bound(workload::RunSpec& spec) {
  if (!spec.requests && !spec.duration) {
    spec.requests = std::max(kUsualRequests, 10 * spec.in_flight.value_or(0));
  }
  spec.requests = std::min(spec.requests.value_or(kMostSimulated), kMostSimulated);
  return workload::check(spec);
}

std::vector<metrics::Bound> read_bounds(Ask& ask) {
  std::vector<metrics::Bound> out;
  Ask goodput = ask.object("goodput");
  for (const metrics::Metric metric : metrics::kMetrics) {
    const std::string name = std::string(metrics::name(metric)) + "Milliseconds";
    if (const auto ms = goodput.positive(name, 1e9)) {
      out.push_back({metric, std::chrono::duration_cast<Nanos>(
                                 std::chrono::duration<double, std::milli>(*ms))});
    }
  }
  return out;
}

}  // namespace

Result<json::Value> simulate_loads(Call& call) {
  constexpr std::array<std::string_view, 4> kRouters{"least-requests", "round-robin", "least-kv",
                                                     "prefix-aware"};
  Ask ask(call.ask);
  const app::SetupWords words = read_setup(ask);
  const auto clients = ask.numbers("concurrency", 1, 1e5);
  const auto rates = ask.numbers("requestsPerSecond", 1e-6, 1e6);
  if (!clients.empty() && !rates.empty()) {
    ask.wrong("requestsPerSecond", "give either concurrency or requestsPerSecond");
  }
  auto base = base_spec(ask, words);
  if (!base) return fail(std::move(base).error());
  if (clients.empty() && rates.empty() && !ask.given("spec")) {
    ask.wrong("concurrency", "how much load? Give concurrency, requestsPerSecond or a spec");
  }
  if (const auto seed = ask.number("seed", 0, 9e15)) base->seed = static_cast<std::uint64_t>(*seed);
  if (const auto count = ask.whole("requests", 1, static_cast<int>(kMostSimulated))) {
    base->requests = *count;
  }
  if (const auto seconds = ask.positive("durationSeconds", kMostSeconds)) {
    base->duration = std::chrono::duration_cast<Nanos>(std::chrono::duration<double>(*seconds));
  }
  app::SimulateAsk wanted;
  wanted.replicas = ask.whole("replicas", 1, 1000).value_or(1);
  wanted.router = *sim::parse_router_kind(ask.word("router", kRouters));
  wanted.bounds = read_bounds(ask);
  wanted.overhead = ask.flag("overhead", true);
  if (auto done = ask.done(); !done) return fail(done.error());
  wanted.points = points_of(*base, clients, rates);
  for (workload::RunSpec& spec : wanted.points) {
    if (auto ok = bound(spec); !ok) return fail(ok.error());
  }
  auto question = app::question_of(call.session.catalog(), words);
  if (!question) return fail(std::move(question).error());
  const auto servers = app::SimulatedServers::open(call.session, {});
  if (!servers) return fail(servers.error());
  const auto server = servers->of(*question);
  if (!server) return fail(server.error());
  wanted.setup = question->setup;

  const std::string day = to_text(call.session.settings().today);
  std::vector<run::PointRecord> records;
  for (std::size_t i = 0; i < wanted.points.size(); ++i) {
    const json::Object progress{
        {"done", i}, {"all", wanted.points.size()}, {"what", "load points"}};
    if (call.progress && !call.progress(progress)) {
      return fail(ErrorCode::Conflict, "cancelled");
    }
    auto record = app::simulate_point(*server, wanted, i, day);
    if (!record) return fail(std::move(record).error());
    records.push_back(std::move(*record));
  }
  return json::Object{
      {"report",
       app::simulated_report(*server, wanted, records, day, call.session.settings().version)},
      {"provenance",
       fmt::format("simulated, calibration {}: a prediction, no measurement", server->by)},
      {"notes", texts(server->notes)}};
}

}  // namespace kneepoint::verbs
