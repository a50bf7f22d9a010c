#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "cluster/changes.h"
#include "cluster/kubectl.h"
#include "cluster/owned.h"

namespace kneepoint::cluster {

enum class Action {
  Create,
  Change,
  Same,
  Remove,  // was part of the set and is not any more
  Leave,   // somebody else's, and as it should be
};
std::string_view name(Action action);

struct Step {
  Action action = Action::Same;
  Ref ref;
  std::vector<Change> changes;
  json::Object object;  // what is sent; of Create and Change
  std::string uid;      // of Remove: which one
};

/// What would happen, as the server itself says.
struct Plan {
  Inventory before, after;
  std::vector<Step> steps;
  std::vector<std::string> notes;

  bool changes_anything() const;
  std::size_t count(Action action) const;
};

/// The text of manifests, YAML or JSON, as the user's kubectl reads them: namespaces are filled in.
/// `unknown`: kinds that the cluster does not have are put here and left out; without it they are
/// an error.
Result<std::vector<json::Object>> read_manifests(const Kubectl& kubectl,
                                                 const std::vector<std::string>& source,
                                                 const std::string& text,
                                                 std::vector<std::string>* unknown);

/// Compares with the cluster and lets the server try everything out (dry run, strict). Conflict: an
/// object belongs to somebody else and differs, or a field was set by another manager; the message
/// says which, whose, and what to do.
///
/// The number of replicas that another manager set, an autoscaler or `kubectl scale`, stays.
Result<Plan> plan_apply(const Kubectl& kubectl, const std::string& set,
                        const std::string& namespace_name, std::vector<json::Object> wanted,
                        json::Value promise);

/// Does it. What is about to be made is written down first, so that a run that is cut off leaves
/// nothing that undeploy does not find.
Result<void> apply(const Kubectl& kubectl, Plan& plan);

/// What undeploy would remove, and what of the set is not ours any more.
Result<Plan> plan_removal(const Kubectl& kubectl, const Inventory& inventory);
/// Waits until all is gone, what it brought about (pods) included. What somebody made anew under
/// one of the names meanwhile stays, and is named. Conflict: a deploy wrote the list meanwhile.
Result<std::vector<std::string>> remove(const Kubectl& kubectl, const Plan& plan, Nanos patience);

}  // namespace kneepoint::cluster
