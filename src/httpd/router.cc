#include "httpd/router.h"

#include <fmt/format.h>

#include <algorithm>

namespace kneepoint::httpd {

Result<Router::Pattern> Router::parse(std::string_view path) {
  const auto wrong = [&](std::string_view why) {
    return fail(ErrorCode::Internal, fmt::format("route \"{}\": {}", path, why));
  };
  if (path.empty() || path.front() != '/') return wrong("does not start with /");
  Pattern pattern;
  std::size_t at = 1;
  while (at < path.size()) {
    const auto end = std::min(path.find('/', at), path.size());
    const auto text = path.substr(at, end - at);
    at = end + 1;
    if (text.empty()) return wrong("has an empty part");
    if (!pattern.parts.empty() && pattern.parts.back().rest)
      return wrong("{name=**} is not its last part");
    Part part;
    if (text.front() == '{') {
      const auto close = text.find('}');
      if (close == std::string_view::npos) return wrong("a { without its }");
      auto parameter = text.substr(1, close - 1);
      if (parameter.ends_with("=**")) {
        part.rest = true;
        parameter.remove_suffix(3);
      }
      if (parameter.empty()) return wrong("a parameter without a name");
      part.name = parameter;
      part.literal = text.substr(close + 1);
      if (!part.literal.empty() && part.literal.front() != ':')
        return wrong("only :verb may follow a parameter");
    } else {
      part.literal = text;
    }
    pattern.parts.push_back(std::move(part));
  }
  return pattern;
}

Result<Router> Router::make(std::vector<Route> routes) {
  Router router;
  router.routes_ = std::make_unique<std::vector<Route>>(std::move(routes));
  for (std::size_t i = 0; i < router.routes_->size(); ++i) {
    const auto& route = (*router.routes_)[i];
    auto pattern = parse(route.path);
    if (!pattern) return fail(std::move(pattern.error()));
    pattern->route = i;
    for (std::size_t j = 0; j < i; ++j)
      if ((*router.routes_)[j].path == route.path && (*router.routes_)[j].method == route.method)
        return fail(ErrorCode::Internal,
                    fmt::format("two routes for {} {}", route.method, route.path));
    router.patterns_.push_back(std::move(*pattern));
  }
  const auto rank = [](const Part& part) {
    if (part.name.empty()) return 0;
    return (part.literal.empty() ? 2 : 1) + (part.rest ? 2 : 0);
  };
  std::ranges::stable_sort(router.patterns_, [&](const Pattern& a, const Pattern& b) {
    return std::ranges::lexicographical_compare(a.parts, b.parts, {}, rank, rank);
  });
  return router;
}

bool Router::fits(const Pattern& pattern, const std::vector<std::string>& segments) {
  const auto& parts = pattern.parts;
  const bool rest = !parts.empty() && parts.back().rest;
  if (rest ? segments.size() < parts.size() : segments.size() != parts.size()) return false;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto& part = parts[i];
    const auto& segment = part.rest ? segments.back() : segments[i];
    if (part.name.empty()) {
      if (segment != part.literal) return false;
    } else if (segment.size() <= part.literal.size() || !segment.ends_with(part.literal)) {
      return false;
    }
  }
  return true;
}

Pairs Router::parameters(const Pattern& pattern, const std::vector<std::string>& segments) {
  Pairs found;
  for (std::size_t i = 0; i < pattern.parts.size(); ++i) {
    const auto& part = pattern.parts[i];
    if (part.name.empty()) continue;
    auto value = segments[i];
    if (part.rest)
      for (auto j = i + 1; j < segments.size(); ++j) value.append("/").append(segments[j]);
    value.resize(value.size() - part.literal.size());
    found.emplace_back(part.name, std::move(value));
  }
  return found;
}

Router::Match Router::find(std::string_view method,
                           const std::vector<std::string>& segments) const {
  const auto wanted = method == "HEAD" ? std::string_view("GET") : method;
  Match match;
  for (const auto& pattern : patterns_) {
    if (!fits(pattern, segments)) continue;
    const auto& route = (*routes_)[pattern.route];
    if (route.method == wanted) {
      match.route = &route;
      match.parameters = parameters(pattern, segments);
      match.allow.clear();
      return match;
    }
    if (match.allow.find(route.method) == std::string::npos)
      match.allow.append(match.allow.empty() ? "" : ", ").append(route.method);
  }
  return match;
}

}  // namespace kneepoint::httpd
