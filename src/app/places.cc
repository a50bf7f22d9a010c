#include "app/places.h"

#include <chrono>

#include "base/text.h"

namespace kneepoint::app {
namespace fs = std::filesystem;
namespace {

/// A variable's folder, or one below HOME.
fs::path user_folder(const Variables& variable, std::string_view name, const char* below) {
  const auto set = variable(name);
  if (!set.empty()) return fs::path(set) / "kneepoint";
  const auto home = variable("HOME");
  return home.empty() ? fs::path() : fs::path(home) / below / "kneepoint";
}

/// The first folder that has the file: beside the program (a build), or in an installed tree.
fs::path first_with(const std::vector<fs::path>& folders, const char* file) {
  std::error_code error;
  for (const fs::path& folder : folders) {
    if (fs::exists(folder / file, error)) return folder;
  }
  return folders.front();
}

}  // namespace

Result<Date> today(const Variables& variable) {
  const auto fixed = variable("SOURCE_DATE_EPOCH");
  if (fixed.empty()) {
    return std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
  }
  const auto seconds = parse_integer(fixed);
  if (!seconds || *seconds < 0 || *seconds > 253402300799) {
    return fail(ErrorCode::InvalidArgument,
                "SOURCE_DATE_EPOCH must be a whole number of seconds since 1970");
  }
  return std::chrono::floor<std::chrono::days>(
      std::chrono::sys_seconds(std::chrono::seconds(*seconds)));
}

Result<Settings> find_settings(const fs::path& program, const Variables& variable,
                               std::string store) {
  Settings out;
  const fs::path here = program.parent_path();
  const auto catalog = variable("KNEEPOINT_CATALOG");
  out.shipped_catalog = catalog.empty()
                            ? first_with({here, here / "../share/kneepoint"}, "kneepoint.catalog") /
                                  "kneepoint.catalog"
                            : fs::path(catalog);
  out.driver_folder = first_with({here, here / "../lib/kneepoint"}, "kneepoint-store-sqlite.so");
  const fs::path config = user_folder(variable, "XDG_CONFIG_HOME", ".config");
  if (!config.empty()) out.user_folder = config / "catalog";
  const fs::path data = user_folder(variable, "XDG_DATA_HOME", ".local/share");
  if (!data.empty()) out.runs_folder = data / "runs";
  out.store = std::move(store);
  if (out.store.empty()) out.store = variable("KNEEPOINT_STORE");
  if (out.store.empty()) {
    if (data.empty()) {
      return fail(ErrorCode::InvalidArgument,
                  "no home folder to keep profiles in: set HOME, or name a file with --store");
    }
    out.store = (data / "kneepoint.db").string();
  }
  auto date = today(variable);
  if (!date) return fail(std::move(date).error());
  out.today = *date;
  return out;
}

}  // namespace kneepoint::app
