#include <fmt/format.h>

#include "app/import_report.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "profile/json.h"

namespace kneepoint::cli {
namespace {

app::ImportQuestion question_of(const Parsed& args) {
  app::ImportQuestion out;
  for (const std::string& file : args.positionals()) out.files.emplace_back(file);
  const auto count = [&](std::string_view flag) -> std::optional<int> {
    const auto value = args.integer(flag);
    return value ? std::optional(static_cast<int>(*value)) : std::nullopt;
  };
  out.given.model = args.text("--model");
  out.given.model_server = args.text("--model-server");
  out.given.model_server_version = args.text("--model-server-version");
  out.given.accelerator = args.text("--accelerator");
  out.given.accelerator_count = count("--accelerator-count");
  out.given.tensor_parallel = count("--tensor-parallel");
  out.given.weight_precision = args.text("--weight-precision");
  out.given.workload = args.text("--workload");
  out.dry_run = args.on("--dry-run");
  return out;
}

std::string in_text(const app::ImportAnswer& answer, bool dry_run) {
  std::string out;
  for (const profile::Profile& p : answer.profiles) {
    std::string loads;
    for (const profile::Point& point : p.points) {
      loads += (loads.empty() ? "" : ", ") + shortest(point.at.load);
    }
    out += fmt::format(
        "{}  {} on {}, {} {}, {}\n  {} at {} {}; measured by {}\n", p.id, p.setup.model,
        p.setup.accelerator, p.setup.model_server, p.setup.model_server_version, p.workload.name,
        p.points.size() == 1 ? "one load point" : fmt::format("{} load points", p.points.size()),
        loads, curve::unit(p.load_kind), p.evidence.source);
  }
  if (!answer.differences.empty()) {
    out += "\nWhat differs from the definitions here:\n";
    for (const importers::Difference& each : answer.differences) {
      out += fmt::format("  {}: {}\n", each.flag, each.sentence);
    }
  }
  out += dry_run ? "\nNothing was stored: a dry run.\n"
                 : fmt::format("\n{} stored.\n",
                               answer.profiles.size() == 1
                                   ? "One profile"
                                   : fmt::format("{} profiles", answer.profiles.size()));
  return out;
}

std::string in_json(const app::ImportAnswer& answer, bool dry_run) {
  json::Array profiles, differences, notes;
  for (const profile::Profile& p : answer.profiles) profiles.push_back(profile::to_json(p));
  for (const importers::Difference& each : answer.differences) {
    differences.push_back(json::Object{{"flag", each.flag}, {"sentence", each.sentence}});
  }
  for (const std::string& note : answer.notes) notes.emplace_back(note);
  return json::to_text(json::Object{{"stored", !dry_run},
                                    {"profiles", std::move(profiles)},
                                    {"differences", std::move(differences)},
                                    {"notes", std::move(notes)}});
}

}  // namespace

Result<void> import_reports(Run& run) {
  const auto session = run.session();
  if (!session) return fail(session.error());
  const app::ImportQuestion question = question_of(run.args());
  const auto answer = app::import_reports(**session, question);
  if (!answer) return fail(answer.error());
  if (run.args().text("--format") == "json") {
    run.out(in_json(*answer, question.dry_run));
    return {};
  }
  for (const std::string& note : answer->notes) run.note(note);
  run.out(in_text(*answer, question.dry_run));
  return {};
}

}  // namespace kneepoint::cli
