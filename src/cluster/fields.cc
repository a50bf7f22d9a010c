#include "cluster/fields.h"

#include <algorithm>

namespace kneepoint::cluster {
namespace {

/// The part of "group/version" before the slash; empty for the core.
std::string_view group_of(std::string_view api_version) {
  const std::size_t slash = api_version.find('/');
  return slash == std::string_view::npos ? std::string_view() : api_version.substr(0, slash);
}

std::string escaped(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

const json::Value* find(const json::Value& value, std::string_view pointer) {
  boost::system::error_code error;
  return value.find_pointer(pointer, error);
}

const json::Value* find(const json::Object& object, std::string_view pointer) {
  // The first step by hand: pointers are of values, and an object is none.
  const std::size_t end = std::min(pointer.find('/', 1), pointer.size());
  std::string key(pointer.substr(1, end - 1));
  for (const auto& [code, character] : {std::pair{"~1", "/"}, std::pair{"~0", "~"}}) {
    for (std::size_t at = key.find(code); at != std::string::npos; at = key.find(code, at + 1))
      key.replace(at, 2, character);
  }
  const json::Value* first = object.if_contains(key);
  if (first == nullptr || end == pointer.size()) return first;
  return find(*first, pointer.substr(end));
}

template <class From>
static std::string text_of(const From& from, std::string_view pointer) {
  const json::Value* found = find(from, pointer);
  if (found == nullptr) return {};
  if (found->is_string()) return std::string(found->get_string());
  return found->is_primitive() && !found->is_null() ? json::to_line(*found) : std::string();
}
std::string text_at(const json::Value& value, std::string_view pointer) {
  return text_of(value, pointer);
}
std::string text_at(const json::Object& object, std::string_view pointer) {
  return text_of(object, pointer);
}

template <class From>
static std::optional<long long> integer_of(const From& from, std::string_view pointer) {
  const json::Value* found = find(from, pointer);
  if (found == nullptr || !found->is_int64()) return std::nullopt;
  return found->get_int64();
}
std::optional<long long> integer_at(const json::Value& value, std::string_view pointer) {
  return integer_of(value, pointer);
}
std::optional<long long> integer_at(const json::Object& object, std::string_view pointer) {
  return integer_of(object, pointer);
}

bool is_true_at(const json::Value& value, std::string_view pointer) {
  const json::Value* found = find(value, pointer);
  return found != nullptr && found->is_bool() && found->get_bool();
}

std::vector<const json::Object*> objects_at(const json::Object& object, std::string_view pointer) {
  std::vector<const json::Object*> out;
  const json::Value* found = find(object, pointer);
  if (found == nullptr || !found->is_array()) return out;
  for (const json::Value& each : found->get_array()) {
    if (each.is_object()) out.push_back(&each.get_object());
  }
  return out;
}

std::string label(const json::Object& object, std::string_view key) {
  return text_at(object, "/metadata/labels/" + escaped(key));
}
std::string annotation(const json::Object& object, std::string_view key) {
  return text_at(object, "/metadata/annotations/" + escaped(key));
}

std::vector<Condition> conditions(const json::Object& object) {
  std::vector<Condition> out;
  for (const json::Object* each : objects_at(object, "/status/conditions")) {
    out.push_back({text_at(*each, "/type"), text_at(*each, "/status"), text_at(*each, "/reason"),
                   text_at(*each, "/message")});
  }
  return out;
}

Condition condition(const json::Object& object, std::string_view type) {
  for (Condition& each : conditions(object)) {
    if (each.type == type) return std::move(each);
  }
  return {};
}

bool Ref::same(const Ref& other) const {
  return kind == other.kind && name == other.name && namespace_name == other.namespace_name &&
         group_of(api_version) == group_of(other.api_version);
}

Ref ref_of(const json::Object& object) {
  return {text_at(object, "/apiVersion"), text_at(object, "/kind"),
          text_at(object, "/metadata/namespace"), text_at(object, "/metadata/name")};
}

json::Object ref_json(const Ref& ref) {
  json::Object metadata{{"name", ref.name}};
  if (!ref.namespace_name.empty()) metadata["namespace"] = ref.namespace_name;
  return {{"apiVersion", ref.api_version}, {"kind", ref.kind}, {"metadata", std::move(metadata)}};
}

const json::Object* find_object(const std::vector<json::Object>& objects, const Ref& ref) {
  const auto it = std::find_if(objects.begin(), objects.end(),
                               [&](const json::Object& each) { return ref_of(each).same(ref); });
  return it == objects.end() ? nullptr : &*it;
}

}  // namespace kneepoint::cluster
