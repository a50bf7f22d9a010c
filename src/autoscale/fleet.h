#pragma once

#include <utility>
#include <vector>

#include "autoscale/hpa.h"

namespace kneepoint::autoscale {

/// When the controller looks: a first time one period after the HPA was made, then one period after
/// the last sync ended. So syncs drift from multiples of the period, and a recommendation that
/// looks exactly one window old is older.
struct Clock {
  Time period = std::chrono::seconds(15);
  Time processing = std::chrono::milliseconds(10);

  Time sync(int index) const { return (index + 1) * period + (index + 1) * processing; }
};

/// The pods of a Deployment in virtual time. They exist at once, run at once, and are ready, and
/// report, after a start-up time. On the way down those that are not ready go first, then the
/// newest.
class Fleet {
 public:
  Fleet(int replicas, Time startup);

  void scale_to(int replicas, Time now);
  int replicas() const { return static_cast<int>(ready_at_.size()); }
  int ready(Time now) const;

 private:
  Time startup_;
  std::vector<Time> ready_at_;  // oldest first
};

/// An HPA with one metric whose total is given over time, whatever the replicas do.
struct Scenario {
  Spec spec;
  int replicas = 1;  // at the start, all ready
  Time duration{};
  Time startup{};
  std::vector<std::pair<Time, double>> total;  // from this time on
  Clock clock;
};

struct Step {
  Time at{};
  int replicas = 0, ready = 0;  // before the sync
  double total = 0;
  Decision decision;
};

/// One step for each sync. Pods metrics are spread evenly over the pods that are ready.
std::vector<Step> run(const Scenario& scenario);

}  // namespace kneepoint::autoscale
