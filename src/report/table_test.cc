#include "report/table.h"

#include <gtest/gtest.h>

#include <limits>

#include "report/golden.h"
#include "report/text_width.h"

namespace kneepoint::report {
namespace {

Table sample() {
  Table table({{"Instance Type", "instanceType"},
               {"Cost/M Output Tokens", "costPerMillionOutputTokens", "N/A", "N/A"},
               {"QPS", "queriesPerSecond"},
               {"TTFT(ms)", "ttftMilliseconds"},
               {"Use Case", "useCase"}});
  table.add_row({Cell::text("a3-highgpu-1g"), Cell::number(0.0351234, 3),
                 Cell::number(11, kShortestWithPoint), Cell::integer(297),
                 Cell::text("Chatbot (ShareGPT)")});
  table.add_row({Cell::text("g2"), Cell(), Cell::number(0.5, kShortestWithPoint), Cell(), Cell()});
  return table;
}

TEST(TextTable, PadsToTheWidestCellWithOneBlankAndNoneAtTheEnd) {
  EXPECT_EQ(write_text(sample()),
            "Instance Type Cost/M Output Tokens QPS  TTFT(ms) Use Case\n"
            "a3-highgpu-1g 0.035                11.0 297      Chatbot (ShareGPT)\n"
            "g2            N/A                  0.5  None     None\n");
}

TEST(TextTable, PlainStyleHasUpperCaseTitlesAndTwoBlanks) {
  Table table({{"Use Case", "useCase"}, {"Length", "averageInputLength"}});
  table.add_row({Cell::text("Code Completion"), Cell::integer(512)});
  EXPECT_EQ(write_text(table, kPlainStyle),
            "USE_CASE         AVERAGE_INPUT_LENGTH\nCode Completion  512\n");
}

TEST(TextTable, CellsPastSixtyArePrintedWholeAndPushOnlyTheirRow) {
  Table table({{"A", "a"}, {"B", "b"}});
  table.add_row({Cell::text(std::string(70, 'x')), Cell::text("long")});
  table.add_row({Cell::text("short"), Cell::text("row")});
  const std::string text = write_text(table);
  EXPECT_NE(text.find(std::string(70, 'x') + " long\n"), std::string::npos);
  EXPECT_NE(text.find("short" + std::string(56, ' ') + "row\n"), std::string::npos);
}

TEST(TextTable, WithoutRowsIsEmpty) {
  EXPECT_EQ(write_text(Table(std::vector<Column>{{"A", "a"}})), "");
}

TEST(TextTable, TheLastColumnMissingWithAnEmptyWordLeavesNoBlanks) {
  Table table({{"A", "a"}, {"B", "b", ""}});
  table.add_row({Cell::text("x"), Cell()});
  EXPECT_EQ(write_text(table), "A B\nx\n");
}

TEST(TextTable, CountsWideAndCombiningCharactersByTheirColumns) {
  Table table({{"A", "a"}, {"B", "b"}});
  table.add_row({Cell::text("模型"), Cell::integer(1)});
  table.add_row({Cell::text("e\u0301tat"), Cell::integer(2)});
  EXPECT_EQ(write_text(table), "A    B\n模型 1\ne\u0301tat 2\n");
}

TEST(TextTable, AHostileCellCannotMoveTheCursorOrBreakTheRow) {
  Table table({{"A", "a"}, {"B", "b"}});
  table.add_row({Cell::text("x\x1b[2J\ny\xff"), Cell::text("\u202Eevil")});
  EXPECT_EQ(write_text(table), "A            B\nx\\x1b[2J\\ny\uFFFD \\u202eevil\n");
}

TEST(CsvTable, QuotesOnlyWhatNeedsIt) {
  Table table({{"Name, long", "name"}, {"Cost", "cost", "N/A", "N/A"}, {"X", "x"}});
  table.add_row({Cell::text("a \"b\""), Cell(), Cell()});
  table.add_row({Cell::text("two\nlines"), Cell::number(0.1, 3), Cell::text("plain text")});
  EXPECT_EQ(write_csv(table),
            "\"Name, long\",Cost,X\n\"a \"\"b\"\"\",N/A,\n\"two\nlines\",0.100,plain text\n");
}

TEST(CsvTable, HeaderStandsWithoutRows) {
  EXPECT_EQ(write_csv(Table({{"A", "a"}, {"B", "b"}})), "A,B\n");
}

TEST(JsonTable, KeepsFullPrecisionAndEscapes) {
  Table table({{"A", "a\"b"}, {"B", "b"}, {"C", "c"}});
  table.add_row({Cell::text("x\n\x01\"\\"), Cell::number(0.000123456, 3), Cell()});
  EXPECT_EQ(write_json(table),
            "[\n  {\n    \"a\\\"b\": \"x\\n\\u0001\\\"\\\\\",\n    \"b\": 0.000123456,\n"
            "    \"c\": null\n  }\n]\n");
  EXPECT_EQ(write_json(Table(std::vector<Column>{{"A", "a"}})), "[]\n");
}

TEST(YamlTable, OneDocumentPerRowAndNoStringBecomesStructure) {
  Table table({{"A", "model"}, {"B", "version"}, {"C", "count"}});
  table.add_row({Cell::text("openai/gpt-oss-20b"), Cell::text("0.10"), Cell::integer(3)});
  table.add_row({Cell::text("x: [1]\n- y"), Cell::text("Yes"), Cell()});
  table.add_row({});
  EXPECT_EQ(write_yaml(table),
            "---\nmodel: openai/gpt-oss-20b\nversion: \"0.10\"\ncount: 3\n"
            "---\nmodel: \"x: [1]\\n- y\"\nversion: \"Yes\"\n"
            "---\n{}\n");
}

TEST(Cells, FiguresThatAreNoNumberAreMissing) {
  EXPECT_TRUE(Cell::number(std::numeric_limits<double>::quiet_NaN()).missing());
  EXPECT_TRUE(Cell::number(std::numeric_limits<double>::infinity(), 2).missing());
  EXPECT_TRUE(Cell::text_or_missing("").missing());
}

TEST(Cells, NeverShowMinusZeroAndSurviveHugeFigures) {
  Table table(std::vector<Column>{{"A", "a"}});
  table.add_row({Cell::number(-0.0001, 3)});
  table.add_row({Cell::number(-0.0, kShortest)});
  table.add_row({Cell::number(1.7e308, 3)});
  const std::string csv = write_csv(table);
  EXPECT_EQ(csv.substr(0, 10), "A\n0.000\n0\n");
  EXPECT_EQ(csv.size(), 10 + 309 + 5U);
}

TEST(TextWidth, ShortensAtTheColumnAndMarksTheCut) {
  EXPECT_EQ(shortened("kneepoint", 9), "kneepoint");
  EXPECT_EQ(shortened("kneepoint", 5), "knee…");
  EXPECT_EQ(shortened("模型模型", 5), "模型…");
}

TEST(TableGoldens, EveryWriterOnOneTable) {
  expect_golden("table.txt", write_text(sample()));
  expect_golden("table_plain.txt", write_text(sample(), kPlainStyle));
  expect_golden("table.csv", write_csv(sample()));
  expect_golden("table.json", write_json(sample()));
  expect_golden("table.yaml", write_yaml(sample()));
}

}  // namespace
}  // namespace kneepoint::report
