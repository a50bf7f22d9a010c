#include "httpd/wire.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <boost/beast/http/status.hpp>
#include <cctype>
#include <iterator>
#include <random>

#include "httpd/answer.h"

namespace kneepoint::httpd {
namespace {

// The console's own files and this server's answers; nothing that is written into the page, nothing
// from anywhere else. Its libraries set styles through the DOM, which needs no leave, and make no
// markup from text, which the trusted types forbid.
constexpr std::string_view kConsolePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";
constexpr std::string_view kNothing = "default-src 'none'; frame-ancestors 'none'";

bool is_plain(std::string_view text) {
  return std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

void add(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

std::string head_of(const Answer& answer, std::string_view id, const HeadForm& form) {
  const auto reason = boost::beast::http::obsolete_reason(
      boost::beast::http::int_to_status(static_cast<unsigned>(answer.status)));
  std::string head;
  head.reserve(768);
  fmt::format_to(std::back_inserter(head), "HTTP/1.1 {} {}\r\n", answer.status,
                 std::string_view(reason.data(), reason.size()));
  add(head, "Date", http_date());
  const bool bodiless = answer.status == 204 || answer.status == 304;
  if (!bodiless && is_plain(answer.content_type)) add(head, "Content-Type", answer.content_type);
  if (form.events) {
    add(head, "Cache-Control", "no-store");
    add(head, "X-Accel-Buffering", "no");  // proxies pass events on as they come
    if (form.chunks) add(head, "Transfer-Encoding", "chunked");
  } else if (!bodiless) {
    add(head, "Content-Length", std::to_string(answer.body ? answer.body->size() : 0));
  }
  add(head, "X-Request-Id", id);
  add(head, "X-Content-Type-Options", "nosniff");
  add(head, "Content-Security-Policy", form.console ? kConsolePolicy : kNothing);
  add(head, "X-Frame-Options", "DENY");
  add(head, "Referrer-Policy", "no-referrer");
  add(head, "Cross-Origin-Resource-Policy", "same-origin");
  add(head, "Cross-Origin-Opener-Policy", "same-origin");
  if (form.tls) add(head, "Strict-Transport-Security", "max-age=31536000");
  if (!form.keep) add(head, "Connection", "close");
  for (const auto& [name, value] : answer.fields)
    if (is_plain(name) && is_plain(value)) add(head, name, value);
  head += "\r\n";
  return head;
}

std::string chunk_head(std::size_t bytes) { return fmt::format("{:x}\r\n", bytes); }

std::string request_id(std::string_view given) {
  const auto word = [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_' || c == '.';
  };
  if (!given.empty() && given.size() <= 64 && std::ranges::all_of(given, word))
    return std::string(given);
  // Tells requests apart, also those of two servers; it is no secret.
  static const std::uint64_t kStart = std::random_device{}() * std::uint64_t{0x9e3779b97f4a7c15};
  static std::atomic<std::uint64_t> number{0};
  return fmt::format("{:08x}-{:08x}", static_cast<std::uint32_t>(kStart >> 32), ++number);
}

}  // namespace kneepoint::httpd
