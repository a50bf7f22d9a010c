#pragma once

#include "verbs/verb.h"

/// The handlers of google.cloud.gkerecommender.v1; the table is gkerecommender() in verb.h.
namespace kneepoint::verbs {

Result<json::Value> fetch_models(Call& call);
Result<json::Value> fetch_model_servers(Call& call);
Result<json::Value> fetch_model_server_versions(Call& call);
Result<json::Value> fetch_use_cases(Call& call);
Result<json::Value> fetch_serving_stacks(Call& call);
Result<json::Value> fetch_serving_stack_versions(Call& call);
Result<json::Value> fetch_profiles(Call& call);
Result<json::Value> fetch_benchmarking_data(Call& call);
Result<json::Value> generate_optimized_manifest(Call& call);

}  // namespace kneepoint::verbs
