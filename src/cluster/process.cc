#include "cluster/process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>
#include <utility>

extern char** environ;

namespace kneepoint::cluster {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kLook = std::chrono::milliseconds(100);
constexpr auto kGrace = std::chrono::seconds(2);  // between asking it to end and ending it

/// A descriptor that is closed by whoever holds it last.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { close(); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  int release() { return std::exchange(fd_, -1); }
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }

 private:
  int fd_;
};

Error system_error(const std::string& what) {
  return Error{ErrorCode::Unavailable, what + ": " + std::strerror(errno)};
}

/// Ours and the child's end.
Result<std::pair<Descriptor, Descriptor>> pipe_of(bool to_child) {
  std::array<int, 2> ends{};
  // A socket and no pipe towards the child: writing to one that nobody reads raises no signal.
  const int made = to_child ? ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data())
                            : ::pipe2(ends.data(), O_CLOEXEC);
  if (made != 0) return fail(system_error("cannot make a pipe"));
  if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return fail(system_error("cannot set up a pipe"));
  return std::pair{Descriptor(ends[0]), Descriptor(ends[1])};
}

Result<pid_t> spawn(const std::vector<std::string>& words, int in, int out, int err) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  if (in < 0) {
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  } else {
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
  }
  posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
  sigset_t none, usual;
  sigemptyset(&none);
  sigemptyset(&usual);
  for (const int signal : {SIGINT, SIGTERM, SIGPIPE}) sigaddset(&usual, signal);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &usual);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  pid_t process = -1;
  const int failed =
      ::posix_spawnp(&process, argv.front(), &actions, &attributes, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0) {
    return fail(failed == ENOENT ? ErrorCode::NotFound : ErrorCode::Unavailable,
                "cannot start " + words.front() + ": " + std::strerror(failed));
  }
  return process;
}

int exit_status(int waited) {
  return WIFEXITED(waited) ? WEXITSTATUS(waited) : 128 + WTERMSIG(waited);
}

/// Waits for its end; asks it to end when the time is over, then ends it.
int end_of(pid_t process, Clock::time_point until) {
  int waited = 0;
  bool asked = false;
  for (auto pause = std::chrono::milliseconds(1);; pause = std::min(2 * pause, kLook * 1)) {
    const pid_t got = ::waitpid(process, &waited, WNOHANG);
    if (got == process) return exit_status(waited);
    if (got < 0 && errno != EINTR) return 127;
    if (Clock::now() >= until) {
      ::kill(-process, asked ? SIGKILL : SIGTERM);
      asked = true;
      until = Clock::now() + kGrace;
    }
    std::this_thread::sleep_for(pause);
  }
}

/// What there is to read; false at the end.
bool drain(int fd, std::string& into, std::size_t largest) {
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got == 0) return false;
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    const std::size_t room = largest - std::min(largest, into.size());
    into.append(buffer.data(), std::min(room, static_cast<std::size_t>(got)));
  }
}

}  // namespace

Result<Finished> run_process(const std::vector<std::string>& words, const ProcessOptions& options) {
  auto in = pipe_of(true), out = pipe_of(false), err = pipe_of(false);
  for (const auto* each : {&in, &out, &err}) {
    if (!*each) return fail(each->error());
  }
  const auto process = spawn(words, in->second.get(), out->second.get(), err->second.get());
  if (!process) return fail(process.error());
  for (auto* each : {&in, &out, &err}) (*each)->second.close();

  Finished done;
  std::size_t written = 0;
  const auto until = Clock::now() + options.patience;
  if (options.input.empty()) in->first.close();
  while (out->first.open() || err->first.open()) {
    if (options.interrupted && options.interrupted()) {
      done.how = Finished::How::Interrupted;
      break;
    }
    if (Clock::now() >= until) {
      done.how = Finished::How::TimedOut;
      break;
    }
    std::array<pollfd, 3> watched{pollfd{in->first.get(), POLLOUT, 0},
                                  pollfd{out->first.get(), POLLIN, 0},
                                  pollfd{err->first.get(), POLLIN, 0}};
    ::poll(watched.data(), watched.size(), static_cast<int>(kLook.count()));
    if (in->first.open() && watched[0].revents != 0) {
      const ssize_t sent = ::send(in->first.get(), options.input.data() + written,
                                  options.input.size() - written, MSG_NOSIGNAL);
      if (sent > 0) written += static_cast<std::size_t>(sent);
      const bool broken = sent < 0 && errno != EAGAIN && errno != EINTR;
      if (broken || written == options.input.size()) in->first.close();
    }
    if (watched[1].revents != 0 && !drain(out->first.get(), done.out, options.largest))
      out->first.close();
    if (watched[2].revents != 0 && !drain(err->first.get(), done.err, options.largest))
      err->first.close();
  }
  const bool ended = done.how == Finished::How::Ended;
  done.status = end_of(*process, ended ? until : Clock::now());
  return done;
}

Result<Background> Background::start(const std::vector<std::string>& words, Errors errors) {
  auto out = pipe_of(false);
  if (!out) return fail(out.error());
  const Descriptor nothing(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  const auto process = spawn(words, -1, out->second.get(),
                             errors == Errors::Together ? out->second.get() : nothing.get());
  if (!process) return fail(process.error());
  return Background(*process, out->first.release());
}

Background::Background(Background&& other) noexcept
    : process_(std::exchange(other.process_, -1)),
      output_(std::exchange(other.output_, -1)),
      said_(std::move(other.said_)),
      ended_(other.ended_) {}

Background::~Background() {
  if (process_ > 0) end_of(process_, Clock::now());
  if (output_ >= 0) ::close(output_);
}

Result<std::string> Background::wait_for(std::string_view wanted, Nanos patience,
                                         const std::function<bool()>& interrupted) {
  const auto until = Clock::now() + patience;
  for (;;) {
    const bool open = drain(output_, said_, std::size_t{1} << 20);
    const std::size_t at = said_.find(wanted);
    if (at != std::string::npos && said_.find('\n', at) != std::string::npos) return said_;
    if (!open || Clock::now() >= until || (interrupted && interrupted())) {
      return fail(ErrorCode::Unavailable, said_.empty() ? "it said nothing" : said_);
    }
    pollfd watched{output_, POLLIN, 0};
    ::poll(&watched, 1, static_cast<int>(kLook.count()));
  }
}

std::string Background::take(Nanos patience) {
  const auto until = Clock::now() + patience;
  for (;;) {
    if (!ended_) ended_ = !drain(output_, said_, std::size_t{64} << 20);
    if (!said_.empty() || ended_ || Clock::now() >= until) return std::exchange(said_, {});
    pollfd watched{output_, POLLIN, 0};
    ::poll(&watched, 1, static_cast<int>(kLook.count()));
  }
}

}  // namespace kneepoint::cluster
