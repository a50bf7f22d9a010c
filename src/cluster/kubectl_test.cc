#include "cluster/kubectl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>

#include "cluster/owned.h"

namespace kneepoint::cluster {
namespace {

using testing::HasSubstr;

TEST(Kubectl, ThatIsNotInstalledIsSaidWithWhatToInstall) {
  const Kubectl kubectl({.program = "kneepoint-no-such-kubectl"});
  const auto said = kubectl.run({"get", "pods"});
  ASSERT_FALSE(said);
  EXPECT_EQ(said.error().code, ErrorCode::Unavailable);
  EXPECT_THAT(said.error().message, HasSubstr("is not installed or not on PATH"));
}

TEST(Kubectl, ThatTakesTooLongIsGivenUp) {
  const Kubectl kubectl({.program = "yes", .patience = std::chrono::milliseconds(200)});
  const auto said = kubectl.run({});
  ASSERT_FALSE(said);
  EXPECT_THAT(said.error().message, HasSubstr("did not answer within 0 s"));
}

struct Said {
  const char* text;
  ErrorCode code;
  const char* part;

  friend void PrintTo(const Said& said, std::ostream* out) { *out << said.part; }
};

class ExplainSaying : public testing::TestWithParam<Said> {};

TEST_P(ExplainSaying, SaysWhatItMeans) {
  const Error error = explain_failure(GetParam().text);
  EXPECT_EQ(error.code, GetParam().code) << error.message;
  EXPECT_THAT(error.message, HasSubstr(GetParam().part));
}

INSTANTIATE_TEST_SUITE_P(
    Sayings, ExplainSaying,
    testing::Values(
        Said{"The connection to the server localhost:8080 was refused - did you specify the right "
             "host or port?\n",
             ErrorCode::Unavailable, "kubectl knows no cluster"},
        Said{"error: current-context must exist in order to minify\n", ErrorCode::Unavailable,
             "kubectl knows no cluster"},
        Said{"error: context \"x\" does not exist\n", ErrorCode::NotFound, "get-contexts"},
        Said{"Unable to connect to the server: getting credentials: exec: executable "
             "gke-gcloud-auth-plugin not found\n",
             ErrorCode::Unavailable, "gcloud components install gke-gcloud-auth-plugin"},
        Said{"Unable to connect to the server: dial tcp 10.0.0.1:443: i/o timeout\n",
             ErrorCode::Unavailable, "does not answer"},
        Said{"error: Apply failed with 1 conflict: conflict with \"kubectl\" using apps/v1: "
             ".spec.replicas\n",
             ErrorCode::Conflict, "Apply failed"},
        Said{"Error from server (NotFound): namespaces \"x\" not found\n", ErrorCode::NotFound,
             "kubectl create namespace"},
        Said{"Error from server (Forbidden): deployments.apps is forbidden: User \"u\" cannot\n",
             ErrorCode::Unavailable, "not allowed"},
        Said{"W1121 22:50:00.1 1 x.go] noise\nError from server (Invalid): spec is invalid\n",
             ErrorCode::InvalidArgument, "spec is invalid"},
        Said{"error: token hf_abcdefghijklmnopqrstuvwxyzabcdefgh is bad\n", ErrorCode::Unavailable,
             "***"}));

TEST(ExplainFailure, LeavesOutAdviceAboutFlagsOfKubectl) {
  EXPECT_EQ(explain_failure("error: error validating \"STDIN\": unknown field \"x\"; if you choose "
                            "to ignore these errors, turn validation off with --validate=false\n")
                .message,
            "error validating \"STDIN\": unknown field \"x\"");
}

TEST(ReadObjects, TakesDocumentsAndListsApart) {
  const auto got = read_objects(R"({"kind":"A"}
    {"kind":"List","items":[{"kind":"B"},{"kind":"C"}]} {"kind":"PodList","items":[]})");
  ASSERT_TRUE(got) << got.error().message;
  ASSERT_EQ(got->size(), 3u);
  EXPECT_EQ(text_at((*got)[2], "/kind"), "C");
  EXPECT_TRUE(read_objects("")->empty());
  EXPECT_FALSE(read_objects("{\"kind\":"));
  EXPECT_FALSE(read_objects("no"));
}

Inventory example() {
  Inventory out{.set = "chat", .namespace_name = "ns", .objects = {}, .promise = {}};
  out.objects.push_back({{"apps/v1", "Deployment", "ns", "chat"}, "u1"});
  out.objects.push_back({{"v1", "Service", "ns", "chat"}, ""});
  out.promise = json::Object{{"running", 12}};
  return out;
}

TEST(Inventory, ReadsBackWhatItWrote) {
  const auto again = inventory_from(to_json(example()));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(to_json(*again), to_json(example()));
}

TEST(Inventory, ThatIsNoListOfObjectsIsRefused) {
  json::Object map = to_json(example());
  map["data"].get_object()["objects"] = "x";
  EXPECT_FALSE(inventory_from(map));
}

TEST(Whose, IsOursOnlyByLabelListAndUid) {
  const Inventory inventory = example();
  json::Object live{
      {"apiVersion", "apps/v1"},
      {"kind", "Deployment"},
      {"metadata", json::Object{{"name", "chat"}, {"namespace", "ns"}, {"uid", "u1"}}}};
  EXPECT_EQ(whose(nullptr, inventory), Whose::Nobodys);
  EXPECT_EQ(whose(&live, inventory), Whose::Others);
  mark(live, "chat");
  EXPECT_EQ(whose(&live, inventory), Whose::Ours);
  live["metadata"].get_object()["uid"] = "u2";
  EXPECT_EQ(whose(&live, inventory), Whose::Others);
  live["metadata"].get_object()["name"] = "copy";
  EXPECT_EQ(whose(&live, inventory), Whose::Others);
}

TEST(SetName, IsALabelAndANameAtOnce) {
  EXPECT_TRUE(is_set_name("gemma-2-9b-it-vllm"));
  for (const char* bad : {"", "A", "-a", "a-", "a.b", "a b", "a/b"}) EXPECT_FALSE(is_set_name(bad));
  EXPECT_FALSE(is_set_name(std::string(64, 'a')));
}

}  // namespace
}  // namespace kneepoint::cluster
