#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace kneepoint::verbs {

/// What was asked, read member by member. The first thing that is wrong is kept and told by done(),
/// with the path of its field ("targets[0].metric"); what is read after it is not looked at by
/// anybody. A member that is null, "" or left out is not given. Numbers and truth values may come
/// as text, as a query string has them.
class Ask {
 public:
  explicit Ask(const json::Object& object);

  /// "" when not given. `longest` in bytes.
  std::string text(std::string_view name, std::size_t longest = 1000);
  std::string required(std::string_view name, std::size_t longest = 1000);
  /// One of `words`; the first one when not given.
  std::string word(std::string_view name, std::span<const std::string_view> words);
  std::optional<double> number(std::string_view name, double least, double most);
  /// Also not given when 0: proto3 cannot tell the two apart.
  std::optional<double> positive(std::string_view name, double most = 1e12);
  std::optional<int> whole(std::string_view name, int least, int most);
  bool flag(std::string_view name, bool otherwise = false);
  /// A list, or one text with commas.
  std::vector<std::string> texts(std::string_view name, std::size_t most = 100);
  std::vector<double> numbers(std::string_view name, double least, double most);
  std::vector<int> wholes(std::string_view name, int least, int most);

  /// An object without members when not given.
  Ask object(std::string_view name);
  std::vector<Ask> objects(std::string_view name, std::size_t most = 1000);
  /// As it stands; null when not given. It is not looked into.
  const json::Value* raw(std::string_view name);
  bool given(std::string_view name) const;

  /// Something of the caller's own that is wrong with a field.
  void wrong(std::string_view name, const std::string& what);

  /// Every field was read: what is left is not known here. Call it on the outermost, last.
  Result<void> done();

 private:
  struct Shared {
    std::optional<Error> error;
  };
  struct Node;
  explicit Ask(std::shared_ptr<Node> node) : node_(std::move(node)) {}
  const json::Value* find(std::string_view name);

  std::shared_ptr<Node> node_;
};

}  // namespace kneepoint::verbs
