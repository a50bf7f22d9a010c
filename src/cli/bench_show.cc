#include "cli/bench_show.h"

#include <fmt/format.h>

#include "app/bench_run.h"
#include "base/text.h"

namespace kneepoint::cli::bench {
namespace {

using metrics::Metric;
using report::Cell;
using report::Column;

volatile std::sig_atomic_t interruptions = 0;

Cell ms(double value) { return Cell::number(value, value < 10 ? 2 : 1); }
Cell rate(double value) { return Cell::number(value, value < 100 ? 2 : 0); }
template <class Kind>
double per_second(const std::optional<Rate<Kind>>& value) {
  return value ? value->per_second() : metrics::kMissing;
}

std::string clock_text(Nanos time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time).count();
  return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
}

std::string or_dash(double value, int decimals) {
  return metrics::is_missing(value) ? "-" : fixed(value, decimals);
}

}  // namespace

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

Interruptible::Interruptible() {
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

Interruptible::~Interruptible() {
  sigaction(SIGINT, &int_, nullptr);
  sigaction(SIGTERM, &term_, nullptr);
}

bool Interruptible::interrupted() { return interruptions > 0; }

Shown::Shown(Run& run) : run_(run) {
  on_ = run.environment().stderr_is_terminal && run.args().text("--verbosity") != "none";
}

Shown::~Shown() { clear(); }

app::CampaignWatch Shown::watch() {
  app::CampaignWatch out;
  out.note = [this](std::string_view sentence) {
    clear();
    run_.note(sentence);
  };
  out.begins = [this](std::size_t place, std::size_t of, const workload::RunSpec& spec,
                      std::string_view reason) {
    stage_ = of > 1 ? fmt::format("[{}/{}] ", place + 1, std::max(of, place + 1)) : std::string();
    stage_ += app::load_text(spec);
    if (of != 1 && reason != "as asked") stage_ += fmt::format(" ({})", reason);
  };
  out.progress = [this](const auto& now, const auto& server) { draw(now, server); };
  out.done = [this](const run::PointRecord& point) {
    clear();
    note_point(run_, point);
  };
  out.interrupted = Interruptible::interrupted;
  return out;
}

std::string progress_text(std::string_view stage, const loadgen::Progress& now,
                          const std::optional<metrics::SignalSample>& server) {
  std::string line(stage);
  line += now.draining ? ", last answers" : "";
  line += now.left ? fmt::format(", {} left", clock_text(*now.left))
                   : fmt::format(", {}", clock_text(now.elapsed));
  line += fmt::format(" | {} req/s, {} events/s, {} out | TTFT {} ms, TPOT {} ms | {} errors",
                      or_dash(now.completed_per_second, 1), or_dash(now.tokens_per_second, 0),
                      now.in_flight, or_dash(now.ttft_ms, 1), or_dash(now.tpot_ms, 2), now.errors);
  if (server) {
    line += fmt::format(" | server: {} running, {} waiting, KV {} %", or_dash(server->running, 0),
                        or_dash(server->waiting, 0), or_dash(100 * server->kv_use, 0));
  }
  return line;
}

void Shown::draw(const loadgen::Progress& now, const std::optional<metrics::SignalSample>& server) {
  draw_line(progress_text(stage_, now, server));
}

void Shown::draw_line(std::string_view line) {
  if (!on_) return;
  const auto width = static_cast<std::size_t>(run_.width());
  run_.write_err("\r\x1b[K" + std::string(line.substr(0, width - 1)));
  drawn_ = true;
}

void Shown::clear() {
  if (drawn_) run_.write_err("\r\x1b[K");
  drawn_ = false;
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

}  // namespace kneepoint::cli::bench
