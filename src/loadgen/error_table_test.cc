#include "loadgen/error_table.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace kneepoint::loadgen {
namespace {

using metrics::Outcome;

TEST(ErrorTable, CountsByKindTheMostFrequentFirst) {
  ErrorTable table;
  table.add({});  // completed
  table.add({Outcome::Failed, "status 500", "first"});
  table.add({Outcome::Rejected, "status 503", ""});
  table.add({Outcome::Rejected, "status 503", "busy"});
  table.add({Outcome::Rejected, "status 503", "still busy"});
  const auto counts = table.counts();
  ASSERT_EQ(counts.size(), 2u);
  EXPECT_EQ(table.total(), 4u);
  EXPECT_EQ(counts[0].what, "status 503");
  EXPECT_EQ(counts[0].count, 3u);
  EXPECT_EQ(counts[0].example, "busy") << "the first that says something";
  EXPECT_EQ(counts[1].what, "status 500");
}

TEST(ErrorTable, DoesNotGrowWithServersThatWordEveryErrorAnew) {
  ErrorTable table;
  for (int i = 0; i < 10'000; ++i) {
    table.add({Outcome::Failed, fmt::format("request {} is no good", i), "words"});
  }
  table.add({Outcome::Failed, "request 0 is no good", ""});
  const auto counts = table.counts();
  EXPECT_EQ(counts.size(), ErrorTable::kMostKinds);
  EXPECT_EQ(counts.front().what, "others");
  EXPECT_EQ(counts.front().count, 10'000u - (ErrorTable::kMostKinds - 1));
  EXPECT_EQ(counts[1].count, 2u) << "what has a row keeps it";
  std::uint64_t sum = 0;
  for (const auto& count : counts) sum += count.count;
  EXPECT_EQ(sum, table.total());
}

}  // namespace
}  // namespace kneepoint::loadgen
