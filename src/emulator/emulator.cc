#include "emulator/emulator.h"

#include <fmt/format.h>

#include <utility>

namespace kneepoint::emulator {
namespace {

/// Clients ask for the version and some read it: a server whose version nobody chose answers as the
/// newest release that the catalog knows, whose metric names it uses too.
std::string newest_release(const catalog::Catalog& catalog, std::string_view server) {
  std::string newest;
  for (const catalog::ServerVersion& build : catalog.server_versions()) {
    if (build.server != server || build.channel != "release") continue;
    if (newest.empty() || catalog::compare_versions(build.version, newest).value_or(-1) > 0) {
      newest = build.version;
    }
  }
  return newest.empty() ? "emulated" : newest;
}

}  // namespace

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host == "::1") return true;
  if (!host.starts_with("127.")) return false;
  return host.find_first_not_of("0123456789.") == std::string_view::npos;
}

Result<std::unique_ptr<Emulator>> Emulator::start(http::Loop& loop, EmulatorOptions options,
                                                  const catalog::Catalog& catalog,
                                                  std::unique_ptr<Timing> timing) {
  if (!is_loopback(options.host) && options.service.token.empty()) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("listening on {} lets other machines in: give a token by --token-file "
                            "or KNEEPOINT_EMULATE_TOKEN, or leave --host out",
                            options.host));
  }
  auto page = MetricsPage::make(catalog, options.service.server, options.service.version,
                                options.service.model);
  if (!page) return fail(page.error());
  if (options.service.version.empty()) {
    options.service.version = newest_release(catalog, options.service.server);
  }
  std::unique_ptr<Emulator> emulator(new Emulator);
  if (!options.truth_path.empty()) {
    auto truth = TruthLog::create(options.truth_path);
    if (!truth) return fail(truth.error());
    emulator->truth_ = std::move(*truth);
  }
  if (timing == nullptr) {
    timing = scripted_timing(options.script, loop.now().time_since_epoch());
  }
  http::ServerOptions listen{.host = options.host, .port = options.port, .limits = {}};
  listen.idle = options.idle;
  listen.name = "kneepoint-emulator";
  listen.accept = !options.service.faults.refuses_all();
  emulator->service_ = std::make_unique<Service>(loop, std::move(options.service), std::move(*page),
                                                 std::move(timing), emulator->truth_.get());
  auto server = http::Server::listen(loop, std::move(listen), *emulator->service_);
  if (!server) return fail(server.error());
  emulator->server_ = std::move(*server);
  emulator->service_->on_death = [raw = emulator.get(), &loop] {
    raw->died_ = true;
    raw->server_->die();
    loop.stop();
  };
  return emulator;
}

Emulator::~Emulator() { static_cast<void>(finish()); }

Result<void> Emulator::finish() {
  if (service_ != nullptr) service_->end_truth();
  if (truth_ == nullptr) return {};
  return truth_->close();
}

}  // namespace kneepoint::emulator
