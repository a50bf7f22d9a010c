#include "httpd/tls_context.h"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <cstring>

namespace kneepoint::httpd {
namespace {

namespace asio = boost::asio;

int choose_http11(SSL*, const unsigned char** out, unsigned char* out_size,
                  const unsigned char* offered, unsigned int size, void*) {
  static constexpr unsigned char kOurs[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kOurs, sizeof kOurs, offered, size) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

Result<std::vector<FileStamp>> TlsContext::stamps() const {
  std::vector<FileStamp> found;
  for (const auto* path : {&files_.certificate, &files_.key, &files_.client_ca}) {
    if (path->empty()) continue;
    auto stamp = file_stamp(*path);
    if (!stamp) return fail(std::move(stamp.error()).during("TLS"));
    found.push_back(*stamp);
  }
  return found;
}

Result<std::shared_ptr<TlsContext::Context>> TlsContext::make() const {
  auto context = std::make_shared<Context>(Context::tls_server);
  boost::system::error_code wrong;
  const auto failed = [&](std::string_view what, const std::string& path) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("TLS: {} {}: {}", what, path, wrong.message()));
  };
  if (context->use_certificate_chain_file(files_.certificate, wrong); wrong)
    return failed("certificate", files_.certificate);
  if (context->use_private_key_file(files_.key, Context::pem, wrong); wrong)
    return failed("key", files_.key);
  auto* raw = context->native_handle();
  if (SSL_CTX_check_private_key(raw) != 1)
    return fail(ErrorCode::InvalidArgument,
                fmt::format("TLS: {} is not the key of {}", files_.key, files_.certificate));
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(raw, "ECDHE+AESGCM:ECDHE+CHACHA20");
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);  // an idle connection keeps no record buffers
  SSL_CTX_set_alpn_select_cb(raw, choose_http11, nullptr);
  if (!files_.client_ca.empty()) {
    if (context->load_verify_file(files_.client_ca, wrong); wrong)
      return failed("client CA", files_.client_ca);
    SSL_CTX_set_client_CA_list(raw, SSL_load_client_CA_file(files_.client_ca.c_str()));
    context->set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert,
                             wrong);
    // A session that is taken up again must be of this server.
    static constexpr unsigned char kName[] = "kneepoint";
    SSL_CTX_set_session_id_context(raw, kName, sizeof kName - 1);
  }
  return context;
}

Result<std::unique_ptr<TlsContext>> TlsContext::load(TlsFiles files) {
  if (files.certificate.empty() || files.key.empty())
    return fail(ErrorCode::InvalidArgument,
                "TLS needs a certificate and its key: give --tls-cert and --tls-key");
  std::unique_ptr<TlsContext> tls(new TlsContext(std::move(files)));
  auto seen = tls->stamps();
  if (!seen) return fail(std::move(seen.error()));
  auto made = tls->make();
  if (!made) return fail(std::move(made.error()));
  tls->current_ = std::move(*made);
  tls->seen_ = std::move(*seen);
  return tls;
}

std::shared_ptr<TlsContext::Context> TlsContext::current() const {
  const std::scoped_lock lock(mutex_);
  return current_;
}

Result<bool> TlsContext::refresh() {
  auto now = stamps();
  if (!now) return fail(std::move(now.error()));
  if (*now == seen_) return false;
  seen_ = std::move(*now);
  auto made = make();
  if (!made) return fail(std::move(made.error()));
  const std::scoped_lock lock(mutex_);
  current_ = std::move(*made);
  return true;
}

std::string peer_name(SSL* ssl) {
  const std::unique_ptr<X509, decltype(&X509_free)> peer(SSL_get1_peer_certificate(ssl), X509_free);
  if (!peer) return {};
  std::array<char, 65> text{};
  if (X509_NAME_get_text_by_NID(X509_get_subject_name(peer.get()), NID_commonName, text.data(),
                                text.size()) < 0)
    return "certificate";
  std::string name(text.data(), strnlen(text.data(), text.size()));
  for (auto& c : name)
    if (c < 0x20 || c == 0x7f) c = '?';
  return name.empty() ? "certificate" : name;
}

}  // namespace kneepoint::httpd
