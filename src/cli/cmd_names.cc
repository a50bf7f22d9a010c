#include <fmt/format.h>

#include "app/names.h"
#include "cli/commands.h"
#include "cli/query.h"
#include "cli/rows.h"

namespace kneepoint::cli {
namespace {

using report::Cell;
using report::Column;

/// The public client prints these as a headed list; csv, json and yaml are ours.
Result<void> print_names(Run& run, const std::vector<std::string>& names, const char* heading,
                         const char* none, const char* title, const char* key) {
  Rows rows{report::Table({Column{title, key}}), {}};
  for (const std::string& name : names) rows.table.add_row({Cell::text(name)});
  if (run.args().given("--format")) return print_rows(run, rows);
  const auto chosen = choose_rows(rows.table, run.args());
  if (!chosen) return fail(chosen.error());
  if (chosen->empty()) {
    run.out(std::string(none) + "\n");
    return {};
  }
  std::string out = std::string(heading) + "\n";
  for (const std::size_t row : *chosen) out += "-  " + names[row] + "\n";
  run.out(out);
  return {};
}

Result<void> print_table(Run& run, const Rows& rows) {
  if (auto done = print_rows(run, rows); !done) return done;
  if (rows.table.rows() == 0) run.note("Listed 0 items.");
  return {};
}

}  // namespace

Result<void> list_models(Run& run) {
  const auto session = run.session();
  if (!session) return fail(session.error());
  const auto names = app::list_models(**session);
  if (!names) return fail(names.error());
  return print_names(run, *names, "Supported models:", "No supported models found.", "Model",
                     "model");
}

Result<void> list_model_servers(Run& run) {
  const auto session = run.session();
  if (!session) return fail(session.error());
  const auto names = app::list_model_servers(**session, run.args().text("--model"));
  if (!names) return fail(names.error());
  return print_names(run, *names, "Supported model servers:", "No supported model servers found.",
                     "Model Server", "modelServer");
}

Result<void> list_model_server_versions(Run& run) {
  const auto session = run.session();
  if (!session) return fail(session.error());
  const auto names = app::list_model_server_versions(**session, run.args().text("--model"),
                                                     run.args().text("--model-server"));
  if (!names) return fail(names.error());
  return print_names(
      run, *names, "Supported model server versions:", "No supported model server versions found.",
      "Model Server Version", "modelServerVersion");
}

Result<void> list_combinations(Run& run) {
  const auto session = run.session();
  if (!session) return fail(session.error());
  const auto found = app::list_combinations(**session, selection(run.args()));
  if (!found) return fail(found.error());
  Rows rows{report::Table({Column{"Model Name", "modelName"},
                           Column{"Model Server Name", "modelServerName"},
                           Column{"Model Server Version", "modelServerVersion", ""}}),
            {}};
  for (const auto& row : *found) {
    rows.table.add_row({Cell::text(row.model), Cell::text(row.model_server),
                        Cell::text_or_missing(row.model_server_version)});
  }
  return print_table(run, rows);
}

Result<void> list_use_cases(Run& run) {
  const auto session = run.session();
  if (!session) return fail(session.error());
  Rows rows{report::Table({Column{"Use Case", "useCase"},
                           Column{"Average Input Length", "averageInputLength"},
                           Column{"Average Output Length", "averageOutputLength"}}),
            {}};
  for (const catalog::UseCase& row : (*session)->catalog().use_cases()) {
    rows.table.add_row({Cell::text(row.name),
                        Cell::integer(static_cast<std::int64_t>(row.input_tokens_mean)),
                        Cell::integer(static_cast<std::int64_t>(row.output_tokens_mean))});
  }
  return print_table(run, rows);
}

Result<void> list_serving_stacks(Run& run) {
  const auto session = run.session();
  if (!session) return fail(session.error());
  const auto found = app::list_serving_stacks(**session, selection(run.args()));
  if (!found) return fail(found.error());
  Rows rows{report::Table({Column{"Name", "name"}, Column{"Version", "version", ""}}), {}};
  for (const auto& row : *found) {
    rows.table.add_row({Cell::text(row.name), Cell::text_or_missing(row.version)});
  }
  return print_table(run, rows);
}

Result<void> list_serving_stack_versions(Run& run) {
  const auto session = run.session();
  if (!session) return fail(session.error());
  const auto found = app::list_serving_stacks(**session, selection(run.args()));
  if (!found) return fail(found.error());
  Rows rows{report::Table({Column{"Version", "version", ""}}), {}};
  for (const auto& row : *found) rows.table.add_row({Cell::text_or_missing(row.version)});
  return print_table(run, rows);
}

}  // namespace kneepoint::cli
