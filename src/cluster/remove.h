#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "cluster/fields.h"
#include "cluster/kubectl.h"

namespace kneepoint::cluster {

/// Removes objects by name and uid: the server itself refuses when another one has the name by
/// then, which a look beforehand cannot promise.
class Remover {
 public:
  explicit Remover(const Kubectl& kubectl) : kubectl_(kubectl) {}

  enum class Outcome { Asked, Gone, Others };  // others: of that name there is another one now
  /// With what it brought about; `version`, when not empty, refuses one that was changed too.
  Result<Outcome> remove(const Ref& ref, const std::string& uid, const std::string& version = {});

 private:
  Result<std::string> path_of(const Ref& ref);

  struct Resource {
    std::string plural;
    bool namespaced = true;
  };
  const Kubectl& kubectl_;
  std::map<std::string, std::map<std::string, Resource>> known_;  // by apiVersion, by kind
};

}  // namespace kneepoint::cluster
