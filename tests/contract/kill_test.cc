#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <thread>

#include "base/hash.h"
#include "base/json.h"
#include "profile/json.h"
#include "store/store.h"
#include "store/testing/random_profiles.h"

// kill -9 in the middle of replacing a layer leaves the old content or the new, whole:
//   store_kill_test <folder of the drivers> <kills>
// Each round forks an importer, kills it after a random time, and reads the store in this process.
namespace {

using namespace kneepoint;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

template <class T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "store_kill_test: %s\n", result.error().message.c_str());
  std::exit(1);
}

/// Content number n: other profiles, and another number of them, for each n.
std::vector<profile::Profile> content(unsigned n) {
  return store::RandomProfiles(n).take(400 + static_cast<int>(n % 7) * 20);
}

std::string fingerprint(const std::vector<profile::Profile>& profiles) {
  std::string all;
  for (const profile::Profile& p : profiles) all += json::to_line(profile::to_json(p)) + "\n";
  return content_hash(all);
}

void import(const std::string& where, const store::OpenOptions& options, unsigned n) {
  auto store = must(store::open(where, options));
  const auto profiles = content(n);
  std::size_t at = 0;
  auto replaced = store->replace_layer(
      {.name = "catalog", .hash = std::to_string(n), .origin = "kill test", .rank = 1},
      [&]() -> Result<std::optional<profile::Profile>> {
        if (at == profiles.size()) return std::nullopt;
        return profiles[at++];
      });
  if (!replaced) std::fprintf(stderr, "import: %s\n", replaced.error().message.c_str());
  store.reset();
  ::_exit(!replaced);
}

pid_t start_import(const std::string& where, const store::OpenOptions& options, unsigned n) {
  const pid_t child = ::fork();
  if (child == 0) import(where, options, n);
  return child;
}

bool ended_well(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int run(const std::string& where, const store::OpenOptions& options, int kills) {
  const auto started = Clock::now();
  if (!ended_well(start_import(where, options, 0))) return 1;
  const std::chrono::duration<double> one_import = Clock::now() - started;

  std::mt19937 random(7);
  std::uniform_real_distribution<double> share(0, 1.2);
  unsigned held = 0;
  int old = 0, fresh = 0;
  for (unsigned round = 1; round <= static_cast<unsigned>(kills); ++round) {
    const pid_t child = start_import(where, options, round);
    std::this_thread::sleep_for(one_import * share(random));
    ::kill(child, SIGKILL);
    const bool finished = ended_well(child);

    auto store = must(store::open(where, options));
    const auto layers = must(store->layers());
    const auto found = must(store->find({}, store::Detail::Full));
    const auto n = static_cast<unsigned>(std::atoi(layers.at(0).hash.c_str()));
    if ((n != held && n != round) || (finished && n != round)) {
      std::fprintf(stderr, "round %u: content %u is there, %u was and %u was imported\n", round, n,
                   held, round);
      return 1;
    }
    if (fingerprint(found) != fingerprint(content(n))) {
      std::fprintf(stderr, "round %u: content %u is not whole\n", round, n);
      return 1;
    }
    ++(n == round ? fresh : old);
    held = n;
  }
  std::printf("%d kills: %d left the old content, %d the new\n", kills, old, fresh);
  return old > 0 && fresh > 0 ? 0 : 1;  // kills all on one side would have tested nothing
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: store_kill_test <folder of the drivers> <kills>\n");
    return 2;
  }
  store::OpenOptions options;
  options.driver_folder = argv[1];
  std::string name = fs::temp_directory_path() / "kp_kill_test.XXXXXX";
  const fs::path folder = ::mkdtemp(name.data());
  const int status = run(folder / "store.db", options, std::atoi(argv[2]));
  fs::remove_all(folder);
  return status;
}
