#pragma once

#include <filesystem>
#include <string>

#include "app/session.h"
#include "base/json.h"

/// Rows the user adds to the catalog: they live as CSV in the user's folder, are checked before
/// anything is written, and replace rows of the same key.
namespace kneepoint::app {

struct Added {
  std::size_t added = 0, replaced = 0;
  std::filesystem::path file;
};

/// Every row of `file` (columns of prices.csv) or none.
Result<Added> import_prices(const Settings& settings, const std::filesystem::path& file);

/// The same of text that is in memory, named so in errors.
Result<Added> import_prices_text(const Settings& settings, const std::string& text,
                                 const std::string& name);

/// A model from its config.json; `id` empty: the name in the file.
struct AddedModel {
  std::string id;
  bool complete = false;  // sizes are known
  std::filesystem::path file;
  bool replaced = false;
};
Result<AddedModel> add_model(const Settings& settings, const std::filesystem::path& config,
                             const std::string& id);
/// The same of a document; `name` says in errors and as its source where it is from.
Result<AddedModel> add_model_from(const Settings& settings, const json::Value& config,
                                  const std::string& name, const std::string& id);

}  // namespace kneepoint::app
