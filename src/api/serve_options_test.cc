#include "api/serve_options.h"

#include <gmock/gmock.h>

#include "app/serve_flags.h"
#include "base/text.h"

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
}

TEST(ServeOptions, HaveTheDefaultsOfTheTable) {
  const auto options = parse({});
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->http, "127.0.0.1:8080");
  EXPECT_EQ(options->grpc, "127.0.0.1:8081");
  EXPECT_EQ(options->queue, 256U);
  EXPECT_EQ(options->cache_mib, 64U);
  EXPECT_EQ(options->drain_seconds, 10);
  EXPECT_EQ(options->threads, 0U);
  EXPECT_FALSE(options->rate_limit);
}

TEST(ServeOptions, KeepTheLimitsOfTheTable) {
  for (const app::ServeFlag& flag : app::kServeFlags) {
    using Kind = app::ServeFlag::Kind;
    if (flag.kind != Kind::Integer && flag.kind != Kind::Number) continue;
    const auto with = [&flag](double value) {
      return parse({std::string(flag.name) + "=" + shortest(value)});
    };
    EXPECT_TRUE(with(flag.min)) << flag.name;
    EXPECT_TRUE(with(flag.max)) << flag.name;
    EXPECT_FALSE(with(flag.min - 1)) << flag.name;
    EXPECT_FALSE(with(flag.max + 1)) << flag.name;
    EXPECT_EQ(with(flag.max - 0.5).has_value(), flag.kind == Kind::Number) << flag.name;
  }
}

TEST(ServeOptions, HelpNamesEveryFlagAndFitsATerminal) {
  const std::string text = serve_help();
  for (const app::ServeFlag& flag : app::kServeFlags) {
    EXPECT_THAT(text, HasSubstr("\n  " + std::string(flag.name)));
  }
  for (const char* own : {"--store=PATH|URL", "--catalog=DIR", "--canned=FILE", "--version"}) {
    EXPECT_THAT(text, HasSubstr(std::string("\n  ") + own + "\n"));
  }
  EXPECT_THAT(text, HasSubstr("Default: 127.0.0.1:8080."));
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    EXPECT_LE(text.find('\n', at) - at, 80U) << text.substr(at, 90);
  }
}

TEST(ServeOptions, SayWhatIsWrong) {
  EXPECT_THAT(parse({"--htp=x"}).error().message, HasSubstr("did you mean --http?"));
  EXPECT_THAT(parse({"--grpc"}).error().message, HasSubstr("--grpc needs a ADDR:PORT"));
  EXPECT_THAT(parse({"--read-only=yes"}).error().message, HasSubstr("takes no value"));
  EXPECT_THAT(parse({"--queue=many"}).error().message,
              HasSubstr("--queue=many: needed is a whole number from 0 to 1000000"));
  EXPECT_THAT(parse({"--tls-cert=x"}).error().message, HasSubstr("belong together"));
  EXPECT_THAT(parse({"--client-ca=x"}).error().message, HasSubstr("--client-ca needs"));
  EXPECT_THAT(parse({"--http=off", "--grpc=off"}).error().message, HasSubstr("nothing to serve"));
}

}  // namespace
}  // namespace kneepoint::api
