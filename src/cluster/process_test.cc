#include "cluster/process.h"

#include <gtest/gtest.h>

namespace kneepoint::cluster {
namespace {

using std::chrono::milliseconds;

TEST(RunProcess, GivesInputAndTellsOutputErrorsAndStatus) {
  const auto done = run_process({"sh", "-c", "cat; echo oops >&2; exit 3"}, {.input = "a\nb"});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->out, "a\nb");
  EXPECT_EQ(done->err, "oops\n");
  EXPECT_EQ(done->status, 3);
  EXPECT_EQ(done->how, Finished::How::Ended);
}

TEST(RunProcess, TakesWordsAsTheyAre) {
  const auto done = run_process({"printf", "%s|", "$(id)", "a b", "'"});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->out, "$(id)|a b|'|");
}

TEST(RunProcess, TellsAProgramThatIsNotThere) {
  const auto done = run_process({"kneepoint-no-such-program"});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::NotFound);
}

TEST(RunProcess, EndsWhatTakesTooLongWithAllItStarted) {
  const auto began = std::chrono::steady_clock::now();
  const auto done =
      run_process({"sh", "-c", "echo begun; sleep 60 & sleep 60"}, {.patience = milliseconds(200)});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->how, Finished::How::TimedOut);
  EXPECT_EQ(done->out, "begun\n");
  EXPECT_EQ(done->status, 128 + 15);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(10));
}

TEST(RunProcess, StopsWhenInterrupted) {
  const auto done = run_process({"sleep", "60"}, {.interrupted = [] { return true; }});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->how, Finished::How::Interrupted);
}

TEST(RunProcess, DoesNotMindAReaderThatLeaves) {
  const auto done = run_process({"true"}, {.input = std::string(10 << 20, 'x')});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->status, 0);
}

TEST(RunProcess, KeepsABoundedPartOfTheOutput) {
  const auto done = run_process({"sh", "-c", "yes | head -c 100000"}, {.largest = 1000});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->out.size(), 1000u);
  EXPECT_EQ(done->status, 0);
}

TEST(Background, IsWaitedForByWhatItSays) {
  auto child = Background::start({"sh", "-c", "echo one; echo port 7 open; sleep 60"});
  ASSERT_TRUE(child);
  const auto said = child->wait_for("port", std::chrono::seconds(10));
  ASSERT_TRUE(said) << said.error().message;
  EXPECT_EQ(*said, "one\nport 7 open\n");
}

TEST(Background, TellsWhatItSaidWhenItEnds) {
  auto child = Background::start({"sh", "-c", "echo no such pod >&2; exit 1"});
  ASSERT_TRUE(child);
  const auto said = child->wait_for("port", std::chrono::seconds(10));
  ASSERT_FALSE(said);
  EXPECT_EQ(said.error().message, "no such pod\n");
}

}  // namespace
}  // namespace kneepoint::cluster
