#include "loadgen/point_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "loadgen/testing/script_server.h"

namespace kneepoint::loadgen {
namespace {

using namespace std::chrono_literals;
using metrics::Metric;
using metrics::Outcome;
using run::PointEnd;
using ::testing::Contains;
using ::testing::HasSubstr;
using testing::Peer;
using testing::ScriptServer;

workload::RunSpec closed(std::int64_t in_flight, std::int64_t requests) {
  workload::RunSpec spec;
  spec.seed = 1;
  spec.in_flight = in_flight;
  spec.lengths.input.first = 4;
  spec.lengths.output.first = 3;
  spec.requests = requests;
  return spec;
}

workload::RunSpec open(double rate, std::int64_t requests) {
  workload::RunSpec spec = closed(1, requests);
  spec.in_flight.reset();
  spec.arrivals = workload::Arrivals{.pattern = workload::ArrivalPattern::Constant, .rate = rate};
  return spec;
}

struct Asked {
  workload::RunSpec spec = closed(2, 8);
  Target target{};
  PointOptions options{};
  std::int64_t most_out = 4096;
  std::uint64_t seed = 1;
};

/// A server that hangs must not hang the test: ctest's own limit is minutes.
run::PointRecord point(const http::Endpoint& endpoint, Asked asked = {}) {
  asked.target.endpoint = endpoint;
  asked.target.model = "m";
  const auto loop = http::Loop::open().value();
  auto runner = PointRunner::open(*loop, asked.target, workload::token_id_prompts(asked.seed),
                                  asked.most_out);
  EXPECT_TRUE(runner) << runner.error().message;
  auto record = (*runner)->run(asked.spec, asked.options);
  EXPECT_TRUE(record) << record.error().message;
  return std::move(*record);
}

std::string whats(const run::PointRecord& record) {
  std::string out;
  for (const run::ErrorCount& error : record.errors) {
    out += fmt::format("{} x {} ({}); ", error.count, error.what, error.example);
  }
  return out;
}

const ScriptServer::Script kAnswers = [](Peer& peer, const std::string&, int) {
  peer.answer(3);
  return true;
};

TEST(LoadPoint, CountsEveryRequestOnce) {
  ScriptServer server(kAnswers);
  Asked asked{.spec = closed(4, 50)};
  asked.options.warm_up = Nanos(0);
  const auto record = point(server.endpoint(), asked);
  EXPECT_EQ(record.end, PointEnd::Complete);
  EXPECT_EQ(record.requests_sent, 50u);
  EXPECT_EQ(record.requests_completed, 50u);
  EXPECT_EQ(record.requests_failed, 0u);
  EXPECT_EQ(server.requests(), 50);
  EXPECT_EQ(record.summary.of(Outcome::Completed), 50u);
  EXPECT_EQ(record.summary.of(Metric::Ttft).values, 50u);
  EXPECT_EQ(record.summary.of(Metric::Itl).values, 100u);
  EXPECT_EQ(record.tokens.output_counted_mean, 3);
  EXPECT_EQ(record.tokens.input_counted_mean, 4);
  EXPECT_EQ(record.tokens.stopped_early, 0u);
}

TEST(LoadPoint, NeverHasMoreOutThanTheCap) {
  ScriptServer server([](Peer& peer, const std::string&, int) {
    std::this_thread::sleep_for(2ms);
    peer.answer(3);
    return true;
  });
  const auto closed_loop = point(server.endpoint(), {.spec = closed(5, 60)});
  EXPECT_EQ(server.most_at_once(), 5);
  EXPECT_EQ(closed_loop.self.most_in_flight, 5);

  // Due far faster than two can go: all the others wait, and their clock runs.
  workload::RunSpec both = open(1000, 60);
  both.in_flight = 2;
  ScriptServer other([](Peer& peer, const std::string&, int) {
    std::this_thread::sleep_for(5ms);
    peer.answer(3);
    return true;
  });
  const auto capped = point(other.endpoint(), {.spec = both});
  EXPECT_EQ(other.most_at_once(), 2);
  EXPECT_EQ(capped.requests_completed, 60u);
  EXPECT_GT(capped.summary.of(Metric::Ttft).max, 60.0) << "the wait counts";
  EXPECT_THAT(capped.remarks, Contains(HasSubstr("had to wait for a place")));
  EXPECT_LT(capped.self.send_lateness.p50, 2.0) << "but is not our lateness";
}

TEST(LoadPoint, SendsTheSameRequestsForTheSameSeed) {
  const auto bodies = [](std::uint64_t seed) {
    ScriptServer server(kAnswers);
    Asked asked{.spec = open(500, 20)};
    asked.spec.seed = asked.seed = seed;
    asked.spec.arrivals->pattern = workload::ArrivalPattern::Poisson;
    asked.spec.lengths.input = *workload::parse_length("uniform:4,30");
    std::vector<Nanos> due;
    asked.options.ended = [&](const workload::RequestPlan& plan, const metrics::Timeline& t) {
      EXPECT_EQ(plan.at, t.due);
      due.push_back(t.due);
    };
    point(server.endpoint(), std::move(asked));
    auto seen = server.seen();
    for (std::string& one : seen) one.erase(0, one.find("\r\n\r\n"));
    std::ranges::sort(seen);
    std::ranges::sort(due);
    return std::pair(seen, due);
  };
  EXPECT_EQ(bodies(7), bodies(7));
  EXPECT_NE(bodies(7), bodies(8));
}

TEST(LoadPoint, ClocksStartWhenARequestWasDue) {
  // One at a time on the server: the fourth of four that are due together waits for three.
  std::mutex one;
  ScriptServer server([&](Peer& peer, const std::string&, int) {
    const std::lock_guard lock(one);
    std::this_thread::sleep_for(20ms);
    peer.answer(3);
    return true;
  });
  const auto record = point(server.endpoint(), {.spec = open(1000, 4)});
  EXPECT_EQ(record.requests_completed, 4u);
  EXPECT_GT(record.summary.of(Metric::Ttft).max, 75.0);
}

TEST(LoadPoint, PlaysTurnsOneAfterAnotherWithTimeToThink) {
  ScriptServer server(kAnswers);
  Asked asked{.spec = closed(1, 6)};
  asked.spec.sessions = workload::Sessions{.turns = *workload::parse_length("3"),
                                           .think = *workload::parse_think_time("0.03")};
  std::vector<std::pair<std::int64_t, int>> order;
  Nanos previous_end{};
  asked.options.ended = [&](const workload::RequestPlan& plan, const metrics::Timeline& timeline) {
    order.emplace_back(plan.session, plan.turn);
    if (plan.session != 0) return;
    if (plan.turn > 0) {
      EXPECT_GE(timeline.due - previous_end, 29ms);
    }
    previous_end = timeline.end;
  };
  const auto record = point(server.endpoint(), std::move(asked));
  EXPECT_EQ(record.requests_completed, 6u);
  for (std::int64_t session : {0, 1}) {
    std::vector<int> turns;
    for (const auto& [whose, turn] : order) {
      if (whose == session) turns.push_back(turn);
    }
    EXPECT_EQ(turns, (std::vector{0, 1, 2})) << session;
  }
}

TEST(LoadPoint, EndsByDurationInAClosedLoop) {
  ScriptServer server([](Peer& peer, const std::string&, int) {
    std::this_thread::sleep_for(3ms);
    peer.answer(3);
    return true;
  });
  Asked asked{.spec = closed(2, 1)};
  asked.spec.requests.reset();
  asked.spec.duration = 300ms;
  const auto record = point(server.endpoint(), std::move(asked));
  EXPECT_GE(record.took, 300ms);
  EXPECT_LT(record.took, 2s);
  EXPECT_GT(record.requests_completed, 20u);
  EXPECT_EQ(record.summary.window.to, 300ms);
}

TEST(LoadPoint, EndsWhenItIsSure) {
  ScriptServer server([](Peer& peer, const std::string&, int) {
    std::this_thread::sleep_for(2ms);
    peer.answer(3);
    return true;
  });
  Asked asked{.spec = closed(2, 1)};
  asked.spec.requests.reset();
  asked.spec.duration = 30s;
  asked.options.confident_within = 0.5;
  asked.options.least = 200ms;
  const auto record = point(server.endpoint(), std::move(asked));
  EXPECT_EQ(record.end, PointEnd::Confident);
  ASSERT_TRUE(record.ttft_interval);
  EXPECT_LT(record.ttft_interval->half_width, 0.5 * record.ttft_interval->mean);
  EXPECT_LT(record.took, 20s);
}

TEST(LoadPoint, EndsWhenInterrupted) {
  ScriptServer server([](Peer& peer, const std::string&, int) {
    peer.head();
    peer.stall();
    return false;
  });
  Asked asked{.spec = closed(3, 100)};
  asked.options.interrupted = [&] { return server.requests() >= 3; };
  const auto record = point(server.endpoint(), std::move(asked));
  EXPECT_EQ(record.end, PointEnd::Interrupted);
  EXPECT_EQ(record.requests_failed, 3u);
  EXPECT_EQ(record.summary.of(Outcome::Cancelled), 3u);
}

// ---- servers as they are ----

TEST(FailingServer, ThatRefusesEndsThePoint) {
  http::Endpoint nobody;
  {
    ScriptServer server(kAnswers);
    nobody = server.endpoint();
  }
  const auto record = point(nobody);
  EXPECT_EQ(record.end, PointEnd::ServerGone);
  EXPECT_EQ(record.requests_completed, 0u);
  EXPECT_THAT(record.remarks, Contains(HasSubstr("Connection refused")));
  EXPECT_THAT(whats(record), HasSubstr("no connection"));
}

TEST(FailingServer, ThatDiesInMidRunEndsThePoint) {
  std::unique_ptr<ScriptServer> server;
  std::atomic<bool> die = false;
  server = std::make_unique<ScriptServer>([&](Peer& peer, const std::string&, int number) {
    if (number == 20) die = true;
    peer.answer(3);
    return true;
  });
  std::thread killer([&] {
    while (!die) std::this_thread::sleep_for(1ms);
    server->stop();
  });
  const auto record = point(server->endpoint(), {.spec = closed(2, 1'000'000)});
  killer.join();
  EXPECT_EQ(record.end, PointEnd::ServerGone);
  EXPECT_GE(record.requests_completed, 18u);
  EXPECT_LT(record.took, 10s);
  EXPECT_EQ(record.requests_sent, record.requests_completed + record.requests_failed);
}

TEST(FailingServer, ThatStallsForEverTimesOut) {
  ScriptServer server([](Peer& peer, const std::string&, int) {
    peer.head();
    peer.token();
    peer.stall();
    return false;
  });
  Asked asked{.spec = closed(2, 4)};
  asked.target.patience.silence = 50ms;
  const auto record = point(server.endpoint(), std::move(asked));
  EXPECT_EQ(record.summary.of(Outcome::TimedOut), 4u);
  EXPECT_THAT(whats(record), HasSubstr("waited too long for more of the answer"));
}

TEST(FailingServer, ThatStallsForGoodIsGone) {
  ScriptServer server([](Peer& peer, const std::string&, int) {
    peer.stall();
    return false;
  });
  Asked asked{.spec = closed(2, 1'000'000)};
  asked.target.patience.first_byte = 200ms;
  const auto record = point(server.endpoint(), std::move(asked));
  EXPECT_EQ(record.end, PointEnd::ServerGone);
  EXPECT_LT(record.took, 10s);
}

TEST(FailingServer, ThatDoesNotFinishIsLeftAfterTheDrain) {
  ScriptServer server([](Peer& peer, const std::string&, int number) {
    if (number < 3) {
      peer.answer(3);
      return true;
    }
    peer.head();
    peer.stall();
    return false;
  });
  Asked asked{.spec = closed(2, 5)};
  asked.options.drain = 100ms;
  const auto record = point(server.endpoint(), std::move(asked));
  EXPECT_EQ(record.end, PointEnd::Complete);
  EXPECT_EQ(record.requests_completed, 3u);
  EXPECT_EQ(record.requests_failed, 2u);
  EXPECT_THAT(record.remarks, Contains(HasSubstr("were still out")));
}

struct Failure {
  const char* name;
  ScriptServer::Script script;
  Outcome outcome;
  const char* what;
};

TEST(FailingServer, EachFailureIsCountedAsWhatItIs) {
  const std::vector<Failure> failures{
      {"429",
       [](Peer& peer, const std::string&, int) {
         peer.status("429 Too Many Requests", R"({"error":{"message":"slow down","code":429}})");
         return true;
       },
       Outcome::Rejected, "status 429 (slow down)"},
      {"503",
       [](Peer& peer, const std::string&, int) {
         peer.status("503 Service Unavailable", "busy");
         return true;
       },
       Outcome::Rejected, "status 503 (busy)"},
      {"500",
       [](Peer& peer, const std::string&, int) {
         peer.status("500 Internal Server Error", R"({"detail":"oops"})");
         return true;
       },
       Outcome::Failed, "status 500 (oops)"},
      {"an error event with code 503 under status 200, then [DONE]",
       [](Peer& peer, const std::string&, int) {
         peer.head();
         peer.event(R"({"error":{"message":"queue full","type":"x","code":503}})");
         peer.done();
         return true;
       },
       Outcome::Rejected, "error 503 in an answer of status 200 (queue full)"},
      {"an error event in mid-stream",
       [](Peer& peer, const std::string&, int) {
         peer.head();
         peer.token();
         peer.event(R"({"error":{"message":"engine died","code":500}})");
         peer.done();
         return true;
       },
       Outcome::Failed, "error 500 in an answer of status 200 (engine died)"},
      {"finish reason abort",
       [](Peer& peer, const std::string&, int) {
         peer.head();
         peer.token();
         peer.token("abort");
         peer.done();
         return true;
       },
       Outcome::Failed, "finish reason abort"},
      {"cut inside an event",
       [](Peer& peer, const std::string&, int) {
         peer.head();
         peer.token();
         peer.chunk("data: {\"choices\":[{\"te");
         return false;
       },
       Outcome::Failed, "cut in mid-stream"},
      {"reset before an answer",
       [](Peer& peer, const std::string&, int number) {
         if (number > 0) {
           peer.answer(3);
           return true;
         }
         peer.reset();
         return false;
       },
       Outcome::Failed, "cut"},
      {"ended without its end",
       [](Peer& peer, const std::string&, int) {
         peer.head();
         peer.token();
         peer.end();
         return true;
       },
       Outcome::Failed, "a stream that ended without [DONE] or a finish reason"},
      {"no JSON",
       [](Peer& peer, const std::string&, int) {
         peer.head();
         peer.event("{\"choices\":");
         peer.done();
         return true;
       },
       Outcome::Failed, "unreadable answer"},
      {"no HTTP",
       [](Peer& peer, const std::string&, int) {
         peer.say("SSH-2.0-OpenSSH\r\n\r\n");
         return false;
       },
       Outcome::Failed, "not HTTP"},
  };
  for (const Failure& failure : failures) {
    SCOPED_TRACE(failure.name);
    ScriptServer server(failure.script);
    const auto record = point(server.endpoint(), {.spec = closed(1, 2)});
    EXPECT_GE(record.summary.of(failure.outcome), 1u) << whats(record);
    EXPECT_THAT(whats(record), HasSubstr(failure.what));
  }
}

TEST(Server, ThatClosesWhatItSaidToKeepLosesNothing) {
  ScriptServer server([](Peer& peer, const std::string&, int) {
    peer.head("Content-Type: text/event-stream\r\nKeep-Alive: timeout=5, max=100\r\n");
    peer.token();
    peer.token("length");
    peer.usage(4, 2);
    peer.done();
    return false;
  });
  const auto record = point(server.endpoint(), {.spec = closed(3, 40)});
  EXPECT_EQ(record.requests_completed, 40u) << whats(record);
  EXPECT_EQ(record.tokens.stopped_early, 40u);
}

TEST(Server, NeedNotSayDone) {
  ScriptServer server([](Peer& peer, const std::string&, int) {
    peer.head();
    peer.token();
    peer.token();
    peer.token("stop");
    peer.end();
    return true;
  });
  const auto record = point(server.endpoint(), {.spec = closed(1, 5)});
  EXPECT_EQ(record.requests_completed, 5u) << whats(record);
  EXPECT_EQ(record.summary.tokens_counted_by, "events");
  EXPECT_EQ(record.tokens.output_counted_mean, 3);
}

TEST(Server, ThatAnswersInOnePieceHasNoTtft) {
  ScriptServer server([](Peer& peer, const std::string&, int) {
    peer.status("200 OK", R"({"choices":[{"text":" a b c","finish_reason":"length"}],)"
                          R"("usage":{"prompt_tokens":4,"completion_tokens":3}})");
    return true;
  });
  const auto record = point(server.endpoint(), {.spec = closed(1, 5)});
  EXPECT_EQ(record.requests_completed, 5u) << whats(record);
  EXPECT_EQ(record.summary.of(Metric::Ttft).values, 0u);
  EXPECT_EQ(record.summary.of(Metric::E2e).values, 5u);
}

TEST(Secrets, StayOutOfTheRecord) {
  ScriptServer server([](Peer& peer, const std::string& request, int) {
    const std::size_t at = request.find("Authorization: ");
    peer.status("401 Unauthorized",
                "wrong key: " + request.substr(at + 15, request.find('\r', at) - at - 15));
    return true;
  });
  Asked asked;
  asked.target.token = "sk-very-secret";
  const auto record = point(server.endpoint(), std::move(asked));
  EXPECT_THAT(server.seen().front(), HasSubstr("Bearer sk-very-secret"));
  EXPECT_THAT(json::to_text(run::to_json(record)), ::testing::Not(HasSubstr("very-secret")));
  EXPECT_THAT(whats(record), HasSubstr("wrong key: Bearer ***"));
}

TEST(Timing, FollowsTheServersTruth) {
  ScriptServer server([](Peer& peer, const std::string&, int) {
    std::this_thread::sleep_for(30ms);
    peer.head();
    for (int i = 0; i < 5; ++i) {
      if (i > 0) std::this_thread::sleep_for(10ms);
      peer.token(i == 4 ? "length" : "");
    }
    peer.usage(4, 5);
    peer.done();
    return true;
  });
  const auto record = point(server.endpoint(), {.spec = closed(2, 20)});
  // The server's own sleeps are late when the machine is busy, never early.
  EXPECT_GE(record.summary.of(Metric::Ttft).p50, 30.0);
  EXPECT_LT(record.summary.of(Metric::Ttft).p50, 45.0);
  EXPECT_GE(record.summary.of(Metric::Itl).mean, 9.9);
  EXPECT_LT(record.summary.of(Metric::Itl).p50, 15.0);
  EXPECT_NEAR(record.summary.of(Metric::E2e).mean,
              record.summary.of(Metric::Ttft).mean + 4 * record.summary.of(Metric::Tpot).mean,
              0.01);
}

TEST(Descriptors, RunningOutOfThemIsOurFault) {
  ScriptServer server([](Peer& peer, const std::string&, int) {
    std::this_thread::sleep_for(20ms);
    peer.answer(3);
    return true;
  });
  const auto record = point(server.endpoint(), {.spec = open(500, 40), .most_out = 2});
  EXPECT_FALSE(record.self.valid);
  EXPECT_THAT(record.self.reason, HasSubstr("ulimit"));
  EXPECT_EQ(server.most_at_once(), 2);
}

}  // namespace
}  // namespace kneepoint::loadgen
