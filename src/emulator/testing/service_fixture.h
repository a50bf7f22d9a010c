#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "emulator/emulator.h"
#include "http/client.h"
#include "http/sse.h"

namespace kneepoint::emulator {

inline const catalog::Catalog& shipped() {
  static const catalog::Catalog catalog =
      catalog::Catalog::open(KP_BINARY_DIR "/kneepoint.catalog", {}).value();
  return catalog;
}

struct Answer final : http::Exchange {
  void on_head(const http::ResponseHead& given, http::Stamp) override { head = given; }
  void on_body(std::string_view bytes, http::Stamp stamp) override {
    body += bytes;
    stamps.push_back(stamp.at);
    if (on_bytes) on_bytes();
  }
  void on_end(const http::Ending& given) override { ending = given; }

  json::Value json() const { return json::parse(body).value(); }
  /// The data of the events of a stream.
  std::vector<std::string> events() const {
    http::SseDecoder decoder;
    decoder.feed(body);
    std::vector<std::string> all;
    while (const auto event = decoder.next().value()) all.emplace_back(event->data);
    return all;
  }

  http::ResponseHead head;
  std::string body;
  std::vector<http::Time> stamps;
  std::optional<http::Ending> ending;
  std::function<void()> on_bytes;
};

/// The emulator and a client of it, on one loop, over real sockets.
class ServiceTest : public testing::Test {
 protected:
  ServiceTest() {
    options.script.ttft = parse_delay("5ms").value();
    options.script.gap = parse_delay("1ms").value();
  }

  void start() {
    auto started = Emulator::start(*loop, options, shipped(), std::move(timing));
    ASSERT_TRUE(started) << started.error().message;
    emulator = std::move(*started);
    client.emplace(
        *loop,
        http::resolve({.tls = false, .host = "127.0.0.1", .port = emulator->port(), .base = ""})
            .value());
  }
  void faults(std::initializer_list<const char*> texts) {
    std::vector<Fault> all;
    for (const char* text : texts) all.push_back(parse_fault(text).value());
    options.service.faults = FaultPlan(all, 1);
  }

  void send(Answer& answer, std::string path, std::string body,
            std::vector<std::pair<std::string, std::string>> fields = {}) {
    const http::Url url{.tls = false, .host = "127.0.0.1", .port = emulator->port(), .base = ""};
    http::Request request{.method = body.empty() ? "GET" : "POST",
                          .path = std::move(path),
                          .fields = std::move(fields),
                          .body = std::move(body)};
    client->send(http::to_wire(url, request).value(), answer);
  }
  void wait(const std::function<bool()>& holds) {
    ASSERT_TRUE(loop->run_until(holds, loop->now() + std::chrono::seconds(20))) << "waited in vain";
  }
  Answer ask(std::string path, std::string body = {},
             std::vector<std::pair<std::string, std::string>> fields = {}) {
    Answer answer;
    send(answer, std::move(path), std::move(body), std::move(fields));
    wait([&] { return answer.ending.has_value(); });
    return answer;
  }
  Answer stream(std::string more = R"("max_tokens":6)") {
    return ask("/v1/completions", R"({"prompt":"one two three","stream":true,)" + more + "}");
  }

  std::unique_ptr<http::Loop> loop = http::Loop::open({.read_every = Nanos(0)}).value();
  EmulatorOptions options;
  std::unique_ptr<Timing> timing;  // in place of the script; for one start()
  std::unique_ptr<Emulator> emulator;
  std::optional<http::Client> client;
};

}  // namespace kneepoint::emulator
