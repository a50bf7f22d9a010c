#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "httpd/route.h"

namespace kneepoint::httpd {

/// Packs answers for clients that take gzip. What somebody else keeps too (a cached answer) is
/// packed once. Any thread.
class Packer {
 public:
  void pack(Answer& answer, std::string_view accept_encoding);

 private:
  using Bytes = std::shared_ptr<const std::string>;
  static constexpr std::size_t kMost = 64;
  std::mutex mutex_;
  std::vector<std::pair<Bytes, Bytes>> packed_;  // plain and packed, oldest first
};

/// One request between the connection it came on, which lives in its thread, and whoever answers,
/// from any thread and perhaps after the connection is gone.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  /// `wake` makes the connection look; it may outlive the connection.
  Exchange(std::function<void()> wake, std::shared_ptr<Packer> packer, std::string accept_encoding,
           std::size_t most_waiting)
      : wake_(std::move(wake)),
        packer_(std::move(packer)),
        accept_encoding_(std::move(accept_encoding)),
        most_waiting_(most_waiting) {}

  /// What the route gets.
  std::shared_ptr<Reply> reply();

  // The connection's side.
  bool ready();  // there is an answer, or a stream began
  bool streams();
  Answer take();
  /// Frames that wait to be written; ended: no more will come.
  struct Waiting {
    std::string frames;
    bool ended = false;
  };
  Waiting take_frames();
  bool has_frames();
  /// Nobody is there to read any more.
  void lose();

 private:
  class ReplyEnd;
  class StreamEnd;
  void answer(Answer answer);
  bool begin_stream();
  bool send(std::string_view event, std::string_view data, std::uint64_t id);
  void close();

  const std::function<void()> wake_;
  const std::shared_ptr<Packer> packer_;
  const std::string accept_encoding_;
  const std::size_t most_waiting_;
  std::atomic<bool> gone_ = false;
  std::mutex mutex_;
  std::optional<Answer> answer_;
  bool answered_ = false, streams_ = false, ended_ = false;
  std::string frames_;
};

}  // namespace kneepoint::httpd
