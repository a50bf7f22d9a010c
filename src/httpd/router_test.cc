#include "httpd/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kneepoint::httpd {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

Router of(std::vector<std::pair<std::string, std::string>> paths) {
  std::vector<Route> routes;
  for (auto& [method, path] : paths) {
    Route route;
    route.method = method;
    route.path = path;
    routes.push_back(std::move(route));
  }
  return std::move(Router::make(std::move(routes)).value());
}

Router::Match find(const Router& router, std::string_view method, std::string_view path) {
  return router.find(method, parse_target(path)->segments);
}

TEST(ARouter, TakesVerbsAfterAColon) {
  const auto router =
      of({{"GET", "/v1/models:fetch"}, {"POST", "/k/jobs/{id}:cancel"}, {"GET", "/k/jobs/{id}"}});
  EXPECT_EQ(find(router, "GET", "//v1/models:fetch").route->path, "/v1/models:fetch");
  const auto cancel = find(router, "POST", "/k/jobs/a:b:cancel");
  ASSERT_TRUE(cancel.route);
  EXPECT_THAT(cancel.parameters, ElementsAre(Pair("id", "a:b")));
  EXPECT_THAT(find(router, "GET", "/k/jobs/7/").parameters, ElementsAre(Pair("id", "7")));
}

TEST(ARouter, PrefersWhatIsNearer) {
  const auto router = of({{"GET", "/m/{id=**}"},
                          {"GET", "/m/{id}"},
                          {"GET", "/m/{id}:x"},
                          {"GET", "/m/list"},
                          {"GET", "/m/{id=**}:x"}});
  EXPECT_EQ(find(router, "GET", "/m/list").route->path, "/m/list");
  EXPECT_EQ(find(router, "GET", "/m/a").route->path, "/m/{id}");
  EXPECT_EQ(find(router, "GET", "/m/a:x").route->path, "/m/{id}:x");
  EXPECT_EQ(find(router, "GET", "/m/a/b:x").route->path, "/m/{id=**}:x");
  const auto rest = find(router, "GET", "/m/meta-llama/Llama-3.1-8B/info");
  EXPECT_EQ(rest.route->path, "/m/{id=**}");
  EXPECT_THAT(rest.parameters, ElementsAre(Pair("id", "meta-llama/Llama-3.1-8B/info")));
}

TEST(ARouter, KeepsAnEscapedSlashInOneSegment) {
  const auto router = of({{"GET", "/p/{id}"}});
  EXPECT_THAT(find(router, "GET", "/p/a%2Fb").parameters, ElementsAre(Pair("id", "a/b")));
  EXPECT_FALSE(find(router, "GET", "/p/a/b").route);
}

TEST(ARouter, TellsWhichMethodsAPathTakes) {
  const auto router = of({{"GET", "/a"}, {"POST", "/a"}});
  const auto match = find(router, "PUT", "/a");
  EXPECT_FALSE(match.route);
  EXPECT_EQ(match.allow, "GET, POST");
  EXPECT_EQ(find(router, "GET", "/b").allow, "");
  EXPECT_TRUE(find(router, "HEAD", "/a").route);
}

TEST(ARouter, RefusesTemplatesThatAreNone) {
  for (const auto* path : {"a", "/a//b", "/{", "/{}", "/{a}b", "/{a=**}/b"}) {
    Route route;
    route.method = "GET";
    route.path = path;
    EXPECT_FALSE(Router::make({route})) << path;
  }
  Route route;
  route.method = "GET";
  route.path = "/a";
  EXPECT_FALSE(Router::make({route, route}));
}

TEST(ATarget, SplitsTheQueryAtAmpersandsAlone) {
  const auto target = parse_target(
      "/v1/profiles:fetch?$alt=json;enum-encoding=int&model=meta/llama&&x&y=a+b%2B%26");
  ASSERT_TRUE(target);
  EXPECT_THAT(target->query,
              ElementsAre(Pair("$alt", "json;enum-encoding=int"), Pair("model", "meta/llama"),
                          Pair("x", ""), Pair("y", "a b+&")));
}

TEST(ATarget, NormalisesSlashesAndTakesAbsoluteForms) {
  EXPECT_EQ(parse_target("//v1///models/")->path(), "/v1/models");
  EXPECT_EQ(parse_target("http://any.example:80/v1?a=b")->path(), "/v1");
  EXPECT_EQ(parse_target("/")->path(), "/");
  EXPECT_THAT(parse_target("/")->segments, IsEmpty());
}

TEST(ATarget, RefusesWhatLeadsElsewhere) {
  for (const auto* text : {"", "*", "a", "/..", "/a/../b", "/%2e%2e/b", "/a%", "/a%2", "/a%zz",
                           "/a%00", "/a%0d%0aX:1", "/a?x=%00", "http://host"})
    EXPECT_FALSE(parse_target(text)) << text;
  EXPECT_FALSE(parse_target([] {
    std::string deep;
    for (int i = 0; i < 65; ++i) deep += "/a";
    return deep;
  }()));
}

}  // namespace
}  // namespace kneepoint::httpd
