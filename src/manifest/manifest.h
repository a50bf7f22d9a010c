#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "manifest/facts.h"
#include "manifest/request.h"
#include "manifest/startup_cost.h"

/// From a serving setup to Kubernetes objects. Pure: no files, no network, no clock; the same
/// request and catalog give the same bytes. What is emitted and why: docs/manifests.md.
namespace kneepoint::manifest {

/// Written into the annotation kneepoint.dev/version; grows when the shape of the output changes.
inline constexpr const char* kManifestVersion = "1";

struct Object {
  std::string kind, api_version, name;
  json::Object doc;
};

struct File {
  std::string path;  // below a folder, with slashes
  std::string text;
};

inline constexpr const char* kAlertsFile = "alerts.yaml";
inline constexpr const char* kDashboardFile = "dashboard.json";

struct Manifest {
  std::vector<Object> objects;
  std::vector<std::string> comments;  // one line each, without the "# "
  std::string manifest_version;
  Platform platform = Platform::Gke;
  std::vector<StorageOption> storage;  // where the weights could lie, the chosen place among them
  std::vector<File> files;             // that belong to the set but are no objects
};

/// InvalidArgument: a value that cannot be used, named. Unsatisfiable: it is understood but does
/// not fit, or the catalog does not know enough of the server; the message says what.
Result<Manifest> create(const Request& request, const Facts& facts);
Result<Manifest> create(const catalog::Catalog& catalog, const Request& request);

enum class Output { Manifest, Comments, All };

/// YAML documents with one separator between two and none at the end, then comment lines.
std::string to_yaml_text(const Manifest& manifest, Output what);

}  // namespace kneepoint::manifest
