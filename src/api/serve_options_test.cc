#include "api/serve_options.h"

#include <gmock/gmock.h>

namespace kneepoint::api {
namespace {

using ::testing::HasSubstr;

Result<ServeOptions> parse(std::vector<std::string> arguments) {
  return parse_serve_options(arguments);
}

TEST(ServeOptions, TakeBothWaysOfWritingAValue) {
  const auto options = parse({"--http=127.0.0.1:0", "--grpc", "off", "--allowed-host=a",
                              "--allowed-host", "b", "--read-only", "--rate-limit=2.5"});
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->http, "127.0.0.1:0");
  EXPECT_EQ(options->grpc, "off");
  EXPECT_THAT(options->allowed_hosts, ::testing::ElementsAre("a", "b"));
  EXPECT_TRUE(options->read_only);
  EXPECT_EQ(options->rate_limit, 2.5);
  EXPECT_EQ(parse({})->http, "127.0.0.1:8080");
}

TEST(ServeOptions, SayWhatIsWrong) {
  EXPECT_THAT(parse({"--htp=x"}).error().message, HasSubstr("did you mean --http?"));
  EXPECT_THAT(parse({"--grpc"}).error().message, HasSubstr("--grpc needs a ADDR:PORT"));
  EXPECT_THAT(parse({"--read-only=yes"}).error().message, HasSubstr("takes no value"));
  EXPECT_THAT(parse({"--queue=many"}).error().message, HasSubstr("--queue=many"));
  EXPECT_THAT(parse({"--tls-cert=x"}).error().message, HasSubstr("belong together"));
  EXPECT_THAT(parse({"--client-ca=x"}).error().message, HasSubstr("--client-ca needs"));
  EXPECT_THAT(parse({"--http=off", "--grpc=off"}).error().message, HasSubstr("nothing to serve"));
}

}  // namespace
}  // namespace kneepoint::api
