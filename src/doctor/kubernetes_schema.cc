#include "doctor/kubernetes_schema.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "base/text.h"

namespace kneepoint::doctor {
namespace {

using Base = KubernetesSchema::Base;

std::optional<Base> plain_base(std::string_view word) {
  static constexpr std::pair<std::string_view, Base> kBases[] = {
      {"str", Base::Text},          {"int", Base::Integer},         {"int32", Base::Integer},
      {"num", Base::Number},        {"bool", Base::Bool},           {"any", Base::Any},
      {"quantity", Base::Quantity}, {"intstr", Base::IntegerOrText}};
  for (const auto& [name, base] : kBases) {
    if (word == name) return base;
  }
  return std::nullopt;
}

/// The next word of a line, taken off its front.
std::string_view take_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(word.size());
  return word;
}

std::vector<std::string> words_of(std::string_view text, char between) {
  std::vector<std::string> out;
  for (;;) {
    const auto bar = text.find(between);
    out.emplace_back(text.substr(0, bar));
    if (bar == std::string_view::npos) return out;
    text.remove_prefix(bar + 1);
  }
}

/// False when the word is none that we know.
bool apply(KubernetesSchema::Field& field, std::string_view word) {
  if (word == "!") {
    field.required = true;
    return true;
  }
  const auto equals = word.find('=');
  if (equals == std::string_view::npos) return false;
  const std::string_view key = word.substr(0, equals), value = word.substr(equals + 1);
  if (key == "enum") {
    field.choices = words_of(value, '|');
    return true;
  }
  if (key == "keys") {
    field.keys = words_of(value, '+');
    return true;
  }
  const auto number = parse_number(value);
  if (!number) return false;
  const auto size = static_cast<std::size_t>(std::max(0.0, *number));
  if (key == "min")
    field.min = *number;
  else if (key == "max")
    field.max = *number;
  else if (key == "minlen")
    field.min_length = size;
  else if (key == "maxlen")
    field.max_length = size;
  else if (key == "minitems")
    field.min_items = size;
  else if (key == "maxitems")
    field.max_items = size;
  else
    return false;
  return true;
}

}  // namespace

const KubernetesSchema::Field* KubernetesSchema::Type::field(std::string_view field_name) const {
  const auto it = std::find_if(fields.begin(), fields.end(),
                               [&](const Field& f) { return f.name == field_name; });
  return it == fields.end() ? nullptr : &*it;
}

Result<KubernetesSchema> KubernetesSchema::parse(std::string_view text) {
  if (!text.starts_with("# kneepoint kubernetes schema 1")) {
    return fail(ErrorCode::Incompatible,
                "not a Kubernetes schema of this version: install the program again");
  }
  KubernetesSchema out;
  std::map<std::string, std::size_t, std::less<>> by_name;
  struct Later {
    std::size_t type, field;
    std::string name;
  };
  std::vector<Later> later;
  std::vector<std::pair<std::pair<std::string, std::string>, std::string>> kinds;
  std::size_t number = 0;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    ++number;
    if (line.empty() || line.front() == '#') continue;
    const bool is_field = line.front() == ' ';
    const std::string_view first = take_word(line);
    const auto broken = [&] {
      return fail(ErrorCode::Incompatible, "Kubernetes schema, line " + std::to_string(number) +
                                               ": not understood; install the program again");
    };
    if (!is_field) {
      if (first == "type") {
        const std::string name(take_word(line));
        by_name[name] = out.types_.size();
        out.types_.push_back({name, {}, false});
      } else if (first == "kind" || first == "old") {
        const std::string version(take_word(line)), kind(take_word(line)), what(take_word(line));
        if (what.empty()) return broken();
        if (first == "old") out.replaced_[{kind, version}] = what;
        if (first == "kind") kinds.push_back({{kind, version}, what});
      } else {
        return broken();
      }
      continue;
    }
    if (out.types_.empty()) return broken();
    Type& type = out.types_.back();
    std::string_view base = take_word(line);
    if (first == "*") {
      type.open = true;
      continue;
    }
    Field field;
    field.name = std::string(first);
    while (!base.empty() && (base.front() == '[' || base.front() == '{')) {
      field.wraps += base.front();
      base.remove_prefix(1);
    }
    if (base.empty()) return broken();
    if (const auto plain = plain_base(base)) {
      field.base = *plain;
      if (base == "int32") {
        field.min = std::numeric_limits<std::int32_t>::min();
        field.max = std::numeric_limits<std::int32_t>::max();
      }
    } else {
      field.base = Base::Struct;
      later.push_back({out.types_.size() - 1, type.fields.size(), std::string(base)});
    }
    for (;;) {
      line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
      if (line.empty()) break;
      if (line.front() == '~') {
        field.pattern = std::string(line.substr(1));
        break;
      }
      if (!apply(field, take_word(line))) return broken();
    }
    type.fields.push_back(std::move(field));
  }
  for (const Later& each : later) {
    const auto it = by_name.find(each.name);
    if (it == by_name.end()) {
      return fail(ErrorCode::Incompatible, "Kubernetes schema: no type " + each.name);
    }
    out.types_[each.type].fields[each.field].type = it->second;
  }
  for (const auto& [key, name] : kinds) {
    const auto it = by_name.find(name);
    if (it == by_name.end()) {
      return fail(ErrorCode::Incompatible, "Kubernetes schema: no type " + name);
    }
    out.kinds_[key] = it->second;
  }
  return out;
}

const KubernetesSchema::Type* KubernetesSchema::kind(std::string_view api_version,
                                                     std::string_view kind) const {
  const auto it = kinds_.find({std::string(kind), std::string(api_version)});
  return it == kinds_.end() ? nullptr : &types_[it->second];
}

std::string KubernetesSchema::replacement(std::string_view api_version,
                                          std::string_view kind) const {
  const auto it = replaced_.find({std::string(kind), std::string(api_version)});
  return it == replaced_.end() ? std::string() : it->second;
}

bool KubernetesSchema::has_group(std::string_view group) const {
  return std::any_of(kinds_.begin(), kinds_.end(), [&](const auto& kind) {
    const std::string& version = kind.first.second;
    return group.empty()
               ? version.find('/') == std::string::npos
               : version.starts_with(group) && version.substr(group.size()).starts_with('/');
  });
}

std::vector<std::string> KubernetesSchema::versions(std::string_view kind) const {
  std::vector<std::string> out;
  for (const auto& [key, type] : kinds_) {
    if (key.first == kind) out.push_back(key.second);
  }
  return out;
}

std::vector<std::string> KubernetesSchema::kinds() const {
  std::vector<std::string> out;
  for (const auto& [key, type] : kinds_) {
    if (out.empty() || out.back() != key.first) out.push_back(key.first);
  }
  return out;
}

}  // namespace kneepoint::doctor
