#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

/// Reading objects that a cluster gave: whatever is missing or of another type is just not there.
namespace kneepoint::cluster {

/// By a JSON pointer, "/spec/replicas"; nothing where there is none.
const json::Value* find(const json::Value& value, std::string_view pointer);
const json::Value* find(const json::Object& object, std::string_view pointer);

std::string text_at(const json::Value& value, std::string_view pointer);
std::string text_at(const json::Object& object, std::string_view pointer);
std::optional<long long> integer_at(const json::Value& value, std::string_view pointer);
std::optional<long long> integer_at(const json::Object& object, std::string_view pointer);
bool is_true_at(const json::Value& value, std::string_view pointer);
/// The objects of a list; none where there is no list.
std::vector<const json::Object*> objects_at(const json::Object& object, std::string_view pointer);

/// A label or annotation.
std::string label(const json::Object& object, std::string_view key);
std::string annotation(const json::Object& object, std::string_view key);

/// A condition of status.conditions.
struct Condition {
  std::string type, status, reason, message;
};
std::vector<Condition> conditions(const json::Object& object);
Condition condition(const json::Object& object, std::string_view type);

/// Which object it is.
struct Ref {
  std::string api_version, kind, namespace_name, name;

  /// "Deployment chat"
  std::string shown() const { return kind + " " + name; }
  /// The same object by another version of its group is the same.
  bool same(const Ref& other) const;
  friend bool operator==(const Ref&, const Ref&) = default;
};
Ref ref_of(const json::Object& object);
json::Object ref_json(const Ref& ref);  // an object of nothing but its name: for get and delete

/// Which one of a list of objects it is; null when none.
const json::Object* find_object(const std::vector<json::Object>& objects, const Ref& ref);

}  // namespace kneepoint::cluster
