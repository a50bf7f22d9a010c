#pragma once

#include <string>
#include <string_view>

#include "httpd/route.h"

namespace kneepoint::httpd {

/// A google.rpc.Status as REST writes it:
/// {"error":{"code":404,"message":...,"status":"NOT_FOUND","details":[{ErrorInfo: reason,
/// domain}]}}. `reason` is ours and stable: "TOKEN_MISSING".
Answer error_answer(int status, std::string_view reason, std::string_view message);

Answer text_answer(int status, std::string text,
                   std::string_view content_type = "text/plain; charset=utf-8");

/// "NOT_FOUND" for 404, as google.rpc.Code names them.
std::string_view status_name(int status);

/// "Sun, 06 Nov 1994 08:49:37 GMT", made once a second by each thread.
std::string_view http_date();

}  // namespace kneepoint::httpd
