#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/profiles.h"
#include "app/session.h"
#include "manifest/manifest.h"

namespace kneepoint::app {

/// What to deploy. The selection names the model and exactly one accelerator; server and version
/// may be left to the ranking.
struct DeployRequest {
  Selection selection;
  recommend::Request ask;
  std::string profile{};  // id of the one to deploy, of that model and accelerator; empty: the best
  std::string namespace_name = "default";
  std::string machine_type;      // empty: any node that has the accelerator
  std::string model_bucket_uri;  // empty: weights from Hugging Face
  std::string image;             // empty: that of the server's version
  /// The shape of a replica, where it is not to be the measured one.
  std::optional<int> accelerators, tensor_parallel, pipeline_parallel;
  std::optional<int> max_model_len, max_num_seqs;
  manifest::Hosting hosting;
  /// What is asked for; what the curve says is filled in here. Without `autoscaler`, a latency
  /// target implies the Stackdriver adapter's, as in the public tool.
  std::optional<manifest::Autoscaler> autoscaler;
  manifest::Autoscaling autoscaling;
  manifest::Delivery delivery;  // where it runs, and how the weights get there
};

/// Whose machines are priced for a platform.
std::string usual_provider(manifest::Platform platform);

/// What a latency target implies where no autoscaler is named.
manifest::Autoscaler implied_autoscaler(manifest::Platform platform);

struct Deployment {
  manifest::Manifest manifest;
  std::vector<std::string> notes;  // what was chosen and why, also in the manifest's comments
  json::Value promise;  // what a replica is to reach, see app/promise.h; null: nothing is known
};

/// Shape and server come from the best profile that meets the targets. Where nothing was measured
/// for the server, version or accelerator asked for, the shape comes from the memory model, and the
/// comments say so. A profile that is named is the only one looked at: NotFound, or InvalidArgument
/// when it is of another model or accelerator.
Result<Deployment> create_manifest(Session& session, const DeployRequest& request);

}  // namespace kneepoint::app
