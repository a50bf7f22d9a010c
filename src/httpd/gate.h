#pragma once

#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "httpd/metrics.h"
#include "httpd/origin.h"
#include "httpd/rate_limit.h"
#include "httpd/router.h"
#include "httpd/server.h"
#include "httpd/static_files.h"

namespace kneepoint::httpd {

using Head = boost::beast::http::request_header<boost::beast::http::fields>;

/// Who is at the other end of a connection.
struct Visitor {
  std::string address;      // without its port
  std::string certificate;  // the name in it; empty: none was asked for
};

/// What became of a request's head, before any of its body was read.
struct Admitted {
  const Route* route = nullptr;  // to be called, where there is no `answer`
  std::optional<Answer> answer;  // the refusal, or the console's file
  std::string_view refused;      // its reason, for the count; empty: not refused
  bool console = false;
  bool packed = false;  // the body is gzip
  Request request;      // all but the body
};

/// Decides from the head alone. In this order: is it HTTP as we read it, is it for this host, does
/// the path lead somewhere, is it another site's page that asks, who asks, may they, do they ask
/// too often, is the body small enough and packed in a way we know. A stranger without a token
/// learns nothing of what is there. Any thread.
class Gate {
 public:
  Gate(const Options& options, const Router& router, const StaticFiles* console);

  Admitted admit(const Head& head, std::optional<std::uint64_t> content_length,
                 const Visitor& visitor, std::string id, RateLimit::Time now);

 private:
  std::optional<Answer> who(const Head& head, const Visitor& visitor, RateLimit::Time now,
                            Admitted& admitted);

  const Options& options_;
  const Router& router_;
  const StaticFiles* console_;
  OriginRules origin_;
  RateLimit rate_, guesses_;
};

}  // namespace kneepoint::httpd
