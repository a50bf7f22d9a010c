#include "http/tls/openssl_session.h"

#include <openssl/bio.h>
#include <openssl/err.h>

#include <algorithm>
#include <climits>
#include <utility>

namespace kneepoint::http {
namespace {

/// Where the library writes to: the end of a string.
int append(BIO* bio, const char* bytes, std::size_t size, std::size_t* written) {
  static_cast<std::string*>(BIO_get_data(bio))->append(bytes, size);
  *written = size;
  return 1;
}
long answer(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

const BIO_METHOD* string_writer() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made =
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "string the session writes to");
    BIO_meth_set_write_ex(made, append);
    BIO_meth_set_ctrl(made, answer);
    return made;
  }();
  return method;
}

}  // namespace

OpensslSession::OpensslSession(std::unique_ptr<SSL, SslFree> ssl, std::string host)
    : ssl_(std::move(ssl)), host_(std::move(host)) {
  BIO* in = BIO_new(BIO_s_mem());
  BIO_set_mem_eof_return(in, -1);  // empty is not the end
  BIO* out = BIO_new(string_writer());
  BIO_set_data(out, &outgoing_);
  BIO_set_init(out, 1);
  SSL_set_bio(ssl_.get(), in, out);
  SSL_set_app_data(ssl_.get(), this);
  SSL_set_connect_state(ssl_.get());
}

// Freed without a word to the other side, a session would count as broken off and not be taken up
// again.
OpensslSession::~OpensslSession() { SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN); }

Result<void> OpensslSession::take(std::string_view bytes) {
  while (!bytes.empty()) {
    const int size = static_cast<int>(std::min<std::size_t>(bytes.size(), INT_MAX));
    const int count = BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), size);
    if (count <= 0) return fail(openssl_error(ssl_.get(), host_, refused));
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Result<bool> OpensslSession::shake_hands() {
  ERR_clear_error();
  const int done = SSL_do_handshake(ssl_.get());
  if (done == 1) return true;
  if (SSL_get_error(ssl_.get(), done) == SSL_ERROR_WANT_READ) return false;
  return fail(openssl_error(ssl_.get(), host_, refused));
}

Result<std::size_t> OpensslSession::read(std::span<char> buffer) {
  if (failed_) return fail(*failed_);
  ERR_clear_error();
  std::size_t total = 0;
  // A record at a time is what the library gives; a read of the socket may hold many.
  while (total < buffer.size()) {
    std::size_t count = 0;
    const int done = SSL_read_ex(ssl_.get(), buffer.data() + total, buffer.size() - total, &count);
    if (done == 1) {
      total += count;
      continue;
    }
    const int why = SSL_get_error(ssl_.get(), done);
    if (why == SSL_ERROR_ZERO_RETURN) closed_ = true;
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_ZERO_RETURN) return total;
    // What was read before the error counts, and the error comes with the next call.
    failed_ = openssl_error(ssl_.get(), host_, refused);
    if (total == 0) return fail(*failed_);
    return total;
  }
  return total;
}

Result<void> OpensslSession::write(std::string_view plain) {
  ERR_clear_error();
  std::size_t count = 0;
  // The string takes all there is, so a write is never left half done.
  if (plain.empty() || SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &count) == 1) {
    return {};
  }
  return fail(openssl_error(ssl_.get(), host_, refused));
}

TlsFacts OpensslSession::facts() const {
  return {.version = SSL_get_version(ssl_.get()),
          .cipher = SSL_get_cipher_name(ssl_.get()),
          .resumed = SSL_session_reused(ssl_.get()) == 1};
}

}  // namespace kneepoint::http
