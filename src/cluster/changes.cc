#include "cluster/changes.h"

#include <algorithm>
#include <optional>
#include <set>

#include "cluster/fields.h"

namespace kneepoint::cluster {
namespace {

constexpr std::size_t kMostShown = 200;  // of a value

bool is_servers_own(const std::string& path) {
  static const std::set<std::string> kOwn{"status",
                                          "metadata.managedFields",
                                          "metadata.resourceVersion",
                                          "metadata.uid",
                                          "metadata.creationTimestamp",
                                          "metadata.generation",
                                          "metadata.selfLink",
                                          "metadata.annotations.deployment.kubernetes.io/revision"};
  return kOwn.contains(path);
}

class Comparison {
 public:
  explicit Comparison(bool secret) : secret_(secret) {}

  void compare(const std::string& path, const json::Value* before, const json::Value* after) {
    if (is_servers_own(path)) return;
    if (before != nullptr && after != nullptr) {
      if (*before == *after) return;
      if (before->is_object() && after->is_object()) return members(path, *before, *after);
      if (before->is_array() && after->is_array()) return items(path, *before, *after);
    }
    out.push_back({path, shown(path, before), shown(path, after)});
  }

  std::vector<Change> out;

 private:
  void members(const std::string& path, const json::Value& before, const json::Value& after) {
    const auto step = [&](std::string_view key) {
      return path.empty() ? std::string(key) : path + "." + std::string(key);
    };
    for (const auto& [key, value] : before.get_object()) {
      compare(step(key), &value, after.get_object().if_contains(key));
    }
    for (const auto& [key, value] : after.get_object()) {
      if (!before.get_object().contains(key)) compare(step(key), nullptr, &value);
    }
  }

  static std::optional<std::vector<std::string>> names(const json::Array& items) {
    std::vector<std::string> out;
    for (const json::Value& each : items) {
      if (!each.is_object()) return std::nullopt;
      std::string name = text_at(each, "/name");
      if (name.empty() || std::find(out.begin(), out.end(), name) != out.end()) return std::nullopt;
      out.push_back(std::move(name));
    }
    return out;
  }

  void items(const std::string& path, const json::Value& before, const json::Value& after) {
    const json::Array &a = before.get_array(), &b = after.get_array();
    const auto names_a = names(a), names_b = names(b);
    const auto step = [&](const std::string& item) { return path + "[" + item + "]"; };
    if (!names_a || !names_b) {
      for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
        compare(step(std::to_string(i)), i < a.size() ? &a[i] : nullptr,
                i < b.size() ? &b[i] : nullptr);
      }
      return;
    }
    const auto place = [](const std::vector<std::string>& in, const std::string& name) {
      return static_cast<std::size_t>(std::find(in.begin(), in.end(), name) - in.begin());
    };
    for (std::size_t i = 0; i < a.size(); ++i) {
      const std::size_t at = place(*names_b, (*names_a)[i]);
      compare(step((*names_a)[i]), &a[i], at < b.size() ? &b[at] : nullptr);
    }
    for (std::size_t i = 0; i < b.size(); ++i) {
      if (place(*names_a, (*names_b)[i]) == a.size()) compare(step((*names_b)[i]), nullptr, &b[i]);
    }
  }

  std::string shown(const std::string& path, const json::Value* value) const {
    if (value == nullptr) return {};
    if (secret_ && (path.starts_with("data") || path.starts_with("stringData"))) return "\"***\"";
    std::string text = json::to_line(*value);
    if (text.size() <= kMostShown) return text;
    return text.substr(0, kMostShown) + "...";
  }

  bool secret_;
};

}  // namespace

std::vector<Change> changes(const json::Object& before, const json::Object& after) {
  Comparison comparison(text_at(before, "/kind") == "Secret");
  const json::Value a = before, b = after;
  comparison.compare("", &a, &b);
  return std::move(comparison.out);
}

std::string in_words(const Change& change) {
  if (change.before.empty()) return change.path + ": new, " + change.after;
  if (change.after.empty()) return change.path + ": gone, was " + change.before;
  return change.path + ": " + change.before + " -> " + change.after;
}

}  // namespace kneepoint::cluster
