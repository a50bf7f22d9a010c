#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kneepoint::doctor {

struct Member;

/// A YAML node with where it stands. What a plain word means (number, yes/no, text) is read as the
/// Kubernetes tools read it, which is YAML 1.1.
struct Node {
  enum class Kind { Null, Scalar, List, Map };
  enum class Scalar { Text, Integer, Float, Bool };

  Kind kind = Kind::Null;
  std::size_t line = 0;  // from 1
  std::string text;      // of a scalar
  bool quoted = false;   // a quoted scalar is always text
  std::vector<Node> items;
  std::vector<Member> members;  // in the order of the file; merge keys are resolved

  const Node* find(std::string_view key) const;
  Scalar scalar() const;
  std::optional<long long> integer() const;
};

struct Member {
  std::string key;
  std::size_t line = 0;
  Node value;
};

struct Mistake {
  std::size_t line = 0;
  std::string sentence;
};

/// All documents of a file up to the first mistake; empty ones are left out.
struct Documents {
  std::vector<Node> roots;
  std::optional<Mistake> mistake;
};

/// Bounded whatever the bytes: depth 64, and 500,000 nodes after aliases are written out.
Documents read_documents(std::string_view yaml);

}  // namespace kneepoint::doctor
