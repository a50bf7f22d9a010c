#include "run/secrets.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"

namespace kneepoint::run {
namespace {

/// "hfToken", "X-Api-Key", "hf_token" as their words in small letters.
std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words(1);
  bool was_small = false;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool capital = std::isupper(byte) != 0;
    if (std::isalnum(byte) == 0 || (capital && was_small)) {
      if (!words.back().empty()) words.emplace_back();
    }
    if (std::isalnum(byte) != 0) words.back() += static_cast<char>(std::tolower(byte));
    was_small = std::islower(byte) != 0;
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

bool names_a_secret(std::string_view name) {
  static constexpr std::array kAlways{"authorization", "password", "passwd",     "passphrase",
                                      "secret",        "secrets",  "credential", "credentials",
                                      "cookie",        "apikey",   "bearer"};
  static constexpr std::array kWhere{"file", "path", "env", "variable"};
  const std::vector<std::string> words = words_of(name);
  if (words.empty()) return false;
  // "api_key_env" says where it is to be had, which is no secret.
  if (std::find(kWhere.begin(), kWhere.end(), words.back()) != kWhere.end()) return false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (std::find(kAlways.begin(), kAlways.end(), words[i]) != kAlways.end()) return true;
    if (words[i] == "key" && i > 0 && (words[i - 1] == "api" || words[i - 1] == "private")) {
      return true;
    }
  }
  // "input_tokens" and "token_ids" count what a model reads; "hf_token" opens a door.
  return words.back() == "token";
}

/// A figure under "token" is a count or an id, a truth value says whether there is one.
bool holds_something(const json::Value& value) {
  if (value.is_string()) return !value.get_string().empty();
  if (value.is_array()) {
    return std::any_of(value.get_array().begin(), value.get_array().end(), holds_something);
  }
  if (value.is_object()) {
    return std::any_of(value.get_object().begin(), value.get_object().end(),
                       [](const auto& member) { return holds_something(member.value()); });
  }
  return false;
}

bool has_user_in_address(std::string_view text) {
  const std::size_t start = text.find("://");
  if (start == std::string_view::npos) return false;
  const std::string_view after = text.substr(start + 3);
  const std::string_view authority = after.substr(0, after.find_first_of("/?# \"'"));
  return authority.find('@') != std::string_view::npos;
}

Result<void> found(const std::string& place, const char* what) {
  return fail(ErrorCode::InvalidArgument,
              fmt::format("{} {}; credentials are not kept in a run: leave it out, it is read from "
                          "the environment or its file again",
                          place, what));
}

Result<void> look(const json::Value& value, const std::string& place, int depth) {
  if (depth > 64) return fail(ErrorCode::InvalidArgument, place + " lies too deep");
  if (value.is_string()) {
    const std::string_view text = value.get_string();
    if (lower(text.substr(0, 7)) == "bearer ") return found(place, "is a bearer token");
    if (has_user_in_address(text)) return found(place, "has a user or password in its address");
    return {};
  }
  if (value.is_array()) {
    const json::Array& array = value.get_array();
    if (array.size() == 2 && array[0].is_string() && names_a_secret(array[0].get_string()) &&
        holds_something(array[1])) {
      return found(place, "is a field for a credential and is not empty");
    }
    for (std::size_t i = 0; i < array.size(); ++i) {
      if (auto ok = look(array[i], fmt::format("{}[{}]", place, i), depth + 1); !ok) return ok;
    }
    return {};
  }
  if (!value.is_object()) return {};
  const json::Object& object = value.get_object();
  const json::Value* name = object.if_contains("name");
  const json::Value* content = object.if_contains("value");
  if (name != nullptr && content != nullptr && name->is_string() &&
      names_a_secret(name->get_string()) && holds_something(*content)) {
    return found(place, "is a field for a credential and is not empty");
  }
  for (const auto& member : object) {
    const std::string here =
        place.empty() ? std::string(member.key()) : fmt::format("{}.{}", place, member.key());
    if (names_a_secret(member.key()) && holds_something(member.value())) {
      return found(here, "is the name of a credential and is not empty");
    }
    if (auto ok = look(member.value(), here, depth + 1); !ok) return ok;
  }
  return {};
}

}  // namespace

Result<void> refuse_secrets(const json::Value& document) { return look(document, "", 0); }

}  // namespace kneepoint::run
