#include "sim/block_size.h"

#include <gtest/gtest.h>

namespace kneepoint::sim {
namespace {

TEST(BlockSize, DividesByAnySize) {
  for (const std::int64_t size : {1, 2, 3, 16, 48, 64, 4096}) {
    const BlockSize blocks(size);
    for (std::int64_t tokens = 0; tokens < 200; ++tokens) {
      EXPECT_EQ(blocks.full(tokens), tokens / size) << size;
      EXPECT_EQ(blocks.holding(tokens), tokens / size + (tokens % size > 0 ? 1 : 0)) << size;
      EXPECT_EQ(blocks.rest(tokens), tokens % size) << size;
    }
  }
}

}  // namespace
}  // namespace kneepoint::sim
