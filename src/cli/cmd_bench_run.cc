#include <fmt/format.h>

#include <csignal>

#include "app/bench_run.h"
#include "app/profiles.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/rows.h"
#include "cli/version.h"

namespace kneepoint::cli {
namespace {

using metrics::Metric;
using report::Cell;
using report::Column;

// ---- interruption ----

volatile std::sig_atomic_t interruptions = 0;

/// While it lives, SIGINT and SIGTERM end a measurement and not the program. A third one ends it.
class Interruptible {
 public:
  Interruptible() {
    interruptions = 0;
    struct sigaction action{};
    action.sa_handler = [](int signal) {
      interruptions = interruptions + 1;
      if (interruptions < 3) return;
      std::signal(signal, SIG_DFL);
      std::raise(signal);
    };
    sigaction(SIGINT, &action, &int_);
    sigaction(SIGTERM, &action, &term_);
  }
  ~Interruptible() {
    sigaction(SIGINT, &int_, nullptr);
    sigaction(SIGTERM, &term_, nullptr);
  }
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;

 private:
  struct sigaction int_{}, term_{};
};

// ---- flags to values ----

Result<app::BenchTarget> target_of(Run& run, app::BenchTarget out) {
  const Parsed& args = run.args();
  if (args.given("--url")) out.url = args.text("--url");
  if (args.given("--model")) out.model = args.text("--model");
  if (out.url.empty()) {
    return fail(ErrorCode::InvalidArgument, "where is the server? Name it with --url");
  }
  if (out.model.empty()) {
    return fail(ErrorCode::InvalidArgument,
                "which model? Name it with --model, by the name the server gives it");
  }
  if (args.given("--api")) out.api = *app::parse_api(args.text("--api"));
  if (args.text("--prompts") == "words") out.words = true;
  if (args.text("--prompts") == "token-ids" && out.api == loadgen::Api::Chat) {
    return fail(ErrorCode::InvalidArgument, "--prompts=token-ids: chat takes words only");
  }
  out.header_file = args.text("--header-file");
  out.extra_body_file = args.text("--extra-body");
  out.ignore_eos = !args.given("--ignore-eos") || args.on("--ignore-eos");
  out.temperature = args.number("--temperature").value_or(0);
  if (args.given("--token-env") && args.given("--token-file")) {
    return fail(ErrorCode::InvalidArgument, "--token-env and --token-file: one of them is enough");
  }
  if (const auto name = args.maybe_text("--token-env")) {
    out.token = run.environment().variable(*name);
    if (out.token.empty()) {
      return fail(ErrorCode::InvalidArgument, fmt::format("--token-env: {} is not set", *name));
    }
  }
  if (const auto path = args.maybe_text("--token-file")) {
    auto token = app::read_token_file(*path);
    if (!token) return fail(std::move(token.error()).during("--token-file"));
    out.token = std::move(*token);
  }
  struct Wait {
    const char* flag;
    Nanos* into;
  };
  for (const Wait& wait :
       {Wait{"--timeout", &out.patience.whole}, Wait{"--timeout-connect", &out.patience.connect},
        Wait{"--timeout-first-byte", &out.patience.first_byte},
        Wait{"--timeout-silence", &out.patience.silence}}) {
    const std::string text = args.text(wait.flag);
    if (text.empty()) continue;
    auto time = app::parse_duration(text);
    if (!time) return fail(std::move(time.error()).during(wait.flag));
    *wait.into = *time;
  }
  return out;
}

Result<void> set_length(const Parsed& args, const char* flag, workload::LengthSpec& into) {
  if (!args.given(flag)) return {};
  auto length = workload::parse_length(args.text(flag));
  if (!length) return fail(std::move(length.error()).during(flag));
  into = *std::move(length);
  return {};
}

/// Lengths of a use case: the published distribution where there is one, else its means.
Result<workload::Lengths> use_case_lengths(Run& run, const std::string& name) {
  const auto session = run.session();
  if (!session) return fail(session.error());
  const auto found = app::find_use_case((*session)->catalog(), name);
  if (!found) return fail(found.error());
  workload::Lengths out;
  const bool sharegpt = std::ranges::find(found->aliases, "sharegpt") != found->aliases.end();
  if (sharegpt) {
    out.input.kind = workload::LengthKind::SharegptInput;
    out.output.kind = workload::LengthKind::SharegptOutput;
  } else {
    out.input.first = found->input_tokens_mean;
    out.output.first = found->output_tokens_mean;
  }
  return out;
}

/// What all load points share.
Result<workload::RunSpec> workload_of(Run& run, workload::RunSpec out) {
  const Parsed& args = run.args();
  if (const auto name = args.maybe_text("--use-case")) {
    auto lengths = use_case_lengths(run, *name);
    if (!lengths) return fail(std::move(lengths.error()));
    out.lengths = *std::move(lengths);
  }
  if (auto ok = set_length(args, "--input-tokens", out.lengths.input); !ok) return fail(ok.error());
  if (auto ok = set_length(args, "--output-tokens", out.lengths.output); !ok) {
    return fail(ok.error());
  }
  if (args.given("--seed")) {
    const auto seed = args.integer("--seed").value_or(0);
    if (seed < 0) return fail(ErrorCode::InvalidArgument, "--seed: must not be negative");
    out.seed = static_cast<std::uint64_t>(seed);
  }
  if (const auto count = args.integer("--requests")) out.requests = *count;
  if (const auto text = args.maybe_text("--duration")) {
    const auto time = app::parse_duration(*text);
    if (!time) return fail(Error(time.error()).during("--duration"));
    out.duration = *time;
  }
  if (args.given("--prefix-groups") != args.given("--prefix-tokens")) {
    return fail(ErrorCode::InvalidArgument, "--prefix-groups and --prefix-tokens go together");
  }
  if (const auto groups = args.integer("--prefix-groups")) {
    out.prefix =
        workload::Prefix{.groups = *groups, .tokens = args.integer("--prefix-tokens").value_or(1)};
  }
  if (const auto text = args.maybe_text("--turns")) {
    auto turns = workload::parse_length(*text);
    if (!turns) return fail(std::move(turns.error()).during("--turns"));
    const auto think = workload::parse_think_time(args.text("--think-time"));
    if (!think) return fail(Error(think.error()).during("--think-time"));
    out.sessions = workload::Sessions{.turns = *std::move(turns), .think = *think};
  } else if (args.given("--think-time")) {
    return fail(ErrorCode::InvalidArgument, "--think-time is between the turns of --turns");
  }
  return out;
}

workload::Arrivals arrivals_of(const Parsed& args, double rate) {
  workload::Arrivals out;
  out.rate = rate;
  const std::string pattern = args.text("--arrivals");
  if (pattern == "constant") out.pattern = workload::ArrivalPattern::Constant;
  if (pattern == "gamma") {
    out.pattern = workload::ArrivalPattern::Gamma;
    out.burstiness = args.number("--burstiness").value_or(1);
  }
  return out;
}

/// One spec for each rate or concurrency.
Result<std::vector<workload::RunSpec>> points_of(Run& run) {
  const Parsed& args = run.args();
  workload::RunSpec empty;
  empty.lengths.input.first = 512;
  empty.lengths.output.first = 128;
  const auto base = workload_of(run, std::move(empty));
  if (!base) return fail(base.error());
  const auto rates = args.list("--rate"), counts = args.list("--concurrency");
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
    spec.arrivals = arrivals_of(args, *rate);
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

// ---- what is shown ----

Cell ms(double value) { return Cell::number(value, value < 10 ? 2 : 1); }
Cell rate(double value) { return Cell::number(value, value < 100 ? 2 : 0); }
template <class Kind>
double per_second(const std::optional<Rate<Kind>>& value) {
  return value ? value->per_second() : metrics::kMissing;
}

Rows point_rows(const std::vector<run::PointRecord>& points) {
  Rows rows{
      report::Table({Column{"Load", "load"}, Column{"Requests/s", "requestsPerSecond", "-"},
                     Column{"Tokens/s", "outputTokensPerSecond", "-"},
                     Column{"TTFT p50 ms", "ttftP50", "-"}, Column{"TTFT p99 ms", "ttftP99", "-"},
                     Column{"TPOT p50 ms", "tpotP50", "-"}, Column{"ITL p99 ms", "itlP99", "-"},
                     Column{"E2E p50 ms", "e2eP50", "-"}, Column{"Good %", "goodShare", "-"},
                     Column{"Completed", "completed"}, Column{"Failed", "failed"},
                     Column{"Valid", "valid"}}),
      {}};
  for (const run::PointRecord& point : points) {
    const metrics::Summary& s = point.summary;
    rows.table.add_row(
        {Cell::text(app::load_text(point.spec)), rate(per_second(s.requests_per_second)),
         rate(per_second(s.output_rate)), ms(s.of(Metric::Ttft).p50), ms(s.of(Metric::Ttft).p99),
         ms(s.of(Metric::Tpot).p50), ms(s.of(Metric::Itl).p99), ms(s.of(Metric::E2e).p50),
         Cell::number(s.good_share.value_or(metrics::kMissing) * 100, 1),
         Cell::integer(static_cast<std::int64_t>(point.requests_completed)),
         Cell::integer(static_cast<std::int64_t>(point.requests_failed)),
         Cell::text(point.self.valid ? "yes" : "no")});
  }
  return rows;
}

std::string clock_text(Nanos time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time).count();
  return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
}

std::string or_dash(double value, int decimals) {
  return metrics::is_missing(value) ? "-" : fixed(value, decimals);
}

/// The line of a running point, redrawn each second on a terminal.
class Live {
 public:
  Live(Run& run, const app::BenchAsk& ask) : run_(run), ask_(ask) {
    on_ = run.environment().stderr_is_terminal && run.args().text("--verbosity") != "none";
  }
  ~Live() { clear(); }
  Live(const Live&) = delete;
  Live& operator=(const Live&) = delete;

