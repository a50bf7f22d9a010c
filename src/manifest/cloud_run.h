#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "manifest/facts.h"
#include "manifest/manifest.h"
#include "manifest/plan.h"
#include "manifest/request.h"

/// The same setup as a Cloud Run service with a GPU. Facts and limits: docs/cloud-run.md.
namespace kneepoint::manifest {

/// An instance of Cloud Run that has a GPU: which one, and what comes with it.
struct CloudRunGpu {
  const char* accelerator;  // as the catalog and as Cloud Run name it
  int cpu, memory_gib;      // of the instance: L4 as advised, RTX PRO 6000 the least there is
  bool preview;
  const char* driver;
};

/// Unsatisfiable names the GPUs that Cloud Run has, and that an instance has one of them.
Result<CloudRunGpu> cloud_run_gpu(const Request& request, const Facts& facts);

/// How many requests an instance gets at once.
struct Concurrency {
  int chosen = 0;
  std::string why;
  int by_rule = 0;              // model instances x parallel queries + model instances x batch
  std::string rule;             // with its numbers
  std::optional<int> by_curve;  // what an instance holds at its operating point
  std::string curve;            // how that is known
};
Result<Concurrency> concurrency(const Request& request);

/// Everything of the instance, worked out before the object is made.
struct CloudRunPlan {
  CloudRunGpu gpu;
  Storage storage = Storage::Memory;
  Concurrency requests;
  int min_instances = 0, max_instances = 1;
  int weights_gib = 0;          // of memory for the weights, where they lie there
  int server_gib = 0;           // of memory left to the server
  double start_seconds = 0;     // expected, by the assumptions of the table
  int startup_periods = 0;      // of ten seconds
  std::string network, subnet;  // Direct VPC; empty: none
};
Result<CloudRunPlan> cloud_run_plan(const Request& request, const Facts& facts, const Plan& plan);

/// A Service, with the files that build its image where the image holds the model.
Result<Manifest> cloud_run(const Request& request, const Facts& facts);

}  // namespace kneepoint::manifest
