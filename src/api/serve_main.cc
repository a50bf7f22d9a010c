// The program `kneepoint-serve`: opens the doors, waits for a signal, closes them in good order.
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "api/engine.h"
#include "api/grpc_server.h"
#include "api/jobs.h"
#include "api/rest.h"
#include "api/serve_options.h"
#include "api/services.h"
#include "app/kept_ranking.h"
#include "app/places.h"
#include "base/file.h"
#include "httpd/server.h"
#include "store/store.h"

namespace {

using namespace kneepoint;
using namespace kneepoint::api;
namespace fs = std::filesystem;
using std::chrono::system_clock;

/// Some 200,000 profiles; a store of more is read for each question that was not asked before.
constexpr std::size_t kMostRanking = std::size_t{512} << 20;
constexpr std::string_view kCannedMethod = "/kneepoint.bench/Canned";

/// Lines to standard error or a file, whole even when many threads write.
class Log {
 public:
  static Result<std::unique_ptr<Log>> open(const std::string& path) {
    if (path.empty()) return std::unique_ptr<Log>(new Log(stderr));
    const mode_t before = ::umask(0077);  // it names who asked for what
    std::FILE* file = std::fopen(path.c_str(), "ae");
    ::umask(before);
    if (file == nullptr) {
      return fail(ErrorCode::Unavailable, "cannot write the log " + path);
    }
    return std::unique_ptr<Log>(new Log(file));
  }
  ~Log() {
    if (to_ != stderr) std::fclose(to_);
  }
  void line(std::string_view text) {
    const std::lock_guard lock(mutex_);
    std::fwrite(text.data(), 1, text.size(), to_);
    std::fputc('\n', to_);
    std::fflush(to_);
  }

