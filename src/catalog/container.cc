#include "catalog/container.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <unordered_map>

#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"

namespace kneepoint::catalog {
namespace {

constexpr char kMagic[8] = {'K', 'P', 'C', 'A', 'T', 'L', 'G', '\n'};
constexpr std::uint32_t kFormat = 1;
constexpr std::uint64_t kShortTable = 1000;  // rows

struct Header {
  char magic[8];
  std::uint32_t format;
  std::uint32_t tables;
  char schema_hash[32];
  char content_hash[32];
  std::uint64_t cells;  // number of cells
  std::uint64_t pool_bytes;
};
struct TableEntry {
  std::uint64_t rows;
  std::uint64_t first_cell;
};

const std::string& schema_hash() {
  static const std::string hash = [] {
    std::string text;
    for (const TableSchema& table : schemas()) {
      text += table.name;
      for (const ColumnSchema& column : table.columns) {
        text += fmt::format("|{}:{}", column.name, static_cast<int>(column.type));
      }
      text += '\n';
    }
    return content_hash(text);
  }();
  return hash;
}

const CheckedRows* find_table(const std::vector<CheckedRows>& tables, std::string_view name) {
  for (const CheckedRows& table : tables) {
    if (table.schema->name == name) return &table;
  }
  return nullptr;
}

/// Profiles and points of one layer belong together: a point without its profile, or a profile
/// without a point, is a broken row.
Result<void> check_references(const std::vector<CheckedRows>& tables,
                              const std::filesystem::path& folder) {
  const CheckedRows* profiles = find_table(tables, "profiles");
  const CheckedRows* points = find_table(tables, "points");
  const auto broken = [&](const CheckedRows& table, std::size_t row, const std::string& what) {
    return fail(
        ErrorCode::InvalidArgument,
        fmt::format("{}:{}: {}", (folder / (std::string(table.schema->name) + ".csv")).string(),
                    table.lines[row], what));
  };
  std::unordered_map<std::string_view, std::size_t> counts;  // id is the first column of profiles
  if (profiles != nullptr) {
    for (const auto& row : profiles->rows) counts.emplace(row.front(), 0);
  }
  if (points != nullptr) {
    for (std::size_t r = 0; r < points->rows.size(); ++r) {
      const std::string& profile = points->rows[r].front();
      const auto found = counts.find(profile);
      if (found == counts.end()) {
        return broken(*points, r,
                      fmt::format("profile '{}' is not in profiles.csv", profile.substr(0, 80)));
      }
      ++found->second;
    }
  }
  if (profiles != nullptr) {
    for (std::size_t r = 0; r < profiles->rows.size(); ++r) {
      const std::string& id = profiles->rows[r].front();
      if (counts[id] == 0) {
        return broken(*profiles, r,
                      fmt::format("profile '{}' has no row in points.csv", id.substr(0, 80)));
      }
    }
  }
  return {};
}

template <class T>
void append(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

class Pool {
 public:
  Pool() { bytes_.assign(4, '\0'); }  // offset 0: the empty text

  std::uint32_t add(const std::string& text) {
    if (text.empty()) return 0;
    const auto [found, fresh] = known_.emplace(text, static_cast<std::uint32_t>(bytes_.size()));
    if (fresh) {
      append(bytes_, static_cast<std::uint32_t>(text.size()));
      bytes_ += text;
      bytes_.resize((bytes_.size() + 3) / 4 * 4, '\0');
    }
    return found->second;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  std::unordered_map<std::string, std::uint32_t> known_;
};

}  // namespace

std::string pack(const std::vector<CheckedRows>& tables) {
  Pool pool;
  std::vector<std::uint32_t> cells;
  std::string entries;
  for (const TableSchema& schema : schemas()) {
    std::uint64_t rows = 0;
    const std::uint64_t first = cells.size();
    for (const CheckedRows& table : tables) {
      if (table.schema != &schema) continue;
      rows = table.rows.size();
      for (const auto& row : table.rows) {
        for (const std::string& cell : row) cells.push_back(pool.add(cell));
      }
    }
    append(entries, TableEntry{rows, first});
  }
  std::string body = entries;
  body.append(reinterpret_cast<const char*>(cells.data()), cells.size() * sizeof(std::uint32_t));
  body += pool.bytes();

  Header header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.format = kFormat;
  header.tables = static_cast<std::uint32_t>(schemas().size());
  std::memcpy(header.schema_hash, schema_hash().data(), 32);
  std::memcpy(header.content_hash, content_hash(body).data(), 32);
  header.cells = cells.size();
  header.pool_bytes = pool.bytes().size();
  std::string out;
  append(out, header);
  return out + body;
}

Result<TableSet> unpack(std::string_view bytes, std::shared_ptr<const void> memory) {
  const auto damaged = [](const char* what) {
    return fail(ErrorCode::Incompatible, fmt::format("damaged catalog file: {}", what));
  };
  Header header;
  if (bytes.size() < sizeof header) return damaged("shorter than its header");
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % 8 != 0) return damaged("not aligned");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0) return damaged("not a catalog file");
  if (header.format != kFormat || header.tables != schemas().size() ||
      std::memcmp(header.schema_hash, schema_hash().data(), 32) != 0) {
    return fail(ErrorCode::Incompatible,
                "the catalog file was made by another version of kneepoint; build or install both "
                "together");
  }
  const std::size_t entries_bytes = schemas().size() * sizeof(TableEntry);
  const std::size_t fixed = sizeof header + entries_bytes;
  if (bytes.size() < fixed) return damaged("no table list");
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  if (header.cells > kMost || header.pool_bytes > kMost || header.pool_bytes < 4 ||
      header.pool_bytes % 4 != 0 ||
      bytes.size() != fixed + header.cells * sizeof(std::uint32_t) + header.pool_bytes) {
    return damaged("sizes do not add up");
  }
  const auto* cells = reinterpret_cast<const std::uint32_t*>(bytes.data() + fixed);
  const std::string_view pool = bytes.substr(fixed + header.cells * sizeof(std::uint32_t));
  const auto inside = [&](std::uint64_t offset) {
    if (offset % 4 != 0 || offset + 4 > pool.size()) return false;
    std::uint32_t length = 0;
    std::memcpy(&length, pool.data() + offset, sizeof length);
    return length <= pool.size() - offset - 4;
  };
  TableSet out;
  out.memory = std::move(memory);
  out.hash.assign(header.content_hash, 32);
  for (std::size_t t = 0; t < schemas().size(); ++t) {
    TableEntry entry;
    std::memcpy(&entry, bytes.data() + sizeof header + t * sizeof entry, sizeof entry);
    const std::uint64_t columns = schemas()[t].columns.size();
    if (entry.first_cell > header.cells ||
        entry.rows > (header.cells - entry.first_cell) / columns) {
      return damaged("a table runs past the end");
    }
    const std::span table(cells + entry.first_cell, entry.rows * columns);
    if (entry.rows <= kShortTable && !std::ranges::all_of(table, inside)) {
      return damaged("a cell points nowhere");
    }
    out.tables.emplace_back(schemas()[t], entry.rows, pool, table);
  }
  return out;
}

Result<std::vector<CheckedRows>> read_folder(const std::filesystem::path& folder, Origin origin) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    return fail(ErrorCode::NotFound, "catalog folder " + folder.string() + " does not exist");
  }
  for (const auto& file : fs::directory_iterator(folder, error)) {
    if (file.path().extension() != ".csv" || schema(file.path().stem().string()) != nullptr)
      continue;
    std::vector<std::string> known;
    for (const TableSchema& table : schemas()) known.push_back(std::string(table.name) + ".csv");
    return fail(ErrorCode::InvalidArgument, fmt::format("{}: no table of the catalog; known are {}",
                                                        file.path().string(), join(known, ", ")));
  }
  if (error) {
    return fail(ErrorCode::Unavailable,
                fmt::format("cannot read {}: {}", folder.string(), error.message()));
  }
  std::vector<CheckedRows> out;
  for (const TableSchema& table : schemas()) {
    const fs::path path = folder / (std::string(table.name) + ".csv");
    if (!fs::exists(path, error)) continue;
    const auto text = read_file(path);
    if (!text) return fail(text.error());
    auto rows = read_table(table, *text, path.string(), origin);
    if (!rows) return fail(rows.error());
    out.push_back(std::move(*rows));
  }
  if (auto whole = check_references(out, folder); !whole) return fail(whole.error());
  return out;
}

}  // namespace kneepoint::catalog
