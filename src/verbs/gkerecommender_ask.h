#pragma once

#include "app/model_info.h"
#include "app/profiles.h"
#include "verbs/canonical.h"
#include "verbs/verb.h"

/// The messages that requests of google.cloud.gkerecommender.v1 share, read into what `app` takes.
namespace kneepoint::verbs {

/// "v0.7.2" is how tags are written; versions are kept without the letter.
std::string version_of(std::string text);

/// ModelServerInfo: model, modelServer, modelServerVersion. With `required` the first two must be
/// there.
void read_server_info(Reader info, bool required, app::Selection& into);
void read_serving_stack(Reader stack, app::Selection& into);
/// WorkloadSpec: a use case, or both lengths.
void read_workload(Reader spec, app::Selection& into);
/// PerformanceRequirements: targets on the p50, limits of cost, how costs are counted.
void read_requirements(Reader requirements, recommend::Request& into);
void read_pricing_model(Reader& read, std::string_view name, recommend::Request& into);
/// The machine type, which must be one of the catalog.
void read_instance_type(Reader& read, const catalog::Catalog& catalog, recommend::Request& into);

/// Prices as the public API has them: spot at Google.
recommend::Request default_request(const Call& call);

/// "prices: spot (default) at gcp; targets on p50".
std::string assumptions(const recommend::Request& request, bool pricing_given);

/// Where no machine was priced, the smallest that has the accelerators, Google's first:
/// instanceType
/// ("unknown" where the catalog has none, since clients index the field) and tpuTopology.
void put_machine(json::Object& profile, const catalog::Catalog& catalog,
                 std::string_view accelerator, std::optional<int> count);
/// modelInfo, where the catalog describes the model.
void put_model_info(json::Object& profile, app::ModelInfos& infos, std::string_view model,
                    std::string_view weight_precision, std::string_view kv_precision);

/// Clients read proto3 JSON, in which a zero is a missing key: what rounds to zero is shown as 1.
void raise_zeros(json::Object& profile);

}  // namespace kneepoint::verbs
