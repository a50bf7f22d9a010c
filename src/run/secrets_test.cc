#include "run/secrets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kneepoint::run {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Secrets, AreRefusedByTheirPlaceAndNeverShown) {
  for (const char* text : {
           R"({"authorization":"hunter2"})",
           R"({"endpoint":{"headers":{"Authorization":"Basic hunter2"}}})",
           R"({"endpoint":{"headers":{"X-API-Key":["hunter2"]}}})",
           R"({"headers":[{"name":"authorization","value":"hunter2"}]})",
           R"({"headers":[["Proxy-Authorization","hunter2"]]})",
           R"({"apiKey":"hunter2"})",
           R"({"api_key":"hunter2"})",
           R"({"hfToken":"hunter2"})",
           R"({"token":"hunter2"})",
           R"({"password":"hunter2"})",
           R"({"client":{"private_key":"hunter2"}})",
           R"({"cookie":"hunter2"})",
           R"({"note":"Bearer hunter2"})",
           R"({"url":"https://me:hunter2@host/v1"})",
       }) {
    const auto refused = refuse_secrets(json::parse(text).value());
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(refused.error().message, Not(HasSubstr("hunter2")));
  }
  const auto refused = refuse_secrets(json::parse(R"({"a":[0,{"api_key":"hunter2"}]})").value());
  EXPECT_THAT(refused.error().message, HasSubstr("a[1].api_key"));
}

TEST(Secrets, WordsOfTheTradeAreNone) {
  for (const char* text : {
           R"({"input_tokens":"fixed 128","output_tokens":{"mean":3}})",
           R"({"token_ids":"yes","max_tokens":5,"tokenizer":"bpe"})",
           R"({"api_key":"","authorization":null,"password":[]})",
           R"({"api_key_env":"OPENAI_API_KEY","token_file":"/etc/x"})",
           R"({"first_token":12.5,"has_token":true})",
           R"({"url":"http://127.0.0.1:8000/v1","mail":"a@b"})",
           R"({"key":"value","monkey":"x"})",
       }) {
    const auto ok = refuse_secrets(json::parse(text).value());
    EXPECT_TRUE(ok) << text << ": " << ok.error().message;
  }
}

}  // namespace
}  // namespace kneepoint::run
