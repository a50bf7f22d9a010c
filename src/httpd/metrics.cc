#include "httpd/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <atomic>
#include <map>

namespace kneepoint::httpd {
namespace {

const prometheus::Histogram::BucketBoundaries kSeconds{
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};

}  // namespace

struct Metrics::PerRoute {
  std::string method, path;
  prometheus::Histogram* seconds = nullptr;
  prometheus::Counter* in = nullptr;
  prometheus::Counter* out = nullptr;
  /// By status; made when first seen, then found without a lock.
  std::array<std::atomic<prometheus::Counter*>, 600> statuses{};
};

struct Metrics::Series {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& requests =
      prometheus::BuildCounter()
          .Name("kneepoint_http_requests_total")
          .Help("Requests answered, by route and status")
          .Register(registry);
  prometheus::Family<prometheus::Histogram>& seconds =
      prometheus::BuildHistogram()
          .Name("kneepoint_http_request_seconds")
          .Help("From the last byte of a request's head to the last of its answer")
          .Register(registry);
  prometheus::Family<prometheus::Counter>& in = prometheus::BuildCounter()
                                                    .Name("kneepoint_http_request_bytes_total")
                                                    .Help("Bytes of request bodies, unpacked")
                                                    .Register(registry);
  prometheus::Family<prometheus::Counter>& out = prometheus::BuildCounter()
                                                     .Name("kneepoint_http_answer_bytes_total")
                                                     .Help("Bytes of answer bodies as sent")
                                                     .Register(registry);
  prometheus::Family<prometheus::Counter>& refused =
      prometheus::BuildCounter()
          .Name("kneepoint_http_refused_total")
          .Help("Connections and requests that were refused or given up, by reason")
          .Register(registry);
  prometheus::Family<prometheus::Counter>& reread =
      prometheus::BuildCounter()
          .Name("kneepoint_http_file_reloads_total")
          .Help("Certificates and token files read again, by result")
          .Register(registry);
  prometheus::Gauge& connections = prometheus::BuildGauge()
                                       .Name("kneepoint_http_connections")
                                       .Help("Open connections")
                                       .Register(registry)
                                       .Add({});
  prometheus::Gauge& streams = prometheus::BuildGauge()
                                   .Name("kneepoint_http_event_streams")
                                   .Help("Open streams of server-sent events")
                                   .Register(registry)
                                   .Add({});
  std::map<const Route*, PerRoute> routes;
  PerRoute console, none;

  void name(PerRoute& each, std::string method, std::string path) {
    each.method = std::move(method);
    each.path = std::move(path);
    const prometheus::Labels labels{{"method", each.method}, {"route", each.path}};
    each.seconds = &seconds.Add(labels, kSeconds);
    each.in = &in.Add(labels);
    each.out = &out.Add(labels);
  }
};

Metrics::Metrics(const std::vector<Route>& routes) : series_(std::make_unique<Series>()) {
  for (const auto& route : routes) series_->name(series_->routes[&route], route.method, route.path);
  series_->name(series_->console, "GET", "console");
  series_->name(series_->none, "", "none");
}

Metrics::~Metrics() = default;

void Metrics::done(const Done& request) {
  auto& each = request.route     ? series_->routes.at(request.route)
               : request.console ? series_->console
                                 : series_->none;
  auto& slot = each.statuses[static_cast<std::size_t>(request.status) % each.statuses.size()];
  auto* counter = slot.load(std::memory_order_acquire);
  if (!counter) {
    counter = &series_->requests.Add(
        {{"method", each.method}, {"route", each.path}, {"code", std::to_string(request.status)}});
    slot.store(counter, std::memory_order_release);
  }
  counter->Increment();
  each.seconds->Observe(request.seconds);
  each.in->Increment(static_cast<double>(request.bytes_in));
  each.out->Increment(static_cast<double>(request.bytes_out));
}

void Metrics::refused(std::string_view reason) {
  series_->refused.Add({{"reason", std::string(reason)}}).Increment();
}

void Metrics::reread(std::string_view what, bool ok) {
  series_->reread.Add({{"file", std::string(what)}, {"result", ok ? "read" : "failed"}})
      .Increment();
}

void Metrics::connections(std::ptrdiff_t change) {
  series_->connections.Increment(static_cast<double>(change));
}

void Metrics::streams(std::ptrdiff_t change) {
  series_->streams.Increment(static_cast<double>(change));
}

std::string Metrics::text() const {
  return prometheus::TextSerializer().Serialize(series_->registry.Collect());
}

}  // namespace kneepoint::httpd
