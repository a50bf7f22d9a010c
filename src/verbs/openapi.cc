#include "base/file.h"
#include "verbs/handlers.h"
#include "verbs/question.h"

namespace kneepoint::verbs {

/// The document is generated (tools/openapi.py) and lies beside the catalog.
Result<json::Value> get_openapi(Call& call) {
  Ask ask(call.ask);
  if (auto done = ask.done(); !done) return fail(done.error());
  const app::Settings& settings = call.session.settings();
  const auto beside = settings.shipped_catalog.parent_path() / "kneepoint.openapi.json";
  std::error_code error;
  const auto text = read_file(std::filesystem::exists(beside, error)
                                  ? beside
                                  : settings.driver_folder / "kneepoint.openapi.json");
  if (!text) return fail(text.error());
  return json::parse(*text);
}

}  // namespace kneepoint::verbs
