#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/flags_serve.h"

namespace kneepoint::cli {
namespace {

namespace fs = std::filesystem;

/// Beside this program in a build, in a folder of its own where it is installed.
constexpr std::array kPlaces{"kneepoint-serve", "../libexec/kneepoint/kneepoint-serve",
                             "../lib/kneepoint/kneepoint-serve"};

Result<fs::path> server_program(const fs::path& program) {
  for (const char* place : kPlaces) {
    const fs::path at = program.parent_path() / place;
    if (::access(at.c_str(), X_OK) == 0) return at;
  }
  return fail(ErrorCode::NotFound,
              fmt::format("the server is a program of its own and not installed: no "
                          "kneepoint-serve beside {} or in ../lib/kneepoint. Build it with: cmake "
                          "--build --preset release --target kneepoint-serve",
                          program.string()));
}

/// What was typed, as it is, without the flags that mean nothing to a server.
std::vector<std::string> handed_on(const Parsed& args) {
  const auto meant = [](std::string_view word) {
    const auto name = word.substr(0, word.find('='));
    if (name == "--store" || name == "--catalog") return true;
    return std::ranges::any_of(kServeFlags, [&](const Flag& flag) { return flag.name == name; });
  };
  std::vector<std::string> words;
  for (const std::string& word : args.arguments()) {
    if (meant(word) && !word.ends_with("=false")) words.push_back(word);
  }
  return words;
}

}  // namespace

Result<void> serve(Run& run) {
  const auto program = server_program(run.program());
  if (!program) return fail(program.error());
  std::vector<std::string> words = handed_on(run.args());
  words.insert(words.begin(), program->string());
  std::vector<char*> raw;
  for (std::string& word : words) raw.push_back(word.data());
  raw.push_back(nullptr);
  ::execv(program->c_str(), raw.data());
  return fail(ErrorCode::Unavailable,
              fmt::format("start {}: {}", program->string(), std::strerror(errno)));
}

}  // namespace kneepoint::cli
