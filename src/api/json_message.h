#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace google::protobuf {
class Descriptor;
class Message;
}  // namespace google::protobuf

/// Protobuf messages as the JSON that verbs read and write, field by field of their descriptors, so
/// that both doors give the same data by construction. Why not protobuf's own converter: it goes
/// through text both ways, which is most of the time of a large answer.
namespace kneepoint::api {

/// lowerCamel names; fields that are not set, empty texts and empty lists left out; int64 as a
/// number; google.protobuf.Struct, Value and ListValue as what they hold; bytes as they are where
/// they are UTF-8, else refused.
Result<json::Object> to_json(const google::protobuf::Message& message);

/// Members the message has no field for are passed over: they are what only JSON clients know.
/// Numbers may come as text, nulls mean "not set". Internal: a value of another type than the
/// field's, with its path: a verb broke its own promise.
Result<void> to_message(const json::Object& from, google::protobuf::Message& into);

/// Depth of messages read from a client.
inline constexpr int kDeepestMessage = 32;

}  // namespace kneepoint::api
