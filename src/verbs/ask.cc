#include "verbs/ask.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace kneepoint::verbs {

/// An object of the ask, what was read of it, and where it lies.
struct Ask::Node {
  const json::Object* object;
  std::string path;  // "targets[0]."
  std::vector<std::string> read;
  std::vector<std::shared_ptr<Node>> below;
  std::shared_ptr<Shared> shared;

  void wrong(std::string_view name, const std::string& what) const {
    if (!shared->error) {
      shared->error = Error{ErrorCode::InvalidArgument, fmt::format("{}{}: {}", path, name, what)};
    }
  }
  /// The first member that nobody read.
  std::optional<Error> unknown() const {
    for (const auto& [key, value] : *object) {
      if (value.is_null()) continue;
      if (std::find(read.begin(), read.end(), key) != read.end()) continue;
      const std::string_view name = std::string_view(key).substr(0, 100);
      const auto close = nearest(name, read);
      return Error{ErrorCode::InvalidArgument,
                   fmt::format("{}{}: no such field{}", path, name,
                               close.empty() ? "" : "; did you mean " + join(close, ", ") + "?")};
    }
    for (const auto& node : below) {
      if (auto found = node->unknown()) return found;
    }
    return std::nullopt;
  }
};

namespace {

const json::Object kEmpty;

std::optional<double> number_of(const json::Value& value) {
  if (value.is_int64()) return static_cast<double>(value.get_int64());
  if (value.is_uint64()) return static_cast<double>(value.get_uint64());
  if (value.is_double()) return value.get_double();
  if (value.is_string()) return parse_number(std::string_view(value.get_string()));
  return std::nullopt;
}

std::string range(double least, double most) {
  return fmt::format("from {} to {}", shortest(least), shortest(most));
}

}  // namespace

Ask::Ask(const json::Object& object)
    : node_(std::make_shared<Node>(Node{&object, "", {}, {}, std::make_shared<Shared>()})) {}

const json::Value* Ask::find(std::string_view name) {
  if (std::find(node_->read.begin(), node_->read.end(), name) == node_->read.end()) {
    node_->read.emplace_back(name);
  }
  const json::Value* value = node_->object->if_contains(name);
  if (value == nullptr || value->is_null()) return nullptr;
  if (value->is_string() && value->get_string().empty()) return nullptr;
  return value;
}

const json::Value* Ask::raw(std::string_view name) { return find(name); }

bool Ask::given(std::string_view name) const {
  const json::Value* value = node_->object->if_contains(name);
  return value != nullptr && !value->is_null() &&
         !(value->is_string() && value->get_string().empty());
}

void Ask::wrong(std::string_view name, const std::string& what) { node_->wrong(name, what); }

std::string Ask::text(std::string_view name, std::size_t longest) {
  const json::Value* value = find(name);
  if (value == nullptr) return {};
  if (!value->is_string()) {
    wrong(name, "expected text");
    return {};
  }
  if (value->get_string().size() > longest) {
    wrong(name, fmt::format("longer than {} bytes", longest));
    return {};
  }
  return std::string(value->get_string());
}

std::string Ask::required(std::string_view name, std::size_t longest) {
  if (!given(name)) wrong(name, "is required");
  return text(name, longest);
}

std::string Ask::word(std::string_view name, std::span<const std::string_view> words) {
  const std::string said = text(name);
  if (said.empty()) return std::string(words.front());
  if (std::find(words.begin(), words.end(), said) == words.end()) {
    wrong(name, fmt::format("'{}' is none of {}", said.substr(0, 80), fmt::join(words, ", ")));
    return std::string(words.front());
  }
  return said;
}

std::optional<double> Ask::number(std::string_view name, double least, double most) {
  const json::Value* value = find(name);
  if (value == nullptr) return std::nullopt;
  const auto number = number_of(*value);
  if (!number || !(*number >= least) || !(*number <= most)) {
    wrong(name, "expected a number " + range(least, most));
    return std::nullopt;
  }
  return number;
}

std::optional<double> Ask::positive(std::string_view name, double most) {
  auto value = number(name, 0, most);
  if (value && *value == 0) value.reset();
  return value;
}

