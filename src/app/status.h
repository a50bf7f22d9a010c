#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/session.h"
#include "base/json.h"
#include "cluster/kubectl.h"
#include "cluster/owned.h"
#include "cluster/watch.h"
#include "metrics/server_signals.h"

namespace kneepoint::app {

/// An autoscaler of a workload, and where it is.
struct ScalerStatus {
  cluster::Ref ref, target;
  int min = 1, max = 0, current = 0, desired = 0;
  struct Metric {
    std::string name;             // as the autoscaler asks for it
    std::string series;           // as the server tells it
    std::string target, current;  // per pod; current empty: it has none
  };
  std::vector<Metric> metrics;
  std::vector<cluster::Condition> conditions;
};

/// What the pods that are ready tell of themselves, read through the cluster's own proxy.
struct MeasuredLoad {
  int pods = 0;                 // that answered
  std::string server, version;  // whose series were read
  double seconds = 0;
  double running = metrics::kMissing, waiting = metrics::kMissing;  // per pod
  double running_most = metrics::kMissing;                          // seen of one reading, per pod
  double kv_use = metrics::kMissing;
  double output_tokens_per_second = metrics::kMissing;  // per pod
  double ttft_ms = metrics::kMissing, tpot_ms = metrics::kMissing, e2e_ms = metrics::kMissing;
  std::string why_none;  // when no pod answered
};

/// A better target for an autoscaler of running requests.
struct Proposal {
  double target = 0;  // the operating point less the buffer, whole requests
  double point = 0;   // requests that may run on a replica while latency is as promised
  double buffer = 0;  // share, for the time a new replica takes
  std::string why;    // with what was measured
};

struct SetStatus {
  cluster::Inventory inventory;
  std::vector<cluster::Workload> workloads;
  std::vector<std::string> missing;  // objects of the set that are gone, or somebody else's now
  std::vector<ScalerStatus> scalers;
  MeasuredLoad measured;
  std::vector<std::string> queries;  // that show whether metrics arrive
  std::vector<std::string> remarks;  // measured against promised, in sentences
  std::optional<Proposal> proposal;
};

struct StatusQuestion {
  std::string name;  // empty: all of the namespace
  bool measure = true;
  Nanos window = std::chrono::seconds(10);  // between two readings
};

Result<std::vector<SetStatus>> status(Session& session, const cluster::Kubectl& kubectl,
                                      const std::string& namespace_name,
                                      const StatusQuestion& question);
json::Object to_json(const SetStatus& status);

ScalerStatus read_scaler(const json::Object& autoscaler);

/// From what is measured against what was promised: a lower target where latency is above the
/// promise although the load is not, a higher one where latency leaves room while replicas run at
/// the target. It is the operating point seen, less the buffer that the deployed target has below
/// the promised one. Latency is taken to grow in proportion to running requests, which overstates
/// it below the knee. Nothing where the load is too low to tell, grows or falls away while it is
/// measured, or either side is not known.
std::optional<Proposal> propose_target(double target, const MeasuredLoad& measured,
                                       const json::Value& promise);

}  // namespace kneepoint::app
