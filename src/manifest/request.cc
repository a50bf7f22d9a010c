#include "manifest/request.h"

#include "manifest/text.h"
#include "profile/profile.h"

namespace kneepoint::manifest {

std::string_view name(Autoscaler autoscaler) {
  switch (autoscaler) {
    case Autoscaler::None:
      return "none";
    case Autoscaler::HpaStackdriver:
      return "hpa-stackdriver";
    case Autoscaler::Keda:
      return "keda";
    case Autoscaler::PrometheusAdapter:
      return "prometheus-adapter";
  }
  return "";
}

std::string_view name(ServingStack stack) {
  switch (stack) {
    case ServingStack::None:
      return "";
    case ServingStack::LlmD:
      return "llm-d";
    case ServingStack::InferenceGateway:
      return "gateway-inference-extension";
  }
  return "";
}

std::string_view name(GroupStart start) {
  switch (start) {
    case GroupStart::Auto:
      return "auto";
    case GroupStart::Native:
      return "native";
    case GroupStart::Ray:
      return "ray";
  }
  return "";
}

Result<Request> request_for(const profile::ServingSetup& setup) {
  if (setup.decoding == "disaggregated")
    return fail(ErrorCode::Unsatisfiable,
                "this setup runs prefill and decode on separate workers; no manifest is made for "
                "that yet, choose a profile whose decoding is 'serving'");
  Request request;
  request.model = setup.model;
  request.model_known = true;
  request.checkpoint = setup.checkpoint;
  request.model_server = setup.model_server;
  request.model_server_version = setup.model_server_version;
  // Some sources write images in the notation of another runtime; the catalog's is used then.
  if (is_image_reference(setup.container_image)) request.image = setup.container_image;
  request.accelerator = setup.accelerator;
  request.accelerators_per_replica = setup.accelerator_count.value_or(1);
  request.tensor_parallel = setup.tensor_parallel.value_or(0);
  request.pipeline_parallel = setup.pipeline_parallel.value_or(1);
  request.data_parallel = setup.data_parallel.value_or(1);
  request.expert_parallel = setup.expert_parallel.value_or(1);
  request.weight_precision = setup.weight_precision;
  request.kv_precision = setup.kv_precision;
  if (!setup.server_settings.empty())
    request.reasons.push_back("Measured with these server settings, of which only those in args " +
                              std::string("are set here: ") + setup.server_settings);
  if (setup.decoding == "speculative")
    request.reasons.push_back("Measured with speculative decoding (" + setup.speculative_decoding +
                              "), which this manifest does not set: expect slower decoding");
  return request;
}

}  // namespace kneepoint::manifest
