#include "api/json_message.h"

#include <gmock/gmock.h>
#include <google/cloud/gkerecommender/v1/gkerecommender.pb.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <google/rpc/status.pb.h>

#include "api/failure.h"
#include "api/grpc_methods.h"
#include "verbs/canonical.h"
#include "verbs/testing/shipped_session.h"

namespace kneepoint::api {
namespace {

namespace pb = google::cloud::gkerecommender::v1;
using ::testing::HasSubstr;

json::Object object(std::string_view text) { return json::parse(text).value().as_object(); }

TEST(JsonMessage, SaysWhatProtobufsOwnConverterSays) {
  pb::FetchProfilesResponse message;
  auto& profile = *message.add_profile();
  profile.mutable_model_server_info()->set_model("google/gemma-2-27b-it");
  profile.set_accelerator_type("nvidia-h100-80gb");
  auto& stats = *profile.add_performance_stats();
  stats.set_queries_per_second(0.1f);
  stats.set_output_tokens_per_second(412);
  auto& cost = *stats.add_cost();
  cost.mutable_cost_per_million_output_tokens()->set_nanos(35'000'000);
  cost.set_output_input_cost_ratio(4);
  message.mutable_performance_range()->mutable_itl_range()->set_max(7);
  message.set_comments("a \"quoted\"\nline");
  std::string theirs;
  ASSERT_TRUE(google::protobuf::util::MessageToJsonString(message, &theirs).ok());
  const auto ours = to_json(message);
  ASSERT_TRUE(ours);
  EXPECT_EQ(json::parse(json::to_line(*ours)).value(), json::parse(theirs).value());

  pb::FetchProfilesResponse back;
  ASSERT_TRUE(to_message(*ours, back));
  EXPECT_EQ(back.SerializeAsString(), message.SerializeAsString());
}

TEST(JsonMessage, KeepsAnExplicitZero) {
  pb::FetchModelsRequest request;
  request.set_page_size(0);
  EXPECT_EQ(json::to_line(to_json(request).value()), R"({"pageSize":0})");
}

TEST(JsonMessage, PassesOverWhatOnlyJsonKnowsAndTakesNumbersAsText) {
  pb::Amount amount;
  ASSERT_TRUE(to_message(object(R"({"units": "2", "nanos": 5, "currency": "USD"})"), amount));
  EXPECT_EQ(amount.units(), 2);
  EXPECT_EQ(amount.nanos(), 5);
}

TEST(JsonMessage, SaysWhereAnAnswerDoesNotFit) {
  pb::Profile profile;
  const auto wrong =
      to_message(object(R"({"resourcesUsed": {"acceleratorCount": 3000000000}})"), profile);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::Internal);
  EXPECT_THAT(wrong.error().message, HasSubstr("ResourcesUsed.accelerator_count"));
  EXPECT_FALSE(to_message(object(R"({"performanceStats": {}})"), profile));
  EXPECT_FALSE(to_message(object(R"({"instanceType": 3})"), profile));
}

TEST(JsonMessage, HoldsMapsAndDocumentsOfAnyShape) {
  const auto document = object(R"({"a": [1, 2.5, "x", null, true, {"b": {}}], "c": "d"})");
  google::protobuf::Struct message;
  ASSERT_TRUE(to_message(json::Object{{"fields", json::Object{{"doc", document}}}}, message));
  std::string theirs;
  ASSERT_TRUE(google::protobuf::util::MessageToJsonString(message, &theirs).ok());
  EXPECT_EQ(json::parse(theirs).value().at("doc"), json::Value(document));
  EXPECT_EQ(to_json(message).value().at("fields").at("doc"), json::Value(document));
}

TEST(GrpcMethods, AreTheSixPublishedOnes) {
  std::vector<std::string> paths;
  for (const auto& [path, method] : grpc_methods()) {
    if (path.find("gkerecommender") != std::string::npos) paths.push_back(path);
  }
  EXPECT_EQ(paths.size(), 6u);
  EXPECT_THAT(paths, ::testing::Contains(
                         "/google.cloud.gkerecommender.v1.GkeInferenceQuickstart/FetchProfiles"));
}

TEST(GrpcMethods, RefuseBytesThatAreNoMessage) {
  const auto& method =
      grpc_methods()
          .find("/google.cloud.gkerecommender.v1.GkeInferenceQuickstart/FetchProfiles")
          ->second;
  EXPECT_TRUE(method.read(""));
  const auto broken = method.read("\x0a\xff");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, ErrorCode::InvalidArgument);
  EXPECT_FALSE(method.read("\x0a\x02\xff\xfe")) << "a text that is not UTF-8";
}

