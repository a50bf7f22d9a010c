#include "app/mirrored_run.h"

#include <fmt/format.h>

#include "base/file.h"
#include "cluster/fields.h"
#include "run/gzip.h"
#include "run/log_text.h"

namespace kneepoint::app {
namespace fs = std::filesystem;
namespace {

constexpr const char* kPlace = "in_cluster";

/// As it stands in a log: figures that were read and figures that were reckoned are told alike.
bool same(const json::Value& one, const json::Value& other) {
  return json::to_line(one) == json::to_line(other);
}

Result<std::string> log_text(const std::vector<run::Record>& records, std::size_t count) {
  std::string out(run::kLogStart);
  for (std::size_t i = 0; i < count; ++i) {
    auto line = record_line(records[i]);
    if (!line) return line;
    out += *line;
  }
  return out;
}

Result<run::Directory> make_or_open(const fs::path& folder, const json::Value& header) {
  std::error_code error;
  const fs::path log = folder / "run.log";
  if (!fs::exists(log, error)) return run::Directory::create(folder, header);
  // A kill before the header was whole leaves a file that holds nothing.
  const auto text = read_file(log);
  if (text && text->find('\n', run::kLogStart.size()) == std::string::npos) {
    fs::remove(log, error);
    return run::Directory::create(folder, header);
  }
  return run::Directory::open(folder, run::Directory::For::Appending);
}

}  // namespace

json::Value mirrored_header(const CampaignAsk& ask, const ClusterPlace& place) {
  json::Value out = to_json(ask);
  out.as_object()[kPlace] =
      json::Object{{"namespace", place.namespace_name}, {"name", place.name}, {"run", place.run}};
  return out;
}

std::optional<ClusterPlace> place_of(const json::Value& header) {
  const json::Value* place = cluster::find(header, std::string("/") + kPlace);
  if (place == nullptr) return std::nullopt;
  return ClusterPlace{cluster::text_at(*place, "/namespace"), cluster::text_at(*place, "/name"),
                      cluster::text_at(*place, "/run")};
}

Result<std::string> record_line(const run::Record& record) {
  return run::to_log_line(record.index, record.kind, record.value);
}

std::vector<run::Record> all_records(const run::Directory& directory) {
  std::vector<run::Record> out{{0, "header", directory.header()}};
  out.insert(out.end(), directory.records().begin(), directory.records().end());
  return out;
}

Result<std::string> seed_of(const std::vector<run::Record>& records, std::size_t most) {
  for (const std::size_t count : {records.size(), std::size_t{1}}) {
    const auto text = log_text(records, count);
    if (!text) return fail(text.error());
    auto bytes = run::compress(*text);
    if (!bytes || bytes->size() <= most || count == 1) return bytes;
  }
  return fail(ErrorCode::Internal, "a run without a header");
}

Result<std::vector<run::Record>> read_seed(std::string_view bytes) {
  const auto text = run::decompress(bytes, run::kLargestLog);
  if (!text) return fail(text.error());
  auto log = run::parse_log(*text);
  if (!log) return fail(std::move(log).error());
  if (log->records.empty() || log->records.front().kind != "header" || log->torn)
    return fail(ErrorCode::InvalidArgument, "it holds no whole run");
  return std::move(log->records);
}

Result<run::Directory> open_mirror(const fs::path& folder,
                                   const std::vector<run::Record>& records) {
  auto directory = make_or_open(folder, records.front().value);
  if (!directory) return directory;
  for (const run::Record& record : records) {
    const auto taken = take_record(*directory, record);
    if (!taken) return fail(taken.error());
  }
  return directory;
}

Result<bool> take_record(run::Directory& directory, const run::Record& record) {
  const auto have = static_cast<std::int64_t>(directory.records().size()) + 1;
  if (record.index > have) return false;
  if (record.index == have) {
    if (const auto added = directory.append(record.kind, record.value); !added)
      return fail(added.error());
    return true;
  }
  const bool header = record.index == 0;
  const json::Value& mine =
      header ? directory.header()
             : directory.records()[static_cast<std::size_t>(record.index) - 1].value;
  if (same(mine, record.value)) return true;
  return fail(ErrorCode::Conflict,
              directory.folder().string() +
                  (header ? " holds a run that was asked for otherwise"
                          : fmt::format(" holds other figures in record {}", record.index)) +
                  ": two runs are not mixed; take another name or another folder");
}

json::Value end_json(const CampaignResult& result, std::size_t records) {
  return json::Object{{"whole", result.whole},
                      {"valid_end", result.valid_end},
                      {"ended", result.ended},
                      {"model_server", result.setup.model_server},
                      {"model_server_version", result.setup.model_server_version},
                      {"records", records}};
}

Result<MirroredEnd> end_from_json(std::string_view text) {
  const auto value = json::parse(text);
  if (!value) return fail(value.error());
  MirroredEnd out;
  out.result.whole = cluster::is_true_at(*value, "/whole");
  out.result.valid_end = cluster::is_true_at(*value, "/valid_end");
  out.result.ended = cluster::text_at(*value, "/ended");
  out.result.setup.model_server = cluster::text_at(*value, "/model_server");
  out.result.setup.model_server_version = cluster::text_at(*value, "/model_server_version");
  out.records = static_cast<std::size_t>(cluster::integer_at(*value, "/records").value_or(0));
  return out;
}

}  // namespace kneepoint::app
