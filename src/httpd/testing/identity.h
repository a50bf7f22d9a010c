#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>
#include <string>

namespace kneepoint::httpd::testing {

/// A key and its certificate, made as a test needs them.
struct Identity {
  std::shared_ptr<EVP_PKEY> key;
  std::shared_ptr<X509> certificate;

  void write(const std::string& certificate_file, const std::string& key_file) const {
    // Beside, then renamed: a server that reads meanwhile never sees half a file.
    const auto put = [](const std::string& path, auto&& print) {
      std::FILE* file = std::fopen((path + ".new").c_str(), "w");
      print(file);
      std::fclose(file);
      std::rename((path + ".new").c_str(), path.c_str());
    };
    put(certificate_file, [&](std::FILE* to) { PEM_write_X509(to, certificate.get()); });
    put(key_file, [&](std::FILE* to) {
      PEM_write_PrivateKey(to, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
  }
};

inline Identity make_identity(const std::string& name, const Identity* authority = nullptr) {
  Identity made{{EVP_EC_gen("P-256"), EVP_PKEY_free}, {X509_new(), X509_free}};
  auto* certificate = made.certificate.get();
  static long serial = 0;
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -86400);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  const Identity& issuer = authority ? *authority : made;
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer.certificate.get()));
  X509_set_pubkey(certificate, made.key.get());
  X509V3_CTX context{};
  X509V3_set_ctx(&context, issuer.certificate.get(), certificate, nullptr, nullptr, 0);
  const auto add = [&](int kind, const char* value) {
    auto* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  };
  add(NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
  add(NID_basic_constraints, authority ? "CA:FALSE" : "CA:TRUE");
  X509_sign(certificate, issuer.key.get(), EVP_sha256());
  return made;
}

}  // namespace kneepoint::httpd::testing
