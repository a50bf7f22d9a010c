#pragma once

#include <openssl/ssl.h>

#include <string>

#include "base/result.h"

namespace kneepoint::http {

/// The library's own words for the first error in this thread's queue, which is emptied.
std::string take_openssl_reason();

/// The certificate that was refused, as it was noted when it was looked at.
struct Refused {
  std::string names;       // whom it is for
  std::string expires_on;  // a day
  bool of_server = true;   // or of one that vouches for it
};
Refused describe(X509* certificate);

/// Why a session ended, in words that say what to do. Empties the error queue.
Error openssl_error(SSL* ssl, const std::string& host, const Refused& refused);

}  // namespace kneepoint::http
