#include "manifest/kustomize.h"

#include <set>

#include "base/text.h"

namespace kneepoint::manifest {
namespace {

using json::Array;
using Tree = json::Object;
using Emitted = kneepoint::manifest::Object;

Tree kustomization(Array resources) {
  return Tree{{"apiVersion", "kustomize.config.k8s.io/v1beta1"},
              {"kind", "Kustomization"},
              {"resources", std::move(resources)}};
}

/// Takes one object out of the base.
Tree without(const Emitted& object) {
  const Tree patch{{"$patch", "delete"},
                   {"apiVersion", object.api_version},
                   {"kind", object.kind},
                   {"metadata", Tree{{"name", object.name}}}};
  return Tree{{"target", Tree{{"kind", object.kind}, {"name", object.name}}},
              {"patch", json::to_yaml(patch)}};
}

Tree one_replica(const Emitted& object) {
  const Array patch{Tree{{"op", "replace"}, {"path", "/spec/replicas"}, {"value", 1}}};
  return Tree{{"target", Tree{{"kind", object.kind}, {"name", object.name}}},
              {"patch", json::to_yaml(patch)}};
}

}  // namespace

std::vector<File> kustomize(const Manifest& manifest) {
  std::vector<File> out;
  if (manifest.platform == Platform::CloudRun) {
    for (const Emitted& object : manifest.objects)
      out.push_back({"service.yaml", json::to_yaml(object.doc)});
    out.insert(out.end(), manifest.files.begin(), manifest.files.end());
    out.push_back({"NOTES.txt", to_yaml_text(manifest, Output::Comments)});
    return out;
  }
  std::set<std::string> seen;
  Array resources;
  Array patches;
  Array replicas;
  for (const Emitted& object : manifest.objects) {
    // Of two objects of one kind the second is named as it ends: persistentvolumeclaim-weights.
    std::string file = lower(object.kind);
    if (!seen.insert(file).second) {
      file += object.name.substr(
          object.name.rfind('-') == std::string::npos ? 0 : object.name.rfind('-'));
      while (!seen.insert(file).second) file += "-more";
    }
    file += ".yaml";
    out.push_back({"base/" + file, json::to_yaml(object.doc)});
    resources.emplace_back(file);
    if (object.kind == "Deployment")
      replicas.emplace_back(Tree{{"name", object.name}, {"count", 1}});
    // The transformer `replicas` knows only kinds of Kubernetes itself.
    if (object.kind == "LeaderWorkerSet") patches.emplace_back(one_replica(object));
    if (object.kind == "HorizontalPodAutoscaler" || object.kind == "ScaledObject")
      patches.emplace_back(without(object));
  }
  out.push_back({"base/kustomization.yaml", json::to_yaml(kustomization(std::move(resources)))});
  const Tree production = kustomization({"../../base"});
  Tree trial = production;
  if (!replicas.empty()) trial["replicas"] = std::move(replicas);
  if (!patches.empty()) trial["patches"] = std::move(patches);
  out.push_back({"overlays/production/kustomization.yaml", json::to_yaml(production)});
  out.push_back({"overlays/trial/kustomization.yaml", json::to_yaml(trial)});
  out.insert(out.end(), manifest.files.begin(), manifest.files.end());
  out.push_back({"NOTES.txt", to_yaml_text(manifest, Output::Comments)});
  return out;
}

}  // namespace kneepoint::manifest
