#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "profile/json.h"
#include "store/driver.h"
#include "store/store.h"

/// What the store's tests share.
namespace kneepoint::store {

inline OpenOptions options() { return {.driver_folder = KP_BINARY_DIR}; }
inline OpenOptions reading() { return {.read_only = true, .driver_folder = KP_BINARY_DIR}; }

class TempFolder {
 public:
  TempFolder() {
    std::string name = std::filesystem::temp_directory_path() / "kp_store_test.XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  std::filesystem::path operator/(const char* name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}
inline void must(const Result<void>& result) {
  if (!result) throw std::runtime_error(result.error().message);
}

template <class T>
Error error_of(const Result<T>& result) {
  if (!result) return result.error();
  ADD_FAILURE() << "went well, but must not";
  return {ErrorCode::Internal, ""};
}

/// All of a profile as one text, so that profiles compare and a difference can be read.
inline std::string text_of(const profile::Profile& profile) {
  return profile.layer + " " + json::to_line(profile::to_json(profile));
}
inline std::vector<std::string> texts_of(const std::vector<profile::Profile>& profiles) {
  std::vector<std::string> texts;
  for (const profile::Profile& profile : profiles) texts.push_back(text_of(profile));
  return texts;
}
inline std::vector<std::string> ids_of(const std::vector<profile::Profile>& profiles) {
  std::vector<std::string> ids;
  for (const profile::Profile& profile : profiles) ids.push_back(profile.id);
  return ids;
}

inline LayerState layer(std::string name, int rank = 1) {
  return {.name = std::move(name), .hash = "hash", .origin = "origin", .rank = rank};
}
inline Result<void> replace(Store& store, const LayerState& to,
                            const std::vector<profile::Profile>& profiles) {
  std::size_t at = 0;
  return store.replace_layer(to, [&]() -> Result<std::optional<profile::Profile>> {
    if (at == profiles.size()) return std::nullopt;
    return profiles[at++];
  });
}

/// Runs `body` in a process of its own, which must be forked before this one opens a database.
/// What it throws or returns comes back as text.
inline std::string in_child(const std::function<std::string()>& body) {
  int ends[2];
  if (::pipe(ends) != 0) return "no pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    std::string said;
    try {
      said = body();
    } catch (const std::exception& e) {
      said = std::string("threw: ") + e.what();
    }
    const auto written = ::write(ends[1], said.data(), said.size());
    ::_exit(written < 0);
  }
  ::close(ends[1]);
  std::string said;
  char buffer[4096];
  for (ssize_t got; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;)
    said.append(buffer, static_cast<std::size_t>(got));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return status == 0 ? said : "the child died: " + said;
}

}  // namespace kneepoint::store
