#include "scrape/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/text.h"

namespace kneepoint::scrape {
namespace {

using metrics::is_missing;
using metrics::Metric;

constexpr double kShare = 0.20;
/// What the two sides count is cut at different moments: theirs at a scrape, which are a second
/// apart, and some servers count a request's tokens when it ends.
constexpr double kEdgesSeconds = 2;

bool agree(double client, double server, double least) {
  return std::abs(client - server) <= std::max(kShare * std::max(client, server), least);
}

std::string in_ms(double value) { return fixed(value, value < 10 ? 2 : 1) + " ms"; }

/// Why the client may see more than the server does of the same requests.
std::string outside(const metrics::Summary& client, Metric metric) {
  if (metric == Metric::Tpot || metric == Metric::Itl) {
    return "something between server and client holds tokens back: the server's front end, a proxy "
           "that buffers, the network";
  }
  const double late = client.send_delay.mean;
  std::string out =
      "time passes before the server's clock starts or after it stops: the network, a proxy or "
      "gateway, a queue in front of the engine";
  if (!is_missing(late) && late >= 1) {
    out += fmt::format("; {} of it is this client's own lateness in sending", in_ms(late));
  }
  return out;
}

void compare(std::vector<std::string>& out, Metric metric, double client_ms, double server_ms,
             const metrics::Summary& client) {
  const double least = metric == Metric::Tpot || metric == Metric::Itl ? 1.0 : 5.0;
  if (is_missing(client_ms) || is_missing(server_ms) || agree(client_ms, server_ms, least)) return;
  const std::string both =
      fmt::format("mean {} is {} here and {} by the server's own account: ", label(metric),
                  in_ms(client_ms), in_ms(server_ms));
  out.push_back(both + (client_ms > server_ms
                            ? outside(client, metric)
                            : "the server also counts requests that are not in this window: other "
                              "clients', the warm-up's, failed ones"));
}

}  // namespace

std::vector<std::string> disagreements(const metrics::Summary& client,
                                       const metrics::ServerSignals& server) {
  std::vector<std::string> out;
  const auto mean = [&](Metric metric) { return client.of(metric).mean; };
  compare(out, Metric::Ttft, mean(Metric::Ttft), server.ttft_mean_ms, client);
  compare(out, Metric::Tpot, mean(Metric::Tpot), server.tpot_mean_ms, client);
  compare(out, Metric::Itl, mean(Metric::Itl), server.itl_mean_ms, client);
  compare(out, Metric::E2e, mean(Metric::E2e), server.e2e_mean_ms, client);

  const double theirs = server.generation_tokens_per_second;
  if (!client.output_rate || is_missing(theirs)) return out;
  const double ours = client.output_rate->per_second();
  const double seconds = std::chrono::duration<double>(client.window.length()).count();
  if (!(seconds > 0)) return out;
  if (agree(ours, theirs, 1.0 + std::max(ours, theirs) * kEdgesSeconds / seconds)) return out;
  out.push_back(fmt::format(
      "{} output tokens per second arrived here, the server counted {}: {}", fixed(ours, 1),
      fixed(theirs, 1),
      ours > theirs ? "the metrics are those of one of several replicas behind this address"
                    : "other clients use the server too, or answers were cut or cancelled after it "
                      "had made them"));
  return out;
}

}  // namespace kneepoint::scrape