 private:
  explicit Log(std::FILE* to) : to_(to) {}
  std::FILE* to_;
  std::mutex mutex_;
};

fs::path program_path(const char* name) {
  char path[PATH_MAX];
  const ssize_t size = ::readlink("/proc/self/exe", path, sizeof path);
  return size > 0 ? fs::path(std::string(path, static_cast<std::size_t>(size))) : fs::path(name);
}

std::string_view variable(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  return value == nullptr ? std::string_view() : std::string_view(value);
}

verbs::Right right_of(httpd::Right right) {
  return right == httpd::Right::Deploy  ? verbs::Right::Deploy
         : right == httpd::Right::Write ? verbs::Right::Write
                                        : verbs::Right::Read;
}

Result<app::Settings> settings_of(const ServeOptions& options, const fs::path& program) {
  auto out = app::find_settings(program, variable, options.store);
  if (!out) return out;
  for (const std::string& folder : options.catalogs) out->overlays.emplace_back(folder);
  if (!options.runs.empty()) out->runs_folder = options.runs;
  out->version = KP_VERSION;
  out->allowed = {.write = !options.read_only,
                  .deploy = options.allow_deploy && !options.read_only};
  out->clock = [day = out->today] { return app::today(variable).value_or(day); };
  return out;
}

/// Where the console's files lie when nobody says.
std::string web_of(const ServeOptions& options, const fs::path& program) {
  if (options.web == "off") return {};
  if (!options.web.empty()) return options.web;
  std::error_code error;
  for (const char* folder : {"web", "../share/kneepoint/web"}) {
    const fs::path at = program.parent_path() / folder;
    if (fs::exists(at / "index.html", error)) return at.string();
  }
  return {};
}

/// The gRPC door asks the same table of tokens as the other.
auto authorizer(std::shared_ptr<httpd::TokenTable> tokens) {
  std::function<tl::expected<GrpcOptions::Caller, Failure>(std::string_view)> out;
  if (tokens == nullptr) return out;
  out = [tokens](std::string_view authorization) -> tl::expected<GrpcOptions::Caller, Failure> {
    const auto token = httpd::bearer_token(authorization);
    if (!token) {
      return tl::unexpected(
          unauthenticated("a token is needed: metadata authorization: Bearer TOKEN"));
    }
    const auto caller = tokens->find(*token);
    if (!caller) return tl::unexpected(unauthenticated("this token is not known here"));
    return GrpcOptions::Caller{caller->name, right_of(caller->right)};
  };
  return out;
}

Result<int> serve(const ServeOptions& options, const fs::path& program) {
  auto log = Log::open(options.log_file);
  if (!log) return fail(std::move(log).error());
  const auto say = [&log](std::string_view line) { (*log)->line(line); };

  std::shared_ptr<httpd::TokenTable> tokens;
  if (!options.token_file.empty()) {
    auto opened = httpd::TokenTable::open(options.token_file);
    if (!opened) return fail(std::move(opened).error());
    tokens = std::move(*opened);
  }
  httpd::Endpoint http, grpc;
  for (const auto& [text, into] : {std::pair(&options.http, &http), {&options.grpc, &grpc}}) {
    if (*text == "off") continue;
    const auto endpoint = httpd::parse_endpoint(*text);
    if (!endpoint) return fail(endpoint.error());
    *into = *endpoint;
    const auto safe =
        httpd::check_exposure(into->address, tokens != nullptr, !options.client_ca.empty());
    if (!safe) return fail(safe.error());
  }

  const auto settings = settings_of(options, program);
  if (!settings) return fail(settings.error());
  // The store is brought up to date before anybody can ask, and what is wrong with it ends the
  // program here.
  {
    auto first = app::Session::open(*settings);
    if (!first) return fail(std::move(first).error());
    if (auto store = (*first)->store(); !store) return fail(std::move(store).error());
  }

  app::keep_rankings(kMostRanking);
  EngineOptions engine_options;
  engine_options.open_session = [&settings] { return app::Session::open(*settings); };
  engine_options.threads =
      options.threads != 0 ? options.threads : std::max(2U, std::thread::hardware_concurrency());
  engine_options.queue = options.queue;
  engine_options.cache_bytes = options.cache_mib << 20;
  engine_options.answer_at_door = options.cache_mib > 0 && !store::is_postgres(settings->store);
  engine_options.allow_write = !options.read_only;
  engine_options.allow_deploy = options.allow_deploy;
  engine_options.log = say;
  Engine engine(std::move(engine_options));
  Jobs jobs(engine);

  std::string canned;
  if (!options.canned.empty()) {
    auto bytes = read_file(options.canned);
    if (!bytes) return fail(std::move(bytes).error());
    canned = std::move(*bytes);
  }

  std::unique_ptr<GrpcServer> grpc_server;
  if (options.grpc != "off") {
    GrpcOptions door;
    door.address = grpc.to_text();
    door.certificate = options.tls_cert;
    door.key = options.tls_key;
    door.client_ca = options.client_ca;
    door.authorize = authorizer(tokens);
    door.log = say;
    if (!options.canned.empty()) {
      door.canned_method = kCannedMethod;
      door.canned_answer = canned;
    }
    auto started = GrpcServer::start(door, engine);
    if (!started) return fail(std::move(started).error());
    grpc_server = std::move(*started);
    grpc.port = static_cast<std::uint16_t>(grpc_server->port());
  }

  std::unique_ptr<httpd::Server> http_server;
  if (options.http != "off") {
    std::vector<httpd::Route> routes = jobs.routes();
    for (const Service& service : services()) {
      for (httpd::Route& route : rest_routes(service.verbs, engine, jobs)) {
        routes.push_back(std::move(route));
      }
    }
    if (!options.canned.empty()) {
      const auto bytes = std::make_shared<const std::string>(canned);
      routes.push_back({.method = "POST",
                        .path = "/bench/canned",
                        .handle = [bytes](httpd::Request, std::shared_ptr<httpd::Reply> reply) {
                          httpd::Answer answer;
                          answer.body = bytes;
                          reply->answer(std::move(answer));
                        }});
    }
    httpd::Options door;
    door.listen = http;
    door.tls = {options.tls_cert, options.tls_key, options.client_ca};
    door.tokens = tokens;
    door.allowed_hosts = options.allowed_hosts;
    if (options.read_only) door.most = httpd::Right::Read;
    if (!options.allow_deploy) door.most = std::min(door.most, httpd::Right::Write);
    door.web = web_of(options, program);
    door.limits.requests_per_second =
        options.rate_limit.value_or(httpd::is_loopback(http.address) ? 0 : 200);
    door.log = say;
    door.more_metrics = [&] { return engine.metrics() + jobs.metrics(); };
    auto started = httpd::Server::start(std::move(door), std::move(routes));
    if (!started) return fail(std::move(started).error());
    http_server = std::move(*started);
  }

  // One line that people read and scripts wait for.
  std::string doors = "kneepoint-serve:";
  if (http_server) doors += " REST and console at " + http_server->url();
  if (grpc_server) doors += fmt::format("{} gRPC at {}", http_server ? "," : "", grpc.to_text());
  std::fprintf(stderr, "%s\n", doors.c_str());

  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int one : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&wanted, one);
  for (;;) {
    const timespec patience{5, 0};
    const int signal = ::sigtimedwait(&wanted, nullptr, &patience);
    if (tokens != nullptr && (signal == SIGHUP || signal < 0)) {
      if (const auto changed = tokens->refresh(); !changed) {
        say("the tokens stay as they were: " + changed.error().message);
      }
    }
    if (signal == SIGTERM || signal == SIGINT) break;
  }
  std::fputs("kneepoint-serve: draining\n", stderr);
  const auto patience = std::chrono::milliseconds(std::llround(options.drain_seconds * 1000));
  const auto until = system_clock::now() + patience;
  jobs.cancel_all();
  if (http_server) {
    http_server->unready();
    http_server->drain(patience);
  }
  if (grpc_server) grpc_server->drain(until);
  engine.drain();
  if (http_server) http_server->stop();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto options = parse_serve_options(arguments);
  if (!options) {
    std::fprintf(stderr, "kneepoint-serve: %s\n", options.error().message.c_str());
    return exit_code(options.error().code);
  }
  if (options->help) {
    std::fputs(serve_help().c_str(), stdout);
    return 0;
  }
  if (options->version) {
    std::fputs("kneepoint " KP_VERSION "\n", stdout);
    return 0;
  }
  // Before any thread starts, so that all of them leave these to main.
  sigset_t ours;
  sigemptyset(&ours);
  for (const int one : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) sigaddset(&ours, one);
  ::pthread_sigmask(SIG_BLOCK, &ours, nullptr);
  const auto status = serve(*options, program_path(argv[0]));
  if (!status) {
    std::fprintf(stderr, "kneepoint-serve: %s\n", status.error().message.c_str());
    return exit_code(status.error().code);
  }
  return *status;
}
