#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

/// A TLS server for tests, and certificates made as they are needed.
namespace kneepoint::http::testing {

template <auto Free>
struct FreeBy {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeBy<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, FreeBy<X509_free>>;

struct Identity {
  KeyPtr key;
  CertificatePtr certificate;

  void write(const std::filesystem::path& certificate_file,
             const std::filesystem::path& key_file) const {
    FILE* file = std::fopen(certificate_file.c_str(), "w");
    PEM_write_X509(file, certificate.get());
    std::fclose(file);
    if (key_file.empty()) return;
    file = std::fopen(key_file.c_str(), "w");
    PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
  }
};

struct IdentitySpec {
  std::string names = "IP:127.0.0.1,DNS:localhost";  // as OpenSSL's subjectAltName is written
  long from_days = -1;
  long to_days = 1;
  bool authority = false;
  const Identity* issuer = nullptr;  // null: signs itself
};

inline Identity make_identity(const IdentitySpec& spec) {
  Identity made{KeyPtr(EVP_EC_gen("P-256")), CertificatePtr(X509_new())};
  X509* certificate = made.certificate.get();
  static long serial = 1;
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  constexpr long kDay = 24L * 60 * 60;
  X509_gmtime_adj(X509_getm_notBefore(certificate), spec.from_days * kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate), spec.to_days * kDay);
  X509_NAME* name = X509_get_subject_name(certificate);
  const char* word = spec.authority ? "test authority" : "test server";
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(word),
                             -1, -1, 0);
  const Identity& issuer = spec.issuer != nullptr ? *spec.issuer : made;
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer.certificate.get()));
  X509_set_pubkey(certificate, made.key.get());
  X509V3_CTX context{};
  X509V3_set_ctx(&context, issuer.certificate.get(), certificate, nullptr, nullptr, 0);
  const auto extend = [&](int kind, const std::string& value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
    EXPECT_NE(extension, nullptr) << value;
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  };
  extend(NID_basic_constraints, spec.authority ? "critical,CA:TRUE" : "CA:FALSE");
  if (!spec.authority && !spec.names.empty()) extend(NID_subject_alt_name, spec.names);
  X509_sign(certificate, issuer.key.get(), EVP_sha256());
  return made;
}

/// One connection, seen from its script. Blocking.
class TlsPeer {
 public:
  TlsPeer(SSL* ssl, int socket) : ssl_(ssl), socket_(socket) {}

  /// The head of the next request and its body; "" when the client closed.
  std::string read_request() {
    std::string text;
    std::array<char, 4096> bytes{};
    while (true) {
      const std::size_t end = text.find("\r\n\r\n");
      if (end != std::string::npos) {
        const std::size_t at = text.find("Content-Length: ");
        const std::size_t size = at < end ? std::stoul(text.substr(at + 16, 12)) : 0;
        if (text.size() >= end + 4 + size) return text;
      }
      const int count = SSL_read(ssl_, bytes.data(), static_cast<int>(bytes.size()));
      if (count <= 0) return {};
      text.append(bytes.data(), static_cast<std::size_t>(count));
    }
  }
  void say(std::string_view text) {
    if (!text.empty()) SSL_write(ssl_, text.data(), static_cast<int>(text.size()));
  }
  /// Ciphertext of one record, cut into single bytes on the wire.
  void say_bytewise(std::string_view text) {
    BIO* memory = BIO_new(BIO_s_mem());
    BIO* wire = SSL_get_wbio(ssl_);
    BIO_up_ref(wire);
    SSL_set0_wbio(ssl_, memory);
    say(text);
    char* sealed = nullptr;
    const long size = BIO_get_mem_data(memory, &sealed);
    for (long i = 0; i < size; ++i) {
      send(socket_, sealed + i, 1, MSG_NOSIGNAL);
      if (i % 16 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    SSL_set0_wbio(ssl_, wire);
  }
  void end_tls() { SSL_shutdown(ssl_); }
  void renew_keys() {
    SSL_key_update(ssl_, SSL_KEY_UPDATE_REQUESTED);
    SSL_do_handshake(ssl_);
  }

 private:
  SSL* ssl_;
  int socket_;
};

class TlsServer {
 public:
  using Script = std::function<void(TlsPeer&, int connection)>;
  struct Options {
    int least = TLS1_VERSION;
    int most = TLS1_3_VERSION;
    const Identity* client_authority = nullptr;  // a client certificate is then demanded
  };

  TlsServer(const Identity& identity, Script script, Options options)
      : script_(std::move(script)), context_(SSL_CTX_new(TLS_server_method())) {
    SSL_CTX_set_security_level(context_, 0);  // or old versions would not even be offered
    SSL_CTX_set_min_proto_version(context_, options.least);
    SSL_CTX_set_max_proto_version(context_, options.most);
    SSL_CTX_use_certificate(context_, identity.certificate.get());
    SSL_CTX_use_PrivateKey(context_, identity.key.get());
    SSL_CTX_set_session_id_context(context_, reinterpret_cast<const unsigned char*>("t"), 1);
    SSL_CTX_set_tlsext_servername_callback(context_, note_name);
    SSL_CTX_set_tlsext_servername_arg(context_, this);
    SSL_CTX_set_alpn_select_cb(context_, note_protocols, this);
    if (options.client_authority != nullptr) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context_),
                          options.client_authority->certificate.get());
      SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_, 128), 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { accept_all(); });
  }
  ~TlsServer() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
    SSL_CTX_free(context_);
  }
  TlsServer(const TlsServer&) = delete;

  std::uint16_t port() const { return port_; }
  int connections() const { return connections_; }
  std::string asked_for() const { return name_; }  // by SNI, of the last; read when it has ended
  std::string protocols() const { return protocols_; }  // by ALPN

 private:
  static int note_name(SSL* ssl, int*, void* self) {
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    static_cast<TlsServer*>(self)->name_ = name != nullptr ? name : "";
    return SSL_TLSEXT_ERR_OK;
  }
  static int note_protocols(SSL*, const unsigned char** out, unsigned char* out_size,
                            const unsigned char* in, unsigned int size, void* self) {
    static_cast<TlsServer*>(self)->protocols_.assign(reinterpret_cast<const char*>(in), size);
    *out = in + 1;
    *out_size = in[0];
    return SSL_TLSEXT_ERR_OK;
  }
  void accept_all() {
    std::vector<std::thread> peers;
    while (true) {
      const int socket = accept(listener_, nullptr, nullptr);
      if (socket < 0) break;
      peers.emplace_back([this, socket, number = connections_++] {
        SSL* ssl = SSL_new(context_);
        SSL_set_fd(ssl, socket);
        if (SSL_accept(ssl) == 1) {
          TlsPeer peer(ssl, socket);
          script_(peer, number);
        }
        SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN);
        shutdown(socket, SHUT_WR);  // an alert is not to be overtaken by a reset
        std::array<char, 4096> rest{};
        while (recv(socket, rest.data(), rest.size(), 0) > 0) {
        }
        SSL_free(ssl);
        close(socket);
        ERR_clear_error();
      });
    }
    for (std::thread& peer : peers) peer.join();
  }

  Script script_;
  SSL_CTX* context_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_ = 0;
  std::string name_;
  std::string protocols_;
  std::thread thread_;
};

}  // namespace kneepoint::http::testing
