#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <kneepoint/v1/kneepoint.pb.h>

#include <filesystem>

#include "verbs/verb.h"

/// proto/kneepoint/v1/kneepoint.proto is the JSON that the verbs take and give, field for field.
namespace kneepoint::api {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

constexpr const char* kModel = "meta-llama/Llama-3.1-8B-Instruct";

const google::protobuf::ServiceDescriptor& service() {
  return *v1::Info::descriptor()->file()->FindServiceByName("Kneepoint");
}

class KneepointV1Messages : public testing::Test {
 protected:
  static app::Session& session() {
    static const std::unique_ptr<app::Session> opened = [] {
      std::string name = std::filesystem::temp_directory_path() / "kp_messages.XXXXXX";
      app::Settings settings;
      settings.shipped_catalog = KP_BINARY_DIR "/kneepoint.catalog";
      settings.driver_folder = KP_BINARY_DIR;
      settings.store = std::string(::mkdtemp(name.data())) + "/store.db";
      settings.runs_folder = std::filesystem::path(settings.store).parent_path() / "runs";
      settings.user_folder = std::filesystem::path(settings.store).parent_path() / "catalog";
      settings.today = *parse_date("2026-11-21");
      settings.version = "1.2.3";
      return std::move(*app::Session::open(settings));
    }();
    return *opened;
  }
  static Result<json::Value> ask(std::string_view name, json::Object body) {
    for (const verbs::Verb& verb : verbs::kneepoint_v1()) {
      if (verb.name != name) continue;
      verbs::Call call{session(), std::move(body), {}};
      return verb.handler(call);
    }
    return fail(ErrorCode::Internal, "no such verb");
  }
  static std::unique_ptr<google::protobuf::Message> message(const Descriptor& of) {
    static google::protobuf::DynamicMessageFactory factory;
    return std::unique_ptr<google::protobuf::Message>(factory.GetPrototype(&of)->New());
  }
  static void expect_fits(std::string_view name, json::Object body) {
    const auto* method = service().FindMethodByName(std::string(name));
    ASSERT_NE(method, nullptr) << name;
    const auto answer = ask(name, std::move(body));
    ASSERT_TRUE(answer) << name << ": " << answer.error().message;
    const auto into = message(*method->output_type());
    const auto parsed =
        google::protobuf::util::JsonStringToMessage(json::to_line(*answer), into.get());
    EXPECT_TRUE(parsed.ok()) << name << ": " << parsed.ToString();
  }
};

TEST_F(KneepointV1Messages, EveryVerbIsAnRpcAndEveryRpcAVerb) {
  for (const verbs::Verb& verb : verbs::kneepoint_v1()) {
    EXPECT_NE(service().FindMethodByName(std::string(verb.name)), nullptr) << verb.name;
  }
  EXPECT_EQ(static_cast<std::size_t>(service().method_count()), verbs::kneepoint_v1().size());
}

/// Something of the field's type; what it means does not matter.
json::Value sample(const FieldDescriptor& field) {
  if (field.is_map()) return json::Object{};
  json::Value one;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      one = true;
      break;
    case FieldDescriptor::CPPTYPE_STRING:
      one = "x";
      break;
    case FieldDescriptor::CPPTYPE_MESSAGE:
      one = json::Object{};
      break;
    default:
      one = 1;
  }
  return field.is_repeated() ? json::Value(json::Array{one}) : one;
}

TEST_F(KneepointV1Messages, EveryFieldOfARequestIsOneThatTheVerbKnows) {
  for (int i = 0; i < service().method_count(); ++i) {
    const auto& method = *service().method(i);
    // Refused as such where nothing is deployed; their fields are those of manifests.
    if (method.name().find("eploy") != std::string::npos) continue;
    const Descriptor& request = *method.input_type();
    json::Object body;
    for (int f = 0; f < request.field_count(); ++f) {
      body[request.field(f)->json_name()] = sample(*request.field(f));
    }
    // The ask makes no sense and is refused, but never for a field.
    const auto got = ask(method.name(), body);
    if (got) continue;
    EXPECT_EQ(got.error().message.find("no such field"), std::string::npos)
        << method.name() << ": " << got.error().message;
  }
}

TEST_F(KneepointV1Messages, EveryAnswerIsItsMessage) {
  const json::Object chat{
      {"model", kModel},
      {"targets", json::Array{json::Object{{"metric", "ttft"}, {"milliseconds", 1000}}}}};
  expect_fits("GetInfo", {});
  expect_fits("ListModels", {});
  expect_fits("ListAccelerators", {});
  expect_fits("ListServers", {});
  expect_fits("ListUseCases", {});
  expect_fits("Recommend", chat);
  expect_fits("Recommend", {{"model", "any"}, {"limit", 1000}, {"rejectedLimit", 10000}});
  const auto ranked = ask("Recommend", chat);
  ASSERT_TRUE(ranked);
  json::Array ids;
  for (const json::Value& one : ranked->at("choices").as_array()) {
    if (ids.size() == 4) break;
    ids.push_back(one.at("kneepoint").at("profile"));
    expect_fits("GetProfile", {{"id", ids.back()}});
  }
  json::Object compare = chat;
  compare.erase("model");
  compare["ids"] = ids;
  expect_fits("CompareProfiles", compare);
  expect_fits("CreateManifest", {{"model", kModel}, {"acceleratorType", "nvidia-l4"}});
  expect_fits("Doctor", {{"log", "torch.OutOfMemoryError: CUDA out of memory.\n"},
                         {"manifest", "apiVersion: v1\nkind: Pod\nspec: {containerz: []}\n"}});
  expect_fits("ListRuns", {});
  expect_fits("ListPrices", {});
  expect_fits("ExportPrices", {});
  expect_fits("SetPrices",
              {{"prices", json::Array{json::Object{{"provider", "gcp"},
                                                   {"item", "a3-highgpu-8g"},
                                                   {"usdPerHour", json::Object{{"spot", 9}}}}}}});
  expect_fits("GetOpenApi", {});
  expect_fits("Predict", {{"model", kModel},
                          {"acceleratorType", "nvidia-h100-80gb"},
                          {"concurrency", json::Array{1}},
                          {"inputLength", 64},
                          {"outputLength", 8}});
  expect_fits("Simulate", {{"model", kModel},
                           {"acceleratorType", "nvidia-h100-80gb"},
                           {"concurrency", json::Array{1}},
                           {"inputLength", 64},
                           {"outputLength", 8},
                           {"requests", 10}});
}

}  // namespace
}  // namespace kneepoint::api
