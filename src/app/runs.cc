#include "app/runs.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "report/bench_read.h"
#include "run/directory.h"

namespace kneepoint::app {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMostRuns = 10'000;

/// Whoever appends to a log holds its lock.
bool is_written(const fs::path& log) {
  const int descriptor = ::open(log.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool held = ::flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(descriptor);
  return held;
}

/// One folder name: nothing that leads out of the runs' folder.
bool is_run_id(const std::string& id) {
  return !id.empty() && id.size() <= 255 && id[0] != '.' &&
         id.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
}

Result<RunSummary> summary_of(const fs::path& folder) {
  const auto directory = run::Directory::open(folder, run::Directory::For::Reading);
  if (!directory) return fail(directory.error());
  RunSummary out;
  out.id = folder.filename().string();
  out.running = is_written(folder / "run.log");
  const report::RunFacts facts = report::facts_from_json(directory->header());
  out.target = report::without_credentials(facts.target);
  out.model = facts.model;
  out.started_at = facts.started_at;
  std::set<std::int64_t> points;  // one that was run twice counts once
  for (const run::Record& record : directory->records()) {
    if (record.kind != "point" || !record.value.is_object()) continue;
    const json::Object& point = record.value.get_object();
    if (const json::Value* index = point.if_contains("index"); index && index->is_int64()) {
      points.insert(index->get_int64());
    }
    const json::Value* began = point.if_contains("started_at");
    if (out.started_at.empty() && began != nullptr && began->is_string()) {
      out.started_at = std::string_view(began->get_string());
    }
  }
  out.points = points.size();
  return out;
}

Result<fs::path> folder_of(const Settings& settings, const std::string& id) {
  std::error_code error;
  const fs::path folder = settings.runs_folder / id;
  if (settings.runs_folder.empty() || !is_run_id(id) || !fs::is_directory(folder, error)) {
    return fail(ErrorCode::NotFound, "no run '" + id.substr(0, 200) + "' is kept here");
  }
  return folder;
}

}  // namespace

Result<std::vector<RunSummary>> list_runs(const Settings& settings) {
  std::vector<RunSummary> out;
  std::error_code error;
  if (settings.runs_folder.empty()) return out;
  for (fs::directory_iterator it(settings.runs_folder, error), end; !error && it != end;
       it.increment(error)) {
    if (out.size() == kMostRuns) break;
    if (auto one = summary_of(it->path())) out.push_back(std::move(*one));
  }
  std::sort(out.begin(), out.end(), [](const RunSummary& a, const RunSummary& b) {
    return a.started_at != b.started_at ? a.started_at > b.started_at : a.id > b.id;
  });
  return out;
}

Result<RunSummary> find_run(const Settings& settings, const std::string& id) {
  const auto folder = folder_of(settings, id);
  if (!folder) return fail(folder.error());
  return summary_of(*folder);
}

Result<StoredRun> open_run(const Settings& settings, const std::string& id) {
  const auto folder = folder_of(settings, id);
  if (!folder) return fail(folder.error());
  return read_run(folder->string());
}

}  // namespace kneepoint::app
