// Bytes as every request message there is: refused, or read into an ask that is canonical and goes
// back into a message.
#include <google/cloud/gkerecommender/v1/gkerecommender.pb.h>
#include <google/protobuf/struct.pb.h>

#include <cstdint>
#include <cstdlib>

#include "api/grpc_methods.h"
#include "api/json_message.h"
#include "base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kneepoint;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const auto& [path, method] : api::grpc_methods()) {
    if (const auto ask = method.read(bytes)) (void)json::to_line(*ask);
  }
  google::cloud::gkerecommender::v1::FetchProfilesResponse message;
  if (message.ParseFromArray(data, static_cast<int>(size))) {
    const auto said = api::to_json(message);
    google::cloud::gkerecommender::v1::FetchProfilesResponse back;
    if (said && !api::to_message(*said, back)) std::abort();
  }
  if (const auto document = json::parse(bytes); document && document->is_object()) {
    google::cloud::gkerecommender::v1::Profile profile;
    google::protobuf::Struct free;
    (void)api::to_message(document->get_object(), profile);
    (void)api::to_message(document->get_object(), free);
  }
  return 0;
}
