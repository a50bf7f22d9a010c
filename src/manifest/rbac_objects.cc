#include "manifest/rbac_objects.h"

#include "manifest/object_json.h"

namespace kneepoint::manifest {
namespace {

using json::Array;
using json::Object;

constexpr const char* kGroup = "rbac.authorization.k8s.io";

void put(Object& object, const char* key, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  Array out;
  for (const auto& text : texts) out.emplace_back(text);
  object[key] = std::move(out);
}

/// Of these kinds none has a spec.
Object bare(const std::string& api_version, const char* kind, const ObjectMeta& meta) {
  Object out = typed(api_version, kind, meta, {});
  out.erase("spec");
  return out;
}

}  // namespace

json::Object to_json(const Role& role) {
  Array rules;
  for (const Rule& rule : role.rules) {
    Object one;
    put(one, "apiGroups", rule.groups);
    put(one, "resources", rule.resources);
    put(one, "resourceNames", rule.names);
    put(one, "nonResourceURLs", rule.paths);
    put(one, "verbs", rule.verbs);
    rules.emplace_back(std::move(one));
  }
  Object out = bare(std::string(kGroup) + "/v1",
                    role.meta.namespace_name.empty() ? "ClusterRole" : "Role", role.meta);
  out["rules"] = std::move(rules);
  return out;
}

json::Object to_json(const RoleBinding& binding) {
  Object out = bare(std::string(kGroup) + "/v1",
                    binding.meta.namespace_name.empty() ? "ClusterRoleBinding" : "RoleBinding",
                    binding.meta);
  out["roleRef"] =
      Object{{"apiGroup", kGroup}, {"kind", binding.role_kind}, {"name", binding.role}};
  Array subjects;
  for (const AccountName& account : binding.to)
    subjects.emplace_back(Object{
        {"kind", "ServiceAccount"}, {"name", account.name}, {"namespace", account.namespace_name}});
  out["subjects"] = std::move(subjects);
  return out;
}

json::Object to_json(const TokenSecret& secret) {
  ObjectMeta meta = secret.meta;
  meta.annotations.emplace_back("kubernetes.io/service-account.name", secret.account);
  Object out = bare("v1", "Secret", meta);
  out["type"] = "kubernetes.io/service-account-token";
  return out;
}

}  // namespace kneepoint::manifest
