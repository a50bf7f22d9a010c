#include "app/search.h"

#include <algorithm>

#include "app/predictor.h"
#include "app/query.h"
#include "verbs/handlers.h"
#include "verbs/pieces.h"
#include "verbs/question.h"

namespace kneepoint::verbs {
namespace {

app::SearchAsk read_search(Ask& ask) {
  constexpr int kMost = 4096;
  app::SearchAsk out;
  out.model = ask.required("model");
  const std::string server = ask.text("modelServer");
  out.model_server = server.empty() ? "vllm" : server;
  out.model_server_version = ask.text("modelServerVersion");
  out.accelerators = ask.texts("acceleratorTypes");
  out.tensor = ask.wholes("tensorParallel", 1, kMost);
  out.pipeline = ask.wholes("pipelineParallel", 1, kMost);
  out.expert = ask.wholes("expertParallel", 1, kMost);
  out.weight_precisions = ask.texts("weightPrecisions", 10);
  out.kv_precisions = ask.texts("kvPrecisions", 10);
  out.max_num_seqs = ask.wholes("maxNumSeqs", 1, 1'000'000);
  out.max_num_batched_tokens = ask.wholes("maxNumBatchedTokens", 1, 10'000'000);
  out.input_tokens = ask.positive("inputLength", 1e7).value_or(out.input_tokens);
  out.output_tokens = ask.positive("outputLength", 1e6).value_or(out.output_tokens);
  out.requests = ask.whole("requests", 10, 20000).value_or(1000);
  out.loads = static_cast<std::size_t>(ask.whole("loads", 2, 12).value_or(8));
  return out;
}

}  // namespace

Result<json::Value> search_setups(Call& call) {
  Ask ask(call.ask);
  const app::SearchAsk wanted = read_search(ask);
  const recommend::Request request = read_request(ask, call.session);
  const Limits limits{static_cast<std::size_t>(ask.whole("limit", 1, 200).value_or(20)),
                      static_cast<std::size_t>(ask.whole("rejectedLimit", 1, 10000).value_or(100))};
  if (auto done = ask.done(); !done) return fail(done.error());
  const catalog::Catalog& catalog = call.session.catalog();
  const auto plan = app::plan_search(catalog, wanted, request.pricing);
  if (!plan) return fail(plan.error());
  const auto predictor = app::open_predictor(call.session);
  if (!predictor) return fail(predictor.error());
  const auto servers = app::SimulatedServers::open(call.session, {});
  if (!servers) return fail(servers.error());
  app::SearchOptions options;
  options.servers = &*servers;
  options.finalists = std::max(options.finalists, 2 * limits.choices);
  // Of the finalists no progress is told; whether anybody still waits is asked all along.
  json::Object progress;
  bool waited_for = true;
  options.progress = [&](std::size_t done, std::size_t all) {
    progress = {{"done", done}, {"all", all}, {"what", "setups"}};
  };
  options.stop = [&] {
    if (call.progress && waited_for) waited_for = call.progress(progress);
    return !waited_for;
  };
  const auto found = app::search(catalog, **predictor, *plan, wanted, request, options);
  if (!found) return fail(found.error());
  json::Object out{{"assumptions", app::assumptions(request, names_pricing_model(call.ask))}};
  json::Object ranked = ranking(catalog, found->result, request, limits);
  // What was varied is not in a row of a ranking.
  for (json::Value& one : ranked.at("choices").as_array()) {
    json::Object& own = one.as_object().at("kneepoint").as_object();
    const auto id = own.at("profile").as_string();
    for (const profile::Profile& p : found->profiles) {
      if (p.id != std::string_view(id)) continue;
      own.emplace("varied",
                  json::Object{{"tensorParallel", p.setup.tensor_parallel.value_or(1)},
                               {"pipelineParallel", p.setup.pipeline_parallel.value_or(1)},
                               {"expertParallel", p.setup.expert_parallel.value_or(1)},
                               {"weightPrecision", p.setup.weight_precision},
                               {"kvPrecision", p.setup.kv_precision},
                               {"serverSettings", parts(p.setup.server_settings)}});
      break;
    }
  }
  for (auto& [key, value] : ranked) out.emplace(key, std::move(value));
  out.emplace("setups", found->setups);
  out.emplace("leftOut", found->left_out);
  out.emplace("met", found->met);
  put(out, "firstLeftOut", found->first_left_out);
  out.emplace("simulatedRequests", found->simulated_requests);
  out.emplace("provenance", (*predictor)->provenance());
  out.emplace("notes", texts(found->result.notes));
  return out;
}

}  // namespace kneepoint::verbs
