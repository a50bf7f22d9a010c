#pragma once

#include <string>
#include <vector>

#include "manifest/objects.h"

/// Who may do what, as values; see objects.h.
namespace kneepoint::manifest {

struct Rule {
  std::vector<std::string> groups, resources, verbs;
  std::vector<std::string> names = {};  // of resources; none: all of them
  std::vector<std::string> paths = {};  // of requests, "/metrics"; only in the role of a cluster
};

/// Without a namespace it is a ClusterRole.
struct Role {
  ObjectMeta meta;
  std::vector<Rule> rules;
};

struct AccountName {
  std::string name, namespace_name;
};

/// Without a namespace it is a ClusterRoleBinding, which takes the roles of a cluster only.
struct RoleBinding {
  ObjectMeta meta;
  std::string role_kind, role;
  std::vector<AccountName> to;
};

/// The cluster puts a token of the ServiceAccount into it; nothing secret passes through here.
struct TokenSecret {
  ObjectMeta meta;
  std::string account;
};

json::Object to_json(const Role& role);
json::Object to_json(const RoleBinding& binding);
json::Object to_json(const TokenSecret& secret);

}  // namespace kneepoint::manifest
