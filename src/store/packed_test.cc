#include "store/packed.h"

#include <gtest/gtest.h>

#include "store/testing/random_profiles.h"

namespace kneepoint::store {
namespace {

TEST(Packed, ComesBackAsItWas) {
  RandomProfiles random(1);
  for (int i = 0; i < 50; ++i) {
    const profile::Profile p = random.next();
    profile::Ranking ranking;
    ASSERT_TRUE(unpack(pack(p, "a;b"), {}, ranking));
    const profile::RankingRow& row = ranking.rows()[0];
    EXPECT_EQ(row.id, p.id);
    EXPECT_EQ(row.setup.prefill.attention_dp, p.setup.prefill.attention_dp);
    EXPECT_EQ(row.flags, "a;b");
    ASSERT_EQ(row.points.size(), p.points.size());
    EXPECT_EQ(row.points.back().output_tokens_per_second,
              p.points.back().at.output_tokens_per_second);
  }
}

TEST(Packed, RefusesBytesThatWereCutOrChanged) {
  RandomProfiles random(2);
  const std::string good = pack(random.next(), "flag");
  profile::Ranking ranking;
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(unpack(std::string_view(good).substr(0, size), {}, ranking)) << size;
  EXPECT_FALSE(unpack(good + "x", {}, ranking));
  // Changed bytes may give another profile, but nothing may read past the end.
  for (int i = 0; i < 20'000; ++i) {
    std::string bad = good;
    for (int n = random.below(3); n >= 0; --n)
      bad[static_cast<std::size_t>(random.below(static_cast<int>(bad.size())))] =
          static_cast<char>(random.below(256));
    profile::Ranking any;
    (void)unpack(bad, {}, any).has_value();
  }
}

}  // namespace
}  // namespace kneepoint::store
