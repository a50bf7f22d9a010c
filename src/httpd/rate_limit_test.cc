#include "httpd/rate_limit.h"

#include <gtest/gtest.h>

namespace kneepoint::httpd {
namespace {

using namespace std::chrono_literals;

const RateLimit::Time kStart{};

TEST(ARateLimit, LetsABurstThroughThenItsRate) {
  RateLimit limit(10, 5);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(limit.take("a", kStart), 0);
  EXPECT_EQ(limit.take("a", kStart), 1);
  EXPECT_EQ(limit.take("b", kStart), 0) << "callers do not share";
  EXPECT_EQ(limit.take("a", kStart + 100ms), 0);
  EXPECT_EQ(limit.take("a", kStart + 100ms), 1);
  int taken = 0;
  for (int i = 0; i < 1000; ++i) taken += limit.take("a", kStart + 10s) == 0;
  EXPECT_EQ(taken, 5);
}

TEST(ARateLimit, TellsHowLongToWait) {
  RateLimit limit(0.1, 1);
  EXPECT_EQ(limit.take("a", kStart), 0);
  EXPECT_EQ(limit.take("a", kStart), 10);
  EXPECT_EQ(limit.look("a", kStart + 5s), 5);
  EXPECT_EQ(limit.look("nobody", kStart), 0);
}

TEST(ARateLimit, OfZeroIsNone) {
  RateLimit limit(0, 0);
  for (int i = 0; i < 10'000; ++i) ASSERT_EQ(limit.take("a", kStart), 0);
  EXPECT_EQ(limit.keys(), 0U);
}

TEST(ARateLimit, RemembersABoundedNumberOfStrangers) {
  RateLimit limit(1, 2, 100);
  for (int i = 0; i < 10'000; ++i) limit.take("stranger " + std::to_string(i), kStart);
  EXPECT_LE(limit.keys(), 101U);
  EXPECT_NE(limit.take("one more", kStart), 0) << "newcomers share what is left";
  EXPECT_EQ(limit.take("one more", kStart + 1h), 0);
  EXPECT_LE(limit.keys(), 2U) << "who has not asked for long is forgotten";
}

TEST(AddressKeys, AreNetworksOfIpv6) {
  EXPECT_EQ(address_key("10.0.0.1"), "10.0.0.1");
  EXPECT_EQ(address_key("2001:db8:1:2:3:4:5:6"), address_key("2001:db8:1:2::1"));
  EXPECT_NE(address_key("2001:db8:1:3::1"), address_key("2001:db8:1:2::1"));
}

}  // namespace
}  // namespace kneepoint::httpd
