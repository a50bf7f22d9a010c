#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"

/// What clients send, in the one form verbs read. Existing clients mix lowerCamel and snake_case in
/// one body, send null and "" for "not set", int64 as text, and query parameters of their
/// platform's own.
namespace kneepoint::verbs {

/// What a verb may be asked at most; past it the ask is refused.
inline constexpr std::size_t kLongestQueryParameter = 4096;
inline constexpr std::size_t kMostQueryParameters = 100;
inline constexpr std::size_t kLongestName = 128;

/// Members that hold documents of others: a model's config.json, a file, a run's spec.
inline constexpr std::string_view kOpaqueMembers[] = {"config", "content", "spec"};

/// "target_ttft_milliseconds" and "targetTtftMilliseconds" are one name.
std::string lower_camel(std::string_view name);

/// Members sorted by their lowerCamel name, nulls and empty strings left out. What lies below a
/// member named in `opaque` is somebody else's document and stays as it was given. InvalidArgument:
/// no object, or two spellings of one name with different values.
Result<json::Object> canonical(json::Value body, std::span<const std::string_view> opaque = {});

/// Parameters of a query or path, decoded, put over `body`: a name given twice becomes a list, a
/// dotted one ("performanceRequirements.targetNtpotMilliseconds") a member of a member. Parameters
/// of the platform (alt, $alt, key, fields, prettyPrint, quotaUser, access_token ...) are passed
/// over.
Result<json::Object> with_parameters(
    const std::vector<std::pair<std::string, std::string>>& parameters, json::Object body = {});

/// Reads one object of a canonical ask, member by member. The first thing wrong is kept, with the
/// path of the field, and end() tells it; until then every reader answers as if the field were not
/// there. So a verb reads all it wants and asks once.
class Reader {
 public:
  explicit Reader(const json::Object& ask);

  bool has(std::string_view name) const { return object_ != nullptr && object_->contains(name); }
  /// What is missing is the empty text; texts are at most `longest` bytes, without control
  /// characters (line breaks included).
  std::string text(std::string_view name, std::size_t longest = 1024);
  /// The same, and missing is an error.
  std::string required_text(std::string_view name, std::size_t longest = 1024);
  std::vector<std::string> texts(std::string_view name, std::size_t most = 100);
  /// Numbers may come as text.
  std::optional<std::int64_t> integer(std::string_view name, std::int64_t least, std::int64_t most);
  std::optional<double> number(std::string_view name, double least, double most);
  bool flag(std::string_view name, bool otherwise = false);
  /// The text as one of `words`, matched exactly; the error lists them. Missing: nothing.
  std::optional<std::string> word(std::string_view name, std::span<const std::string_view> words);
  Reader message(std::string_view name);
  std::vector<Reader> messages(std::string_view name, std::size_t most = 1000);
  /// A document of its own, as it is; null when missing.
  json::Value any(std::string_view name);

  /// Something is wrong with `name` that only the verb can know.
  void refuse(std::string_view name, std::string sentence);
  /// "performanceRequirements.targetCost", empty at the top.
  std::string path(std::string_view name) const;

  /// What was wrong first, or a member nobody asked for: its name and the nearest known one.
  Result<void> end() const;

 private:
  struct Seen;  // of one object
  struct Shared {
    std::optional<Error> first;
    std::vector<std::shared_ptr<Seen>> objects;
  };
  Reader(const json::Object* object, std::string path, std::shared_ptr<Shared> shared);
  const json::Value* take(std::string_view name);
  static std::string as_text(const json::Value& value);

  const json::Object* object_;  // null: a message that is not there
  std::string path_;
  std::shared_ptr<Shared> shared_;
  std::shared_ptr<Seen> seen_;
};

}  // namespace kneepoint::verbs
