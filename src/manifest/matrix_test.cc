#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>

#include "base/date.h"
#include "base/text.h"
#include "catalog/catalog.h"
#include "manifest/manifest.h"

namespace kneepoint::manifest {
namespace {

bool is_dns_label(const std::string& name) { return name == dns_label(name); }

/// Every model on every accelerator with every server version the catalog names: about 850,000
/// requests. Each gets a manifest that holds together or a sentence that says why not; nothing
/// crashes, no name is one Kubernetes refuses. A sample runs always, all of it in the release check
/// (KNEEPOINT_FULL_MATRICES).
TEST(ManifestMatrix, EveryCombinationHasAManifestOrASentence) {
  const auto catalog = catalog::Catalog::open(KP_BINARY_DIR "/kneepoint.catalog", {}).value();
  const bool full = std::getenv("KNEEPOINT_FULL_MATRICES") != nullptr;
  const std::size_t step = full ? 1 : 997;  // a prime, so the sample visits every row and column
  std::size_t asked = 0;
  std::size_t made = 0;
  std::size_t scaled = 0;
  std::size_t at = 0;
  for (const auto& model : catalog.models()) {
    for (const auto& accelerator : catalog.accelerators()) {
      for (const auto& version : catalog.server_versions()) {
        if (at++ % step != 0) continue;
        ++asked;
        Request request;
        request.model = model.id;
        request.model_server = version.server;
        request.model_server_version = version.version;
        request.accelerator = accelerator.id;
        request.accelerators_per_replica = accelerator.max_per_host.value_or(8);
        request.generated_on = *parse_date("2026-11-21");
        request.autoscaling.by = static_cast<Autoscaler>(asked % 4);
        request.autoscaling.implied = true;
        const auto manifest = create(catalog, request);
        if (!manifest) {
          ASSERT_NE(manifest.error().code, ErrorCode::Internal) << manifest.error().message;
          ASSERT_FALSE(manifest.error().message.empty()) << model.id << " " << accelerator.id;
          continue;
        }
        ++made;
        const std::string& last = manifest->objects.back().kind;
        scaled += last == "HorizontalPodAutoscaler" || last == "ScaledObject" ? 1 : 0;
        for (const Object& object : manifest->objects) {
          ASSERT_TRUE(is_dns_label(object.name)) << object.name;
        }
        // Parsing is most of the time: every hundredth is read back.
        if (made % 100 == 1) {
          const std::string text = to_yaml_text(*manifest, Output::All);
          ASSERT_EQ(YAML::LoadAll(text).size(), manifest->objects.size()) << text;
        }
      }
    }
  }
  EXPECT_GT(made, asked / 20);
  EXPECT_GT(scaled, made / 2);
  RecordProperty("asked", static_cast<int>(asked));
  RecordProperty("made", static_cast<int>(made));
  std::printf("%zu asked, %zu manifests\n", asked, made);
}

}  // namespace
}  // namespace kneepoint::manifest
