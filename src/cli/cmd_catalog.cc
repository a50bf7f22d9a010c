#include <fmt/format.h>

#include "app/own_rows.h"
#include "catalog/container.h"
#include "cli/commands.h"
#include "cli/rows.h"

namespace kneepoint::cli {
namespace {

using report::Cell;
using report::Column;

}  // namespace

Result<void> import_prices(Run& run) {
  const auto settings = run.settings();
  if (!settings) return fail(settings.error());
  const auto done = app::import_prices(*settings, run.args().positionals().front());
  if (!done) return fail(done.error());
  run.out(fmt::format("{} prices added, {} replaced in {}\n", done->added, done->replaced,
                      done->file.string()));
  return {};
}

Result<void> add_model(Run& run) {
  const auto settings = run.settings();
  if (!settings) return fail(settings.error());
  const auto done =
      app::add_model(*settings, run.args().positionals().front(), run.args().text("--model"));
  if (!done) return fail(done.error());
  run.out(fmt::format("{} {} in {}\n", done->id, done->replaced ? "replaced" : "added",
                      done->file.string()));
  if (!done->complete) {
    run.note("its architecture is only partly described: sizes answer unknown_size");
  }
  return {};
}

Result<void> catalog_info(Run& run) {
  const auto session = run.session();
  if (!session) return fail(session.error());
  const catalog::Catalog& catalog = (*session)->catalog();
  Rows rows{
      report::Table({Column{"Layer", "layer"}, Column{"Table", "table"}, Column{"Rows", "rows"},
                     Column{"Origin", "origin"}, Column{"Hash", "hash"}}),
      {}};
  for (std::size_t l = 0; l < catalog.layers().size(); ++l) {
    const catalog::Layer& layer = catalog.layers()[l];
    for (const catalog::TableSchema& schema : catalog::schemas()) {
      const auto count = catalog.raw(l, schema.name)->rows();
      if (count == 0) continue;
      rows.table.add_row({Cell::text(layer.name), Cell::text(std::string(schema.name)),
                          Cell::integer(static_cast<std::int64_t>(count)),
                          Cell::text(layer.origin.string()), Cell::text(layer.hash)});
    }
  }
  return print_rows(run, rows);
}

Result<void> catalog_check(Run& run) {
  // Opening reads and checks every row; what is wrong comes back with file and line.
  const auto session = run.session();
  if (!session) return fail(session.error());
  const catalog::Catalog& catalog = (*session)->catalog();
  for (std::size_t l = 0; l < catalog.layers().size(); ++l) {
    std::size_t count = 0;
    for (const catalog::TableSchema& schema : catalog::schemas()) {
      count += catalog.raw(l, schema.name)->rows();
    }
    run.out(fmt::format("{}: {} rows, all good ({})\n", catalog.layers()[l].name, count,
                        catalog.layers()[l].origin.string()));
  }
  return {};
}

}  // namespace kneepoint::cli
