#pragma once

#include <string>
#include <vector>

#include "manifest/facts.h"
#include "manifest/plan.h"
#include "manifest/request.h"
#include "manifest/storage.h"
#include "manifest/storage_objects.h"

/// Jobs that fetch a model from Hugging Face once, so that no server has to.
namespace kneepoint::manifest {

/// The label of what has to be there before the servers start; `kubectl apply --selector` takes it.
inline constexpr const char* kStepLabel = "kneepoint.dev/step";
inline constexpr const char* kFillStep = "fill";

/// Into a bucket, as the service account that may write there. It fails where config.json is
/// missing at the end.
Job transfer_to_bucket(const Request& request, const Facts& facts, const Plan& plan,
                       const BucketFolder& to, ObjectMeta meta, const std::string& account);

/// Into the volume of a claim, mounted at kWeightsFolder.
Job transfer_to_volume(const Request& request, const Facts& facts, ObjectMeta meta,
                       const std::string& claim);

/// To fill in first and to wait for it.
std::vector<std::string> transfer_comments(const Request& request, const std::string& job);

}  // namespace kneepoint::manifest
