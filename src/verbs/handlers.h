#pragma once

#include "verbs/verb.h"

/// The handlers of kneepoint.v1, one file for each resource; the table is kneepoint_v1.cc.
namespace kneepoint::verbs {

Result<json::Value> get_info(Call& call);
Result<json::Value> list_models(Call& call);
Result<json::Value> add_model(Call& call);
Result<json::Value> list_accelerators(Call& call);
Result<json::Value> list_servers(Call& call);
Result<json::Value> list_use_cases(Call& call);
Result<json::Value> recommend_setups(Call& call);
Result<json::Value> get_profile(Call& call);
Result<json::Value> compare_profiles(Call& call);
Result<json::Value> predict_curve(Call& call);
Result<json::Value> simulate_loads(Call& call);
Result<json::Value> search_setups(Call& call);
Result<json::Value> create_manifest(Call& call);
Result<json::Value> diagnose(Call& call);
Result<json::Value> import_reports(Call& call);
Result<json::Value> list_runs(Call& call);
Result<json::Value> get_run(Call& call);
Result<json::Value> watch_run(Call& call);
Result<json::Value> list_prices(Call& call);
Result<json::Value> set_prices(Call& call);
Result<json::Value> export_prices(Call& call);
Result<json::Value> deploy(Call& call);
Result<json::Value> list_deployments(Call& call);
Result<json::Value> get_deployment(Call& call);
Result<json::Value> undeploy(Call& call);
Result<json::Value> get_openapi(Call& call);

}  // namespace kneepoint::verbs
