#pragma once

#include <string>
#include <vector>

#include "manifest/manifest.h"

namespace kneepoint::manifest {

/// The set as a Kustomize base, one file an object, and two overlays: `production` is the base, for
/// patches of one's own; `trial` has one replica and no autoscaler. The comments are NOTES.txt;
/// alerts.yaml and dashboard.json lie beside the base, which does not hold them.
/// Only names of ours are paths. For Cloud Run, which knows no Kustomize: service.yaml, the files
/// that build an image, and NOTES.txt.
std::vector<File> kustomize(const Manifest& manifest);

}  // namespace kneepoint::manifest
