#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "manifest/manifest.h"
#include "manifest/objects.h"

/// The load generator as a Job beside the server it measures: what it is asked comes in a
/// ConfigMap, what it measures lies on a volume and is printed into its log.
namespace kneepoint::manifest {

inline constexpr const char* kRunVolumeFolder = "/var/lib/kneepoint";  // with a folder for each run
inline constexpr const char* kAskFolder = "/etc/kneepoint";            // the files of the ConfigMap
inline constexpr const char* kSeedFile = "run.log.gz";
inline constexpr const char* kTokenVariable = "KNEEPOINT_TOKEN";
/// Of a ConfigMap, all its files together; the API server takes no more than 1 MiB.
inline constexpr std::size_t kLargestAsk = 900 << 10;

struct LoadJob {
  std::string name, namespace_name;
  std::string run;  // of its folder on the volume
  std::string image;
  std::string cpu = "2", memory = "2Gi";  // both asked for and not exceeded
  StringMap node_selector;
  /// Where the run lies meanwhile: a claim of its own, one that is there, or the pod.
  enum class Volume { OwnClaim, Claim, Pod } volume = Volume::OwnClaim;
  std::string claim;          // that is there
  std::string storage_class;  // of its own; empty: the cluster's default
  int gib = 1;
  std::string secret_name, secret_key;  // the server's bearer token; empty: it asks for none
  StringMap files;                      // text, by name, in kAskFolder
  std::string seed;                     // gzip: the log of the run as it is, its header at least
};

/// ConfigMap, claim and Job. InvalidArgument: a value that cannot be used, named.
Result<std::vector<Object>> load_job(const LoadJob& job);
std::string ask_name(std::string_view job);    // of the ConfigMap
std::string claim_name(std::string_view job);  // of its own claim

}  // namespace kneepoint::manifest
