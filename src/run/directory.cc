#include "run/directory.h"

#include <fmt/format.h>

#include <optional>
#include <system_error>

#include "base/file.h"
#include "run/secrets.h"

namespace kneepoint::run {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLog = "run.log";
constexpr const char* kTimelines = "timelines.gz";
constexpr std::string_view kHeader = "header";
constexpr std::string_view kStretch = "timelines";

/// What a record "timelines" vouches for.
struct Stretch {
  std::int64_t point = 0;
  std::uint64_t from = 0, to = 0;
};

std::optional<Stretch> to_stretch(const Record& record) {
  if (record.kind != kStretch || !record.value.is_object()) return {};
  const json::Object& object = record.value.get_object();
  const auto number = [&](const char* key) -> std::optional<std::int64_t> {
    const json::Value* value = object.if_contains(key);
    if (value == nullptr || !value->is_int64() || value->get_int64() < 0) return {};
    return value->get_int64();
  };
  const auto point = number("point"), from = number("from"), to = number("to");
  if (!point || !from || !to || *from > *to) return {};
  return Stretch{*point, static_cast<std::uint64_t>(*from), static_cast<std::uint64_t>(*to)};
}

std::uint64_t vouched_for(std::span<const Record> records) {
  std::uint64_t size = 0;
  for (const Record& record : records) {
    if (const auto stretch = to_stretch(record)) size = std::max(size, stretch->to);
  }
  return size;
}

Result<void> make_folder(const fs::path& folder) {
  std::error_code error;
  if (fs::exists(folder, error)) {
    if (!fs::is_directory(folder, error)) {
      return fail(ErrorCode::Conflict,
                  fmt::format("{} is there and is no folder; name another one", folder.string()));
    }
    if (fs::exists(folder / kLog, error)) {
      return fail(
          ErrorCode::Conflict,
          fmt::format("{} holds a run already; go on with it by `kneepoint bench resume`, or "
                      "name another folder",
                      folder.string()));
    }
    if (!fs::is_empty(folder, error) || error) {
      return fail(ErrorCode::Conflict,
                  fmt::format("{} is not empty; name another folder", folder.string()));
    }
    return {};
  }
  if (!fs::create_directories(folder, error) && error) {
    return fail(ErrorCode::Unavailable,
                fmt::format("cannot make the folder {}: {}", folder.string(), error.message()));
  }
  return flush_folder(fs::absolute(folder).parent_path());
}

}  // namespace

Result<Directory> Directory::create(const fs::path& folder, const json::Value& header) {
  if (auto clean = refuse_secrets(header); !clean) {
    return fail(std::move(clean).error().during("header of the run"));
  }
  const auto line = to_log_line(0, kHeader, header);
  if (!line) return fail(line.error());
  if (auto made = make_folder(folder); !made) return fail(made.error());
  auto log = AppendFile::create(folder / kLog);
  if (!log) return fail(log.error());
  if (auto locked = log->lock(); !locked) return fail(locked.error());
  if (auto written = log->write(std::string(kLogStart) + *line); !written) {
    return fail(written.error());
  }
  if (auto flushed = log->flush(); !flushed) return fail(flushed.error());

  Directory out;
  out.folder_ = folder;
  out.log_ = std::move(*log);
  out.records_.push_back({0, std::string(kHeader), header});
  return out;
}

Result<Directory> Directory::open(const fs::path& folder, For purpose) {
  Directory out;
  out.folder_ = folder;
  const fs::path path = folder / kLog;
  std::error_code error;
  if (!fs::exists(path, error)) {
    return fail(ErrorCode::NotFound,
                fmt::format("{} holds no run: there is no {} in it", folder.string(), kLog));
  }
  if (purpose == For::Appending) {
    auto log = AppendFile::open(path);  // locked before it is read, so what is read stays true
    if (!log) return fail(log.error());
    if (auto locked = log->lock(); !locked) return fail(locked.error());
    out.log_ = std::move(*log);
  }
  const auto bytes = read_file(path);
  if (!bytes) return fail(bytes.error());
  auto text = parse_log(*bytes);
  if (!text) return fail(std::move(text).error().during(path.string()));
  if (text->records.empty()) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("{}: the run was stopped before it began and holds nothing; remove its "
                            "folder and start it anew",
                            path.string()));
  }
  if (text->records.front().kind != kHeader) {
    return fail(ErrorCode::InvalidArgument, fmt::format("{}: record 0 is '{}', not the header",
                                                        path.string(), text->records.front().kind));
  }
  if (text->torn) out.warnings_.push_back(fmt::format("{}: {}", path.string(), *text->torn));
  if (out.log_.is_open()) {
    if (auto cut = out.log_.cut_to(text->good); !cut) return fail(cut.error());
  }
  out.records_ = std::move(text->records);

  const std::uint64_t wanted = vouched_for(out.records_);
  const auto there = fs::file_size(folder / kTimelines, error);
  if (wanted > 0 && (error || there < wanted)) {
    out.warnings_.push_back(
        fmt::format("{}: {} of {} bytes are there; requests of the last points "
                    "are lost, the points themselves are not",
                    (folder / kTimelines).string(), error ? 0 : there, wanted));
  }
  return out;
}

Result<void> Directory::put(std::string_view kind, const json::Value& value) {
  if (!log_.is_open()) {
    return fail(ErrorCode::Internal, "a run that was opened for reading is not added to");
  }
  const auto index = static_cast<std::int64_t>(records_.size());
  const auto line = to_log_line(index, kind, value);
  if (!line) return fail(line.error());
  if (auto written = log_.write(*line); !written) return written;
  if (auto flushed = log_.flush(); !flushed) return flushed;
  records_.push_back({index, std::string(kind), value});
  return {};
}

Result<std::int64_t> Directory::append(std::string_view kind, const json::Value& value) {
  if (kind == kHeader || kind == kStretch) {
    return fail(ErrorCode::Internal, fmt::format("'{}' is not a caller's kind of record", kind));
  }
  if (auto written = put(kind, value); !written) return fail(written.error());
  return records_.back().index;
}

Result<TimelineWriter> Directory::write_timelines(std::int64_t point) {
  const fs::path path = folder_ / kTimelines;
  if (!log_.is_open()) {
    return fail(ErrorCode::Internal, "a run that was opened for reading is not added to");
  }
  std::error_code error;
  auto file = fs::exists(path, error) ? AppendFile::open(path) : AppendFile::create(path);
  if (!file) return fail(file.error());
  const std::uint64_t good = vouched_for(records_);
  if (file->size() < good) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("{} has lost bytes; go on without timelines, or in a new folder",
                            path.string()));
  }
  if (auto cut = file->cut_to(good); !cut) return fail(cut.error());
  return TimelineWriter(*this, std::move(*file), point);
}

Result<TimelineReader> Directory::timelines(std::int64_t point) const {
  std::optional<Stretch> found;
  for (const Record& record : records_) {
    const auto stretch = to_stretch(record);
    if (stretch && stretch->point == point) found = stretch;
  }
  if (!found) {
    return fail(ErrorCode::NotFound,
                fmt::format("{} holds no timelines of point {}", folder_.string(), point));
  }
  auto file = MappedFile::open(folder_ / kTimelines);
  if (!file) return fail(file.error());
  if (file->bytes().size() < found->to) {
    return fail(ErrorCode::InvalidArgument, fmt::format("{} ends before the timelines of point {}",
                                                        (folder_ / kTimelines).string(), point));
  }
  return TimelineReader(std::move(*file), found->from, found->to);
}

}  // namespace kneepoint::run