TEST(Failures, AreTheSameAtBothDoors) {
  const Failure unknown = failure(Error{ErrorCode::NotFound, "unknown model 'x'"});
  const auto body = object(to_json_body(unknown)).at("error").as_object();
  EXPECT_EQ(body.at("code").as_int64(), 404);
  EXPECT_EQ(body.at("status").as_string(), "NOT_FOUND");
  google::rpc::Status status;
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(status.ParseFromString(to_status_details(unknown)));
  EXPECT_EQ(status.code(), 5);
  EXPECT_EQ(status.message(), body.at("message").as_string().c_str());
  ASSERT_TRUE(status.details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "NOT_FOUND");
  EXPECT_EQ(body.at("details").as_array()[0].at("reason").as_string(), "NOT_FOUND");
  EXPECT_EQ(failure(Error{ErrorCode::Unsatisfiable, ""}).http, 404) << "clients repeat a 5xx";
  EXPECT_LT(failure(Error{ErrorCode::NotFound, std::string(100'000, 'x')}).message.size(), 4100u);
}

/// Members that the message has no field for, by their path.
void lost_members(const json::Value& said, const google::protobuf::Descriptor& type,
                  const std::string& path, std::vector<std::string>& lost) {
  if (said.is_array()) {
    for (const json::Value& one : said.get_array()) lost_members(one, type, path, lost);
  }
  if (!said.is_object()) return;
  for (const auto& [key, value] : said.get_object()) {
    const auto* field = type.FindFieldByCamelcaseName(std::string(key));
    if (field == nullptr) {
      lost.push_back(path + "." + std::string(key));
    } else if (field->message_type() != nullptr) {
      lost_members(value, *field->message_type(), path + "." + std::string(key), lost);
    }
  }
}

TEST(JsonMessage, OfProfilesHasAllThatJsonHas) {
  const auto& methods = grpc_methods();
  const auto method =
      methods.find("/google.cloud.gkerecommender.v1.GkeInferenceQuickstart/FetchProfiles");
  ASSERT_NE(method, methods.end());
  verbs::Call call{*verbs::shipped_session(), object(R"({"model": "Qwen/Qwen3-32B"})"), {}};
  const auto said = method->second.verb().handler(call);
  ASSERT_TRUE(said);
  std::vector<std::string> lost;
  lost_members(*said, *pb::FetchProfilesResponse::descriptor(), "", lost);
  EXPECT_THAT(lost, ::testing::IsEmpty());
  const auto bytes = method->second.write(*said);
  ASSERT_TRUE(bytes);
  pb::FetchProfilesResponse message;
  ASSERT_TRUE(message.ParseFromString(*bytes));
  ASSERT_GT(message.profile_size(), 0);
  EXPECT_GT(message.performance_range().throughput_input_range().max(), 0);
  EXPECT_GT(message.performance_range().throughput_range().max(), 0);
  bool slice = false;
  for (const pb::Profile& profile : message.profile()) {
    EXPECT_EQ(profile.model_info().hidden_layers_count(), 64);
    EXPECT_GT(profile.model_info().kv_cache_size_per_token(), 0);
    EXPECT_GT(profile.model_info().model_size_gb(), 1);
    slice = slice || !profile.tpu_topology().empty();
  }
  EXPECT_TRUE(slice);
}

}  // namespace
}  // namespace kneepoint::api
