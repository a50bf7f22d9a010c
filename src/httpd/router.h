#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "httpd/route.h"
#include "httpd/target.h"

namespace kneepoint::httpd {

/// Which route a request is for. A template's parts, nearest first where several fit:
///
///     models        itself, "models:fetch" too
///     {id}:cancel   one segment that ends so
///     {id}          one segment, whatever it was escaped from
///     {id=**}       the rest of the path, slashes and all; the last part of a template
///     {id=**}:verb  the same, ending so
///
/// Made once, then read by any thread.
class Router {
 public:
  /// The error names a template that cannot be read, or two routes that would take the same.
  static Result<Router> make(std::vector<Route> routes);

  struct Match {
    const Route* route = nullptr;  // none: nothing is there, or `allow` says what may be asked
    Pairs parameters;
    std::string allow;  // "GET, POST" where the path exists for other methods
  };
  /// HEAD is answered by the route for GET.
  Match find(std::string_view method, const std::vector<std::string>& segments) const;

  const std::vector<Route>& routes() const { return *routes_; }

 private:
  struct Part {
    std::string name;     // of the parameter; empty: literal
    std::string literal;  // what the segment is, or ends with: ":cancel"
    bool rest = false;
  };
  struct Pattern {
    std::vector<Part> parts;
    std::size_t route = 0;
  };

  static Result<Pattern> parse(std::string_view path);
  static bool fits(const Pattern& pattern, const std::vector<std::string>& segments);
  static Pairs parameters(const Pattern& pattern, const std::vector<std::string>& segments);

  std::unique_ptr<std::vector<Route>> routes_;  // stays where it is when the router moves
  std::vector<Pattern> patterns_;               // nearest first
};

}  // namespace kneepoint::httpd
