#include "doctor/document.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "base/text.h"

namespace kneepoint::doctor {
namespace {

constexpr std::size_t kDeepest = 64;
constexpr std::size_t kMostNodes = 500'000;

std::size_t line_of(const YAML::Mark& mark) { return static_cast<std::size_t>(mark.line + 1); }

std::size_t count_nodes(const Node& node) {
  std::size_t out = 1;
  for (const Node& item : node.items) out += count_nodes(item);
  for (const Member& member : node.members) out += count_nodes(member.value);
  return out;
}

void add_absent(Node& to, const Node& from) {
  for (const Member& member : from.members) {
    if (to.find(member.key) == nullptr) to.members.push_back(member);
  }
}

/// "<<: *base" and "<<: [*a, *b]": what the map does not say itself.
void merge(Node& map) {
  const auto it = std::find_if(map.members.begin(), map.members.end(),
                               [](const Member& m) { return m.key == "<<"; });
  if (it == map.members.end()) return;
  const Node base = std::move(it->value);
  map.members.erase(it);
  if (base.kind == Node::Kind::Map) add_absent(map, base);
  for (const Node& each : base.items) {
    if (each.kind == Node::Kind::Map) add_absent(map, each);
  }
}

/// Builds nodes from the events of yaml-cpp; one document after the other.
class Builder : public YAML::EventHandler {
 public:
  Node root;
  std::size_t nodes = 0;

  void OnDocumentStart(const YAML::Mark&) override {
    root = Node{};
    open_.clear();
    anchors_.clear();
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    put(make(Node::Kind::Null, mark), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto it = anchors_.find(anchor);
    if (it == anchors_.end()) throw YAML::ParserException(mark, "an alias inside of itself");
    nodes += count_nodes(it->second);
    check_room(mark);
    put(it->second, 0);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node node = make(Node::Kind::Scalar, mark);
    node.text = value;
    node.quoted = tag != "?" && !tag.empty();
    put(std::move(node), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    start(make(Node::Kind::List, mark), anchor, mark);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    start(make(Node::Kind::Map, mark), anchor, mark);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapEnd() override {
    merge(open_.back().node);
    end();
  }

 private:
  struct Open {
    Node node;
    YAML::anchor_t anchor = 0;
    bool has_key = false;
    Member next;  // of a map: the key whose value comes
  };

  void check_room(const YAML::Mark& mark) const {
    if (nodes > kMostNodes) throw YAML::ParserException(mark, "more nodes than any manifest has");
  }
  Node make(Node::Kind kind, const YAML::Mark& mark) {
    ++nodes;
    check_room(mark);
    Node node;
    node.kind = kind;
    node.line = line_of(mark);
    return node;
  }
  void start(Node node, YAML::anchor_t anchor, const YAML::Mark& mark) {
    if (open_.size() >= kDeepest) throw YAML::ParserException(mark, "nested too deeply");
    open_.push_back({std::move(node), anchor, false, {}});
  }
  void end() {
    Node node = std::move(open_.back().node);
    const YAML::anchor_t anchor = open_.back().anchor;
    open_.pop_back();
    put(std::move(node), anchor);
  }
  void put(Node node, YAML::anchor_t anchor) {
    if (anchor != 0) {
      nodes += count_nodes(node);
      anchors_[anchor] = node;
    }
    if (open_.empty()) {
      root = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == Node::Kind::List) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.has_key) {
      parent.next.key = node.text;
      parent.next.line = node.line;
      parent.has_key = true;
    } else {
      parent.next.value = std::move(node);
      parent.node.members.push_back(std::move(parent.next));
      parent.next = {};
      parent.has_key = false;
    }
  }

  std::vector<Open> open_;
  std::map<YAML::anchor_t, Node> anchors_;
};

bool is_integer(std::string_view text) {
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) text.remove_prefix(1);
  if (text.empty()) return false;
  const auto all = [](std::string_view digits, std::string_view allowed) {
    return !digits.empty() && digits.find_first_not_of(allowed) == std::string_view::npos;
  };
  if (text.starts_with("0x")) return all(text.substr(2), "0123456789abcdefABCDEF_");
  if (text.starts_with("0b")) return all(text.substr(2), "01_");
  if (text.starts_with("0o")) return all(text.substr(2), "01234567_");
  return text.front() != '_' && all(text, "0123456789_");
}

bool is_float(std::string_view text) {
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) text.remove_prefix(1);
  const std::string word = lower(text);
  if (word == ".inf" || word == ".nan") return true;
  if (text.empty() || text.find_first_of("0123456789") == std::string_view::npos) return false;
  if (text.find_first_not_of("0123456789.eE+-") != std::string_view::npos) return false;
  return parse_number(text).has_value();
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  for (const Member& member : members) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}

Node::Scalar Node::scalar() const {
  if (quoted || text.empty()) return Scalar::Text;
  static constexpr std::string_view kBools[] = {"true", "false", "yes", "no", "on", "off"};
  const std::string word = lower(text);
  const bool as_written =
      word == text || std::all_of(text.begin(), text.end(), [](char c) { return c < 'a'; }) ||
      lower(text.substr(1)) == text.substr(1);  // true, TRUE and True are; tRue is not
  if (as_written && std::find(std::begin(kBools), std::end(kBools), word) != std::end(kBools)) {
    return Scalar::Bool;
  }
  if (text == "y" || text == "Y" || text == "n" || text == "N") return Scalar::Bool;
  if (is_integer(text)) return Scalar::Integer;
  return is_float(text) ? Scalar::Float : Scalar::Text;
}

std::optional<long long> Node::integer() const {
  if (kind != Kind::Scalar || quoted) return std::nullopt;
  return parse_integer(text);
}

Documents read_documents(std::string_view yaml) {
  Documents out;
  std::istringstream stream{std::string(yaml)};
  Builder builder;
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
      if (builder.root.kind != Node::Kind::Null) out.roots.push_back(std::move(builder.root));
      builder.root = {};
    }
  } catch (const YAML::Exception& e) {
    out.mistake = Mistake{line_of(e.mark), e.msg};
  }
  return out;
}

}  // namespace kneepoint::doctor
