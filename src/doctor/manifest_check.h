#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "doctor/rules.h"

namespace kneepoint::doctor {

struct ManifestFile {
  std::string name;
  std::string text;
};

struct ManifestReport {
  std::vector<Finding> findings;  // worst first
  std::size_t objects = 0;
  /// Kinds whose fields are not known here, each once: "ComputeClass of cloud.google.com/v1".
  std::vector<std::string> unchecked;
};

/// All files together, as they would be applied together. Lists are taken apart; Kustomize's own
/// files are passed over. A file that is no YAML is a finding, not an error.
ManifestReport check_manifests(const std::vector<ManifestFile>& files, const Facts& facts);

/// Whether a text is a manifest: near its top lines begin with apiVersion: and kind:, or, as JSON,
/// hold both. Events are none, in whatever form they come.
bool looks_like_manifest(std::string_view text);

}  // namespace kneepoint::doctor
