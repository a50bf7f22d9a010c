#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>

#include "cli/commands.h"
#include "cli/version.h"
#include "mcp/server.h"

namespace kneepoint::cli {
namespace {

/// Lines of standard input, each given away once it is whole. One that is too long is passed on cut
/// off, to be refused, and its rest left out.
class Lines {
 public:
  template <class Take>
  Result<void> each(Take take) {
    std::string buffer(std::size_t{64} << 10, '\0');
    for (;;) {
      const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail(ErrorCode::Unavailable, "standard input cannot be read");
      if (got == 0) break;
      std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
      for (auto end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n')) {
        keep(bytes.substr(0, end));
        take(line_);
        line_.clear();
        bytes.remove_prefix(end + 1);
      }
      keep(bytes);
    }
    if (!line_.empty()) take(line_);
    return {};
  }

 private:
  void keep(std::string_view bytes) {
    const std::size_t room = mcp::Server::kLongestLine + 1 - line_.size();
    line_.append(bytes.substr(0, room));
  }
  std::string line_;
};

}  // namespace

Result<void> serve_mcp(Run& run) {
  auto settings = run.settings();
  if (!settings) return fail(std::move(settings).error());
  settings->version = kVersion;
  settings->clock = [&run, otherwise = settings->today] {
    return today(run.environment()).value_or(otherwise);
  };
  mcp::Server::Options options;
  options.version = kVersion;
  options.open = [&settings] { return app::Session::open(*settings); };
  // Standard output is the protocol's alone, and a client waits for every line of it.
  options.write = [&run](std::string_view line) {
    run.out(std::string(line) + "\n");
    std::fflush(stdout);
  };
  mcp::Server server(std::move(options));
  auto read = Lines().each([&server](std::string_view line) { server.take(line); });
  server.finish();
  return read;
}

}  // namespace kneepoint::cli
