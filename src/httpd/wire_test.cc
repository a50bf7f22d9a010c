#include "httpd/wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "base/text.h"
#include "httpd/answer.h"

namespace kneepoint::httpd {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// The directives of an answer's Content-Security-Policy, each with its sources.
std::vector<std::string> policy(bool console) {
  HeadForm form;
  form.console = console;
  const std::string head = head_of(text_answer(200, "x"), "id", form);
  constexpr std::string_view kName = "\r\nContent-Security-Policy: ";
  const auto at = head.find(kName) + kName.size();
  std::vector<std::string> out;
  for (const auto one : split(std::string_view(head).substr(at, head.find("\r\n", at) - at), ';')) {
    out.emplace_back(one);
  }
  return out;
}

TEST(SecurityPolicy, OfTheConsoleAdmitsItsOwnFilesAndNothingElse) {
  const auto directives = policy(true);
  EXPECT_EQ(directives.front(), "default-src 'none'");
  for (const std::string& one : directives) {
    if (one == "require-trusted-types-for 'script'") continue;
    const auto words = split(one, ' ');
    ASSERT_EQ(words.size(), 2U) << one;
    EXPECT_THAT(std::string(words[1]), AnyOf("'self'", "'none'")) << one;
  }
  EXPECT_THAT(directives, ::testing::IsSupersetOf(
                              {"base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"}));
}

TEST(SecurityPolicy, OfAnAnswerAdmitsNothing) {
  EXPECT_THAT(policy(false),
              ::testing::ElementsAre("default-src 'none'", "frame-ancestors 'none'"));
}

TEST(AnswerHead, LeavesOutFieldsThatWouldBreakOutOfTheirLine) {
  Answer answer = text_answer(200, "x");
  answer.fields.emplace_back("X-Fine", "one");
  answer.fields.emplace_back("X-Bad", "two\r\nSet-Cookie: three");
  const std::string head = head_of(answer, "id", {});
  EXPECT_THAT(head, HasSubstr("X-Fine: one\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("Set-Cookie")));
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
}

}  // namespace
}  // namespace kneepoint::httpd
