#include "httpd/gate.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "httpd/answer.h"

namespace kneepoint::httpd {
namespace {

namespace http = boost::beast::http;

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

std::string_view field(const Head& head, http::field name) { return view(head[name]); }

Answer too_often(std::string_view reason, std::string_view message, int seconds) {
  auto answer = error_answer(429, reason, message);
  answer.fields.emplace_back("Retry-After", std::to_string(seconds));
  return answer;
}

OriginRules rules(const Options& options) {
  OriginRules made;
  for (const auto& each : options.allowed_hosts) made.allowed_hosts.push_back(lower(each));
  made.callers_known = options.tokens != nullptr || !options.tls.client_ca.empty();
  return made;
}

}  // namespace

Gate::Gate(const Options& options, const Router& router, const StaticFiles* console)
    : options_(options),
      router_(router),
      console_(console),
      origin_(rules(options)),
      rate_(options.limits.requests_per_second, options.limits.burst > 0
                                                    ? options.limits.burst
                                                    : 2 * options.limits.requests_per_second),
      guesses_(options.limits.failed_tokens_per_second,
               4 * options.limits.failed_tokens_per_second) {}

std::optional<Answer> Gate::who(const Head& head, const Visitor& visitor, RateLimit::Time now,
                                Admitted& admitted) {
  auto& request = admitted.request;
  request.right = options_.most;
  request.caller = visitor.certificate;
  if (!options_.tokens) return std::nullopt;
  request.right = Right::Read;
  const auto from = address_key(visitor.address);
  if (const int wait = guesses_.look(from, now)) {
    admitted.refused = "guessing";
    return too_often("TOO_MANY_WRONG_TOKENS", "too many wrong tokens came from this address", wait);
  }
  const auto unknown = [&](std::string_view reason, std::string_view message) {
    admitted.refused = "token";
    auto answer = error_answer(401, reason, message);
    answer.fields.emplace_back("WWW-Authenticate", "Bearer realm=\"kneepoint\"");
    return answer;
  };
  const auto token = bearer_token(field(head, http::field::authorization));
  if (!token)
    return unknown("TOKEN_MISSING", "this server asks for a token: Authorization: Bearer <token>");
  auto caller = options_.tokens->find(*token);
  if (!caller) {
    guesses_.take(from, now);
    return unknown("TOKEN_UNKNOWN", "the token is none that this server knows");
  }
  request.right = std::min(caller->right, options_.most);
  request.caller = std::move(caller->name);
  return std::nullopt;
}

Admitted Gate::admit(const Head& head, std::optional<std::uint64_t> content_length,
                     const Visitor& visitor, std::string id, RateLimit::Time now) {
  Admitted admitted;
  auto& request = admitted.request;
  request.id = std::move(id);
  const auto refuse = [&](std::string_view why, Answer answer) -> Admitted {
    admitted.refused = why;
    admitted.answer = std::move(answer);
    return std::move(admitted);
  };
  const auto error = [&](std::string_view why, int status, std::string_view reason,
                         std::string_view message) {
    return refuse(why, error_answer(status, reason, message));
  };

  const auto raw_target = view(head.target());
  if (raw_target.size() > options_.limits.target)
    return error("target", 414, "ADDRESS_TOO_LONG",
                 fmt::format("path and query are longer than {} bytes", options_.limits.target));
  auto hosts = head.equal_range(http::field::host);
  const auto host_count = std::distance(hosts.first, hosts.second);
  const auto host = host_count == 1 ? view(hosts.first->value()) : std::string_view();
  if (host_count > 1 || (host.empty() && head.version() >= 11))
    return error("host", 400, "HOST_MISSING", "a request has one Host field");
  if (!host.empty() && !host_allowed(origin_, host))
    return error("host", 421, "HOST_NOT_ALLOWED",
                 "this server is not known by the name in Host; start it with --allowed-host=NAME");
  auto target = parse_target(raw_target);
  if (!target) return error("target", 400, "ADDRESS_INVALID", target.error().message);

  request.method = view(head.method_string());
  request.path = target->path();
  request.query = std::move(target->query);
  const bool reads = request.method == "GET" || request.method == "HEAD";
  auto match = router_.find(request.method, target->segments);
  const bool nothing = !match.route && match.allow.empty();
  const auto taken = [&](const Route& each) {
    const auto first = each.path.substr(1, std::min(each.path.find('/', 1), each.path.size()) - 1);
    return !target->segments.empty() && target->segments.front() == first;
  };
  admitted.console = nothing && reads && console_ && std::ranges::none_of(router_.routes(), taken);

  if (!reads) {
    const auto why =
        cross_site(host, field(head, http::field::origin), view(head["Sec-Fetch-Site"]));
    if (!why.empty())
      return error("cross_site", 403, "CROSS_SITE", "this request is refused: " + why);
  }
  const bool open = admitted.console || (match.route && match.route->open);
  if (!open) {
    if (auto unknown = who(head, visitor, now, admitted)) {
      admitted.answer = std::move(unknown);
      return admitted;
    }
    const auto key = request.caller.empty() ? address_key(visitor.address) : "=" + request.caller;
    if (const int wait = rate_.take(key, now))
      return refuse("rate",
                    too_often("TOO_MANY_REQUESTS",
                              "more requests than this server takes from one caller", wait));
  }
  if (admitted.console) {
    admitted.answer =
        console_->answer(request.path, [&](std::string_view name) { return view(head[name]); });
    return admitted;
  }
  if (nothing) return error("path", 404, "NO_SUCH_METHOD", "nothing is served at this path");
  if (!match.route) {
    auto answer =
        error_answer(405, "METHOD_NOT_ALLOWED", fmt::format("this path takes {}", match.allow));
    answer.fields.emplace_back("Allow", match.allow);
    return refuse("method", std::move(answer));
  }
  if (match.route->right > options_.most && options_.most == Right::Read)
    return error("right", 403, "READ_ONLY", "this server is read-only");
  if (match.route->right > options_.most)
    return error("right", 403, "DEPLOY_NOT_ALLOWED",
                 "this server does not deploy; its operator may allow it with --allow-deploy");
  if (!open && match.route->right > request.right)
    return error("right", 403, "RIGHT_MISSING",
                 fmt::format("this needs the right \"{}\"; the token has \"{}\"",
                             name(match.route->right), name(request.right)));
  if (content_length.value_or(0) > match.route->body_limit)
    return error("body", 413, "BODY_TOO_LARGE",
                 fmt::format("the body is larger than {} bytes", match.route->body_limit));
  const auto coding = lower(field(head, http::field::content_encoding));
  admitted.packed = coding == "gzip" || coding == "x-gzip";
  if (!coding.empty() && coding != "identity" && !admitted.packed) {
    auto answer = error_answer(415, "ENCODING_UNKNOWN", "a body may be plain or gzip");
    answer.fields.emplace_back("Accept-Encoding", "gzip");
    return refuse("encoding", std::move(answer));
  }
  const auto expect = field(head, http::field::expect);
  if (!expect.empty() && lower(expect) != "100-continue")
    return error("expect", 417, "EXPECTATION_UNKNOWN", "only 100-continue can be expected");

  admitted.route = match.route;
  request.parameters = std::move(match.parameters);
  for (const auto& each : head)
    request.fields.emplace_back(lower(view(each.name_string())), view(each.value()));
  return admitted;
}

}  // namespace kneepoint::httpd
