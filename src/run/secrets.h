#pragma once

#include "base/json.h"
#include "base/result.h"

namespace kneepoint::run {

/// Refuses a document that looks as if it held a credential, naming the place and never the value:
/// a member such as `authorization`, `api_key`, `password` or `token` that is not empty (of a list
/// of header fields too), a text that starts with "Bearer ", an address with user and password in
/// it. The last line of defence: whoever fills the document leaves them out.
Result<void> refuse_secrets(const json::Value& document);

}  // namespace kneepoint::run
