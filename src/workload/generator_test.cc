#include "workload/generator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <map>
#include <vector>

#include "base/file.h"
#include "workload/arrival.h"

namespace kneepoint::workload {
namespace {

using namespace literals;
using namespace std::chrono_literals;
using testing::HasSubstr;

/// Everything at once: the laws below hold for each part of it.
RunSpec spec() {
  RunSpec out;
  out.seed = 42;
  out.arrivals = Arrivals{.pattern = ArrivalPattern::Poisson, .rate = 50};
  out.lengths.input = *parse_length("sharegpt-input");
  out.lengths.output = *parse_length("uniform:10,90");
  out.prefix = Prefix{.groups = 4, .tokens = 1024, .prompts_per_group = 5};
  out.sessions =
      Sessions{.turns = *parse_length("uniform:1,6"), .think = *parse_think_time("exponential:4")};
  out.requests = 2000;
  return out;
}

std::vector<RequestPlan> plan(const RunSpec& run) {
  auto generator = Generator::open(run);
  EXPECT_TRUE(generator) << generator.error().message;
  std::vector<RequestPlan> out;
  while (const auto request = generator->next()) out.push_back(*request);
  EXPECT_FALSE(generator->next());
  return out;
}

template <class Part>
auto each(const std::vector<RequestPlan>& requests, Part part) {
  std::vector<std::decay_t<std::invoke_result_t<Part, const RequestPlan&>>> out;
  for (const RequestPlan& request : requests) out.push_back(std::invoke(part, request));
  return out;
}

TEST(Generator, GivesExactlyTheCountNumberedInOrder) {
  for (const std::int64_t count : {1, 2, 3, 1999}) {
    RunSpec run = spec();
    run.requests = count;
    const auto requests = plan(run);
    ASSERT_EQ(std::ssize(requests), count);
    for (std::int64_t i = 0; i < count; ++i) {
      EXPECT_EQ(requests[static_cast<std::size_t>(i)].index, i);
    }
    EXPECT_EQ(requests.back().turn + 1, requests.back().turns);
  }
}

TEST(Generator, DueTimesNeverDecreaseAndStayBelowTheDuration) {
  RunSpec run = spec();
  run.requests.reset();
  run.duration = 10s;
  Nanos last{};
  int sessions = 0;
  for (const RequestPlan& request : plan(run)) {
    if (request.due != Due::At) continue;
    EXPECT_GE(request.at, last);
    EXPECT_LT(request.at, *run.duration);
    last = request.at;
    ++sessions;
  }
  EXPECT_NEAR(sessions, 500, 80);
}

TEST(Generator, TheSameSpecGivesTheSameRequestsAndAnotherSeedOthers) {
  EXPECT_EQ(plan(spec()), plan(spec()));
  RunSpec other = spec();
  other.seed = 43;
  EXPECT_NE(plan(spec()), plan(other));
  EXPECT_NE(plan(spec()).front().at, plan(other).front().at);
}

// To the last bit: whoever recorded a run with its spec can run it again.
TEST(Generator, AreTheSameForEver) {
  const auto requests = plan(spec());
  EXPECT_EQ(requests[0].at, 4952050ns);
  EXPECT_EQ(requests[0].input, Tokens(207));
  EXPECT_EQ(requests[0].output, Tokens(13));
  EXPECT_EQ(requests[0].turns, 1);
  EXPECT_EQ(requests[0].prompt, 12);
  EXPECT_EQ(requests[1999].at, 1375777024ns);
  EXPECT_EQ(requests[1999].prompt_tokens(), Tokens(1430));
}

TEST(Generator, ChangingLengthsMovesNothingElse) {
  RunSpec other = spec();
  other.lengths.input = *parse_length("normal:500,100");
  other.lengths.output = *parse_length("7");
  const auto one = plan(spec());
  const auto two = plan(other);
  EXPECT_EQ(each(one, &RequestPlan::at), each(two, &RequestPlan::at));
  EXPECT_EQ(each(one, &RequestPlan::turn), each(two, &RequestPlan::turn));
  EXPECT_EQ(each(one, &RequestPlan::prompt), each(two, &RequestPlan::prompt));
  EXPECT_NE(each(one, &RequestPlan::input), each(two, &RequestPlan::input));
}

TEST(Generator, ChangingOutputsLeavesInputsAndChangingArrivalsLeavesLengths) {
  RunSpec outputs = spec();
  outputs.lengths.output = *parse_length("7");
  EXPECT_EQ(each(plan(spec()), &RequestPlan::input), each(plan(outputs), &RequestPlan::input));
  RunSpec arrivals = spec();
  arrivals.arrivals = Arrivals{.pattern = ArrivalPattern::Gamma, .rate = 3, .burstiness = 0.2};
  const auto one = plan(spec());
  const auto two = plan(arrivals);
  EXPECT_EQ(each(one, &RequestPlan::prompt_tokens), each(two, &RequestPlan::prompt_tokens));
  EXPECT_EQ(each(one, &RequestPlan::output), each(two, &RequestPlan::output));
}

TEST(Generator, EveryPassUsesEachPromptOfEachGroupOnce) {
  RunSpec run = spec();
  run.sessions.reset();
  run.requests = 60;
  const auto requests = plan(run);
  std::map<std::int64_t, int> uses;
  std::vector<std::vector<std::int64_t>> passes(3);
  for (const RequestPlan& request : requests) {
    ++uses[request.prompt];
    passes[static_cast<std::size_t>(request.index / 20)].push_back(request.prompt);
    EXPECT_EQ(request.prefix_group, request.prompt / 5);
    EXPECT_EQ(request.prefix, 1024_tok);
    EXPECT_EQ(request.prompt_tokens(), 1024_tok + request.input);
  }
  EXPECT_EQ(uses.size(), 20U);
  for (const auto& [prompt, times] : uses) EXPECT_EQ(times, 3);
  EXPECT_NE(passes[0], passes[1]);
  EXPECT_THAT(passes[0], testing::UnorderedElementsAreArray(passes[1]));
}

TEST(Generator, APromptUsedAgainIsTheSameRequest) {
  std::map<std::pair<std::int64_t, int>, std::pair<Tokens, Tokens>> first;
  for (const RequestPlan& request : plan(spec())) {
    const auto [at, is_new] =
        first.try_emplace({request.prompt, request.turn}, std::pair(request.input, request.output));
    EXPECT_EQ(at->second, std::pair(request.input, request.output)) << is_new;
  }
}

TEST(Generator, GroupsWithoutPromptsShareThePrefixAlone) {
  RunSpec run = spec();
  run.sessions.reset();
  run.prefix->prompts_per_group.reset();
  run.requests = 400;
  std::map<std::int64_t, int> uses;
  std::int64_t number = 0;
  for (const RequestPlan& request : plan(run)) {
    ++uses[request.prefix_group.value()];
    EXPECT_EQ(request.prompt, number++);
  }
  EXPECT_THAT(uses, testing::ElementsAre(testing::Pair(0, 100), testing::Pair(1, 100),
                                         testing::Pair(2, 100), testing::Pair(3, 100)));
}

TEST(Generator, TurnsOfASessionFollowOneAnotherAndCarryWhatWasSaid) {
  const auto requests = plan(spec());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const RequestPlan& now = requests[i];
    ASSERT_LT(now.turn, now.turns);
    if (now.turn == 0) {
      EXPECT_EQ(now.due, Due::At);
      EXPECT_EQ(now.history, 0_tok);
      if (i > 0) {
        EXPECT_EQ(now.session, requests[i - 1].session + 1);
        EXPECT_EQ(requests[i - 1].turn + 1, requests[i - 1].turns);
      }
      continue;
    }
    const RequestPlan& before = requests[i - 1];
    EXPECT_EQ(now.due, Due::After);
    EXPECT_GE(now.at, 0ns);
    EXPECT_EQ(now.session, before.session);
    EXPECT_EQ(now.turn, before.turn + 1);
    EXPECT_EQ(now.prompt, before.prompt);
    EXPECT_EQ(now.prompt_tokens(), before.prompt_tokens() + before.output + now.input);
  }
}

TEST(Generator, AClosedLoopHasNoTimesAndACapLeavesArrivalsAlone) {
  RunSpec closed = spec();
  closed.arrivals.reset();
  closed.in_flight = 8;
  const auto one = plan(closed);
  for (const RequestPlan& request : one) {
    EXPECT_EQ(request.due, request.turn == 0 ? Due::WhenFree : Due::After);
  }
  EXPECT_EQ(each(one, &RequestPlan::input), each(plan(spec()), &RequestPlan::input));
  RunSpec both = spec();
  both.in_flight = 8;
  EXPECT_EQ(plan(both), plan(spec()));
}

TEST(Generator, RampsUseThePatternOfTheSameSeed) {
  RunSpec run = spec();
  run.sessions.reset();
  run.arrivals->ramp = Ramp{.from = 0, .over = 20s};
  run.duration = 20s;
  run.requests.reset();
  EXPECT_NEAR(static_cast<double>(plan(run).size()), 500, 80);
}

class TraceFile : public testing::Test {
 protected:
  TraceFile() {
    EXPECT_TRUE(
        write_file(path_, "arrival_s,prompt_tokens,output_tokens\n0,10,1\n2,20,2\n4,30,3\n"));
    run_.arrivals = Arrivals{.pattern = ArrivalPattern::Trace, .file = path_.string(), .speed = 2};
    run_.lengths.pairs = path_.string();
  }
  ~TraceFile() override { std::filesystem::remove(path_); }

