#include "report/golden.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace kneepoint::report {

void expect_golden(std::string_view name, const std::string& actual) {
  const std::filesystem::path path =
      std::filesystem::path(KP_SOURCE_DIR) / "tests/golden/report" / name;
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << actual;
    return;
  }
  std::ifstream in(path, std::ios::binary);
  ASSERT_TRUE(in) << path << " is missing: run with UPDATE_GOLDEN=1";
  const std::string golden((std::istreambuf_iterator<char>(in)), {});
  EXPECT_EQ(actual, golden) << "in " << path;
}

}  // namespace kneepoint::report
