#include "verbs/canonical.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"

namespace kneepoint::verbs {
namespace {

using json::Array;
using json::Object;
using json::Value;

/// Parameters every Google API takes and ours has no use for.
constexpr std::array<std::string_view, 16> kPlatformParameters{
    "$.xgafv",     "$alt",      "$prettyPrint", "access_token",   "alt",        "bearer_token",
    "callback",    "fields",    "key",          "oauth_token",    "passphrase", "pp",
    "prettyPrint", "quotaUser", "uploadType",   "upload_protocol"};

bool is_platform_parameter(std::string_view name) {
  return std::find(kPlatformParameters.begin(), kPlatformParameters.end(), name) !=
         kPlatformParameters.end();
}

bool means_nothing(const Value& value) {
  return value.is_null() || (value.is_string() && value.get_string().empty());
}

Result<Value> canonical_value(Value from, std::span<const std::string_view> opaque);

Result<Object> canonical_object(Object from, std::span<const std::string_view> opaque) {
  std::vector<std::pair<std::string, Value>> members;
  members.reserve(from.size());
  for (auto& [key, value] : from) {
    if (means_nothing(value)) continue;
    if (key.size() > kLongestName) {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("a field's name has {} characters; names have at most {}", key.size(),
                              kLongestName));
    }
    std::string name = lower_camel(key);
    const bool as_given = std::find(opaque.begin(), opaque.end(), name) != opaque.end();
    auto inner =
        as_given ? Result<Value>(std::move(value)) : canonical_value(std::move(value), opaque);
    if (!inner) return fail(std::move(inner).error());
    members.emplace_back(std::move(name), std::move(*inner));
  }
  std::sort(members.begin(), members.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  Object out;
  out.reserve(members.size());
  for (auto& [name, value] : members) {
    const auto [at, fresh] = out.emplace(name, std::move(value));
    if (!fresh && at->value() != value) {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("'{}' is given twice, with two values", name));
    }
  }
  return out;
}

Result<Value> canonical_value(Value from, std::span<const std::string_view> opaque) {
  if (from.is_object()) {
    auto out = canonical_object(std::move(from.get_object()), opaque);
    if (!out) return fail(std::move(out).error());
    return Value(std::move(*out));
  }
  if (from.is_array()) {
    for (Value& item : from.get_array()) {
      auto out = canonical_value(std::move(item), opaque);
      if (!out) return fail(std::move(out).error());
      item = std::move(*out);
    }
  }
  return from;
}

/// One parameter put into its place; members on the way are made.
Result<void> place(Object& into, std::string_view name, const std::string& value) {
  const auto dot = name.find('.');
  const std::string key = lower_camel(name.substr(0, dot));
  if (dot != std::string_view::npos) {
    Value& inner = into[key];
    if (inner.is_null()) inner = Object();
    if (!inner.is_object() || std::count(name.begin(), name.end(), '.') > 8) {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("query parameter '{}' names no field", name.substr(0, kLongestName)));
    }
    return place(inner.get_object(), name.substr(dot + 1), value);
  }
  if (value.empty()) return {};
  Value* known = into.if_contains(key);
  if (known == nullptr) {
    into.emplace(key, value);
  } else if (known->is_array()) {
    known->get_array().emplace_back(value);
  } else if (known->is_object()) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("query parameter '{}' is a message, not a value", key));
  } else {
    Array both{std::move(*known), Value(value)};
    *known = std::move(both);
  }
  return {};
}

}  // namespace

std::string lower_camel(std::string_view name) {
  std::string out;
  out.reserve(name.size());
  bool raise = false;
  for (const char c : name) {
    if (c == '_' && !out.empty()) {
      raise = true;
      continue;
    }
    out += raise && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    raise = false;
  }
  return out;
}

Result<Object> canonical(Value body, std::span<const std::string_view> opaque) {
  if (body.is_null()) return Object();
  if (!body.is_object()) {
    return fail(ErrorCode::InvalidArgument, "the body must be a JSON object: {\"field\": ...}");
  }
  return canonical_object(std::move(body.get_object()), opaque);
}

