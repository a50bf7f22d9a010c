#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "http/client.h"
#include "http/endpoint.h"
#include "http/loop.h"
#include "metrics/server_signals.h"
#include "metrics/summary.h"
#include "scrape/signal_map.h"

namespace kneepoint::scrape {

struct ScraperOptions {
  Nanos interval = std::chrono::seconds(1);
  /// A scrape that is not through by then has failed. While one is under way no other starts.
  http::Patience patience{.connect = std::chrono::seconds(2),
                          .first_byte = std::chrono::seconds(5),
                          .silence = std::chrono::seconds(5),
                          .whole = std::chrono::seconds(10)};
  std::size_t largest_page = std::size_t{16} << 20;
  std::vector<std::pair<std::string, std::string>>
      fields{};  // of the request; may hold credentials
};

/// Asks a server for its metrics page again and again, in a thread of its own with a loop of its
/// own, so that no load generator waits for it. All functions may be called from any thread and
/// return at once. A scrape that fails is counted, never an error.
class Scraper {
 public:
  /// `path` is the whole path of the page; `start` is when the run started: all times are since
  /// then. The first scrape begins at once.
  static Result<std::unique_ptr<Scraper>> start(const http::Endpoint& endpoint, std::string path,
                                                SignalMap map, http::Time start,
                                                ScraperOptions options = {});
  ~Scraper();  // gives up the scrape under way
  Scraper(const Scraper&) = delete;
  Scraper& operator=(const Scraper&) = delete;

  /// Scrapes out of turn, for a sample close to the edge of a window.
  void poke();
  /// For live progress.
  std::optional<metrics::SignalSample> latest() const;
  metrics::ServerSignals mark(const metrics::Window& window) const;

 private:
  class Worker;
  explicit Scraper(std::unique_ptr<Worker> worker);
  std::unique_ptr<Worker> worker_;
};

}  // namespace kneepoint::scrape
