#include "catalog/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>

#include "catalog/container.h"

namespace kneepoint::catalog {
namespace {

using testing::HasSubstr;

constexpr const char* kPrices = "provider,region,item,on_demand\n";

Result<CheckedRows> prices(const std::string& rows) {
  return read_table(*schema("prices"), kPrices + rows, "prices.csv", Origin::User);
}

TEST(Csv, QuotedCellsHoldSeparatorsQuotesAndLineBreaks) {
  const auto records = parse_csv(
      "\xef\xbb\xbf"
      "a,\"b,\"\"c\"\"\nd\",\r\n\r\nx,y,z");
  ASSERT_TRUE(records);
  ASSERT_EQ(records->size(), 2U);
  EXPECT_EQ((*records)[0].cells, (std::vector<std::string>{"a", "b,\"c\"\nd", ""}));
  EXPECT_EQ((*records)[1].line, 4U);
}

TEST(Csv, WhatIsWrittenReadsBack) {
  const std::vector<std::string> cells{"plain", "a,b", "say \"x\"", "two\nlines", "", " "};
  EXPECT_EQ(parse_csv(csv_line(cells)).value().front().cells, cells);
}

TEST(Csv, ErrorsNameFileAndLine) {
  const struct {
    std::string rows;
    const char* says;
  } cases[] = {
      {"gcp,r1,m1,1\ngcp,r2,m2,abc\n", "prices.csv:3: on_demand: 'abc' is not a number"},
      {"gcp,r1,m1,-1\n", "prices.csv:2: on_demand: '-1' is not a number of at least 0"},
      {"gcp,r1,m1,nan\n", "prices.csv:2"},
      {"gcp,r1,,1\n", "prices.csv:2: item: must not be empty"},
      {"gcp,r1,m1\n", "3 cells where the header has 4"},
      {"gcp,r1,m1,1\ngcp,r1,m1,2\n", "prices.csv:3: gcp r1 m1 is already in line 2"},
      {"gcp,r1,\"m1,1\n", "prices.csv:2: a quoted cell is never closed"},
  };
  for (const auto& c : cases) {
    const auto read = prices(c.rows);
    ASSERT_FALSE(read) << c.rows;
    EXPECT_THAT(read.error().message, HasSubstr(c.says));
    EXPECT_EQ(read.error().code, ErrorCode::InvalidArgument);
  }
  const auto unknown =
      read_table(*schema("prices"), "provider,region,item,on_demnd\n", "p.csv", Origin::User);
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message, HasSubstr("did you mean 'on_demand'"));
}

TEST(Csv, AUsersRowNeedsNoSourceAShippedOneDoes) {
  const auto mine = prices("gcp,r1,m1,1\n");
  ASSERT_TRUE(mine);
  EXPECT_THAT(mine->rows.front(), testing::Contains("user"));
  const auto shipped = read_table(*schema("prices"), std::string(kPrices) + "gcp,r1,m1,1\n",
                                  "p.csv", Origin::Shipped);
  ASSERT_FALSE(shipped);
  EXPECT_THAT(shipped.error().message, HasSubstr("source"));
}

TEST(Container, PackedTablesReadBackAndEqualRowsGiveEqualBytes) {
  const auto rows = prices("gcp,r1,m1,1.50\ngcp,r2,\"m,2\",\n").value();
  const auto bytes = std::make_shared<const std::string>(pack({rows}));
  EXPECT_EQ(*bytes, pack({rows}));
  const auto set = unpack(*bytes, bytes);
  ASSERT_TRUE(set) << set.error().message;
  const auto place = static_cast<std::size_t>(schema("prices") - schemas().data());
  const Table& table = set->tables[place];
  ASSERT_EQ(table.rows(), 2U);
  EXPECT_EQ(table.text(0, "on_demand"), "1.50");
  EXPECT_EQ(table.number(0, "on_demand"), 1.5);
  EXPECT_EQ(table.text(1, "item"), "m,2");
  EXPECT_EQ(table.text(1, "on_demand"), "");
}

TEST(Container, DamageIsAnErrorNeverACrash) {
  const std::string good = pack({prices("gcp,r1,m1,1\naws,r,m,2\n").value()});
  for (std::size_t cut = 0; cut < good.size(); cut += 3) {
    const auto part = std::make_shared<const std::string>(good.substr(0, cut));
    EXPECT_FALSE(unpack(*part, part)) << cut;
  }
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto bytes = std::make_shared<std::string>(good);
    (*bytes)[i] = static_cast<char>((*bytes)[i] ^ 0x5a);
    if (const auto set = unpack(*bytes, bytes)) {
      for (const Table& table : set->tables) {
        for (std::size_t r = 0; r < table.rows(); ++r) (void)table.text(r, std::size_t{0});
      }
    }
  }
}

TEST(Container, ACellThatPointsNowhereIsAnErrorOfAShortTableAndEmptyInALongOne) {
  const auto place = static_cast<std::size_t>(schema("prices") - schemas().data());
  const std::size_t columns = schema("prices")->columns.size();
  for (const std::size_t rows : {std::size_t{1}, std::size_t{1200}}) {
    std::string text;
    for (std::size_t r = 0; r < rows; ++r) text += "gcp,r" + std::to_string(r) + ",m1,1\n";
    auto bytes = std::make_shared<std::string>(pack({prices(text).value()}));
    const auto whole = unpack(*bytes, bytes).value();
    const std::size_t item = whole.tables[place].column("item");
    ASSERT_EQ(whole.tables[place].text(0, item), "m1");
    // The only table is all the cells there are. They end where the pool begins with the empty
    // text.
    const std::size_t pool = bytes->find(std::string("\0\0\0\0\3\0\0\0gcp\0", 12));
    ASSERT_NE(pool, std::string::npos);
    const std::size_t cell = pool - (rows * columns - item) * 4;
    for (const std::uint32_t nowhere : {~std::uint32_t{0}, ~std::uint32_t{3}, 1u << 28}) {
      std::memcpy(bytes->data() + cell, &nowhere, 4);
      const auto set = unpack(*bytes, bytes);
      EXPECT_EQ(set.has_value(), rows > 1);
      if (!set) continue;
      EXPECT_EQ(set->tables[place].text(0, item), "");
      EXPECT_EQ(set->tables[place].text(0, "region"), "r0");
      EXPECT_EQ(set->tables[place].text(1, item), "m1");
    }
  }
}

}  // namespace
}  // namespace kneepoint::catalog
