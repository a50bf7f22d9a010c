#include <re2/re2.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <set>

#include "base/text.h"
#include "doctor/quantity.h"
#include "doctor/rules.h"

namespace kneepoint::doctor {
namespace {

using Schema = KubernetesSchema;
using Base = Schema::Base;

std::string_view name_of(Base base) {
  switch (base) {
    case Base::Text:
      return "text";
    case Base::Integer:
      return "a whole number";
    case Base::Number:
      return "a number";
    case Base::Bool:
      return "true or false";
    case Base::Quantity:
      return "a quantity such as 500m or 48Gi";
    case Base::IntegerOrText:
      return "a whole number or text";
    case Base::Any:
      return "anything";
    case Base::Struct:
      return "a map";
  }
  return {};
}

std::string_view name_of(Node::Scalar scalar) {
  switch (scalar) {
    case Node::Scalar::Text:
      return "text";
    case Node::Scalar::Integer:
      return "a whole number";
    case Node::Scalar::Float:
      return "a number";
    case Node::Scalar::Bool:
      return "true or false";
  }
  return {};
}

class FieldCheck {
 public:
  FieldCheck(const Object& object, const Schema& schema, const Schema::Type& root, Report& report)
      : object_(object), schema_(schema), root_(root), report_(report) {}

  void check() { check_struct(object_.root, root_); }

 private:
  void check_struct(const At& at, const Schema::Type& type) {
    std::set<std::string> seen;
    for (const auto& [key, value] : at.entries()) {
      if (!seen.insert(key).second) {
        report_.error(object_, value, "duplicate-key", "The key " + key + " stands here twice.",
                      "Remove one of the two.");
        continue;
      }
      const Schema::Field* field = type.field(key);
      if (field == nullptr) {
        if (!type.open) unknown(value, key, type);
        continue;
      }
      check_wrapped(value, *field, 0);
    }
    for (const Schema::Field& field : type.fields) {
      if (field.required && !at[field.name].exists()) {
        report_.error(object_, at[field.name], "missing-field",
                      "The field " + at[field.name].path() + " is required.", "Add it.",
                      field.name + ": " + placeholder(field));
      }
    }
  }

  static std::string placeholder(const Schema::Field& field) {
    if (!field.wraps.empty()) return field.wraps.front() == '[' ? "[...]" : "{...}";
    if (!field.choices.empty()) return field.choices.front();
    switch (field.base) {
      case Base::Integer:
      case Base::Number:
        return field.min ? shortest(std::max(1.0, *field.min)) : "1";
      case Base::Bool:
        return "true";
      case Base::Quantity:
        return "1Gi";
      case Base::Struct:
        return "{...}";
      default:
        return "...";
    }
  }

  void unknown(const At& at, const std::string& key, const Schema::Type& type) {
    std::vector<std::string> names;
    for (const Schema::Field& field : type.fields) names.push_back(field.name);
    const auto near = nearest(key, names, 1);
    const std::string elsewhere = place_of(key);
    const std::string cause = "There is no field " + at.path() + " in a " + object_.kind + " of " +
                              object_.api_version + ".";
    if (!elsewhere.empty() && elsewhere != at.path()) {
      report_.error(object_, at, "unknown-field", cause, "It belongs to " + elsewhere + ".");
    } else if (!near.empty()) {
      report_.error(object_, at, "unknown-field", cause, "Did you mean " + near.front() + "?",
                    near.front() + ":");
    } else {
      report_.error(object_, at, "unknown-field", cause, "Remove it.");
    }
  }

  /// The highest place in this kind where a field of this name is.
  std::string place_of(const std::string& key) const {
    std::deque<std::pair<const Schema::Type*, std::string>> queue{{&root_, ""}};
    std::set<const Schema::Type*> seen{&root_};
    while (!queue.empty()) {
      const auto [type, path] = queue.front();
      queue.pop_front();
      for (const Schema::Field& field : type->fields) {
        const std::string here = path.empty() ? field.name : path + "." + field.name;
        if (field.name == key) return here;
        if (field.base != Base::Struct) continue;
        const Schema::Type* inner = &schema_.type(field.type);
        if (seen.insert(inner).second) {
          queue.emplace_back(inner, here + (field.wraps.empty() ? "" : "[]"));
        }
      }
    }
    return {};
  }

