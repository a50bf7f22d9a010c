#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "api/engine.h"
#include "base/result.h"

namespace kneepoint::api {

struct GrpcOptions {
  std::string address;                      // "127.0.0.1:8081"; port 0 takes a free one
  std::string certificate, key, client_ca;  // PEM files; all empty: plain text
  struct Caller {
    std::string name;  // for the log
    verbs::Right right = verbs::Right::Deploy;
  };
  /// Who asks, by its `authorization` metadata (empty: it sent none); empty function: anybody may
  /// do everything, whatever is sent.
  std::function<tl::expected<Caller, Failure>(std::string_view authorization)> authorize;
  /// One JSON object in a line for each call, as the other door writes it. Any thread.
  std::function<void(std::string_view line)> log;
  std::size_t largest_request = std::size_t{4} << 20;
  /// Bytes every unary call of this method is answered with, for the benchmark; empty: no method.
  std::string canned_method, canned_answer;
};

/// The services of our .proto files over gRPC, method by method from their descriptors: messages
/// become the JSON that verbs read. Any :authority is taken. Beside them: grpc.health.v1.
class GrpcServer {
 public:
  /// Listens when it returns. Unavailable: the address is taken.
  static Result<std::unique_ptr<GrpcServer>> start(const GrpcOptions& options, Engine& engine);
  ~GrpcServer();

  int port() const;
  /// No new calls; those under way have until then.
  void drain(std::chrono::system_clock::time_point until);

 private:
  class State;
  explicit GrpcServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace kneepoint::api
