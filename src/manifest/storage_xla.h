#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "manifest/facts.h"
#include "manifest/objects.h"
#include "manifest/request.h"

/// What a TPU server compiles, kept in a bucket so that the next start need not compile again.
namespace kneepoint::manifest {

/// Replicas that start together collide when they write there: one starts, fills the cache and is
/// ready; then the others may follow. True where that holds.
bool one_replica_first(const Request& request);

/// InvalidArgument: the bucket, or an accelerator that compiles nothing of this kind.
Result<void> check_xla_cache(const Request& request, const Facts& facts);

/// Mounts the bucket for writing and points VLLM_XLA_CACHE_PATH at it.
void mount_xla_cache(const Request& request, PodTemplate& pod);

std::vector<std::string> xla_cache_comments(const Request& request, const std::string& base);

}  // namespace kneepoint::manifest
