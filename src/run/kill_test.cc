#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <thread>

#include "run/directory.h"

// kill -9 while a run is written: what was acknowledged is there afterwards, in order, and the next
// process goes on.
namespace kneepoint::run {
namespace {

namespace fs = std::filesystem;

/// Large enough that a kill can fall into the middle of one.
json::Value content(std::int64_t index) {
  const auto size = static_cast<std::size_t>(index * 7919 % 60'000);
  return json::Object{{"n", index}, {"filler", std::string(size, 'x')}};
}

std::vector<metrics::Timeline> requests(std::int64_t index) {
  metrics::Timeline one;
  one.due = Nanos(index);
  return std::vector<metrics::Timeline>(static_cast<std::size_t>(1 + index % 300), one);
}

/// The killed one: adds records, timelines with every third, and tells the pipe of each number.
[[noreturn]] void append_for_ever(const fs::path& folder, int tell) {
  auto run = Directory::open(folder, Directory::For::Appending);
  while (run) {
    const auto next = static_cast<std::int64_t>(run->records().size()) + 1;
    if (next % 3 == 0) {
      auto writer = run->write_timelines(next);
      if (!writer || !writer->add(requests(next)) || !writer->finish()) break;
    }
    const auto index = run->append("point", content(next % 3 == 0 ? next + 1 : next));
    if (!index || ::write(tell, &*index, sizeof *index) != sizeof *index) break;
  }
  ::_exit(1);
}

/// The greatest number acknowledged before the child died; 0 for none.
std::int64_t acknowledged(int listen) {
  std::int64_t last = 0, index = 0;
  while (::read(listen, &index, sizeof index) == sizeof index) last = index;
  return last;
}

std::size_t count_of(const Directory& run, std::int64_t point) {
  auto reader = run.timelines(point);
  EXPECT_TRUE(reader) << reader.error().message;
  std::size_t count = 0;
  while (reader) {
    const auto block = reader->next();
    EXPECT_TRUE(block) << block.error().message;
    if (!block || !*block) break;
    count += (*block)->size();
  }
  return count;
}

TEST(RunDirectoryUnderKill, LosesNothingAcknowledgedInFiftyKills) {
  std::string name = fs::temp_directory_path() / "kp_run_kill.XXXXXX";
  const fs::path base = ::mkdtemp(name.data());
  const fs::path folder = base / "run";
  {
    ASSERT_TRUE(Directory::create(folder, json::Object{{"seed", 7}}));
  }

  std::mt19937 random(7);
  std::uniform_int_distribution<int> delay_us(0, 25'000);
  std::int64_t had = 0;
  int grown = 0, torn = 0;
  for (int round = 0; round < 50; ++round) {
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) append_for_ever(folder, pipe[1]);
    ::close(pipe[1]);
    std::this_thread::sleep_for(std::chrono::microseconds(delay_us(random)));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself in round " << round;
    const std::int64_t told = std::max(had, acknowledged(pipe[0]));
    ::close(pipe[0]);

    const auto run = Directory::open(folder, Directory::For::Appending);
    ASSERT_TRUE(run) << "round " << round << ": " << run.error().message;
    const auto there = static_cast<std::int64_t>(run->records().size());
    ASSERT_GE(there, told) << "round " << round << " lost an acknowledged record";
    for (std::int64_t i = std::max<std::int64_t>(had, 1); i <= there; ++i) {
      const Record& record = run->records()[static_cast<std::size_t>(i - 1)];
      ASSERT_EQ(record.index, i);
      if (record.kind == "timelines") {
        ASSERT_EQ(count_of(*run, i), requests(i).size());
      } else {
        ASSERT_EQ(record.value, content(i)) << "round " << round;
      }
    }
    grown += there > had ? 1 : 0;
    torn += run->warnings().empty() ? 0 : 1;
    had = there;
  }
  std::printf("50 kills: %ld records, %d kills after some were added, %d in the middle of one\n",
              static_cast<long>(had), grown, torn);
  EXPECT_GT(grown, 10) << "killed too early to have tested anything";
  fs::remove_all(base);
}

}  // namespace
}  // namespace kneepoint::run
