#include <fmt/format.h>

#include "app/calibrate.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/version.h"
#include "report/table.h"

namespace kneepoint::cli {
namespace {

using report::Cell;

std::string errors_text(const predict::Calibration& calibration) {
  report::Table table({{"Left Out", "left_out"},
                       {"Points", "points"},
                       {"TPOT median %", "tpot_median"},
                       {"mean %", "tpot_mean"},
                       {"TTFT median %", "ttft_median"},
                       {"mean %", "ttft_mean"},
                       {"E2E median %", "e2e_median"},
                       {"mean %", "e2e_mean"}});
  for (const predict::SchemeErrors& of : calibration.cross_validated) {
    std::vector<Cell> cells{Cell::text(of.scheme),
                            Cell::integer(static_cast<std::int64_t>(of.points))};
    for (const double share :
         {of.tpot_median, of.tpot_mean, of.ttft_median, of.ttft_mean, of.e2e_median, of.e2e_mean}) {
      cells.push_back(Cell::number(share, 1));
    }
    table.add_row(std::move(cells));
  }
  return report::write_text(table, report::kPlainStyle);
}

}  // namespace

Result<void> calibrate(Run& run) {
  const Parsed& args = run.args();
  const auto session = run.session();
  if (!session) return fail(session.error());
  app::CalibrateAsk ask;
  ask.train = args.text("--train");
  ask.options.program_version = kVersion;
  ask.options.today = to_text((*session)->settings().today);
  ask.options.learn_kernel = args.on("--learn-kernel");
  ask.options.cross_validate = args.on("--cross-validate");
  ask.options.threads = static_cast<int>(args.integer("--threads").value_or(0));
  std::string last;
  ask.progress = [&](std::size_t done, std::size_t all, std::string_view what) {
    if (what == last) return;
    last = what;
    run.note(fmt::format("{} of {}: {}", done, all, what));
  };
  const auto calibration = app::calibrate(**session, ask);
  if (!calibration) return fail(calibration.error());
  const std::string file = args.text("--out");
  if (auto done = write_file(file, predict::to_text(*calibration)); !done) return done;
  run.out(fmt::format("{} points, {} of them weighted down\n", calibration->provenance.points,
                      calibration->provenance.weighted_down));
  if (!calibration->cross_validated.empty()) run.out(errors_text(*calibration));
  run.out(fmt::format("calibration {} in {}\n", calibration->hash().substr(0, 16), file));
  return {};
}

}  // namespace kneepoint::cli
