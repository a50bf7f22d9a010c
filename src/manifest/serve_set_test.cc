#include "manifest/serve_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kneepoint::manifest {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

ServeSet some() {
  ServeSet set;
  set.image = "registry.example/kneepoint:1";
  return set;
}

std::string text(const ServeSet& set) { return to_yaml_text(*serve_set(set), Output::All); }

TEST(TheServeSet, HasAServerADatabaseAndWhatKeepsThemApart) {
  const auto made = serve_set(some());
  ASSERT_TRUE(made);
  std::vector<std::string> kinds;
  for (const auto& object : made->objects) kinds.push_back(object.kind + "/" + object.name);
  EXPECT_EQ(kinds, (std::vector<std::string>{
                       "ServiceAccount/kneepoint", "NetworkPolicy/kneepoint-postgres",
                       "Service/kneepoint-postgres", "StatefulSet/kneepoint-postgres",
                       "NetworkPolicy/kneepoint", "Service/kneepoint",
                       "PodDisruptionBudget/kneepoint", "Deployment/kneepoint"}));
}

TEST(TheServeSet, NamesSecretsAndHoldsNone) {
  const auto yaml = text(some());
  EXPECT_THAT(yaml, HasSubstr("secretName: kneepoint-tokens"));
  EXPECT_THAT(yaml, HasSubstr("kubectl create secret generic kneepoint-postgres"));
  EXPECT_THAT(yaml, Not(HasSubstr("kind: Secret")));
  EXPECT_THAT(yaml, Not(HasSubstr("stringData")));
}

TEST(TheServeSet, AsksItsProbesOverTlsWhereItServesTls) {
  auto set = some();
  EXPECT_THAT(text(set), Not(HasSubstr("HTTPS")));
  set.tls_secret = "kneepoint-tls";
  EXPECT_THAT(text(set), HasSubstr("scheme: HTTPS"));
  EXPECT_THAT(text(set), HasSubstr("--tls-key=/etc/kneepoint/tls/tls.key"));
}

TEST(TheServeSet, AllowsItsOwnNamesBesideTheOnesGiven) {
  auto set = some();
  set.namespace_name = "team";
  set.hosts = {"kneepoint.example"};
  EXPECT_THAT(text(set), HasSubstr("--allowed-host=kneepoint.example"));
  EXPECT_THAT(text(set), HasSubstr("--allowed-host=kneepoint.team.svc\""));
}

TEST(TheServeSet, RefusesNamesThatNoObjectCanHave) {
  const auto refused = [](auto change) {
    auto set = some();
    change(set);
    const auto made = serve_set(set);
    return made ? std::string() : made.error().message;
  };
  EXPECT_THAT(refused([](ServeSet& set) { set.name = "Kneepoint"; }), HasSubstr("--name"));
  EXPECT_THAT(refused([](ServeSet& set) { set.image = ""; }), HasSubstr("--image"));
  EXPECT_THAT(refused([](ServeSet& set) { set.image = "a b"; }), HasSubstr("--image"));
  EXPECT_THAT(refused([](ServeSet& set) { set.storage = "ten"; }), HasSubstr("--storage"));
  EXPECT_THAT(refused([](ServeSet& set) { set.token_secret = "a_b"; }),
              HasSubstr("--token-secret"));
  EXPECT_THAT(refused([](ServeSet& set) { set.hosts = {"a b"}; }), HasSubstr("--host"));
}

}  // namespace
}  // namespace kneepoint::manifest
