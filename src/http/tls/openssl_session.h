#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <string>

#include "http/tls.h"
#include "http/tls/openssl_error.h"

namespace kneepoint::http {

struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

class OpensslSession final : public TlsSession {
 public:
  /// `ssl` is set up as a client; `host` is for errors.
  OpensslSession(std::unique_ptr<SSL, SslFree> ssl, std::string host);
  ~OpensslSession() override;

  Result<void> take(std::string_view bytes) override;
  Result<bool> shake_hands() override;
  Result<std::size_t> read(std::span<char> buffer) override;
  bool closed() const override { return closed_; }
  Result<void> write(std::string_view plain) override;
  std::string& outgoing() override { return outgoing_; }
  TlsFacts facts() const override;

  Refused refused;  // noted while the server's certificate is looked at
  static OpensslSession& of(SSL* ssl) {
    return *static_cast<OpensslSession*>(SSL_get_app_data(ssl));
  }

 private:
  std::unique_ptr<SSL, SslFree> ssl_;
  std::string host_;
  std::string outgoing_;
  bool closed_ = false;
  std::optional<Error> failed_;
};

}  // namespace kneepoint::http
