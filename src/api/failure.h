#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

/// Why an ask has no answer, as both doors tell it: a gRPC status, an HTTP status, a sentence, and
/// a stable code that programs read (google.rpc.ErrorInfo's reason).
namespace kneepoint::api {

struct Failure {
  int grpc = 13;
  int http = 500;
  std::string reason;  // "NOT_FOUND", "OVERLOADED"
  std::string message;
  int retry_after_s = 0;  // 0: asking again does not help
};

/// Of a verb's error. Clients ask again for half a minute after any 5xx: what will not change by
/// waiting is a 4xx.
Failure failure(const Error& error);
Failure overloaded();
Failure deadline_exceeded();
Failure cancelled();
Failure unauthenticated(std::string message);
Failure permission_denied(std::string reason, std::string message);
Failure draining();

/// "INVALID_ARGUMENT": the name of a gRPC status, as JSON bodies carry it.
std::string_view grpc_name(int code);

inline constexpr std::string_view kErrorDomain = "kneepoint";

/// {"error": {"code": 404, "message": ..., "status": "NOT_FOUND", "details": [{ErrorInfo}]}}
std::string to_json_body(const Failure& failure);
/// The bytes of google.rpc.Status for grpc-status-details-bin.
std::string to_status_details(const Failure& failure);

}  // namespace kneepoint::api