Result<Object> with_parameters(const std::vector<std::pair<std::string, std::string>>& parameters,
                               Object body) {
  if (parameters.size() > kMostQueryParameters) {
    return fail(ErrorCode::InvalidArgument, fmt::format("{} query parameters; at most {} are read",
                                                        parameters.size(), kMostQueryParameters));
  }
  Object from_query;
  for (const auto& [name, value] : parameters) {
    if (is_platform_parameter(name)) continue;
    if (name.size() > kLongestName || value.size() > kLongestQueryParameter) {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("query parameter '{}' is longer than {} bytes",
                              name.substr(0, kLongestName), kLongestQueryParameter));
    }
    if (auto placed = place(from_query, name, value); !placed) return fail(placed.error());
  }
  if (from_query.empty()) return body;
  for (auto& [name, value] : from_query) body.insert_or_assign(name, std::move(value));
  return canonical_object(std::move(body), {});
}

struct Reader::Seen {
  const Object* object;
  std::string path;
  std::vector<std::string> names;  // that were asked for
};

Reader::Reader(const Object& ask) : Reader(&ask, "", std::make_shared<Shared>()) {}

Reader::Reader(const Object* object, std::string path, std::shared_ptr<Shared> shared)
    : object_(object), path_(std::move(path)), shared_(std::move(shared)) {
  if (object_ == nullptr) return;
  // Two readers of one object have read it together.
  for (const auto& known : shared_->objects) {
    if (known->object == object_) seen_ = known;
  }
  if (seen_ != nullptr) return;
  seen_ = std::make_shared<Seen>(Seen{object_, path_, {}});
  shared_->objects.push_back(seen_);
}

std::string Reader::path(std::string_view name) const {
  return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
}

void Reader::refuse(std::string_view name, std::string sentence) {
  if (shared_->first) return;
  shared_->first = Error{ErrorCode::InvalidArgument,
                         fmt::format("{}: {}", name.empty() ? path_ : path(name), sentence)};
}

const Value* Reader::take(std::string_view name) {
  if (object_ == nullptr) return nullptr;
  seen_->names.emplace_back(name);
  return object_->if_contains(name);
}

std::string Reader::as_text(const Value& value) {
  const std::string line = json::to_line(value);
  return line.size() <= 80 ? line : line.substr(0, 77) + "...";
}

std::string Reader::text(std::string_view name, std::size_t longest) {
  const Value* value = take(name);
  if (value == nullptr) return {};
  if (!value->is_string()) {
    refuse(name, "must be a text, not " + as_text(*value));
    return {};
  }
  const std::string_view text = value->get_string();
  if (text.size() > longest) {
    refuse(name, fmt::format("has {} bytes; at most {} are read", text.size(), longest));
    return {};
  }
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      refuse(name, "holds a control character");
      return {};
    }
  }
  return std::string(text);
}

std::string Reader::required_text(std::string_view name, std::size_t longest) {
  std::string out = text(name, longest);
  if (out.empty()) refuse(name, "is required");
  return out;
}

std::vector<std::string> Reader::texts(std::string_view name, std::size_t most) {
  const Value* value = take(name);
  if (value == nullptr) return {};
  if (value->is_string()) return {std::string(value->get_string())};
  std::vector<std::string> out;
  if (!value->is_array()) {
    refuse(name, "must be a list of texts, not " + as_text(*value));
    return out;
  }
  if (value->get_array().size() > most) {
    refuse(name,
           fmt::format("has {} entries; at most {} are read", value->get_array().size(), most));
    return out;
  }
  for (const Value& item : value->get_array()) {
    if (!item.is_string() || item.get_string().size() > 1024) {
      refuse(name, "must be a list of texts, not of " + as_text(item));
      return {};
    }
    out.emplace_back(item.get_string());
  }
  return out;
}

