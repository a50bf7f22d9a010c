#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kneepoint::doctor {

/// The fields of the Kubernetes kinds that are checked: data/catalog/kubernetes/schema.txt, whose
/// form tools/kubernetes_schema.py tells.
class KubernetesSchema {
 public:
  enum class Base { Text, Integer, Number, Bool, Quantity, IntegerOrText, Any, Struct };
  struct Field {
    std::string name;
    std::string wraps;  // '[' a list of, '{' a map of; outermost first
    Base base = Base::Any;
    std::size_t type = 0;  // of Struct: index
    bool required = false;
    std::vector<std::string> choices;
    std::optional<double> min, max;
    std::optional<std::size_t> min_length, max_length, min_items, max_items;
    std::string pattern;
    std::vector<std::string> keys;  // of a list: fields that together no two entries share
  };
  struct Type {
    std::string name;
    std::vector<Field> fields;
    bool open = false;  // other fields are taken too
    const Field* field(std::string_view field_name) const;
  };

  /// Incompatible: not a schema file, or of another version.
  static Result<KubernetesSchema> parse(std::string_view text);

  const Type& type(std::size_t index) const { return types_[index]; }
  /// Nothing when the kind is not checked.
  const Type* kind(std::string_view api_version, std::string_view kind) const;
  /// What took the place of an API version that is no longer served; empty: none.
  std::string replacement(std::string_view api_version, std::string_view kind) const;
  /// Whether some kind of that API group is known; empty: the core of Kubernetes.
  bool has_group(std::string_view group) const;
  /// The versions in which a kind is known.
  std::vector<std::string> versions(std::string_view kind) const;
  std::vector<std::string> kinds() const;

 private:
  std::vector<Type> types_;
  std::map<std::pair<std::string, std::string>, std::size_t> kinds_;     // kind, version
  std::map<std::pair<std::string, std::string>, std::string> replaced_;  // kind, version
};

}  // namespace kneepoint::doctor
