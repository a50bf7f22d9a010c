#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "mcp/server.h"

/// Lines of a hostile client. Whatever comes, what is written is one JSON-RPC message a line; no
/// tool finds a store, so what a verb does with an ask is left to the verbs' own tests.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kneepoint;
  mcp::Server::Options options;
  options.version = "fuzz";
  options.open = []() -> Result<std::unique_ptr<app::Session>> {
    return fail(ErrorCode::Unavailable, "no store here");
  };
  options.write = [](std::string_view line) {
    const auto message = json::parse(line);
    if (!message || !message->is_object() || line.find('\n') != std::string_view::npos) {
      std::abort();
    }
    if (message->at("jsonrpc") != "2.0") std::abort();
  };
  mcp::Server server(std::move(options));
  server.take(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{}})");
  std::string_view text(reinterpret_cast<const char*>(data), size);
  while (!text.empty()) {
    const auto end = text.find('\n');
    server.take(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  server.finish();
  return 0;
}
