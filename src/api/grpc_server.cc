#include "api/grpc_server.h"

#include <fmt/format.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <atomic>
#include <chrono>

#include "api/grpc_methods.h"
#include "api/slices.h"
#include "httpd/access_log.h"

namespace kneepoint::api {
namespace {

using std::chrono::system_clock;

grpc::Status status_of(const Failure& failure) {
  return {static_cast<grpc::StatusCode>(failure.grpc), failure.message, to_status_details(failure)};
}

std::string_view metadata(const grpc::CallbackServerContext& context, const char* key) {
  const auto found = context.client_metadata().find(key);
  if (found == context.client_metadata().end()) return {};
  return {found->second.data(), found->second.size()};
}

/// One unary call: reads one message, asks the engine, writes one message. Deletes itself when gRPC
/// is done with it, which is never before Finish.
class Unary final : public grpc::ServerGenericBidiReactor {
 public:
  using Log = std::function<void(std::string_view)>;

  Unary(Engine& engine, const Method& method, grpc::GenericCallbackServerContext& context,
        GrpcOptions::Caller caller, const Log& log)
      : engine_(engine), method_(method), context_(context), caller_(std::move(caller)), log_(log) {
    StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return Finish({grpc::StatusCode::INVALID_ARGUMENT, "no message came"});
    Ask ask;
    ask.verb = &method_.verb();
    std::string bytes = text_of(request_);
    bytes_in_ = bytes.size();
    request_.Clear();
    if (ask.verb->cacheable) {
      ask.sent = "m";  // no path of the other door begins so
      ask.sent.append(ask.verb->name).append(" ").append(bytes);
    }
    ask.read = [this, bytes = std::move(bytes)] { return method_.read(bytes); };
    ask.write = [this](const json::Value& answer) { return method_.write(answer); };
    ask.form = 'm';
    ask.right = caller_.right;
    ask.deadline = context_.deadline();
    ask.gone = [this] { return cancelled_.load(std::memory_order_relaxed); };
    ask.done = [this](tl::expected<Bytes, Failure> answer) { finish(std::move(answer)); };
    engine_.ask(std::move(ask));
  }
  void OnCancel() override { cancelled_ = true; }
  void OnDone() override { delete this; }

 private:
  void finish(tl::expected<Bytes, Failure> answer) {
    if (log_) write_log(answer);
    if (!answer) return Finish(status_of(answer.error()));
    response_ = buffer_of(std::move(*answer));
    StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
  }

  void write_log(const tl::expected<Bytes, Failure>& answer) const {
    httpd::Access access;
    const std::string id(metadata(context_, "x-request-id").substr(0, 64));
    const std::string peer = context_.peer();
    access.id = id;
    access.caller = caller_.name;
    access.address = peer;
    access.method = "gRPC";
    access.route = access.path = context_.method();
    access.status = answer ? 200 : answer.error().http;
    access.ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun_)
                    .count();
    access.bytes_in = bytes_in_;
    access.bytes_out = answer ? (*answer)->size() : 0;
    log_(httpd::log_line(access));
  }

  Engine& engine_;
  const Method& method_;
  grpc::GenericCallbackServerContext& context_;
  const GrpcOptions::Caller caller_;
  const Log& log_;
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  std::size_t bytes_in_ = 0;
  grpc::ByteBuffer request_, response_;
  std::atomic<bool> cancelled_ = false;
};

/// Answers with a status, whatever was asked.
class Refusal final : public grpc::ServerGenericBidiReactor {
 public:
  explicit Refusal(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

/// The same bytes each time, by the same way: what the benchmark holds verbs against.
class Canned final : public grpc::ServerGenericBidiReactor {
 public:
  explicit Canned(Bytes answer) : response_(buffer_of(std::move(answer))) { StartRead(&request_); }
  void OnReadDone(bool) override {
    StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
  }
  void OnDone() override { delete this; }

 private:
  grpc::ByteBuffer request_, response_;
};

class Services final : public grpc::CallbackGenericService {
 public:
  Services(const GrpcOptions& options, Engine& engine)
      : authorize_(options.authorize),
        log_(options.log),
        engine_(engine),
        canned_method_(options.canned_method),
        canned_(std::make_shared<const std::string>(options.canned_answer)) {}

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    GrpcOptions::Caller caller;
    if (authorize_) {
      auto known = authorize_(metadata(*context, "authorization"));
      if (!known) return new Refusal(status_of(known.error()));
      caller = std::move(*known);
    }
    const auto method = grpc_methods().find(context->method());
    if (method == grpc_methods().end()) {
      if (!canned_method_.empty() && context->method() == canned_method_)
        return new Canned(canned_);
      return new Refusal({grpc::StatusCode::UNIMPLEMENTED,
                          "there is no method " + context->method().substr(0, 200)});
    }
    return new Unary(engine_, method->second, *context, std::move(caller), log_);
  }

 private:
  const decltype(GrpcOptions::authorize) authorize_;
  const Unary::Log log_;
  Engine& engine_;
  const std::string canned_method_;
  const Bytes canned_;
};

/// Certificates are read again while it runs: replacing the files is enough.
constexpr unsigned kCertificateRefreshSeconds = 5;

std::shared_ptr<grpc::ServerCredentials> credentials(const GrpcOptions& options) {
  if (options.certificate.empty()) return grpc::InsecureServerCredentials();
  using namespace grpc::experimental;
  const auto provider = std::make_shared<FileWatcherCertificateProvider>(
      options.key, options.certificate, options.client_ca, kCertificateRefreshSeconds);
  TlsServerCredentialsOptions tls(provider);
  tls.watch_identity_key_cert_pairs();
  if (!options.client_ca.empty()) {
    tls.watch_root_certs();
    tls.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return TlsServerCredentials(tls);
}

}  // namespace

class GrpcServer::State {
 public:
  State(const GrpcOptions& options, Engine& engine) : services(options, engine) {}

  Services services;
  std::unique_ptr<grpc::Server> server;
  int port = 0;
};

GrpcServer::GrpcServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<GrpcServer>> GrpcServer::start(const GrpcOptions& options, Engine& engine) {
  auto state = std::make_unique<State>(options, engine);
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  builder.AddListeningPort(options.address, credentials(options), &state->port);
  builder.RegisterCallbackGenericService(&state->services);
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.largest_request));
  builder.SetMaxSendMessageSize(-1);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 16 << 10);
  // A port somebody else has is an error to tell, not a load to share.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // Clients may ask whether the connection is alive as often as every ten seconds.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
  state->server = builder.BuildAndStart();
  if (state->server == nullptr || state->port == 0) {
    return fail(ErrorCode::Unavailable,
                fmt::format("cannot listen on {} for gRPC: is something else listening there, or "
                            "is a certificate unreadable?",
                            options.address));
  }
  return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(state)));
}

GrpcServer::~GrpcServer() { drain(system_clock::now()); }

int GrpcServer::port() const { return state_->port; }

void GrpcServer::drain(system_clock::time_point until) {
  if (state_->server == nullptr) return;
  if (auto* health = state_->server->GetHealthCheckService()) health->Shutdown();
  state_->server->Shutdown(until);
  state_->server->Wait();
  state_->server.reset();
}

}  // namespace kneepoint::api
