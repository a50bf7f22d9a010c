#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"

/// Other programs, run from a list of words and never by a shell.
namespace kneepoint::cluster {

struct ProcessOptions {
  std::string input{};  // given to its standard input, which then ends
  Nanos patience = std::chrono::seconds(60);
  std::size_t largest = std::size_t{64} << 20;  // of output and of errors; what follows is dropped
  std::function<bool()> interrupted{};          // asked ten times a second; may be empty
};

struct Finished {
  int status = 0;  // 128 + the signal that ended it
  std::string out, err;
  enum class How { Ended, TimedOut, Interrupted } how = How::Ended;
};

/// Runs it to its end, with this process's environment and a process group of its own: what it
/// started itself ends with it when patience does. NotFound: there is no such program.
Result<Finished> run_process(const std::vector<std::string>& words,
                             const ProcessOptions& options = {});

/// A program that goes on while this object lives.
class Background {
 public:
  enum class Errors { Together, Dropped };  // what it says on standard error
  static Result<Background> start(const std::vector<std::string>& words,
                                  Errors errors = Errors::Together);
  Background(Background&& other) noexcept;
  Background& operator=(Background&&) = delete;
  ~Background();  // ends it and waits

  /// What it printed so far on standard output and errors together, after waiting until that holds
  /// `wanted`. Unavailable when it ended or did not say so in time; the message is what it said.
  Result<std::string> wait_for(std::string_view wanted, Nanos patience,
                               const std::function<bool()>& interrupted = {});
  /// What it printed since the last call, after waiting for some until `patience` ends. Empty and
  /// ended(): there will be no more.
  std::string take(Nanos patience);
  bool ended() const { return ended_; }

 private:
  Background(pid_t process, int output) : process_(process), output_(output) {}
  pid_t process_ = -1;
  int output_ = -1;
  std::string said_;
  bool ended_ = false;
};

}  // namespace kneepoint::cluster
