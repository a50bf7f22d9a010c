#include "app/export_run.h"

#include <filesystem>
#include <map>

#include "base/file.h"
#include "report/bench_read.h"
#include "report/bench_text.h"
#include "report/html.h"
#include "report/llmd.h"
#include "run/directory.h"

namespace kneepoint::app {
namespace {

constexpr std::uintmax_t kLargestReport = std::uintmax_t{512} << 20;

struct Read {
  json::Value document;
  std::vector<std::string> warnings;
};

// The document that `bench run --report` would have written of the points that are there.
Result<Read> from_directory(const std::string& path) {
  auto directory = run::Directory::open(path, run::Directory::For::Reading);
  if (!directory) return fail(std::move(directory.error()));
  json::Object document{{"schema", "kneepoint.bench-report.v1"}};
  const json::Object* header = directory->header().if_object();
  for (const char* key : {"tool", "evidence", "target", "started_at"}) {
    const json::Value* member = header == nullptr ? nullptr : header->if_contains(key);
    if (member != nullptr) document.emplace(key, *member);
  }
  // A point that was run twice counts as it came out the last time.
  std::map<std::int64_t, const json::Value*> points;
  std::int64_t unnumbered = -1;
  for (const run::Record& record : directory->records()) {
    if (record.kind != "point") continue;
    const json::Object* object = record.value.if_object();
    const json::Value* index = object == nullptr ? nullptr : object->if_contains("index");
    points[index != nullptr && index->is_int64() ? index->get_int64() : unnumbered--] =
        &record.value;
  }
  json::Array list;
  for (const auto& [index, value] : points) list.push_back(*value);
  document.emplace("points", std::move(list));
  return Read{std::move(document), directory->warnings()};
}

Result<Read> from_file(const std::string& path) {
  std::error_code error;
  if (const auto size = std::filesystem::file_size(path, error); !error && size > kLargestReport) {
    return fail(ErrorCode::InvalidArgument, "is larger than 512 MiB: not a bench report");
  }
  const auto text = read_file(path);
  if (!text) return fail(text.error());
  auto document = json::parse(*text);
  if (!document) return fail(std::move(document.error()));
  return Read{*std::move(document), {}};
}

}  // namespace

Result<StoredRun> read_run(const std::string& path) {
  std::error_code error;
  auto read = std::filesystem::is_directory(path, error) ? from_directory(path) : from_file(path);
  if (!read) return fail(std::move(read.error()).during(path));
  auto report = report::bench_report_from_json(read->document);
  if (!report) return fail(std::move(report.error()).during(path));
  report->warnings = std::move(read->warnings);
  return StoredRun{std::move(read->document), *std::move(report)};
}

std::string export_run(const StoredRun& run, std::string_view format) {
  if (format == "json") return json::to_text(run.document);
  if (format == "csv") return report::bench_csv(run.report);
  if (format == "html") return report::html_page(run.report);
  if (format == "llm-d") return report::llmd_yaml(run.report);
  return report::bench_table(run.report);
}

}  // namespace kneepoint::app
