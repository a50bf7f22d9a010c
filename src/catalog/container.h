#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/csv.h"
#include "catalog/table.h"

/// The generated catalog file: every table of a layer in one file that is mapped, not read.
///
///   header   magic, format version, hash of the schema, hash of the content, sizes
///   tables   per table of schemas(): number of rows, offset of its first cell
///   cells    one 32-bit pool offset per cell, row by row, columns in schema order
///   pool     each distinct text once: 32-bit length, bytes, padding to 4
///
/// Cells are texts and not numbers so that a figure is shown as its source wrote it; a number is
/// parsed when it is asked for (about 40 ns), which only loading the store does for many. Rejected:
/// SQLite as the shipped file (opening costs a driver), FlatBuffers (a second schema language).
namespace kneepoint::catalog {

/// The bytes of a file that holds these tables; the same rows give the same bytes.
std::string pack(const std::vector<CheckedRows>& tables);

/// Checks that all sections lie in the file, and each cell of the tables that every run reads. The
/// cells of longer ones (thousands of profiles and points, of which most runs read none) are not
/// looked at: Table::text() finds one that points nowhere empty. So a damaged file is an error or a
/// figure that is missing, never a crash. `memory` keeps `bytes` alive.
Result<TableSet> unpack(std::string_view bytes, std::shared_ptr<const void> memory);

/// All <table>.csv files of a folder, checked; tables without a file are empty. Unknown .csv files
/// are an error that names the known ones.
Result<std::vector<CheckedRows>> read_folder(const std::filesystem::path& folder, Origin origin);

}  // namespace kneepoint::catalog
