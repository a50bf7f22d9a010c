#include "catalog/reference.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/file.h"

namespace kneepoint::catalog {
namespace {

TEST(CatalogReference, IsWhatTheSchemaSays) {
  const std::string path = KP_SOURCE_DIR "/docs/catalog.md";
  const std::string text = catalog_reference_markdown();
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(write_file(path, text));
  }
  EXPECT_EQ(read_file(path).value_or(""), text) << "UPDATE_GOLDEN=1 rewrites it";
}

}  // namespace
}  // namespace kneepoint::catalog
