#include <fmt/format.h>

#include "app/api_json.h"
#include "verbs/gkerecommender.h"
#include "verbs/gkerecommender_ask.h"
#include "verbs/paging.h"

namespace kneepoint::verbs {

Result<json::Value> fetch_benchmarking_data(Call& call) {
  const catalog::Catalog& catalog = call.session.catalog();
  Reader read(call.ask);
  app::Selection wanted;
  recommend::Request request = default_request(call);
  read_server_info(read.message("modelServerInfo"), true, wanted);
  read_serving_stack(read.message("servingStack"), wanted);
  wanted.use_case = read.text("useCase");
  read_pricing_model(read, "pricingModel", request);
  read_instance_type(read, catalog, request);
  if (auto end = read.end(); !end) return fail(end.error());

  const auto list =
      app::list_benchmarks(call.session, wanted, request.pricing, request.output_input_cost_ratio);
  if (!list) return fail(list.error());
  const std::string& machine = request.pricing.machine_type;
  app::ModelInfos infos(catalog);
  json::Array profiles;
  std::size_t bytes = 64;
  for (std::size_t from = 0; from < list->points.size();) {
    const profile::Profile& p = *list->points[from].profile;
    std::vector<app::Benchmark> points;
    for (; from < list->points.size() && list->points[from].profile == &p; ++from) {
      const auto& quote = list->points[from].quote;
      if (machine.empty() || (quote && quote->machine_type == machine)) {
        points.push_back(list->points[from]);
      }
    }
    if (points.empty()) continue;
    json::Object one = app::api_benchmark_json(catalog, p, points, request.pricing,
                                               request.output_input_cost_ratio);
    raise_zeros(one);
    put_machine(one, catalog, p.setup.accelerator, p.setup.accelerator_count);
    put_model_info(one, infos, p.setup.model, p.setup.weight_precision, p.setup.kv_precision);
    one.emplace("kneepointEvidence",
                json::Object{{"kind", profile::name(p.evidence.kind)},
                             {"profile", p.id},
                             {"sentence", app::evidence_of(catalog, p, profile::newest_date(p))}});
    bytes += size_of(one) + 1;
    // This method has no pages, and a part would look like the whole.
    if (bytes > kLargestAnswer) {
      return fail(ErrorCode::Unsatisfiable,
                  "more than 4 MiB of benchmarking data match: narrow them by "
                  "model_server_info.model_server_version, instance_type or useCase");
    }
    profiles.push_back(std::move(one));
  }
  return json::Object{{"profile", std::move(profiles)}};
}

}  // namespace kneepoint::verbs
