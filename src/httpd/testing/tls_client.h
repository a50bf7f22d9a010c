#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>

#include "httpd/testing/identity.h"
#include "httpd/testing/raw_client.h"

namespace kneepoint::httpd::testing {

/// A TLS client that takes any certificate and tells whose it was.
class TlsClient {
 public:
  explicit TlsClient(std::uint16_t port, const Identity* own = nullptr, int newest = 0)
      : raw_(port), context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
    if (newest != 0) SSL_CTX_set_max_proto_version(context_.get(), newest);
    if (own) {
      SSL_CTX_use_certificate(context_.get(), own->certificate.get());
      SSL_CTX_use_PrivateKey(context_.get(), own->key.get());
    }
    ssl_.reset(SSL_new(context_.get()), SSL_free);
    SSL_set_fd(ssl_.get(), raw_.descriptor());
    shaken_ = SSL_connect(ssl_.get()) == 1;
  }
  bool shaken() const { return shaken_; }

  /// The common name in the server's certificate.
  std::string server() const {
    const std::unique_ptr<X509, decltype(&X509_free)> peer(SSL_get1_peer_certificate(ssl_.get()),
                                                           X509_free);
    char name[65] = {};
    if (peer)
      X509_NAME_get_text_by_NID(X509_get_subject_name(peer.get()), NID_commonName, name, 65);
    return name;
  }
  /// One request; all that comes until the server ends it.
  std::string ask(std::string_view request) {
    if (SSL_write(ssl_.get(), request.data(), static_cast<int>(request.size())) <= 0) return {};
    std::string heard;
    char bytes[4096];
    int read = 0;
    while ((read = SSL_read(ssl_.get(), bytes, sizeof bytes)) > 0)
      heard.append(bytes, static_cast<std::size_t>(read));
    return heard;
  }

 private:
  RawClient raw_;
  std::shared_ptr<SSL_CTX> context_;
  std::shared_ptr<SSL> ssl_;
  bool shaken_ = false;
};

}  // namespace kneepoint::httpd::testing
