#include "httpd/answer.h"

#include <array>
#include <ctime>

#include "base/json.h"

namespace kneepoint::httpd {

std::string_view status_name(int status) {
  switch (status) {
    case 400:
    case 411:
    case 413:
    case 414:
    case 415:
    case 417:
    case 421:
    case 431:
      return "INVALID_ARGUMENT";
    case 401:
      return "UNAUTHENTICATED";
    case 403:
      return "PERMISSION_DENIED";
    case 404:
      return "NOT_FOUND";
    case 405:
    case 501:
      return "UNIMPLEMENTED";
    case 408:
    case 504:
      return "DEADLINE_EXCEEDED";
    case 409:
      return "ABORTED";
    case 412:
      return "FAILED_PRECONDITION";
    case 429:
      return "RESOURCE_EXHAUSTED";
    case 499:
      return "CANCELLED";
    case 503:
      return "UNAVAILABLE";
    default:
      return status < 400 ? "OK" : status < 500 ? "INVALID_ARGUMENT" : "INTERNAL";
  }
}

Answer error_answer(int status, std::string_view reason, std::string_view message) {
  const json::Object info{{"@type", "type.googleapis.com/google.rpc.ErrorInfo"},
                          {"reason", reason},
                          {"domain", "kneepoint"},
                          {"metadata", json::Object{}}};
  const json::Object error{{"code", status},
                           {"message", message},
                           {"status", status_name(status)},
                           {"details", json::Array{info}}};
  Answer answer;
  answer.status = status;
  answer.body = std::make_shared<const std::string>(json::to_line(json::Object{{"error", error}}));
  answer.fields.emplace_back("Cache-Control", "no-store");
  return answer;
}

Answer text_answer(int status, std::string text, std::string_view content_type) {
  Answer answer;
  answer.status = status;
  answer.content_type = content_type;
  answer.body = std::make_shared<const std::string>(std::move(text));
  answer.fields.emplace_back("Cache-Control", "no-store");
  return answer;
}

std::string_view http_date() {
  thread_local std::time_t made = -1;
  thread_local std::array<char, 32> text{};
  thread_local std::size_t size = 0;
  const auto now = std::time(nullptr);
  if (now != made) {
    std::tm utc{};
    gmtime_r(&now, &utc);
    size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    made = now;
  }
  return {text.data(), size};
}

}  // namespace kneepoint::httpd
