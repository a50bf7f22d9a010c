#include "app/query.h"
#include "verbs/handlers.h"
#include "verbs/pieces.h"
#include "verbs/question.h"

namespace kneepoint::verbs {

Result<json::Value> recommend_setups(Call& call) {
  Ask ask(call.ask);
  app::Selection wanted = read_selection(ask);
  recommend::Request request = read_request(ask, call.session);
  const Limits limits{static_cast<std::size_t>(ask.whole("limit", 1, 1000).value_or(50)),
                      static_cast<std::size_t>(ask.whole("rejectedLimit", 1, 10000).value_or(100))};
  if (auto done = ask.done(); !done) return fail(done.error());
  const bool assumed = app::settle_workload(wanted, request);
  const auto list = app::rank_profiles(call.session, wanted, std::move(request));
  if (!list) return fail(list.error());

  json::Object out{{"assumptions", app::assumptions(list->request, names_pricing_model(call.ask))}};
  json::Object found = ranking(call.session.catalog(), list->result, list->request, limits);
  for (auto& [key, value] : found) out.emplace(key, std::move(value));
  json::Array notes = texts(list->notes);
  if (assumed)
    notes.emplace_back(std::string("no use case given: ") + app::kUsualUseCase + " assumed");
  out.emplace("notes", std::move(notes));
  json::Object workload;
  put(workload, "useCase", wanted.use_case);
  put(workload, "averageInputLength", list->request.input_tokens);
  put(workload, "averageOutputLength", list->request.output_tokens);
  out.emplace("workload", std::move(workload));
  return out;
}

}  // namespace kneepoint::verbs
