#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <sstream>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/rows.h"
#include "store/transfer.h"

namespace kneepoint::cli {
namespace {

using report::Cell;
using report::Column;

Result<store::Store*> opened(Run& run) {
  const auto session = run.session();
  if (!session) return fail(session.error());
  return (*session)->store();
}

}  // namespace

Result<void> store_info(Run& run) {
  const auto store = opened(run);
  if (!store) return fail(store.error());
  const auto layers = (*store)->layers();
  if (!layers) return fail(layers.error());
  Rows rows{report::Table({Column{"Layer", "layer"}, Column{"Profiles", "profiles"},
                           Column{"Points", "points"}, Column{"Hash", "hash", "-"},
                           Column{"Origin", "origin", "-"}}),
            {}};
  bool own = false;
  const auto add = [&](const store::LayerState& layer) -> Result<void> {
    const std::vector<std::string> only{layer.name};
    long long profiles = 0;
    long long points = 0;
    const auto walked = (*store)->walk(only, [&](const store::LayerState&, profile::Profile p) {
      ++profiles;
      points += static_cast<long long>(p.points.size());
      return Result<void>();
    });
    if (!walked) return walked;
    rows.table.add_row({Cell::text(layer.name), Cell::integer(profiles), Cell::integer(points),
                        Cell::text_or_missing(layer.hash), Cell::text_or_missing(layer.origin)});
    return {};
  };
  for (const store::LayerState& layer : *layers) {
    own = own || layer.name == store::kOwnLayer;
    if (auto done = add(layer); !done) return done;
  }
  if (!own)
    rows.table.add_row(
        {Cell::text(std::string(store::kOwnLayer)), Cell::integer(0), Cell::integer(0)});
  run.note(fmt::format("{}, schema version {}", (*store)->describe(), (*store)->schema_version()));
  return print_rows(run, rows);
}

Result<void> store_export(Run& run) {
  const auto store = opened(run);
  if (!store) return fail(store.error());
  const std::string& file = run.args().positionals().front();
  std::ostringstream text;
  const auto moved = store::export_lines(
      **store, run.args().on("--own") ? store::Which::Own : store::Which::All, text);
  if (!moved) return fail(moved.error());
  if (file == "-") {
    run.out(text.str());
    return {};
  }
  if (auto done = write_file(file, text.str()); !done) return done;
  run.out(fmt::format("{} profiles with {} points written to {}\n", moved->profiles, moved->points,
                      file));
  return {};
}

Result<void> store_import(Run& run) {
  const auto store = opened(run);
  if (!store) return fail(store.error());
  const std::string& file = run.args().positionals().front();
  std::string text;
  if (file == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    auto read = read_file(file);
    if (!read) return fail(read.error());
    text = std::move(*read);
  }
  std::istringstream lines(text);
  const auto moved = store::import_lines(
      **store, run.args().on("--all-layers") ? store::Which::All : store::Which::Own, lines);
  if (!moved) return fail(Error(moved.error()).during(file));
  run.out(fmt::format("{} profiles with {} points read from {}\n", moved->profiles, moved->points,
                      file));
  return {};
}

Result<void> store_backup(Run& run) {
  const auto store = opened(run);
  if (!store) return fail(store.error());
  const std::string& file = run.args().positionals().front();
  if (auto done = (*store)->backup(file); !done) return done;
  run.out("Backup written to " + file + "\n");
  return {};
}

}  // namespace kneepoint::cli
