#include "app/doctor.h"

#include <array>

#include "verbs/handlers.h"
#include "verbs/pieces.h"
#include "verbs/question.h"

namespace kneepoint::verbs {

Result<json::Value> diagnose(Call& call) {
  constexpr std::size_t kLongest = std::size_t{16} << 20;
  constexpr std::array<std::string_view, 3> kSeverities{"info", "warning", "error"};
  Ask ask(call.ask);
  const std::string log = ask.text("log", kLongest), manifest = ask.text("manifest", kLongest);
  if (log.empty() && manifest.empty()) ask.wrong("log", "give a log, a manifest or both");
  const std::string least = ask.word("least", kSeverities);
  if (auto done = ask.done(); !done) return fail(done.error());
  const auto answer = app::diagnose_pasted(call.session, log, manifest,
                                           least == "error"     ? doctor::Severity::Error
                                           : least == "warning" ? doctor::Severity::Warning
                                                                : doctor::Severity::Info);
  if (!answer) return fail(answer.error());
  json::Object out = app::to_json(*answer);
  out.erase("schema");
  return out;
}

}  // namespace kneepoint::verbs
