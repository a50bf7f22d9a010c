#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

/// The shipped text of the kernel times, data/catalog/operators/<system>.txt, made into the file
/// that OperatorTables maps. For the build; the format is told at the top of each text.
namespace kneepoint::perfmodel {

struct SystemText {
  std::string name;  // of the file, for errors
  std::string text;
};

/// Holes (what was not measured) are filled: between two times along the last axis by a straight
/// line in the logarithms; before the first by the first; after the last in proportion to the
/// amount of work. The same texts give the same bytes. Error: file and line.
Result<std::string> pack_operators(const std::vector<SystemText>& texts);

/// All *.txt of a folder, by name.
Result<std::vector<SystemText>> read_operator_texts(const std::filesystem::path& folder);

}  // namespace kneepoint::perfmodel
