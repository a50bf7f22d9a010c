#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "manifest/facts.h"
#include "manifest/plan.h"
#include "manifest/request.h"

/// How long a replica takes to start, and what the weights cost to keep, for every place they can
/// lie. Estimates to choose by: each figure says whether it was published (by whom, when) or is an
/// assumption of ours. docs/storage.md and docs/cloud-run.md list them.
namespace kneepoint::manifest {

/// A number and how it is known.
struct Figure {
  double value = 0;
  std::string evidence;  // "assumed", or "published: SOURCE, DATE"
};

struct StorageOption {
  Storage storage = Storage::Auto;
  std::string place;  // in words
  bool chosen = false;
  std::string why_not;       // cannot be chosen here; empty: it can
  Figure fetch;              // bytes/s from there
  bool streamed = false;     // straight to the accelerator: no second pass over a disk
  double start_seconds = 0;  // from the start of the container to the first answer
  Figure usd_per_month;      // of storage, for all replicas at first
  std::string published;     // what others saw, with source and date; empty: nothing known
  std::string needs;         // settings it asks for
};

/// For this platform, the chosen one among them.
std::vector<StorageOption> storage_options(const Request& request, const Facts& facts,
                                           const Plan& plan);

/// What Auto comes to for this model.
Storage storage_in_use(const Request& request, const Plan& plan);

/// Straight to the accelerator: no second pass over a disk.
bool streams(Storage storage);

/// Bytes/s at which weights come from a place.
Figure fetch_rate(Platform platform, Storage storage);

std::vector<std::string> storage_table(const std::vector<StorageOption>& options, const Plan& plan);
json::Value to_json(const std::vector<StorageOption>& options);

}  // namespace kneepoint::manifest