  void show(std::size_t point, const loadgen::Progress& now) {
    if (!on_) return;
    std::string line = ask_.points.size() > 1
                           ? fmt::format("[{}/{}] ", point + 1, ask_.points.size())
                           : std::string();
    line += app::load_text(ask_.points[point]);
    line += now.draining ? ", last answers" : "";
    line += now.left ? fmt::format(", {} left", clock_text(*now.left))
                     : fmt::format(", {}", clock_text(now.elapsed));
    line +=
        fmt::format(" | {} req/s, {} events/s, {} out | TTFT {} ms, TPOT {} ms | {} errors",
                    or_dash(now.completed_per_second, 1), or_dash(now.tokens_per_second, 0),
                    now.in_flight, or_dash(now.ttft_ms, 1), or_dash(now.tpot_ms, 2), now.errors);
    const auto width = static_cast<std::size_t>(run_.width());
    run_.write_err("\r\x1b[K" + line.substr(0, width - 1));
    drawn_ = true;
  }
  void clear() {
    if (drawn_) run_.write_err("\r\x1b[K");
    drawn_ = false;
  }

 private:
  Run& run_;
  const app::BenchAsk& ask_;
  bool on_ = false;
  bool drawn_ = false;
};

/// What a reader must know beside the table.
void note_point(Run& run, const run::PointRecord& point) {
  const std::string load = app::load_text(point.spec);
  const metrics::Summary& s = point.summary;
  run.note(fmt::format(
      "{}: {} completed, {} failed in {:.1f} s; {} req/s, {} tokens/s, TTFT p50 {} ms, TPOT p50 {} "
      "ms ({})",
      load, point.requests_completed, point.requests_failed,
      std::chrono::duration<double>(point.took).count(),
      or_dash(per_second(s.requests_per_second), 2), or_dash(per_second(s.output_rate), 1),
      or_dash(s.of(Metric::Ttft).p50, 2), or_dash(s.of(Metric::Tpot).p50, 2),
      run::name(point.end)));
  for (const std::string& remark : point.remarks) run.note(fmt::format("{}: {}", load, remark));
  for (const run::ErrorCount& error : point.errors) {
    run.note(fmt::format("{}: {} x {}{}{}", load, error.count, error.what,
                         error.example.empty() ? "" : ": ", error.example));
  }
  if (!point.self.valid) run.note(fmt::format("{}: not valid: {}", load, point.self.reason));
}

Result<void> run_points(Run& run, const app::BenchAsk& ask) {
  Result<std::vector<run::PointRecord>> points;
  {
    const Interruptible interruptible;
    Live live(run, ask);
    points = app::bench_run(
        ask, {.progress = [&](std::size_t point, const auto& now) { live.show(point, now); },
              .done =
                  [&](const run::PointRecord& point) {
                    live.clear();
                    note_point(run, point);
                  },
              .interrupted = [] { return interruptions > 0; }});
  }
  if (!points) return fail(std::move(points.error()));
  const json::Value report = app::bench_report(ask, *points, kVersion);
  if (const auto path = run.args().maybe_text("--report")) {
    if (auto ok = write_file(*path, json::to_text(report)); !ok) return ok;
  }
  if (run.args().format().name == "json") {
    run.out(json::to_text(report));
  } else if (auto ok = print_rows(run, point_rows(*points)); !ok) {
    return ok;
  }
  return app::judge(ask, *points);
}

}  // namespace

Result<void> run_bench(Run& run) {
  app::BenchAsk ask;
  auto target = target_of(run, {});
  if (!target) return fail(std::move(target.error()));
  ask.target = *std::move(target);
  auto points = points_of(run);
  if (!points) return fail(std::move(points.error()));
  ask.points = *std::move(points);
  auto bounds = app::parse_bounds(run.args().list("--goodput"));
  if (!bounds) return fail(std::move(bounds.error()).during("--goodput"));
  ask.options.bounds = *std::move(bounds);
  const auto drain = app::parse_duration(run.args().text("--drain"));
  if (!drain) return fail(Error(drain.error()).during("--drain"));
  ask.options.drain = *drain;
  if (const auto percent = run.args().number("--until-confident")) {
    ask.options.confident_within = *percent / 100;
  }
  if (run.args().on("--dry-run")) {
    const auto plan = app::bench_plan(ask);
    if (!plan) return fail(plan.error());
    run.out(join(*plan, "\n") + "\n");
    return {};
  }
  return run_points(run, ask);
}

Result<void> load_bench(Run& run) {
  const Parsed& args = run.args();
  app::BenchAsk ask;
  auto target = target_of(run, {});
  if (!target) return fail(std::move(target.error()));
  ask.target = *std::move(target);
  workload::RunSpec empty;
  empty.lengths.input.first = 512;
  empty.lengths.output.first = 128;
  auto spec = workload_of(run, std::move(empty));
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
  auto done = run_points(run, ask);
  // Being interrupted is how this command ends.
  if (interruptions > 0) return {};
  return done;
}

}  // namespace kneepoint::cli
