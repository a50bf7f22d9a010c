#include "api/failure.h"

#include <google/rpc/status.pb.h>

#include <algorithm>
#include <array>

namespace kneepoint::api {
namespace {

constexpr std::array<std::string_view, 17> kGrpcNames{
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

/// gRPC carries a message in a header: a few KiB, or the client drops the whole answer.
constexpr std::size_t kLongestMessage = 4000;

std::string capitals(std::string_view name) {
  std::string out(name);
  for (char& c : out) c = c == ' ' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return out;
}

std::string cut(std::string message) {
  if (message.size() > kLongestMessage) {
    std::size_t end = kLongestMessage;
    while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xc0) == 0x80) --end;
    message.resize(end);
    message += " ...";
  }
  return message;
}

}  // namespace

Failure failure(const Error& error) {
  return {grpc_status(error.code), http_status(error.code), capitals(name(error.code)),
          cut(error.message), error.code == ErrorCode::Unavailable ? 2 : 0};
}
Failure overloaded() {
  return {8, 429, "OVERLOADED", "too many requests wait already; ask again in a second", 1};
}
Failure deadline_exceeded() {
  return {4, 504, "DEADLINE_EXCEEDED", "the deadline passed before the answer was there", 0};
}
Failure cancelled() { return {1, 499, "CANCELLED", "the client went away", 0}; }
Failure unauthenticated(std::string message) {
  return {16, 401, "UNAUTHENTICATED", std::move(message), 0};
}
Failure permission_denied(std::string reason, std::string message) {
  return {7, 403, std::move(reason), std::move(message), 0};
}
Failure draining() { return {14, 503, "DRAINING", "this server is shutting down; ask again", 1}; }

std::string_view grpc_name(int code) {
  return kGrpcNames[code >= 0 && code < static_cast<int>(kGrpcNames.size())
                        ? static_cast<std::size_t>(code)
                        : 2];
}

std::string to_json_body(const Failure& failure) {
  json::Object info{{"@type", "type.googleapis.com/google.rpc.ErrorInfo"},
                    {"reason", failure.reason},
                    {"domain", kErrorDomain},
                    {"metadata", json::Object()}};
  return json::to_text(
      json::Object{{"error", json::Object{{"code", failure.http},
                                          {"message", failure.message},
                                          {"status", grpc_name(failure.grpc)},
                                          {"details", json::Array{std::move(info)}}}}});
}

std::string to_status_details(const Failure& failure) {
  google::rpc::ErrorInfo info;
  info.set_reason(failure.reason);
  info.set_domain(std::string(kErrorDomain));
  google::rpc::Status status;
  status.set_code(failure.grpc);
  status.set_message(failure.message);
  status.add_details()->PackFrom(info);
  return status.SerializeAsString();
}

}  // namespace kneepoint::api
