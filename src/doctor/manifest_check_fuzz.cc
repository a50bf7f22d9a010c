// Any bytes as a manifest: no crash, bounded work, and nothing shown that steers a terminal. The
// first run of bytes is read as YAML of whatever kind it claims to be.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "doctor/manifest_check.h"

namespace {
using namespace kneepoint;

const doctor::Facts& facts() {
  static const auto* catalog = new catalog::Catalog();
  static const auto* schema = new doctor::KubernetesSchema(
      std::move(doctor::KubernetesSchema::parse(
                    "# kneepoint kubernetes schema 1\nold apps/v1beta1 Deployment apps/v1\n"
                    "kind apps/v1 Deployment D\ntype D\n apiVersion str\n kind str\n metadata any\n"
                    " spec S !\ntype S\n replicas int min=0\n template any !\n selector any\n"
                    " size quantity\n names [str maxitems=3 ~^[a-z]+$\n")
                    .value()));
  static const auto* both = new doctor::Facts{*catalog, *schema};
  return *both;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto report = doctor::check_manifests({{"a", text}}, facts());
  for (const doctor::Finding& each : report.findings) {
    for (const char c : each.evidence + each.cause + each.path + each.object) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) std::abort();
    }
  }
  return 0;
}
