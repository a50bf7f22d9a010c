#include <fmt/format.h>

#include "app/export_run.h"
#include "base/file.h"
#include "cli/commands.h"
#include "report/compare.h"

namespace kneepoint::cli {
namespace {

Result<void> deliver(Run& run, const std::string& text) {
  const auto file = run.args().maybe_text("--output");
  if (!file || *file == "-") {
    run.out(text);
    return {};
  }
  return write_file(*file, text);
}

}  // namespace

Result<void> report_bench(Run& run) {
  const auto stored = app::read_run(run.args().positionals().front());
  if (!stored) return fail(stored.error());
  for (const std::string& warning : stored->report.warnings) run.note(warning);
  return deliver(run, app::export_run(*stored, run.args().text("--format")));
}

Result<void> compare_bench(Run& run) {
  const auto& words = run.args().positionals();
  const auto a = app::read_run(words.at(0));
  if (!a) return fail(a.error());
  const auto b = app::read_run(words.at(1));
  if (!b) return fail(b.error());
  const report::Comparison comparison = report::compare(a->report, b->report);
  const bool as_json = run.args().text("--format") == "json";
  auto delivered = deliver(run, as_json ? json::to_text(report::to_json(comparison))
                                        : report::compare_table(comparison));
  if (!delivered) return delivered;
  const auto percent = run.args().number("--fail-if-worse");
  if (!percent) return {};
  if (!comparison.comparable()) return fail(ErrorCode::Unsatisfiable, comparison.verdict);
  if (const report::Difference* worst = comparison.worst(*percent / 100)) {
    return fail(ErrorCode::Unsatisfiable,
                fmt::format("B is worse than A by more than {} %: {} at {}", *percent, worst->words,
                            report::load_text({comparison.kind, worst->load})));
  }
  return {};
}

}  // namespace kneepoint::cli