std::optional<int> Ask::whole(std::string_view name, int least, int most) {
  const json::Value* value = find(name);
  if (value == nullptr) return std::nullopt;
  const auto number = number_of(*value);
  if (number && *number == 0 && least > 0) return std::nullopt;
  if (!number || std::floor(*number) != *number || !(*number >= least) || !(*number <= most)) {
    wrong(name, fmt::format("expected a whole number from {} to {}", least, most));
    return std::nullopt;
  }
  return static_cast<int>(*number);
}

bool Ask::flag(std::string_view name, bool otherwise) {
  const json::Value* value = find(name);
  if (value == nullptr) return otherwise;
  if (value->is_bool()) return value->get_bool();
  if (value->is_string() && value->get_string() == "true") return true;
  if (value->is_string() && value->get_string() == "false") return false;
  wrong(name, "expected true or false");
  return otherwise;
}

std::vector<std::string> Ask::texts(std::string_view name, std::size_t most) {
  std::vector<std::string> out;
  const json::Value* value = find(name);
  if (value == nullptr) return out;
  if (value->is_string()) {
    for (const std::string_view part : split(std::string_view(value->get_string()), ',')) {
      out.emplace_back(part);
    }
  } else if (value->is_array()) {
    for (const json::Value& one : value->get_array()) {
      if (!one.is_string()) {
        wrong(fmt::format("{}[{}]", name, out.size()), "expected text");
        return {};
      }
      out.emplace_back(std::string_view(one.get_string()));
    }
  } else {
    wrong(name, "expected a list of texts");
  }
  if (out.size() > most) {
    wrong(name, fmt::format("more than {} of them", most));
    out.clear();
  }
  return out;
}

std::vector<double> Ask::numbers(std::string_view name, double least, double most) {
  constexpr std::size_t kMost = 200;
  std::vector<double> out;
  const json::Value* value = find(name);
  if (value == nullptr) return out;
  const auto take = [&](const std::optional<double>& number) {
    if (!number || !(*number >= least) || !(*number <= most)) {
      wrong(fmt::format("{}[{}]", name, out.size()), "expected a number " + range(least, most));
    }
    out.push_back(number.value_or(least));
  };
  if (value->is_array()) {
    if (value->get_array().size() > kMost) {
      wrong(name, fmt::format("more than {} of them", kMost));
      return out;
    }
    for (const json::Value& one : value->get_array()) take(number_of(one));
  } else {
    take(number_of(*value));
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::vector<int> Ask::wholes(std::string_view name, int least, int most) {
  std::vector<int> out;
  for (const double value : numbers(name, least, most)) {
    if (std::floor(value) != value) {
      wrong(name, "expected whole numbers");
      break;
    }
    out.push_back(static_cast<int>(value));
  }
  return out;
}

Ask Ask::object(std::string_view name) {
  const json::Value* value = find(name);
  if (value != nullptr && !value->is_object()) wrong(name, "expected an object");
  const bool there = value != nullptr && value->is_object();
  node_->below.push_back(std::make_shared<Node>(Node{there ? &value->get_object() : &kEmpty,
                                                     fmt::format("{}{}.", node_->path, name),
                                                     {},
                                                     {},
                                                     node_->shared}));
  return Ask(node_->below.back());
}

std::vector<Ask> Ask::objects(std::string_view name, std::size_t most) {
  std::vector<Ask> out;
  const json::Value* value = find(name);
  if (value == nullptr) return out;
  if (!value->is_array()) {
    wrong(name, "expected a list of objects");
    return out;
  }
  if (value->get_array().size() > most) {
    wrong(name, fmt::format("more than {} of them", most));
    return out;
  }
  for (const json::Value& one : value->get_array()) {
    const std::string place = fmt::format("{}[{}]", name, out.size());
    if (!one.is_object()) wrong(place, "expected an object");
    node_->below.push_back(
        std::make_shared<Node>(Node{one.is_object() ? &one.get_object() : &kEmpty,
                                    fmt::format("{}{}.", node_->path, place),
                                    {},
                                    {},
                                    node_->shared}));
    out.push_back(Ask(node_->below.back()));
  }
  return out;
}

Result<void> Ask::done() {
  // A name that is misspelt is told before the field that is missing for it.
  if (auto unknown = node_->unknown()) return fail(std::move(*unknown));
  if (node_->shared->error) return fail(*node_->shared->error);
  return {};
}

}  // namespace kneepoint::verbs
