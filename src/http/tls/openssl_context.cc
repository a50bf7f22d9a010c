#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "http/tls.h"
#include "http/tls/openssl_error.h"
#include "http/tls/openssl_session.h"

namespace kneepoint::http {
namespace {

struct ContextFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct SessionFree {
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};

bool is_address(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

/// Never asks at the terminal: a measurement would hang there.
int no_passphrase(char*, int, int, void*) { return -1; }

/// Notes what is said of a refused certificate; the end of the handshake does not keep it.
int look_at_verdict(int good, X509_STORE_CTX* checking) {
  X509* certificate = X509_STORE_CTX_get_current_cert(checking);
  auto* ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(checking, SSL_get_ex_data_X509_STORE_CTX_idx()));
  if (good == 1 || certificate == nullptr || ssl == nullptr) return good;
  Refused& refused = OpensslSession::of(ssl).refused;
  refused = describe(certificate);
  refused.of_server = X509_STORE_CTX_get_error_depth(checking) == 0;
  return good;
}

class OpensslContext final : public TlsContext {
 public:
  explicit OpensslContext(std::string host)
      : host_(host.substr(0, host.find('%'))), context_(SSL_CTX_new(TLS_client_method())) {}

  Result<void> set_up(const TlsOptions& options) {
    SSL_CTX* context = context_.get();
    if (context == nullptr) {
      return fail(ErrorCode::Unavailable, "start TLS: " + take_openssl_reason());
    }
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_verify(context, options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                       look_at_verdict);
    constexpr unsigned char kHttp11[] = "\x08http/1.1";
    SSL_CTX_set_alpn_protos(context, kHttp11, sizeof kHttp11 - 1);
    // An idle stream needs no buffers; thousands of them need none together.
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_app_data(context, this);
    SSL_CTX_set_session_cache_mode(context,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(context, keep_session);
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    if (auto ok = trust(options); !ok) return ok;
    return show_certificate(options);
  }

  Result<std::unique_ptr<TlsSession>> start() override {
    std::unique_ptr<SSL, SslFree> ssl(SSL_new(context_.get()));
    if (!ssl) return fail(ErrorCode::Unavailable, "start TLS: " + take_openssl_reason());
    X509_VERIFY_PARAM* wanted = SSL_get0_param(ssl.get());
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    const bool named = is_address(host_)
                           ? X509_VERIFY_PARAM_set1_ip_asc(wanted, host_.c_str()) == 1
                           : X509_VERIFY_PARAM_set1_host(wanted, host_.data(), host_.size()) == 1 &&
                                 SSL_set_tlsext_host_name(ssl.get(), host_.c_str()) == 1;
    if (!named)
      return fail(ErrorCode::InvalidArgument, "'" + host_ + "' cannot be asked for in TLS");
    {
      const std::lock_guard lock(lock_);
      if (last_) SSL_set_session(ssl.get(), last_.get());
    }
    return std::make_unique<OpensslSession>(std::move(ssl), host_);
  }

 private:
  Result<void> trust(const TlsOptions& options) {
    if (!options.verify) return {};
    if (options.ca_file.empty()) {
      SSL_CTX_set_default_verify_paths(context_.get());
      return {};
    }
    if (SSL_CTX_load_verify_file(context_.get(), options.ca_file.c_str()) == 1) return {};
    return fail(ErrorCode::InvalidArgument,
                "CA file " + options.ca_file.string() +
                    " is no file of PEM certificates: " + take_openssl_reason());
  }

  Result<void> show_certificate(const TlsOptions& options) {
    if (options.certificate_file.empty()) {
      if (options.key_file.empty()) return {};
      return fail(ErrorCode::InvalidArgument,
                  "a client key without a certificate: give both, or neither");
    }
    const auto& key = options.key_file.empty() ? options.certificate_file : options.key_file;
    if (SSL_CTX_use_certificate_chain_file(context_.get(), options.certificate_file.c_str()) != 1) {
      return fail(ErrorCode::InvalidArgument,
                  "client certificate " + options.certificate_file.string() +
                      " cannot be read as PEM: " + take_openssl_reason());
    }
    if (SSL_CTX_use_PrivateKey_file(context_.get(), key.c_str(), SSL_FILETYPE_PEM) != 1) {
      return fail(ErrorCode::InvalidArgument,
                  "client key " + key.string() +
                      " is no PEM key without a passphrase that goes with the certificate: " +
                      take_openssl_reason());
    }
    return {};
  }

  /// The last one given is taken up by whoever connects next.
  static int keep_session(SSL* ssl, SSL_SESSION* session) {
    auto& self = *static_cast<OpensslContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    const std::lock_guard lock(self.lock_);
    self.last_.reset(session);
    return 1;  // ours to free
  }

  std::string host_;
  std::mutex lock_;
  std::unique_ptr<SSL_SESSION, SessionFree> last_;
  std::unique_ptr<SSL_CTX, ContextFree> context_;
};

Result<std::shared_ptr<TlsContext>> open_openssl(const std::string& host,
                                                 const TlsOptions& options) {
  ERR_clear_error();
  auto context = std::make_shared<OpensslContext>(host);
  if (auto ok = context->set_up(options); !ok) return fail(std::move(ok.error()));
  return context;
}

}  // namespace
}  // namespace kneepoint::http

extern "C" __attribute__((visibility("default")))
const ::kneepoint::http::TlsModule kneepoint_http_tls;
const ::kneepoint::http::TlsModule kneepoint_http_tls = {::kneepoint::http::kTlsModuleBuild,
                                                         ::kneepoint::http::open_openssl};
