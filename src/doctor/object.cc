#include "doctor/object.h"

#include <algorithm>
#include <optional>

namespace kneepoint::doctor {
namespace {

/// "a.b", or a["x/y"] for keys that hold dots or slashes.
std::string joined(const std::string& path, std::string_view key) {
  if (key.find_first_of("./") != std::string_view::npos) {
    return path + "[\"" + std::string(key) + "\"]";
  }
  return path.empty() ? std::string(key) : path + "." + std::string(key);
}

std::string value_of(const Node* node) {
  if (node == nullptr) return {};
  if (node->kind == Node::Kind::Scalar) return node->quoted ? '"' + node->text + '"' : node->text;
  return {};
}

}  // namespace

At At::operator[](std::string_view key) const {
  if (is_map()) {
    for (const Member& member : node_->members) {
      if (member.key == key) return {&member.value, joined(path_, key), member.line};
    }
  }
  return {nullptr, joined(path_, key), line_};
}

At At::item(std::size_t index) const {
  const std::string path = path_ + "[" + std::to_string(index) + "]";
  if (!is_list() || index >= node_->items.size()) return {nullptr, path, line_};
  return {&node_->items[index], path, node_->items[index].line};
}

std::size_t At::size() const {
  if (is_list()) return node_->items.size();
  return is_map() ? node_->members.size() : 0;
}

std::vector<At> At::items() const {
  std::vector<At> out;
  for (std::size_t i = 0; is_list() && i < size(); ++i) out.push_back(item(i));
  return out;
}

std::vector<At::Entry> At::entries() const {
  std::vector<Entry> out;
  if (!is_map()) return out;
  for (const Member& member : node_->members) {
    out.push_back({member.key, At(&member.value, joined(path_, member.key), member.line)});
  }
  return out;
}

std::string_view At::text() const {
  return node_ != nullptr && node_->kind == Node::Kind::Scalar ? std::string_view(node_->text)
                                                               : std::string_view();
}

std::optional<long long> At::integer() const {
  return node_ != nullptr ? node_->integer() : std::nullopt;
}

bool Object::is(std::string_view group, std::string_view of_kind) const {
  return kind == of_kind && api_version.starts_with(group) && api_version.size() > group.size() &&
         api_version[group.size()] == '/';
}

std::vector<Pod> pods_of(const Object& object) {
  const auto pod = [](const At& at, std::string role = {}) {
    return Pod{at, at["metadata"], at["spec"], std::move(role)};
  };
  const At spec = object["spec"];
  if (object.is("Pod")) return {pod(object.root)};
  if (object.is("CronJob")) return {pod(spec["jobTemplate"]["spec"]["template"])};
  if (object.is("apps", object.kind) || object.is("Job")) return {pod(spec["template"])};
  std::vector<Pod> out;
  if (object.is("LeaderWorkerSet")) {
    const At both = spec["leaderWorkerTemplate"];
    if (both["leaderTemplate"].exists()) out.push_back(pod(both["leaderTemplate"], "leader"));
    if (both["workerTemplate"].exists()) out.push_back(pod(both["workerTemplate"], "worker"));
  }
  return out;
}

std::vector<At> containers_of(const At& spec) {
  std::vector<At> out = spec["initContainers"].items();
  for (At& each : spec["containers"].items()) out.push_back(std::move(each));
  return out;
}

std::string label(const At& metadata, std::string_view key) {
  const At found = metadata["labels"][key];
  return std::string(found.exists() ? found.text() : metadata["annotations"][key].text());
}

namespace {

/// Labels as written, and that of the group an owner makes, where it makes groups.
struct Labels {
  const At& written;
  std::string_view group;

  std::optional<std::string> text(std::string_view key) const {
    if (!group.empty() && key == "leaderworkerset.sigs.k8s.io/name") return std::string(group);
    const At has = written[key];
    return has.exists() ? std::optional(std::string(has.text())) : std::nullopt;
  }
};

bool selected(const At& selector, const Labels& labels) {
  const bool structured = selector["matchLabels"].exists() || selector["matchExpressions"].exists();
  for (const auto& [key, wanted] : (structured ? selector["matchLabels"] : selector).entries()) {
    const auto has = labels.text(key);
    if (!has || *has != wanted.text()) return false;
  }
  for (const At& expression : selector["matchExpressions"].items()) {
    const std::string_view op = expression["operator"].text();
    const auto has = labels.text(expression["key"].text());
    const auto values = expression["values"].items();
    const bool listed = has && std::any_of(values.begin(), values.end(),
                                           [&](const At& v) { return v.text() == *has; });
    if ((op == "In" && !listed) || (op == "NotIn" && listed) || (op == "Exists" && !has) ||
        (op == "DoesNotExist" && has)) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool selects(const At& selector, const At& labels) { return selected(selector, {labels, {}}); }

bool selects(const At& selector, const Object& owner, const Pod& pod) {
  const At labels = pod.metadata["labels"];
  return selected(selector, {labels, owner.is("LeaderWorkerSet") ? std::string_view(owner.name)
                                                                 : std::string_view()});
}

void Report::add(Severity severity, const Object& object, const At& at, std::string id,
                 std::string cause, std::string fix, const std::string& patch) {
  const std::string value = value_of(at.node());
  to_.push_back({.severity = severity,
                 .id = std::move(id),
                 .file = object.file,
                 .line = at.line(),
                 .count = 1,
                 .object = evidence_of(object.shown(), 0, 0, 300),
                 .path = evidence_of(at.path(), 0, 0, 300),
                 .evidence = evidence_of(value, 0, 0, 200),
                 .also = {},
                 .cause = evidence_of(cause, 0, 0, 800),
                 .fix = evidence_of(fix, 0, 0, 800),
                 .patch = evidence_of(patch, 0, 0, 600),
                 .source = {}});
}

}  // namespace kneepoint::doctor
