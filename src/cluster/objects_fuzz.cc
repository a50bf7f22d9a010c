// Whatever a cluster, or what calls itself kubectl, prints: it is read or refused.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cluster/changes.h"
#include "cluster/kubectl.h"
#include "cluster/owned.h"
#include "cluster/pods.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kneepoint::cluster;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  explain_failure(std::string(text));
  const auto objects = read_objects(text);
  if (!objects) return 0;
  for (const auto& each : *objects) {
    read_pod(each);
    event_line(each);
    if (const auto workload = read_workload(each)) in_words(*workload);
    if (const auto inventory = inventory_from(each)) whose(&each, *inventory);
    changes(objects->front(), each);
  }
  return 0;
}
