#pragma once

#include <string>

#include "base/result.h"
#include "manifest/facts.h"
#include "manifest/objects.h"
#include "manifest/plan.h"

/// Run:ai model streamer: the server reads safetensors from a bucket, many parts at a time, and
/// hands them to the accelerator without a file in between.
namespace kneepoint::manifest {

/// The most host memory the streamer may hold while it reads.
inline constexpr int kStreamerGib = 8;

/// Unsatisfiable names the version from which on the server's image can do it: vLLM reads s3://
/// from 0.7.0 on and gs:// from 0.11.0 on (vllm-project/vllm#24909).
Result<void> streamer_supported(const Facts& facts, const std::string& uri);

/// The options and variables that make the server stream.
void stream_weights(const Facts& facts, const Plan& plan, Container& server);

}  // namespace kneepoint::manifest
