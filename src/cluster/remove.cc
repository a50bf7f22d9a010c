#include "cluster/remove.h"

namespace kneepoint::cluster {

Result<std::string> Remover::path_of(const Ref& ref) {
  // The core group alone has no name.
  const bool core = ref.api_version.find('/') == std::string::npos;
  const std::string group = (core ? "/api/" : "/apis/") + ref.api_version;
  if (!known_.contains(ref.api_version)) {
    const auto text = kubectl_.run({"get", "--raw=" + group});
    if (!text) return fail(text.error());
    const auto list = json::parse(*text);
    if (!list || !list->is_object())
      return fail(ErrorCode::Unavailable, "the cluster's list of kinds is no JSON");
    auto& kinds = known_[ref.api_version];
    for (const json::Object* each : objects_at(list->get_object(), "/resources")) {
      const std::string plural = text_at(*each, "/name");
      // "deployments/scale" is a part of one.
      if (plural.find('/') == std::string::npos)
        kinds[text_at(*each, "/kind")] = {plural, is_true_at(*each, "/namespaced")};
    }
  }
  const auto& kinds = known_[ref.api_version];
  const auto kind = kinds.find(ref.kind);
  if (kind == kinds.end())
    return fail(ErrorCode::NotFound, "the cluster knows no " + ref.kind + " of " + group);
  std::string out = group;
  if (kind->second.namespaced) out += "/namespaces/" + ref.namespace_name;
  return out + "/" + kind->second.plural + "/" + ref.name;
}

Result<Remover::Outcome> Remover::remove(const Ref& ref, const std::string& uid,
                                         const std::string& version) {
  const auto path = path_of(ref);
  if (!path) return fail(path.error());
  json::Object preconditions{{"uid", uid}};
  if (!version.empty()) preconditions["resourceVersion"] = version;
  const json::Object options{{"kind", "DeleteOptions"},
                             {"apiVersion", "v1"},
                             {"propagationPolicy", "Foreground"},
                             {"preconditions", std::move(preconditions)}};
  const auto done =
      kubectl_.run({"delete", "--raw=" + *path, "--filename=-"}, json::to_line(options));
  if (done) return Outcome::Asked;
  if (done.error().code == ErrorCode::NotFound) return Outcome::Gone;
  if (done.error().code == ErrorCode::Conflict) return Outcome::Others;
  return fail(Error(done.error()).during("remove " + ref.shown()));
}

}  // namespace kneepoint::cluster
