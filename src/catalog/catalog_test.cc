#include "catalog/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/text.h"

namespace kneepoint::catalog {
namespace {

using testing::HasSubstr;

const std::filesystem::path kShipped = KP_BINARY_DIR "/kneepoint.catalog";

class Folder {
 public:
  Folder() {
    std::string name = testing::TempDir() + "kp_overlay_XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  void write(const char* file, const std::string& text) const {
    std::ofstream(path_ / file) << text;
  }
  Overlay overlay() const { return {path_.string(), path_}; }

 private:
  std::filesystem::path path_;
};

const Catalog& shipped() {
  static const Catalog catalog = Catalog::open(kShipped, {}).value();
  return catalog;
}

TEST(ShippedCatalog, HoldsEveryTableAndEveryRowHasASource) {
  const Catalog& c = shipped();
  EXPECT_GE(c.models().size(), 120U);
  EXPECT_GE(c.accelerators().size(), 27U);
  EXPECT_GE(c.machines().size(), 60U);
  EXPECT_GE(c.prices().size(), 70U);
  EXPECT_GE(c.use_cases().size(), 6U);
  EXPECT_GE(c.server_versions().size(), 50U);
  for (const auto& row : c.models()) EXPECT_FALSE(row.from.source.empty()) << row.id;
  for (const auto& row : c.accelerators()) EXPECT_FALSE(row.from.source.empty()) << row.id;
  for (const auto& row : c.machines())
    EXPECT_FALSE(row.from.confidence.empty()) << row.machine_type;
}

TEST(ShippedCatalog, EveryReferenceResolves) {
  const Catalog& c = shipped();
  for (const Machine& m : c.machines()) {
    EXPECT_TRUE(c.accelerator(m.accelerator) || m.accelerator.starts_with("tpu-v5-lite-device"))
        << m.machine_type << " " << m.accelerator;
  }
  for (const auto& v : c.server_versions()) EXPECT_NE(c.server(v.server), nullptr) << v.server;
  for (const auto& f : c.server_flags()) EXPECT_NE(c.server(f.server), nullptr) << f.server;
  for (const auto& m : c.server_metrics()) EXPECT_NE(c.server(m.server), nullptr) << m.server;
  const Table& profiles = *c.raw(0, "profiles");
  for (std::size_t r = 0; r < profiles.rows(); ++r) {
    EXPECT_NE(c.server(profiles.text(r, "model_server")), nullptr);
    EXPECT_NE(c.source(profiles.text(r, "source")), nullptr);
    EXPECT_NE(profiles.text(r, "licence"), "none stated");
    EXPECT_NE(profiles.text(r, "licence"), "");
  }
}

TEST(ShippedCatalog, MetricNamesFollowTheVersion) {
  const Catalog& c = shipped();
  EXPECT_EQ(c.metric("vllm", "0.7.2", "kv_cache_usage")->series, "vllm:gpu_cache_usage_perc");
  EXPECT_EQ(c.metric("vllm", "0.19.0-cu130", "kv_cache_usage")->series, "vllm:kv_cache_usage_perc");
  EXPECT_EQ(c.metric("vllm", "0.30.0", "waiting")->series, "vllm:num_requests_waiting");
  EXPECT_EQ(c.metric("vllm", "nightly-abc", "kv_cache_usage")->series, "vllm:kv_cache_usage_perc");
}

TEST(ShippedCatalog, UseCasesAnswerToTheirAliases) {
  EXPECT_EQ(shipped().use_case("chatbot (sharegpt)")->name, "Chatbot (ShareGPT)");
  EXPECT_NE(shipped().use_case("Code Generation"), nullptr);
  EXPECT_EQ(shipped().use_case("no such thing"), nullptr);
}

TEST(Overlay, ReplacesRowByRowAndItsRemovalRestoresTheShippedRow) {
  const Folder folder;
  folder.write("prices.csv",
               "provider,region,item,on_demand\n"
               "gcp,us-central1,a3-highgpu-1g,5\nmine,cellar,nvidia-l4,0.10\n");
  const std::vector<Overlay> overlays{folder.overlay()};
  const Catalog with = Catalog::open(kShipped, overlays).value();
  int rows = 0;
  for (const Price& p : with.prices()) {
    if (p.provider != "gcp" || p.region != "us-central1" || p.item != "a3-highgpu-1g") continue;
    ++rows;
    EXPECT_EQ(p.on_demand, 5.0);
    EXPECT_EQ(p.from.source, "user");
    EXPECT_EQ(p.from.layer_rank, 1);
  }
  EXPECT_EQ(rows, 1);  // both shipped statements of this price are replaced
  EXPECT_EQ(with.layers().size(), 2U);
  EXPECT_NE(with.layers()[1].hash, with.layers()[0].hash);
  EXPECT_EQ(Catalog::open(kShipped, {}).value().prices().size(), shipped().prices().size());
}

TEST(Overlay, ABrokenRowIsAnErrorThatNamesFileAndLine) {
  const Folder folder;
  folder.write("models.csv", "model,layers\nme/mine,12\nme/other,many\n");
  const std::vector<Overlay> overlays{folder.overlay()};
  const auto opened = Catalog::open(kShipped, overlays);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("models.csv:3: layers: 'many'"));
}

TEST(Overlay, AFileThatIsNoTableIsRefused) {
  const Folder folder;
  folder.write("price.csv", "provider,region,item\n");
  const std::vector<Overlay> overlays{folder.overlay()};
  const auto opened = Catalog::open(kShipped, overlays);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("prices.csv"));
}

TEST(Versions, OrderAsReleasesDo) {
  const std::vector<std::string> order{"0.9.1",          "0.9.2",  "v0.10.0rc1", "0.10.0-cu130",
                                       "0.10.0.post1",   "0.11.0", "1.0.0rc3",   "1.0.0",
                                       "1.2.0rc6.post3", "25.1.1"};
  for (std::size_t i = 0; i + 1 < order.size(); ++i) {
    EXPECT_EQ(compare_versions(order[i], order[i + 1]), -1) << order[i] << " " << order[i + 1];
    EXPECT_EQ(compare_versions(order[i + 1], order[i]), 1);
  }
  EXPECT_EQ(compare_versions("0.19.0", "0.19.0-cu130"), 0);
  for (const char* none : {"", "latest", "gptoss", "11b6af52", "nightly-20260330"}) {
    EXPECT_FALSE(compare_versions(none, "0.1.0")) << none;
  }
}

}  // namespace
}  // namespace kneepoint::catalog
