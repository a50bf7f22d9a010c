#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "httpd/route.h"

namespace kneepoint::httpd {

/// How an answer's head goes over the wire.
struct HeadForm {
  bool keep = true;     // the connection stays open
  bool events = false;  // a stream: no length; in chunks where `chunks`
  bool chunks = true;
  bool console = false;  // its pages run scripts of their own; other answers run nothing
  bool tls = false;
};

/// Status line and fields, the security ones among them, up to the blank line. Fields that would
/// break out of their line are left out.
std::string head_of(const Answer& answer, std::string_view id, const HeadForm& form);

/// A chunk's size line: "1f\r\n". The bytes and "\r\n" follow.
std::string chunk_head(std::size_t bytes);

/// What the client sent as X-Request-Id where it is a plain word, otherwise a new one.
std::string request_id(std::string_view given);

}  // namespace kneepoint::httpd