  void check_wrapped(const At& at, const Schema::Field& field, std::size_t depth) {
    if (!at.exists()) return;  // null is the same as absent
    if (depth == field.wraps.size()) {
      check_value(at, field);
      return;
    }
    const bool list = field.wraps[depth] == '[';
    if (list ? !at.is_list() : !at.is_map()) {
      report_.error(object_, at, "wrong-type",
                    at.path() + (list ? " must be a list." : " must be a map of keys to values."),
                    list ? "Put a dash in front of each entry." : "Write it as key: value lines.");
      return;
    }
    if (depth == 0) {
      if (field.min_items && at.size() < *field.min_items) {
        report_.error(object_, at, "too-few-items",
                      at.path() + " must have at least " + std::to_string(*field.min_items) +
                          (*field.min_items == 1 ? " entry." : " entries."),
                      "Add what is missing.");
      }
      if (field.max_items && at.size() > *field.max_items) {
        report_.error(
            object_, at, "too-many-items",
            at.path() + " may have at most " + std::to_string(*field.max_items) + " entries.",
            "Remove some.");
      }
    }
    if (list) {
      for (const At& item : at.items()) {
        check_wrapped(item, field, depth + 1);
        if (!item.exists() && field.base == Base::Struct) {
          report_.error(object_, item, "empty-entry", "An entry of " + at.path() + " is empty.",
                        "Write its fields, or remove the dash.");
        }
      }
      if (!field.keys.empty()) check_keys(at, field);
    } else {
      for (const auto& [key, value] : at.entries()) check_wrapped(value, field, depth + 1);
    }
  }

  /// Entries that the server tells apart by some of their fields.
  void check_keys(const At& list, const Schema::Field& field) {
    std::set<std::vector<std::string>> seen;
    for (const At& item : list.items()) {
      std::vector<std::string> values;
      for (const std::string& key : field.keys) values.emplace_back(item[key].text());
      if (seen.insert(std::move(values)).second) continue;
      report_.error(
          object_, item, "duplicate-entry",
          "Two entries of " + list.path() + " have the same " + join(field.keys, " and ") + ".",
          "Remove or rename one.");
    }
  }

  void check_value(const At& at, const Schema::Field& field) {
    if (field.base == Base::Any) return;
    if (field.base == Base::Struct) {
      if (at.is_map()) {
        check_struct(at, schema_.type(field.type));
      } else {
        report_.error(object_, at, "wrong-type", at.path() + " must be a map of fields.",
                      "Write its fields below it, indented.");
      }
      return;
    }
    if (at.is_map() || at.is_list()) {
      report_.error(object_, at, "wrong-type",
                    at.path() + " must be " + std::string(name_of(field.base)) + ", and is a " +
                        (at.is_map() ? "map." : "list."),
                    "Write one value.");
      return;
    }
    const Node::Scalar is = at.node()->scalar();
    if (!fits(*at.node(), is, field.base)) {
      wrong_scalar(at, is, field.base);
      return;
    }
    if (field.base == Base::Quantity && !parse_quantity(at.text())) {
      report_.error(object_, at, "bad-quantity",
                    std::string(at.text()) +
                        " is no quantity: digits, then nothing, m, k, M, G, T, Ki, Mi, Gi or Ti.",
                    "Write it with one of these units.", at_key(at) + ": " + repaired(at.text()));
    }
    check_bounds(at, field);
  }

  static bool fits(const Node& node, Node::Scalar is, Base base) {
    switch (base) {
      case Base::Text:
        return is == Node::Scalar::Text;
      case Base::Integer:
        if (is == Node::Scalar::Integer) return true;
        if (is != Node::Scalar::Float) return false;
        if (const auto number = parse_number(node.text)) {
          return *number == static_cast<double>(static_cast<long long>(*number));
        }
        return false;
      case Base::Number:
        return is == Node::Scalar::Integer || is == Node::Scalar::Float;
      case Base::Bool:
        return is == Node::Scalar::Bool;
      case Base::Quantity:
        return is != Node::Scalar::Bool;
      case Base::IntegerOrText:
        return is == Node::Scalar::Integer || is == Node::Scalar::Text;
      default:
        return true;
    }
  }

  void wrong_scalar(const At& at, Node::Scalar is, Base base) {
    const std::string cause = at.path() + " must be " + std::string(name_of(base)) + "; " +
                              std::string(at.text()) + " is " + std::string(name_of(is)) + ".";
    if (base == Base::Text) {
      report_.error(object_, at, "wrong-type", cause, "Put it in quotes.",
                    at_key(at) + ": \"" + std::string(at.text()) + "\"");
    } else if (at.node()->quoted &&
               Node{.kind = Node::Kind::Scalar, .text = at.node()->text}.scalar() !=
                   Node::Scalar::Text) {
      report_.error(object_, at, "wrong-type", cause, "Remove the quotes.",
                    at_key(at) + ": " + std::string(at.text()));
    } else {
      report_.error(object_, at, "wrong-type", cause, "Write " + std::string(name_of(base)) + ".");
    }
  }

