#include "catalog/reference.h"

#include <fmt/format.h>

#include "base/text.h"
#include "catalog/schema.h"

namespace kneepoint::catalog {
namespace {

const char* word(Type type) {
  switch (type) {
    case Type::Text:
      return "text";
    case Type::Number:
      return "number";
    case Type::Integer:
      return "whole number";
    case Type::YesNo:
      return "yes or no";
    case Type::Date:
      return "date";
  }
  __builtin_unreachable();
}

}  // namespace

std::string catalog_reference_markdown() {
  std::string out =
      "# The catalog\n\n"
      "What ships lies as CSV in `data/catalog` and is packed into one file at build time. The "
      "same\n"
      "tables in a folder of your own, one `<table>.csv` each, are laid over it row by row:\n"
      "`--catalog DIR` for one command, `~/.config/kneepoint/catalog` for all. A row replaces the\n"
      "shipped row with the same key; without the folder the shipped row is back. Columns may come "
      "in\n"
      "any order and optional ones may be left out; `source` and `confidence` default to `user`. "
      "An\n"
      "error names file and line: `kneepoint catalog check --catalog DIR` reads every row.\n\n"
      "    kneepoint prices import our-prices.csv           # rows of prices.csv into your folder\n"
      "    kneepoint models add config.json --model=us/ours # a row of models.csv from a "
      "config.json\n";
  for (const TableSchema& table : schemas()) {
    out +=
        fmt::format("\n## {}.csv\n\n{}. Key: {}.\n\n| column | type | meaning |\n|---|---|---|\n",
                    table.name, table.sentence, fmt::join(table.key, ", "));
    for (const ColumnSchema& column : table.columns) {
      const auto words = column.choices.empty()
                             ? std::string()
                             : fmt::format(": {}", fmt::join(split(column.choices, '|'), ", "));
      out +=
          fmt::format("| `{}`{} | {} | {}{} |\n", column.name, column.required ? " (required)" : "",
                      word(column.type), column.sentence, words);
    }
  }
  return out;
}

}  // namespace kneepoint::catalog
