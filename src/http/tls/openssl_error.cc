#include "http/tls/openssl_error.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>
#include <memory>
#include <utility>

namespace kneepoint::http {
namespace {

constexpr std::size_t kMostNames = 5;

std::string shown(std::string_view text) {
  std::string out(text.substr(0, 80));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) >= 0x7f) c = '?';
  }
  return out;
}

std::string day_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return "an unknown day";
  std::array<char, 16> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d", &parts);
  return text.data();
}

/// Names and addresses, shortened and without what a terminal would obey.
std::string names_of(X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> list(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      GENERAL_NAMES_free);
  std::string out;
  std::size_t count = 0;
  for (int i = 0; list && i < sk_GENERAL_NAME_num(list.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(list.get(), i);
    std::string text;
    if (name->type == GEN_DNS) {
      const ASN1_STRING* dns = name->d.dNSName;
      text = shown({reinterpret_cast<const char*>(ASN1_STRING_get0_data(dns)),
                    static_cast<std::size_t>(ASN1_STRING_length(dns))});
    } else if (name->type == GEN_IPADD) {
      const ASN1_STRING* address = name->d.iPAddress;
      const int family = ASN1_STRING_length(address) == 4 ? AF_INET : AF_INET6;
      std::array<char, INET6_ADDRSTRLEN> buffer{};
      if (ASN1_STRING_length(address) != 4 && ASN1_STRING_length(address) != 16) continue;
      text = inet_ntop(family, ASN1_STRING_get0_data(address), buffer.data(), buffer.size());
    } else {
      continue;
    }
    if (++count > kMostNames) return out + " and others";
    out += (out.empty() ? "" : ", ") + text;
  }
  return out;
}

Error refused_certificate(long verdict, const std::string& host, const Refused& refused) {
  const std::string whose =
      refused.of_server ? "certificate of " + host : "a CA certificate behind that of " + host;
  const auto because = [](std::string message) {
    return Error{ErrorCode::Unavailable, std::move(message)};
  };
  switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return because(whose + " has expired on " + refused.expires_on +
                     ": the server needs a new one");
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return because(whose +
                     " is not valid yet: look at the clocks of this machine and of the server");
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return because(whose + " is for another name: it is for " +
                     (refused.names.empty() ? "nobody" : refused.names) +
                     "; write the address with one of its names");
    default:
      return because(whose + " is not trusted: " + X509_verify_cert_error_string(verdict) +
                     "; give its CA with --ca-file");
  }
}

}  // namespace

std::string take_openssl_reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason != nullptr ? reason : "unknown reason";
}

Refused describe(X509* certificate) {
  return {.names = names_of(certificate), .expires_on = day_of(X509_get0_notAfter(certificate))};
}

Error openssl_error(SSL* ssl, const std::string& host, const Refused& refused) {
  const unsigned long code = ERR_peek_last_error();  // the first one may be deep inside
  const int reason = ERR_GET_REASON(code);
  if (ERR_GET_LIB(code) == ERR_LIB_SSL) {
    switch (reason) {
      case SSL_R_CERTIFICATE_VERIFY_FAILED:
        ERR_clear_error();
        return refused_certificate(SSL_get_verify_result(ssl), host, refused);
      case SSL_R_WRONG_VERSION_NUMBER:
      case SSL_R_HTTP_REQUEST:
        ERR_clear_error();
        return {ErrorCode::Unavailable,
                host + " does not answer in TLS: is it an http:// address?"};
      case SSL_R_UNSUPPORTED_PROTOCOL:
      case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        ERR_clear_error();
        return {ErrorCode::Unavailable,
                host + " speaks no TLS 1.2 or newer, and older ones are not safe"};
      case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
      case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
      case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
      case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
      case SSL_R_TLSV1_ALERT_UNKNOWN_CA: {
        const bool own = SSL_get_certificate(ssl) != nullptr;
        return {ErrorCode::Unavailable,
                host + " refuses the TLS connection (" + take_openssl_reason() + "): " +
                    (own ? "it may not accept the client certificate"
                         : "it may want a client certificate; give it with --client-certificate "
                           "and --client-key")};
      }
      default:
        break;
    }
  }
  return {ErrorCode::Unavailable, "TLS with " + host + ": " + take_openssl_reason()};
}

}  // namespace kneepoint::http