std::optional<std::int64_t> Reader::integer(std::string_view name, std::int64_t least,
                                            std::int64_t most) {
  const Value* value = take(name);
  if (value == nullptr) return {};
  std::optional<std::int64_t> out;
  if (value->is_int64()) {
    out = value->get_int64();
  } else if (value->is_double()) {
    const double number = value->get_double();
    if (std::abs(number) < 9e15 && number == std::floor(number)) {
      out = static_cast<std::int64_t>(number);
    }
  } else if (value->is_string()) {
    if (const auto number = parse_integer(value->get_string())) out = *number;
  }
  if (!out) {
    refuse(name, "must be a whole number, not " + as_text(*value));
    return {};
  }
  if (*out < least || *out > most) {
    refuse(name, fmt::format("must lie between {} and {}, not {}", least, most, *out));
    return {};
  }
  return out;
}

std::optional<double> Reader::number(std::string_view name, double least, double most) {
  const Value* value = take(name);
  if (value == nullptr) return {};
  std::optional<double> out;
  if (value->is_int64()) {
    out = static_cast<double>(value->get_int64());
  } else if (value->is_uint64()) {
    out = static_cast<double>(value->get_uint64());
  } else if (value->is_double()) {
    out = value->get_double();
  } else if (value->is_string()) {
    out = parse_number(value->get_string());
  }
  if (!out || !std::isfinite(*out)) {
    refuse(name, "must be a number, not " + as_text(*value));
    return {};
  }
  if (*out < least || *out > most) {
    refuse(name, fmt::format("must lie between {} and {}, not {}", shortest(least), shortest(most),
                             shortest(*out)));
    return {};
  }
  return out;
}

bool Reader::flag(std::string_view name, bool otherwise) {
  const Value* value = take(name);
  if (value == nullptr) return otherwise;
  if (value->is_bool()) return value->get_bool();
  if (value->is_string() && value->get_string() == "true") return true;
  if (value->is_string() && value->get_string() == "false") return false;
  refuse(name, "must be true or false, not " + as_text(*value));
  return otherwise;
}

std::optional<std::string> Reader::word(std::string_view name,
                                        std::span<const std::string_view> words) {
  if (!has(name)) {
    take(name);
    return {};
  }
  std::string out = text(name);
  if (std::find(words.begin(), words.end(), out) != words.end()) return out;
  refuse(name, fmt::format("'{}' is none of {}", out.substr(0, 80), fmt::join(words, ", ")));
  return {};
}

Reader Reader::message(std::string_view name) {
  const Value* value = take(name);
  if (value == nullptr) return {nullptr, path(name), shared_};
  if (!value->is_object()) {
    refuse(name, "must be an object, not " + as_text(*value));
    return {nullptr, path(name), shared_};
  }
  return {&value->get_object(), path(name), shared_};
}

std::vector<Reader> Reader::messages(std::string_view name, std::size_t most) {
  const Value* value = take(name);
  std::vector<Reader> out;
  if (value == nullptr) return out;
  if (!value->is_array() || value->get_array().size() > most) {
    refuse(name, fmt::format("must be a list of at most {} objects", most));
    return out;
  }
  for (const Value& item : value->get_array()) {
    const std::string at = fmt::format("{}[{}]", path(name), out.size());
    if (!item.is_object()) {
      refuse(name, "must be a list of objects, not of " + as_text(item));
      return {};
    }
    out.push_back(Reader(&item.get_object(), at, shared_));
  }
  return out;
}

Value Reader::any(std::string_view name) {
  const Value* value = take(name);
  return value == nullptr ? Value() : *value;
}

Result<void> Reader::end() const {
  if (shared_->first) return fail(*shared_->first);
  for (const auto& seen : shared_->objects) {
    for (const auto& member : *seen->object) {
      const std::string_view name = member.key();
      if (std::find(seen->names.begin(), seen->names.end(), name) != seen->names.end()) continue;
      std::vector<std::string> known = seen->names;
      std::sort(known.begin(), known.end());
      const auto close = nearest(name, known, 1);
      std::string there = fmt::format("{}{}{}", seen->path, seen->path.empty() ? "" : ".", name);
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("{}: unknown field; {}", there,
                              close.empty()   ? "there are " + join(known, ", ")
                              : known.empty() ? "nothing is asked for here"
                                              : "did you mean " + close.front() + "?"));
    }
  }
  return {};
}

}  // namespace kneepoint::verbs
