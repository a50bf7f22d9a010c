#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace kneepoint::predict {

/// Launch options of a model server, as published or as a user types them: "a=b;c=d", with
/// "yaml." before those of a configuration file and "var." before a script's variables, or a
/// command line. '_' and '-' are the same, leading dashes are dropped. Values that a script
/// computes
/// ("$EP_SIZE", "1|8") have no number.
class ServerSettings {
 public:
  explicit ServerSettings(std::string_view text);

  /// The first of the names that is there; "yaml." and "var." forms come after the plain one.
  std::optional<std::string_view> text(std::initializer_list<std::string_view> names) const;
  /// The first of them that is a number.
  std::optional<double> number(std::initializer_list<std::string_view> names) const;
  bool has(std::string_view name) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace kneepoint::predict
