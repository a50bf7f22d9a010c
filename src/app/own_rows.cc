#include "app/own_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "base/file.h"
#include "base/json.h"
#include "catalog/config_json.h"
#include "catalog/csv.h"

namespace kneepoint::app {
namespace fs = std::filesystem;
namespace {

using catalog::CheckedRows;
using catalog::TableSchema;

std::string key_of(const TableSchema& schema, const std::vector<std::string>& row) {
  std::string key;
  for (const std::string_view name : schema.key) {
    for (std::size_t c = 0; c < schema.columns.size(); ++c) {
      if (schema.columns[c].name == name) key += row[c] + '\x1f';
    }
  }
  return key;
}

/// Merges new rows into the user's file of a table, written whole or not at all.
Result<Added> merge(const Settings& settings, const TableSchema& schema,
                    const std::vector<std::vector<std::string>>& rows) {
  if (settings.user_folder.empty()) {
    return fail(ErrorCode::InvalidArgument, "no folder for rows of your own: set HOME");
  }
  // Threads of a server write one after another; a reader sees the file before or after.
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  Added out;
  out.file = settings.user_folder / (std::string(schema.name) + ".csv");
  std::vector<std::vector<std::string>> all;
  std::error_code error;
  if (fs::exists(out.file, error)) {
    const auto text = read_file(out.file);
    if (!text) return fail(text.error());
    auto own = catalog::read_table(schema, *text, out.file.string(), catalog::Origin::User);
    if (!own) return fail(own.error());
    all = std::move(own->rows);
  }
  for (const auto& row : rows) {
    const std::string key = key_of(schema, row);
    const auto before = all.size();
    std::erase_if(all, [&](const auto& old) { return key_of(schema, old) == key; });
    ++(all.size() < before ? out.replaced : out.added);
    all.push_back(row);
  }
  std::vector<std::string> header;
  for (const auto& column : schema.columns) header.emplace_back(column.name);
  std::string text = catalog::csv_line(header);
  for (const auto& row : all) text += catalog::csv_line(row);
  fs::create_directories(settings.user_folder, error);
  if (error) {
    return fail(
        ErrorCode::Unavailable,
        fmt::format("cannot create {}: {}", settings.user_folder.string(), error.message()));
  }
  if (auto done = write_file(out.file, text); !done) return fail(done.error());
  return out;
}

}  // namespace

Result<Added> import_prices(const Settings& settings, const fs::path& file) {
  const auto text = read_file(file);
  if (!text) return fail(text.error());
  return import_prices_text(settings, *text, file.string());
}

Result<Added> import_prices_text(const Settings& settings, const std::string& text,
                                 const std::string& name) {
  const TableSchema& schema = *catalog::schema("prices");
  const auto rows = catalog::read_table(schema, text, name, catalog::Origin::User);
  if (!rows) return fail(rows.error());
  if (rows->rows.empty()) {
    return fail(ErrorCode::InvalidArgument, name + ": no price rows below the header");
  }
  return merge(settings, schema, rows->rows);
}

Result<AddedModel> add_model(const Settings& settings, const fs::path& config,
                             const std::string& id) {
  const auto text = read_file(config);
  if (!text) return fail(text.error());
  const auto value = json::parse(*text);
  if (!value) return fail(Error(value.error()).during(config.string()));
  return add_model_from(settings, *value, config.string(), id);
}

Result<AddedModel> add_model_from(const Settings& settings, const json::Value& config,
                                  const std::string& from, const std::string& id) {
  std::string name = id;
  if (name.empty() && config.is_object()) {
    const json::Value* stated = config.get_object().if_contains("_name_or_path");
    if (stated != nullptr && stated->is_string()) name = std::string(stated->get_string());
  }
  if (name.empty()) {
    return fail(ErrorCode::InvalidArgument,
                from + " does not name the model: add --model=OWNER/NAME");
  }
  constexpr std::string_view kNameLetters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./";
  const auto slash = name.find('/');
  const bool two_parts = slash == std::string::npos ||
                         (slash > 0 && slash + 1 < name.size() && slash == name.rfind('/'));
  if (name.find_first_not_of(kNameLetters) != std::string::npos || name.size() > 200 ||
      !two_parts || name.front() == '.') {
    return fail(ErrorCode::InvalidArgument,
                "a model is named OWNER/NAME with letters, digits, '-', '_' and '.'");
  }
  auto model = catalog::model_from_config(config, name);
  if (!model) return fail(std::move(model).error().during(from));
  model->from.source = "user: " + fs::path(from).filename().string();
  const auto merged = merge(settings, *catalog::schema("models"), {catalog::to_row(*model)});
  if (!merged) return fail(merged.error());
  return AddedModel{name, model->complete, merged->file, merged->replaced > 0};
}

}  // namespace kneepoint::app
