#include "app/timeline_keeper.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/json.h"

namespace kneepoint::app {
namespace {

namespace fs = std::filesystem;

metrics::Timeline one(std::int64_t i) {
  metrics::Timeline out;
  out.due = Nanos(i * 1000);
  out.end = out.due + Nanos(500);
  out.usage = metrics::Usage{.input = Tokens(i % 7), .output = Tokens(2), .reasoning = {}};
  out.events.emplace_back(Nanos(200), 1);
  out.events.emplace_back(Nanos(500), 1);
  return out;
}

class TimelineKeeping : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("keeper-" + std::to_string(getpid()));
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  run::Directory make() {
    return run::Directory::create(folder_, json::Object{{"schema", "test"}}).value();
  }
  static std::vector<metrics::Timeline> read(const run::Directory& directory) {
    auto reader = directory.timelines(0).value();
    std::vector<metrics::Timeline> all;
    while (auto some = reader.next().value()) {
      all.insert(all.end(), some->begin(), some->end());
    }
    return all;
  }
  fs::path folder_;
};

TEST_F(TimelineKeeping, KeepsAllInTheirOrder) {
  run::Directory directory = make();
  auto keeper = TimelineKeeper::start(directory, 0).value();
  constexpr std::int64_t kRequests = 20'000;
  for (std::int64_t i = 0; i < kRequests; ++i) keeper->add(one(i));
  ASSERT_TRUE(keeper->finish());
  EXPECT_EQ(keeper->dropped(), 0u);
  const auto all = read(directory);
  ASSERT_EQ(all.size(), static_cast<std::size_t>(kRequests));
  for (std::int64_t i = 0; i < kRequests; ++i) {
    ASSERT_EQ(all[static_cast<std::size_t>(i)].due, Nanos(i * 1000));
  }
}

TEST_F(TimelineKeeping, LeavesNothingOfAPointThatIsNotKept) {
  run::Directory directory = make();
  {
    auto keeper = TimelineKeeper::start(directory, 0).value();
    for (std::int64_t i = 0; i < 5000; ++i) keeper->add(one(i));
  }
  EXPECT_FALSE(directory.timelines(0));
  // The point is measured again.
  auto keeper = TimelineKeeper::start(directory, 0).value();
  keeper->add(one(1));
  ASSERT_TRUE(keeper->finish());
  EXPECT_EQ(read(directory).size(), 1u);
}

TEST_F(TimelineKeeping, DropsWhatItCannotFollowAndSaysHowMany) {
  run::Directory directory = make();
  auto keeper = TimelineKeeper::start(directory, 0, 100'000).value();
  metrics::Timeline large = one(0);
  for (int i = 0; i < 200'000; ++i) large.events.emplace_back(Nanos(1000 + i), 1);
  for (int i = 0; i < 3; ++i) keeper->add(one(i));
  keeper->add(large);  // ends a batch that is more than may wait
  for (int i = 0; i < 7; ++i) keeper->add(one(i));
  ASSERT_TRUE(keeper->finish());
  EXPECT_EQ(keeper->dropped(), 4u);
  EXPECT_EQ(read(directory).size(), 7u);
}

}  // namespace
}  // namespace kneepoint::app
