#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "verbs/verb.h"

namespace google::protobuf {
class Descriptor;
}

namespace kneepoint::api {

/// One rpc: its verb, and the messages of both directions.
class Method {
 public:
  Method(const verbs::Verb& verb, const google::protobuf::Descriptor& request,
         const google::protobuf::Descriptor& response);

  const verbs::Verb& verb() const { return *verb_; }
  /// Bytes a client sent to a canonical ask. Bytes that are no message, nor UTF-8 where text is
  /// due, are an InvalidArgument.
  Result<json::Object> read(std::string_view bytes) const;
  Result<std::string> write(const json::Value& answer) const;

 private:
  const verbs::Verb* verb_;
  const google::protobuf::Descriptor* request_;
  const google::protobuf::Descriptor* response_;
};

/// Every rpc whose name is a verb's, by its path "/package.Service/Rpc".
const std::map<std::string, Method, std::less<>>& grpc_methods();

}  // namespace kneepoint::api
