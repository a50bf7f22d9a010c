#include "api/grpc_methods.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/message.h>

#include <array>
#include <limits>
#include <utility>

#include "api/json_message.h"
#include "api/services.h"
#include "verbs/canonical.h"

namespace kneepoint::api {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::Message;
using google::protobuf::MessageFactory;

std::unique_ptr<Message> make(const Descriptor& type) {
  return std::unique_ptr<Message>(MessageFactory::generated_factory()->GetPrototype(&type)->New());
}

const verbs::Verb* verb_named(std::span<const verbs::Verb> verbs, std::string_view name) {
  for (const verbs::Verb& verb : verbs) {
    if (verb.name == name) return &verb;
  }
  return nullptr;
}

}  // namespace

Method::Method(const verbs::Verb& verb, const Descriptor& request, const Descriptor& response)
    : verb_(&verb), request_(&request), response_(&response) {}

Result<json::Object> Method::read(std::string_view bytes) const {
  const auto message = make(*request_);
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                            static_cast<int>(bytes.size()));
  in.SetRecursionLimit(kDeepestMessage);
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()) ||
      !message->MergeFromCodedStream(&in) || !in.ConsumedEntireMessage()) {
    return fail(ErrorCode::InvalidArgument, "the bytes are no " + request_->full_name());
  }
  auto ask = to_json(*message);
  if (!ask) return ask;
  return verbs::canonical(json::Value(std::move(*ask)), verbs::kOpaqueMembers);
}

Result<std::string> Method::write(const json::Value& answer) const {
  const auto message = make(*response_);
  if (!answer.is_object()) {
    return fail(ErrorCode::Internal, std::string(verb_->name) + " answered with no object");
  }
  if (auto done = to_message(answer.get_object(), *message); !done) return fail(done.error());
  return message->SerializeAsString();
}

const std::map<std::string, Method, std::less<>>& grpc_methods() {
  static const auto all = [] {
    std::map<std::string, Method, std::less<>> out;
    for (const Service& service : services()) {
      const auto* descriptor =
          DescriptorPool::generated_pool()->FindServiceByName(std::string(service.name));
      if (descriptor == nullptr) continue;
      for (int i = 0; i < descriptor->method_count(); ++i) {
        const auto& rpc = *descriptor->method(i);
        const verbs::Verb* verb = verb_named(service.verbs, rpc.name());
        // Streams are served as server-sent events alone.
        if (verb == nullptr || rpc.server_streaming() || rpc.client_streaming()) continue;
        out.emplace("/" + descriptor->full_name() + "/" + rpc.name(),
                    Method(*verb, *rpc.input_type(), *rpc.output_type()));
      }
    }
    return out;
  }();
  return all;
}

}  // namespace kneepoint::api
