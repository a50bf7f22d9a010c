#include "manifest/group_objects.h"

#include "manifest/object_json.h"

namespace kneepoint::manifest {

json::Object to_json(const LeaderWorkerSet& set) {
  using json::Object;
  // No surge: a group more would ask for a second set of accelerators first.
  Object rollout{{"type", "RollingUpdate"},
                 {"rollingUpdateConfiguration", Object{{"maxUnavailable", 1}, {"maxSurge", 0}}}};
  Object both{{"size", set.size},
              {"restartPolicy", "RecreateGroupOnPodRestart"},
              {"leaderTemplate", pod_json(set.leader)},
              {"workerTemplate", pod_json(set.worker)}};
  if (set.part > 0)
    both["subGroupPolicy"] =
        Object{{"subGroupSize", set.part}, {"subGroupPolicyType", "LeaderWorker"}};
  // The leader waits for its workers, so all of them start at once.
  Object spec{{"replicas", set.replicas},
              {"startupPolicy", "LeaderCreated"},
              {"rolloutStrategy", std::move(rollout)},
              {"leaderWorkerTemplate", std::move(both)}};
  return typed("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", set.meta, std::move(spec));
}

}  // namespace kneepoint::manifest
