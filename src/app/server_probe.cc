#include "app/server_probe.h"

#include <fmt/format.h>

#include "base/text.h"
#include "http/client.h"
#include "http/loop.h"

namespace kneepoint::app {
namespace {

constexpr std::size_t kLargestDocument = std::size_t{16} << 20;
constexpr http::Patience kPatience{.connect = std::chrono::seconds(5),
                                   .first_byte = std::chrono::seconds(5),
                                   .silence = std::chrono::seconds(5),
                                   .whole = std::chrono::seconds(10)};

class Get final : public http::Exchange {
 public:
  void on_head(const http::ResponseHead& head, http::Stamp) override {
    for (const auto& [name, value] : head.fields) {
      if (lower(name) == "server") server_field = value;
    }
  }
  void on_body(std::string_view bytes, http::Stamp) override {
    if (body.size() + bytes.size() <= kLargestDocument) body += bytes;
  }
  void on_end(const http::Ending& ending) override {
    status = ending.outcome == http::Outcome::Complete ? ending.status : 0;
    reason = ending.reason;
    ended = true;
  }

  std::string body, server_field, reason;
  int status = 0;
  bool ended = false;
};

Result<Get> get(http::Loop& loop, http::Client& client, const loadgen::Target& target,
                std::string_view path) {
  http::Request request;
  request.method = "GET";
  request.path = std::string(path);
  request.fields = target.fields;
  if (!target.token.empty()) request.fields.emplace_back("Authorization", "Bearer " + target.token);
  auto wire = http::to_wire(target.endpoint.url, request);
  if (!wire) return fail(std::move(wire.error()));
  Get answer;
  client.send(std::move(*wire), answer, kPatience);
  loop.run_until([&] { return answer.ended; }, loop.now() + std::chrono::seconds(30));
  return answer;
}

}  // namespace

Result<ServerFacts> probe_server(const loadgen::Target& target, const catalog::Catalog& catalog,
                                 std::string_view server, std::string_view version) {
  auto loop = http::Loop::open();
  if (!loop) return fail(std::move(loop.error()));
  http::Client client(**loop, target.endpoint);
  // Metrics and versions stand beside the API: outside a base of /v1.
  http::Url root = target.endpoint.url;
  if (root.base.ends_with("/v1")) root.base.resize(root.base.size() - 3);

  ServerFacts out;
  out.metrics_path = root.path("/metrics");
  auto page = get(**loop, client, target, out.metrics_path);
  if (!page) return fail(std::move(page.error()));
  if (page->status == 0) {
    out.notes.push_back("the server does not answer: " + page->reason);
    return out;
  }
  const std::string metrics = page->status == 200 ? std::move(page->body) : std::string();

  if (!server.empty()) {
    out.identity = scrape::Identity{std::string(server), std::string(version), "as stated"};
  }
  if (server.empty() || version.empty()) {
    std::vector<std::string> bodies;
    for (const std::string_view path : scrape::kTellingPaths) {
      auto answer = get(**loop, client, target, root.path(path));
      if (!answer) return fail(std::move(answer.error()));
      bodies.push_back(answer->status == 200 ? std::move(answer->body) : std::string());
    }
    std::vector<scrape::Document> documents;
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      documents.push_back({scrape::kTellingPaths[i], bodies[i]});
    }
    auto found = scrape::detect(catalog, metrics, page->server_field, documents);
    if (found && server.empty()) {
      if (!version.empty()) found->version = std::string(version);
      out.identity = std::move(found);
    } else if (found && found->server == server) {
      out.identity->version = found->version;
    }
  }
  if (metrics.empty()) {
    out.notes.push_back(fmt::format("no server metrics: {} answered with status {}",
                                    out.metrics_path, page->status));
    return out;
  }
  if (!out.identity) {
    out.notes.push_back(
        "the server's metrics are of a kind this program does not know; say which server it is "
        "with "
        "--model-server");
    return out;
  }
  auto signals = scrape::SignalMap::of(catalog, out.identity->server, out.identity->version);
  if (!signals) {
    out.notes.push_back("no server metrics: " + signals.error().message);
  } else if (const auto read = signals->read(metrics); !read) {
    out.notes.push_back("no server metrics: " + read.error().message);
  } else {
    out.signals = std::move(*signals);
  }
  return out;
}

}  // namespace kneepoint::app
