#include "importers/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "base/text.h"

namespace kneepoint::importers {
namespace {

constexpr int kDeepest = 64;
constexpr std::size_t kMostText = std::size_t{64} << 20;

tl::unexpected<Error> wrong(const YAML::Mark& mark, std::string_view what) {
  return fail(ErrorCode::InvalidArgument, fmt::format("not YAML we read: {} at line {}, column {}",
                                                      what, mark.line + 1, mark.column + 1));
}

json::Value scalar(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (node.Tag() == "!" || node.Tag() == "tag:yaml.org,2002:str") return json::Value(text);
  const std::string word = lower(text);
  if (word.empty() || word == "~" || word == "null") return nullptr;
  if (word == "true") return true;
  if (word == "false") return false;
  for (const std::string_view no_number : {".nan", ".inf", "-.inf", "+.inf"}) {
    if (word == no_number) return nullptr;
  }
  if (const auto integer = parse_integer(text)) return std::int64_t{*integer};
  if (const auto number = parse_number(text)) return *number;
  return json::Value(text);
}

/// The library resolves an alias to the node it names, so a short file can stand for a huge
/// document; values are counted as they are copied out. Without aliases each takes a byte of the
/// file at least.
class Copy {
 public:
  explicit Copy(std::size_t bytes) : most_values_(1000 + 4 * bytes) {}

  Result<json::Value> value(const YAML::Node& node, int depth) {
    if (depth > kDeepest) return wrong(node.Mark(), "nested too deeply");
    if (++values_ > most_values_) return wrong(node.Mark(), "too many values");
    switch (node.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null:
        return nullptr;
      case YAML::NodeType::Scalar:
        text_ += node.Scalar().size();
        if (text_ > kMostText) return wrong(node.Mark(), "too much text");
        return scalar(node);
      case YAML::NodeType::Sequence: {
        json::Array out;
        for (const auto& item : node) {
          auto copied = value(item, depth + 1);
          if (!copied) return copied;
          out.push_back(std::move(*copied));
        }
        return out;
      }
      case YAML::NodeType::Map: {
        json::Object out;
        for (const auto& member : node) {
          if (!member.first.IsScalar()) return wrong(member.first.Mark(), "a key must be a text");
          auto copied = value(member.second, depth + 1);
          if (!copied) return copied;
          const std::string& key = member.first.Scalar();
          text_ += key.size();
          if (text_ > kMostText) return wrong(node.Mark(), "too much text");
          if (!out.emplace(key, std::move(*copied)).second) {
            return wrong(member.first.Mark(), "key '" + key + "' stands there twice");
          }
        }
        return out;
      }
    }
    return nullptr;
  }

 private:
  std::size_t most_values_;
  std::size_t values_ = 0, text_ = 0;
};

/// Its parser descends by recursion and has no bound of its own on some paths.
bool too_deep(std::string_view text) {
  int depth = 0;
  for (const char c : text) {
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    if (depth > 10 * kDeepest) return true;
  }
  // "- - - -" and "? ? ?" open a level with each mark.
  std::size_t run = 0;
  for (const char c : text) {
    if (c == '-' || c == '?' || c == ':' || c == '!') {
      if (++run > 10 * kDeepest) return true;
    } else if (c != ' ') {
      run = 0;
    }
  }
  return false;
}

}  // namespace

Result<json::Value> parse_yaml(std::string_view text) {
  if (too_deep(text)) {
    return fail(ErrorCode::InvalidArgument, "not YAML we read: nested too deeply");
  }
  try {
    const YAML::Node node = YAML::Load(std::string(text));
    return Copy(text.size()).value(node, 0);
  } catch (const YAML::Exception& error) {
    return wrong(error.mark, error.msg);
  }
}

}  // namespace kneepoint::importers
