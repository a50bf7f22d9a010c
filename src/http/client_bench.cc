// How many streamed events a second one thread takes in over loopback, all costs included: kernel,
// framing, events, JSON. A thread of the benchmark plays the server, so read CPU, not time.
#include "http/client.h"

#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "http/sse.h"
#include "http/stream_chunk.h"

namespace kneepoint::http {
namespace {

using namespace std::chrono_literals;

constexpr int kEvents = 100;

/// One stream per connection, all in step: an event each, then a pause, as an engine's batch does.
void serve(int listener, int streams, Nanos step) {
  std::vector<int> peers;
  for (int i = 0; i < streams; ++i) peers.push_back(accept(listener, nullptr, nullptr));
  std::array<char, 1024> request{};
  for (const int peer : peers) {
    if (recv(peer, request.data(), request.size(), 0) <= 0) return;
  }
  const std::string data =
      R"(data: {"id":"cmpl-0123456789abcdef","object":"text_completion","created":1700000000,)"
      R"("model":"a-model","choices":[{"index":0,"text":" word","logprobs":null,)"
      R"("finish_reason":null,"stop_reason":null,"prompt_token_ids":null,"token_ids":null}]})"
      "\n\n";
  std::array<char, 16> size{};
  const int digits = std::snprintf(size.data(), size.size(), "%zx", data.size());
  const std::string chunk =
      std::string(size.data(), static_cast<std::size_t>(digits)) + "\r\n" + data + "\r\n";
  const auto say = [&](std::string_view text) {
    for (const int peer : peers) send(peer, text.data(), text.size(), MSG_NOSIGNAL);
  };
  say("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
  Time next = Clock::now();
  for (int i = 0; i < kEvents; ++i) {
    say(chunk);
    std::this_thread::sleep_until(next += step);
  }
  say("0\r\n\r\n");
  for (const int peer : peers) close(peer);
}

struct Stream final : Exchange {
  void on_body(std::string_view bytes, Stamp) override {
    events.feed(bytes);
    for (auto event = events.next(); event && *event; event = events.next()) {
      const auto chunk = chunks->decode((*event)->data);
      seen += chunk && (*chunk)->has_output() ? 1 : 0;
    }
  }
  void on_end(const Ending& ending) override { ended = ending.outcome == Outcome::Complete; }

  SseDecoder events;
  StreamChunkDecoder* chunks = nullptr;
  int seen = 0;
  bool ended = false;
};

void BM_Streams(benchmark::State& state) {
  const int streams = static_cast<int>(state.range(0));
  const Nanos read_every = std::chrono::microseconds(state.range(1));
  std::int64_t seen = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        listen(listener, 4096) != 0) {
      state.SkipWithError("no listener");
      break;
    }
    getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    std::thread server(serve, listener, streams, 10ms);
    const auto loop = Loop::open({.read_every = read_every}).value();
    Url url{.tls = false, .host = "127.0.0.1", .port = ntohs(address.sin_port), .base = ""};
    Client client(*loop, resolve(url).value());
    bool warm = false;
    client.warm(static_cast<std::size_t>(streams), [&](const Client::Warmed&) { warm = true; });
    loop->run_until([&] { return warm; }, loop->now() + 30s);
    StreamChunkDecoder chunks;
    std::vector<Stream> calls(static_cast<std::size_t>(streams));
    state.ResumeTiming();
    for (Stream& call : calls) {
      call.chunks = &chunks;
      client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n", call);
    }
    std::size_t ended = 0;
    loop->run_until(
        [&] {
          while (ended < calls.size() && calls[ended].ended) ++ended;
          return ended == calls.size();
        },
        loop->now() + 60s);
    state.PauseTiming();
    for (const Stream& call : calls) seen += call.seen;
    server.join();
    close(listener);
    state.counters["reads"] = static_cast<double>(client.stats().reads);
    state.counters["kernel_stamps"] = static_cast<double>(client.stats().kernel_stamps);
    state.ResumeTiming();
  }
  if (seen != static_cast<std::int64_t>(state.iterations()) * streams * kEvents) {
    state.SkipWithError("an event was lost");
  }
  state.SetItemsProcessed(seen);  // per second of this thread's CPU
}
BENCHMARK(BM_Streams)
    ->Args({64, 0})
    ->Args({64, 1000})
    ->Args({512, 0})
    ->Args({512, 1000})
    ->ArgNames({"streams", "read_every_us"})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace kneepoint::http
