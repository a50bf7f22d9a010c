#include "app/import_report.h"
#include "verbs/handlers.h"
#include "verbs/pieces.h"
#include "verbs/question.h"

namespace kneepoint::verbs {

Result<json::Value> import_reports(Call& call) {
  constexpr std::size_t kLongest = std::size_t{64} << 20;
  Ask ask(call.ask);
  app::ImportQuestion question;
  question.words = {"given.model", "given.modelServer", "given.modelServerVersion",
                    "given.acceleratorType"};
  question.accelerators = "GET /kneepoint/v1/accelerators lists those that are";
  for (Ask& file : ask.objects("files", 200)) {
    std::string name = file.text("name", 300);
    question.texts.emplace_back(name.empty() ? "report" : std::move(name),
                                file.required("content", kLongest));
  }
  if (question.texts.empty()) ask.wrong("files", "give at least one report");
  Ask given = ask.object("given");
  question.given.model = given.text("model");
  question.given.model_server = given.text("modelServer");
  question.given.model_server_version = given.text("modelServerVersion");
  question.given.accelerator = given.text("acceleratorType");
  question.given.accelerator_count = given.whole("acceleratorCount", 1, 100000);
  question.given.tensor_parallel = given.whole("tensorParallel", 1, 100000);
  question.given.weight_precision = given.text("weightPrecision");
  question.given.workload = given.text("workload");
  question.dry_run = ask.flag("dryRun");
  const recommend::Request request = read_request(ask, call.session);
  if (auto done = ask.done(); !done) return fail(done.error());
  const auto answer = app::import_reports(call.session, question);
  if (!answer) return fail(answer.error());
  json::Array profiles, differences;
  for (const profile::Profile& p : answer->profiles) {
    profiles.push_back(whole_profile(call.session.catalog(), p, request));
  }
  for (const importers::Difference& each : answer->differences) {
    differences.push_back(json::Object{{"flag", each.flag}, {"sentence", each.sentence}});
  }
  return json::Object{{"stored", !question.dry_run},
                      {"profiles", std::move(profiles)},
                      {"notes", texts(answer->notes)},
                      {"differences", std::move(differences)}};
}

}  // namespace kneepoint::verbs