  void check_bounds(const At& at, const Schema::Field& field) {
    const std::string_view text = at.text();
    if (!field.choices.empty() &&
        std::find(field.choices.begin(), field.choices.end(), text) == field.choices.end()) {
      const auto near = nearest(text, field.choices, 1);
      std::string choices;
      for (const std::string& each : field.choices) {
        if (!each.empty()) choices += (choices.empty() ? "" : ", ") + each;
      }
      report_.error(object_, at, "not-a-choice",
                    at.path() + " may be " + choices + "; not " + std::string(text) + ".",
                    "Write one of these.", near.empty() ? "" : at_key(at) + ": " + near.front());
    }
    if (const auto number = parse_number(text); number && field.base != Base::Text) {
      if (field.min && *number < *field.min) {
        report_.error(object_, at, "out-of-range",
                      at.path() + " must be at least " + shortest(*field.min) + ".", "Raise it.",
                      at_key(at) + ": " + shortest(*field.min));
      }
      if (field.max && *number > *field.max) {
        report_.error(object_, at, "out-of-range",
                      at.path() + " must be at most " + shortest(*field.max) + ".", "Lower it.",
                      at_key(at) + ": " + shortest(*field.max));
      }
    }
    if (field.min_length && text.size() < *field.min_length) {
      report_.error(object_, at, "too-short",
                    at.path() + " must have at least " + std::to_string(*field.min_length) +
                        (*field.min_length == 1 ? " character." : " characters."),
                    "Fill it in.");
    }
    if (field.max_length && text.size() > *field.max_length) {
      report_.error(
          object_, at, "too-long",
          at.path() + " may have at most " + std::to_string(*field.max_length) + " characters.",
          "Shorten it.");
    }
    if (!field.pattern.empty() && !matches(text, field.pattern)) {
      report_.error(
          object_, at, "wrong-form",
          at.path() + " must match " + field.pattern + "; " + std::string(text) + " does not.",
          "Write it in that form.");
    }
  }

  static bool matches(std::string_view text, const std::string& pattern) {
    static std::map<std::string, std::unique_ptr<RE2>> made;
    std::unique_ptr<RE2>& one = made[pattern];
    if (one == nullptr) one = std::make_unique<RE2>(pattern, RE2::Quiet);
    // A pattern that RE2 can not read is left to the server.
    return !one->ok() || RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *one);
  }

  static std::string at_key(const At& at) {
    const std::string& path = at.path();
    if (path.ends_with("\"]")) {
      const auto open = path.rfind("[\"");
      return path.substr(open + 2, path.size() - open - 4);
    }
    return path.substr(path.rfind('.') + 1);
  }

  /// "48GB" -> "48G"; what can not be guessed stays a placeholder.
  static std::string repaired(std::string_view text) {
    for (std::size_t size = text.size(); size > 0; --size) {
      if (parse_quantity(text.substr(0, size))) return std::string(text.substr(0, size));
    }
    return "1Gi";
  }

  const Object& object_;
  const Schema& schema_;
  const Schema::Type& root_;
  Report& report_;
};

/// Empty for the core of Kubernetes, whose versions stand alone.
std::string_view group_of(std::string_view api_version) {
  const auto slash = api_version.find('/');
  return slash == std::string_view::npos ? std::string_view() : api_version.substr(0, slash);
}

}  // namespace

bool check_fields(const Object& object, const KubernetesSchema& schema, Report& report) {
  if (const auto* type = schema.kind(object.api_version, object.kind)) {
    FieldCheck(object, schema, *type, report).check();
    return true;
  }
  const std::string instead = schema.replacement(object.api_version, object.kind);
  if (!instead.empty()) {
    report.error(object, object["apiVersion"], "old-api-version",
                 object.kind + " is no longer served in " + object.api_version + ".",
                 "Write " + instead + ", and check the fields: some have moved.",
                 "apiVersion: " + instead);
    return true;
  }
  // A known kind in a group that is known too, but not of this kind or not in this version.
  const std::string_view group = group_of(object.api_version);
  for (const std::string& version : schema.versions(object.kind)) {
    if (group_of(version) == group || schema.has_group(group)) {
      report.error(object, object["apiVersion"], "unknown-api-version",
                   "There is no " + object.kind + " in " + object.api_version + ".",
                   "Write " + version + ".", "apiVersion: " + version);
      return true;
    }
  }
  return false;
}

}  // namespace kneepoint::doctor
