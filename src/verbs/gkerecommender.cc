#include "verbs/gkerecommender.h"

#include <array>

namespace kneepoint::verbs {
namespace {

/// Sets for workloads that are no model servers (Redis and the like): nothing here knows them.
Result<json::Value> no_optimization_sets(Call&) {
  return fail(ErrorCode::NotFound,
              "optimization sets are for workloads other than model servers, of which there are "
              "none here; for a model server ask POST /v1/optimizedManifest:generate");
}

constexpr std::array kVerbs{
    Verb{"FetchModels", "GET", "/v1/models:fetch", Right::Read, true, false,
         "Models there are profiles of.", fetch_models},
    Verb{"FetchModelServers", "GET", "/v1/modelServers:fetch", Right::Read, true, false,
         "Model servers there are profiles of for a model.", fetch_model_servers},
    Verb{"FetchModelServerVersions", "GET", "/v1/modelServerVersions:fetch", Right::Read, true,
         false, "Versions of a model server there are profiles of for a model, newest first.",
         fetch_model_server_versions},
    Verb{"FetchProfiles", "POST", "/v1/profiles:fetch", Right::Read, true, false,
         "Profiles at their operating points, best first, that hold the targets asked for.",
         fetch_profiles},
    Verb{"FetchBenchmarkingData", "POST", "/v1/benchmarkingData:fetch", Right::Read, true, false,
         "Every load point of the profiles of a model and server.", fetch_benchmarking_data},
    Verb{"GenerateOptimizedManifest", "POST", "/v1/optimizedManifest:generate", Right::Read, true,
         false, "Kubernetes objects that deploy a model on an accelerator.",
         generate_optimized_manifest},
    Verb{"FetchUseCases", "POST", "/v1/useCases:fetch", Right::Read, true, false,
         "Named use cases and their token lengths.", fetch_use_cases},
    Verb{"FetchServingStacks", "GET", "/v1/servingStacks:fetch", Right::Read, true, false,
         "Serving stacks there are profiles of.", fetch_serving_stacks},
    Verb{"FetchServingStackVersions", "GET", "/v1/servingStackVersions:fetch", Right::Read, true,
         false, "Versions of a serving stack there are profiles of.", fetch_serving_stack_versions},
    Verb{"GenerateOptimizationSetManifest", "POST", "/v1:generateOptimizationSetManifest",
         Right::Read, false, false, "Not served: tells what to ask instead.",
         no_optimization_sets}};

}  // namespace

std::span<const Verb> gkerecommender() { return kVerbs; }

}  // namespace kneepoint::verbs