  std::filesystem::path path_ =
      std::filesystem::path(testing::TempDir()) /
      (std::string("kneepoint_") + testing::UnitTest::GetInstance()->current_test_info()->name());
  RunSpec run_;
};

TEST_F(TraceFile, IsPlayedRowByRowAndEndsTheRun) {
  const auto requests = plan(run_);
  EXPECT_THAT(each(requests, &RequestPlan::at), testing::ElementsAre(0s, 1s, 2s));
  EXPECT_THAT(each(requests, &RequestPlan::input), testing::ElementsAre(10_tok, 20_tok, 30_tok));
  EXPECT_THAT(each(requests, &RequestPlan::output), testing::ElementsAre(1_tok, 2_tok, 3_tok));
}

TEST_F(TraceFile, LengthsStartAgainAfterTheLastRow) {
  run_.arrivals = Arrivals{};
  run_.requests = 4;
  EXPECT_THAT(each(plan(run_), &RequestPlan::input),
              testing::ElementsAre(10_tok, 20_tok, 30_tok, 10_tok));
  run_.lengths.order = Lengths::Order::Random;
  run_.requests = 300;
  int tens = 0;
  for (const RequestPlan& request : plan(run_)) {
    EXPECT_EQ(request.input.count(), 10 * request.output.count());
    tens += request.input == 10_tok ? 1 : 0;
  }
  EXPECT_NEAR(tens, 100, 35);
}

TEST_F(TraceFile, PromptsUsedAgainKeepTheirRows) {
  run_.arrivals = Arrivals{};
  run_.prefix = Prefix{.groups = 1, .tokens = 5, .prompts_per_group = 2};
  run_.requests = 20;
  std::map<std::int64_t, Tokens> inputs;
  for (const RequestPlan& request : plan(run_)) {
    EXPECT_EQ(inputs.try_emplace(request.prompt, request.input).first->second, request.input);
  }
  EXPECT_NE(inputs[0], inputs[1]);
}

TEST_F(TraceFile, ErrorsNameTheMember) {
  run_.arrivals->file = "/does/not/exist.csv";
  EXPECT_THAT(Generator::open(run_).error().message, HasSubstr("arrivals.file: "));
  ASSERT_TRUE(write_file(path_, "tokens\n3\n"));
  run_.arrivals->file = path_.string();
  EXPECT_THAT(Generator::open(run_).error().message, HasSubstr("has no column of times"));
  run_.requests = 0;
  EXPECT_THAT(Generator::open(run_).error().message, HasSubstr("requests: must be from 1"));
}

}  // namespace
}  // namespace kneepoint::workload
