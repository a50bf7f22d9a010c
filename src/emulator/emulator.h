#pragma once

#include <memory>
#include <optional>
#include <string>

#include "catalog/catalog.h"
#include "emulator/scripted_timing.h"
#include "emulator/service.h"
#include "http/loop.h"
#include "http/server.h"

namespace kneepoint::emulator {

struct EmulatorOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  Nanos idle{0};  // a kept connection is closed after this; 0 never
  Script script;
  ServiceOptions service;
  std::string truth_path;  // empty: none is written
};

/// An OpenAI-compatible server with a timing of its own making, on a loop somebody else runs.
class Emulator {
 public:
  /// Other addresses than the machine's own need a token. `timing` in place of the script, where it
  /// is given.
  static Result<std::unique_ptr<Emulator>> start(http::Loop& loop, EmulatorOptions options,
                                                 const catalog::Catalog& catalog,
                                                 std::unique_ptr<Timing> timing = nullptr);
  ~Emulator();

  std::string url() const { return server_->url(); }
  std::uint16_t port() const { return server_->port(); }
  const ServiceTotals& totals() const { return service_->totals(); }
  const http::ServerStats& server_stats() const { return server_->stats(); }
  bool died() const { return died_; }  // of its fault die-after; the loop was stopped

  /// Closes everything and ends the truth; whether all of it was written.
  Result<void> finish();

 private:
  Emulator() = default;

  std::unique_ptr<TruthLog> truth_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<http::Server> server_;
  bool died_ = false;
};

/// 127.0.0.0/8, ::1 and localhost.
bool is_loopback(std::string_view host);

}  // namespace kneepoint::emulator
