#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "doctor/object.h"

namespace kneepoint::doctor {

/// A container that runs a model server, read from its image and command line.
struct ServerUse {
  At container;
  std::string role;  // of its pod in a group: leader, worker
  At pod;            // the pod's spec
  At pod_metadata;
  std::string server;   // name in the catalog: vllm, sglang ...
  std::string version;  // of the image's tag; empty: not told
  struct Flag {
    std::string value;
    At at;
  };
  std::map<std::string, Flag, std::less<>> flags;  // "--max-model-len"
  std::string model;                               // as given; may be a path
  At model_at;

  /// Its value; the first of `names` that was given.
  std::string value(std::initializer_list<std::string_view> names) const;
  int count(std::initializer_list<std::string_view> names, int otherwise) const;
  bool given(std::string_view flag) const { return flags.find(flag) != flags.end(); }
  std::string variable(std::string_view name) const;  // of the environment
  At variable_at(std::string_view name) const;
};

/// The model servers of an object's pods, and of a Knative Service.
std::vector<ServerUse> servers_of(const Object& object);

/// The accelerators a container asks for, and what they are called.
struct DeviceUse {
  std::string resource;  // nvidia.com/gpu; empty: none
  long long count = 0;   // -1: not a whole number
  At at;
};
DeviceUse devices_of(const At& container);

/// The accelerator that the pod's node selector asks for, and where it says so.
struct AcceleratorUse {
  const catalog::Accelerator* accelerator = nullptr;  // nothing when the catalog does not know it
  std::string label;                                  // empty: no selector
  At at;
};
AcceleratorUse accelerator_of(const At& pod_spec, const catalog::Catalog& catalog);

/// Bytes of the weights as this server loads them; nothing when the model is not known.
std::optional<double> weight_bytes_of(const ServerUse& use, const catalog::Catalog& catalog);
/// Whether the weights come over the network from Hugging Face.
bool downloads(const ServerUse& use);
/// Seconds until a server is ready: download at 200 MB/s, load at 1 GB/s, 120 s for the rest; the
/// same assumption that manifests are made with.
double loading_seconds(double weight_bytes, bool downloaded);

}  // namespace kneepoint::doctor
