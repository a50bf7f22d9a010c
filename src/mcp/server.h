#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include "app/session.h"
#include "base/json.h"
#include "mcp/tools.h"

namespace kneepoint::mcp {

/// A server of the Model Context Protocol over lines of JSON-RPC 2.0. Whoever reads gives lines to
/// take(); answers go to `write`, a line each, from either thread, one at a time. Tools run one
/// after another on a thread of the server's own, so that a ping is answered and a call cancelled
/// while one runs.
class Server {
 public:
  struct Options {
    std::string version;  // of the program
    /// Opened when the first tool is called, on the server's thread.
    std::function<Result<std::unique_ptr<app::Session>>()> open;
    std::function<void(std::string_view line)> write;  // without the line break
  };
  explicit Server(Options options);
  ~Server();  // as finish()

  /// Versions of the protocol that are spoken, the newest first.
  static std::span<const std::string_view> versions();
  /// Longer lines are refused.
  static constexpr std::size_t kLongestLine = std::size_t{16} << 20;
  /// Calls that wait; the next one is refused.
  static constexpr std::size_t kMostWaiting = 100;

  void take(std::string_view line);
  /// The input has ended: what was asked is answered, nothing more is taken.
  void finish();

 private:
  struct Work {
    std::string id;  // as JSON
    const Tool* tool = nullptr;
    json::Object arguments;
    json::Value progress_token;
  };

  void message(const json::Object& message);
  void request(const json::Value& id, std::string_view method, const json::Object& params);
  void notification(std::string_view method, const json::Object& params);
  void call(const json::Value& id, const json::Object& params);
  void work();
  void run(const Work& work);
  json::Object answer_of(const Work& work);
  bool cancelled(const std::string& id);

  void send(const json::Object& message);
  void answer(const json::Value& id, json::Object result);
  void refuse(const json::Value& id, int code, std::string_view message);

  Options options_;
  std::unique_ptr<app::Session> session_;  // the worker's
  bool initialized_ = false;               // the reader's

  std::mutex writing_;
  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::deque<Work> waiting_;
  std::string running_;              // id; empty: none
  std::set<std::string> cancelled_;  // of those that wait or run
  bool ended_ = false;
  std::thread worker_;
};

}  // namespace kneepoint::mcp
