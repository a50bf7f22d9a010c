#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

/// The decisions of the HorizontalPodAutoscaler (autoscaling/v2), without a cluster: what it is
/// told at each sync goes in, the replicas it sets come out. Follows the controller of Kubernetes
/// 1.36 (pkg/controller/podautoscaler), rounding included; docs/autoscaling.md says how it is held
/// to it. Metrics of type Pods and External; not Resource, ContainerResource and Object.
namespace kneepoint::autoscale {

/// Of any origin, as long as it is one: the controller only takes differences.
using Time = std::chrono::milliseconds;

enum class PolicyType { Pods, Percent };
struct Policy {
  PolicyType type = PolicyType::Percent;
  int value = 100;
  int period_seconds = 15;
};

enum class Select { Max, Min, Disabled };

/// One direction of `behavior`.
struct Rules {
  int stabilization_seconds = 0;
  Select select = Select::Max;
  std::vector<Policy> policies;
  std::optional<double> tolerance;  // nothing: the controller's, 0.1
};

/// What the API server fills in where `behavior` leaves something out.
Rules default_up();    // 4 pods or 100 % in 15 s, whichever is more
Rules default_down();  // 100 % in 15 s, after 300 s

struct Behavior {
  Rules up = default_up(), down = default_down();
};

enum class MetricKind {
  PodsAverage,      // mean over the pods that report, against averageValue
  ExternalAverage,  // total over the replicas, against averageValue
  ExternalValue,    // total, against value
};

/// The API carries numbers in thousandths.
struct Metric {
  MetricKind kind = MetricKind::PodsAverage;
  std::int64_t target_milli = 1000;
};

struct Spec {
  int min_replicas = 1, max_replicas = 1;
  std::vector<Metric> metrics;  // the largest answer counts
  /// Nothing and an empty Behavior differ: without one a sync may reach max(2 x current, 4).
  std::optional<Behavior> behavior;
};

/// What the metrics API says of one metric; External: sum_milli alone.
struct Reading {
  int pods = 0;  // that report
  std::int64_t sum_milli = 0;
};

/// What the controller sees at one sync.
struct Sync {
  Time at{};
  int replicas = 0;         // spec.replicas of the target
  int status_replicas = 0;  // pods that exist
  int ready = 0;            // pods that are Ready
  int pending = 0;          // pods whose containers do not run yet
  int silent = 0;           // pods that run but do not report a metric
  /// One for each metric of the spec; nothing: the metrics API has no answer.
  std::vector<std::optional<Reading>> readings;
};

/// Why the replicas are not what the metrics ask for: the reason in condition ScalingLimited.
enum class Limit { None, ScaleUpLimit, ScaleDownLimit, TooManyReplicas, TooFewReplicas };

struct Decision {
  int replicas = 0;                // spec.replicas after this sync
  std::optional<int> recommended;  // by the metrics; nothing where they had no answer
  bool stabilized = false;         // held back by a stabilization window
  Limit limit = Limit::None;
};

class Hpa {
 public:
  explicit Hpa(Spec spec);

  /// Syncs come in the order of time. The caller scales the target to the answer.
  Decision sync(const Sync& seen);

  const Spec& spec() const { return spec_; }

 private:
  struct Stamped {
    Time at;
    int replicas;
  };

  std::optional<int> recommend(const Sync& seen) const;
  Decision without_behavior(const Sync& seen, int wanted);
  Decision with_behavior(const Sync& seen, int wanted);
  int limit_of(const Rules& rules, bool up, int current, Time now) const;
  void remember_event(Time now, int from, int to);

  Spec spec_;
  bool started_ = false;
  std::vector<Stamped> recommendations_, ups_, downs_;
};

/// The whole trace at once.
std::vector<Decision> replay(const Spec& spec, const std::vector<Sync>& syncs);

}  // namespace kneepoint::autoscale
