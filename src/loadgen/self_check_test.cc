#include "loadgen/self_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <thread>

#include "loadgen/point_runner.h"
#include "loadgen/testing/script_server.h"

namespace kneepoint::loadgen {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

run::SelfCheck fine() {
  run::SelfCheck self;
  self.send_lateness = {
      .values = 1000, .mean = 0.1, .p50 = 0.1, .p90 = 0.2, .p95 = 0.3, .p99 = 0.5, .max = 9};
  self.read_lag = {
      .values = 1000, .mean = 0.5, .p50 = 0.5, .p90 = 0.9, .p95 = 1, .p99 = 1.1, .max = 5};
  self.core_share = 0.5;
  self.offered_rate = 100;
  self.achieved_rate = 99.5;
  return self;
}

TEST(SelfCheck, EachBoundThatIsBrokenIsNamedWithWhatWasSeen) {
  auto self = fine();
  judge(self, 10);
  EXPECT_TRUE(self.valid);
  EXPECT_EQ(self.reason, "");

  self.send_lateness.p99 = 1.5;
  judge(self, 10);
  EXPECT_FALSE(self.valid);
  EXPECT_THAT(self.reason, HasSubstr("p99 1.50 ms (bound 1.00 ms)"));
  judge(self, 100);
  EXPECT_TRUE(self.valid) << "small beside a TTFT of 100 ms";

  self = fine();
  self.core_share = 0.95;
  judge(self, 10);
  EXPECT_THAT(self.reason, HasSubstr("95 % of its core (bound 90 %)"));

  self = fine();
  self.achieved_rate = 90;
  judge(self, 10);
  EXPECT_THAT(self.reason, HasSubstr("90 requests per second were sent of 100"));

  self = fine();
  self.read_lag.p99 = 12;
  judge(self, 10);
  EXPECT_THAT(self.reason, HasSubstr("p99 12.00 ms after they came (bound 10 ms)"));
}

TEST(SelfCheck, OneStumbleOfFewRequestsIsNotHeldAgainstARun) {
  auto self = fine();
  self.send_lateness.values = 20;
  self.send_lateness.p99 = 5;
  judge(self, 10);
  EXPECT_TRUE(self.valid);
}

/// For as long as it lives threads spin on one core, and the caller may run on no other.
class BusyCore {
 public:
  explicit BusyCore(int spinners) {
    sched_getaffinity(0, sizeof before_, &before_);
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int core = 0; core < CPU_SETSIZE; ++core) {
      if (!CPU_ISSET(core, &before_)) continue;
      CPU_SET(core, &one);
      break;
    }
    for (int i = 0; i < spinners; ++i) {
      threads_.emplace_back([this, one] {
        sched_setaffinity(0, sizeof one, &one);
        while (!stop_) {
        }
      });
    }
    sched_setaffinity(0, sizeof one, &one);
  }
  ~BusyCore() {
    sched_setaffinity(0, sizeof before_, &before_);
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
  }
  BusyCore(const BusyCore&) = delete;
  BusyCore& operator=(const BusyCore&) = delete;

 private:
  cpu_set_t before_{};
  std::atomic<bool> stop_ = false;
  std::vector<std::thread> threads_;
};

TEST(SelfCheck, StarvedOnABusyCoreALoadPointIsNotValid) {
  testing::ScriptServer server([](testing::Peer& peer, const std::string&, int) {
    peer.answer(3);
    return true;
  });
  const auto loop = http::Loop::open().value();
  Target target;
  target.endpoint = server.endpoint();
  target.model = "m";
  auto runner = PointRunner::open(*loop, target, workload::token_id_prompts(1), 1000).value();
  workload::RunSpec spec;
  spec.arrivals = workload::Arrivals{.rate = 400};
  spec.lengths.input.first = 2000;
  spec.lengths.output.first = 3;
  spec.duration = 1500ms;
  const BusyCore busy(12);
  const auto record = runner->run(spec, {}).value();
  EXPECT_FALSE(record.self.valid);
  EXPECT_NE(record.self.reason, "");
}

}  // namespace
}  // namespace kneepoint::loadgen
