#include "scrape/scraper.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <thread>

#include "scrape/recorder.h"

namespace kneepoint::scrape {

/// Lives in the thread's loop but for the recorder, which is shared under a lock held for
/// microseconds.
class Scraper::Worker final : public http::Exchange {
 public:
  Worker(std::unique_ptr<http::Loop> loop, const http::Endpoint& endpoint, std::string wire,
         SignalMap map, http::Time start, ScraperOptions options)
      : loop_(std::move(loop)),
        client_(*loop_, endpoint, {.patience = options.patience, .resend_when_closed = true}),
        wire_(std::move(wire)),
        options_(std::move(options)),
        start_(start),
        map_(map),
        recorder_(std::move(map)) {
    loop_->post([this] {
      due_ = loop_->now();
      tick();
    });
    thread_ = std::thread([this] { loop_->run(); });
  }
  ~Worker() {
    loop_->stop();
    thread_.join();
  }

  void poke() {
    loop_->post([this] { ask(); });
  }
  std::optional<metrics::SignalSample> latest() const {
    const std::lock_guard lock(lock_);
    return recorder_.latest();
  }
  metrics::ServerSignals mark(const metrics::Window& window) const {
    const std::lock_guard lock(lock_);
    return recorder_.summarize(window);
  }

 private:
  /// On a grid, so that a slow scrape does not shift those after it.
  void tick() {
    ask();
    const http::Time now = loop_->now();
    const Nanos step = std::max(options_.interval, Nanos(std::chrono::milliseconds(1)));
    due_ += step * (1 + std::max<std::int64_t>(0, (now - due_) / step));
    loop_->at(due_, [this] { tick(); });
  }

  void ask() {
    if (under_way_) return;
    under_way_ = true;
    too_large_ = false;
    page_.clear();
    request_ = client_.send(wire_, *this);
  }

  void on_body(std::string_view bytes, http::Stamp) override {
    if (too_large_) return;
    if (page_.size() + bytes.size() > options_.largest_page) {
      too_large_ = true;
      client_.cancel(request_);
      return;
    }
    page_ += bytes;
  }

  void on_end(const http::Ending& ending) override {
    under_way_ = false;
    // What the page says was true about when its first byte came.
    const http::Time told = ending.first_byte ? ending.first_byte->at : loop_->now();
    if (const std::string reason = failure(ending); !reason.empty()) return note(told, reason);
    const auto reading = map_.read(page_);
    if (!reading) return note(told, reading.error().message);
    const std::lock_guard lock(lock_);
    recorder_.add(told - start_, *reading);
  }

  std::string failure(const http::Ending& ending) const {
    if (too_large_) return fmt::format("a page of more than {} bytes", options_.largest_page);
    if (ending.outcome != http::Outcome::Complete) {
      return fmt::format("{}: {}", name(ending.outcome), ending.reason);
    }
    if (ending.status != 200) {
      return fmt::format("status {}; are the server's metrics turned on, and is this their path?",
                         ending.status);
    }
    return {};
  }

  void note(http::Time when, const std::string& reason) {
    const std::lock_guard lock(lock_);
    recorder_.failed(when - start_, reason);
  }

  std::unique_ptr<http::Loop> loop_;
  http::Client client_;
  std::string wire_;
  ScraperOptions options_;
  http::Time start_;
  SignalMap map_;

  http::Time due_;
  bool under_way_ = false;
  bool too_large_ = false;
  http::Client::RequestId request_ = 0;
  std::string page_;

  mutable std::mutex lock_;
  Recorder recorder_;
  std::thread thread_;
};

Scraper::Scraper(std::unique_ptr<Worker> worker) : worker_(std::move(worker)) {}
Scraper::~Scraper() = default;

Result<std::unique_ptr<Scraper>> Scraper::start(const http::Endpoint& endpoint, std::string path,
                                                SignalMap map, http::Time start,
                                                ScraperOptions options) {
  http::Request request{
      .method = "GET", .path = std::move(path), .fields = options.fields, .body = {}};
  auto wire = http::to_wire(endpoint.url, request);
  if (!wire) return fail(std::move(wire).error().during("ask for the metrics page"));
  auto loop = http::Loop::open();
  if (!loop) return fail(loop.error());
  return std::unique_ptr<Scraper>(new Scraper(std::make_unique<Worker>(
      std::move(*loop), endpoint, std::move(*wire), std::move(map), start, std::move(options))));
}

void Scraper::poke() { worker_->poke(); }
std::optional<metrics::SignalSample> Scraper::latest() const { return worker_->latest(); }
metrics::ServerSignals Scraper::mark(const metrics::Window& window) const {
  return worker_->mark(window);
}

}  // namespace kneepoint::scrape
