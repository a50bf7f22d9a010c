#include "base/text.h"

#include <gtest/gtest.h>

namespace kneepoint {
namespace {

TEST(ParseNumber, TakesFiniteDecimalNumbersOnly) {
  EXPECT_EQ(parse_number("1e3"), 1000.0);
  EXPECT_EQ(parse_number("-0.5"), -0.5);
  for (const char* bad : {"", "300ms", "nan", "inf", "0x10", " 1", "1 ", "1e999", "+", "."}) {
    EXPECT_FALSE(parse_number(bad)) << bad;
  }
}

TEST(Shortest, ReadsBackToTheSameDouble) {
  for (const double value : {0.0, 1.0, 0.1, 67.25, 1e-9, 123456789.125, 1e20, 1.0 / 3}) {
    EXPECT_EQ(parse_number(shortest(value)), value) << shortest(value);
  }
  EXPECT_EQ(shortest(4.0), "4");
  EXPECT_EQ(shortest(-0.0), "0");
}

TEST(Fixed, NeverPrintsMinusZero) {
  EXPECT_EQ(fixed(-0.0001, 3), "0.000");
  EXPECT_EQ(fixed(-1.5, 1), "-1.5");
}

TEST(Nearest, FindsTheMisspelledAndThePart) {
  const std::vector<std::string> names{"openai/gpt-oss-120b", "openai/gpt-oss-20b",
                                       "Qwen/Qwen3-8B"};
  EXPECT_EQ(nearest("openai/gpt-os-120b", names).front(), "openai/gpt-oss-120b");
  EXPECT_EQ(nearest("qwen3", names).front(), "Qwen/Qwen3-8B");
  EXPECT_TRUE(nearest("zzzzzzzzzz", names).empty());
}

TEST(DnsLabel, IsValidAndKeepsLongNamesApart) {
  EXPECT_EQ(dns_label("Llama-3.3_70B Instruct"), "llama-3-3-70b-instruct");
  EXPECT_EQ(dns_label("--"), "x");
  const std::string a(100, 'a');
  EXPECT_EQ(dns_label(a + "1").size(), 63U);
  EXPECT_NE(dns_label(a + "1"), dns_label(a + "2"));
}

TEST(Split, DropsBlanksAndEmptyParts) {
  EXPECT_EQ(split(" a ; ;b;", ';'), (std::vector<std::string_view>{"a", "b"}));
  EXPECT_TRUE(split("", ';').empty());
}

}  // namespace
}  // namespace kneepoint
