// What a streamed event costs the load generator, from the kernel to the record, beside a bare
// reader that only takes the bytes: CPU of the client's thread alone, over loopback. A thread of
// the benchmark plays the server.
#include "loadgen/point_runner.h"

#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <thread>

#include "http/stamped_read.h"

namespace kneepoint::loadgen {
namespace {

using namespace std::chrono_literals;

constexpr int kEvents = 200;

double thread_cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

std::string framed(std::string_view data) {
  std::array<char, 16> size{};
  const int digits = std::snprintf(size.data(), size.size(), "%zx", data.size());
  return std::string(size.data(), static_cast<std::size_t>(digits)) + "\r\n" + std::string(data) +
         "\r\n";
}

int listen_on_loopback(std::uint16_t& port) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0) return -1;
  if (listen(listener, 8192) != 0) return -1;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  port = ntohs(address.sin_port);
  return listener;
}

/// An event for each stream in turn, spread evenly over the gap, so that a stream has one every
/// `gap`.
void serve(int listener, int streams, Nanos gap) {
  std::vector<int> peers;
  for (int i = 0; i < streams; ++i) {
    peers.push_back(accept(listener, nullptr, nullptr));
    const int on = 1;
    setsockopt(peers.back(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  std::array<char, 16384> request{};
  for (const int peer : peers) {
    if (recv(peer, request.data(), request.size(), 0) <= 0) return;
  }
  const std::string event = framed(
      R"(data: {"id":"cmpl-0123456789abcdef","object":"text_completion","created":1700000000,)"
      R"("model":"a-model","choices":[{"index":0,"text":" word","logprobs":null,)"
      R"("finish_reason":null,"stop_reason":null,"prompt_token_ids":null,"token_ids":null}]})"
      "\n\n");
  const std::string last =
      framed(R"(data: {"choices":[{"index":0,"text":"","finish_reason":"length"}]})"
             "\n\n") +
      framed("data: [DONE]\n\n") + "0\r\n\r\n";
  const std::string head =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const int peer : peers) send(peer, head.data(), head.size(), MSG_NOSIGNAL);
  auto next = http::Clock::now();
  for (int i = 0; i < kEvents; ++i) {
    for (std::size_t p = 0; p < peers.size(); ++p) {
      send(peers[p], event.data(), event.size(), MSG_NOSIGNAL);
      if (p % 16 == 15) std::this_thread::sleep_until(next += gap * 16 / streams);
    }
  }
  for (const int peer : peers) send(peer, last.data(), last.size(), MSG_NOSIGNAL);
  std::array<char, 64> rest{};
  for (const int peer : peers) {
    while (recv(peer, rest.data(), rest.size(), 0) > 0) {
    }
    close(peer);
  }
}

void allow_descriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void report(benchmark::State& state, double events, double cpu) {
  state.counters["events_per_cpu_second"] = events / cpu;
  state.counters["us_per_event"] = cpu / events * 1e6;
  state.SetIterationTime(cpu);
}

void BM_PointRunner(benchmark::State& state) {
  allow_descriptors();
  const auto streams = static_cast<int>(state.range(0));
  for (auto _ : state) {
    std::uint16_t port = 0;
    const int listener = listen_on_loopback(port);
    std::thread server(serve, listener, streams, Nanos(std::chrono::milliseconds(state.range(1))));
    {
      const auto loop = http::Loop::open().value();
      Target target;
      target.endpoint =
          http::resolve(http::Url{.tls = false, .host = "127.0.0.1", .port = port, .base = ""})
              .value();
      target.model = "m";
      auto runner = PointRunner::open(*loop, target, workload::token_id_prompts(1), 100000).value();
      workload::RunSpec spec;
      spec.in_flight = spec.requests = streams;
      spec.lengths.input.first = 16;
      spec.lengths.output.first = kEvents;
      const auto record = runner->run(spec, {}).value();
      if (record.requests_completed != static_cast<std::uint64_t>(streams)) {
        state.SkipWithError("a stream was lost");
      }
      report(state, static_cast<double>(streams) * kEvents, record.self.cpu_seconds);
      state.counters["read_lag_p99_ms"] = record.self.read_lag.p99;
    }
    server.join();
    close(listener);
  }
}

/// The least a client can do that stamps its events: read every millisecond, note the kernel's
/// time.
void BM_BareReader(benchmark::State& state) {
  allow_descriptors();
  const auto streams = static_cast<int>(state.range(0));
  for (auto _ : state) {
    std::uint16_t port = 0;
    const int listener = listen_on_loopback(port);
    std::thread server(serve, listener, streams, Nanos(std::chrono::milliseconds(state.range(1))));
    const int epoll = epoll_create1(0);
    std::vector<int> sockets;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    for (int i = 0; i < streams; ++i) {
      const int one = socket(AF_INET, SOCK_STREAM, 0);
      if (connect(one, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return;
      http::enable_receive_stamps(one);
      epoll_event event{.events = EPOLLIN, .data = {.fd = one}};
      epoll_ctl(epoll, EPOLL_CTL_ADD, one, &event);
      sockets.push_back(one);
    }
    const double before = thread_cpu_seconds();
    for (const int one : sockets) send(one, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL);
    std::vector<char> buffer(1 << 16);
    std::array<epoll_event, 512> ready{};
    std::int64_t stamps = 0;
    for (int open = streams; open > 0;) {
      const int count = epoll_wait(epoll, ready.data(), ready.size(), -1);
      for (int i = 0; i < count; ++i) {
        const int one = ready[static_cast<std::size_t>(i)].data.fd;
        const auto read = http::stamped_read(one, buffer);
        stamps += read.realtime ? read.realtime->count() & 1 : 0;
        const auto size = static_cast<std::size_t>(std::max(0L, read.count));
        const bool last = std::string_view(buffer.data(), size).ends_with("0\r\n\r\n");
        if (!last && size > 0) continue;
        epoll_ctl(epoll, EPOLL_CTL_DEL, one, nullptr);
        close(one);
        --open;
      }
      std::this_thread::sleep_for(1ms);
    }
    benchmark::DoNotOptimize(stamps);
    report(state, static_cast<double>(streams) * kEvents, thread_cpu_seconds() - before);
    server.join();
    close(listener);
    close(epoll);
  }
}

// About 9,000 events a second.
#define KP_SHAPES                       \
  Args({512, 57})                       \
      ->Args({2000, 222})               \
      ->ArgNames({"streams", "gap_ms"}) \
      ->Iterations(1)                   \
      ->UseManualTime()                 \
      ->Unit(benchmark::kMillisecond)
BENCHMARK(BM_PointRunner)->KP_SHAPES;
BENCHMARK(BM_BareReader)->KP_SHAPES;
#undef KP_SHAPES

}  // namespace
}  // namespace kneepoint::loadgen
