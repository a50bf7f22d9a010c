#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "doctor/document.h"
#include "doctor/finding.h"

namespace kneepoint::doctor {

/// A place in an object: a node that may be missing, with its path and line. Steps from a missing
/// place give missing places, so rules read without checks in between.
class At {
 public:
  At() = default;
  At(const Node* node, std::string path, std::size_t line)
      : node_(node), path_(std::move(path)), line_(line) {}

  At operator[](std::string_view key) const;  // of a map
  At item(std::size_t index) const;           // of a list
  std::size_t size() const;                   // items of a list or members of a map
  std::vector<At> items() const;
  struct Entry;
  std::vector<Entry> entries() const;  // of a map

  bool exists() const { return node_ != nullptr && node_->kind != Node::Kind::Null; }
  bool is_map() const { return node_ != nullptr && node_->kind == Node::Kind::Map; }
  bool is_list() const { return node_ != nullptr && node_->kind == Node::Kind::List; }
  std::string_view text() const;  // of a scalar, else empty
  std::optional<long long> integer() const;
  bool is_true() const { return text() == "true"; }

  const Node* node() const { return node_; }
  const std::string& path() const { return path_; }
  std::size_t line() const { return line_; }  // of the nearest thing that exists

 private:
  const Node* node_ = nullptr;
  std::string path_;
  std::size_t line_ = 0;
};
struct At::Entry {
  std::string key;
  At value;
};

/// One Kubernetes object of a file.
struct Object {
  std::string file;
  At root;
  std::string api_version, kind, name, namespace_name;

  bool is(std::string_view of_kind) const { return kind == of_kind; }
  bool is(std::string_view group, std::string_view of_kind) const;  // group without version
  At operator[](std::string_view key) const { return root[key]; }
  std::string shown() const { return name.empty() ? kind : kind + " " + name; }
};

/// The pod template of an object: where its metadata and spec are.
struct Pod {
  At template_at;  // has metadata and spec
  At metadata, spec;
  std::string role;  // of a LeaderWorkerSet: leader or worker
};
/// Of a Pod, Deployment, StatefulSet, DaemonSet, ReplicaSet, Job, CronJob, LeaderWorkerSet. Knative
/// Services have rules of their own.
std::vector<Pod> pods_of(const Object& object);

/// Containers and init containers of a pod spec.
std::vector<At> containers_of(const At& spec);

/// Labels or annotations as pairs.
std::string label(const At& metadata, std::string_view key);

/// Whether a selector {matchLabels, matchExpressions} or a plain map picks labels.
bool selects(const At& selector, const At& labels);
/// The same of a pod, with the labels that a controller will put on it.
bool selects(const At& selector, const Object& owner, const Pod& pod);

/// Where rules put what they found.
class Report {
 public:
  explicit Report(std::vector<Finding>& to) : to_(to) {}

  void add(Severity severity, const Object& object, const At& at, std::string id, std::string cause,
           std::string fix, const std::string& patch = {});
  void error(const Object& object, const At& at, std::string id, std::string cause, std::string fix,
             const std::string& patch = {}) {
    add(Severity::Error, object, at, std::move(id), std::move(cause), std::move(fix), patch);
  }
  void warning(const Object& object, const At& at, std::string id, std::string cause,
               std::string fix, const std::string& patch = {}) {
    add(Severity::Warning, object, at, std::move(id), std::move(cause), std::move(fix), patch);
  }
  void info(const Object& object, const At& at, std::string id, std::string cause, std::string fix,
            const std::string& patch = {}) {
    add(Severity::Info, object, at, std::move(id), std::move(cause), std::move(fix), patch);
  }

 private:
  std::vector<Finding>& to_;
};

}  // namespace kneepoint::doctor
