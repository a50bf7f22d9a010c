#include "app/write_folder.h"

#include <map>
#include <system_error>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"

namespace kneepoint::app {
namespace {

namespace fs = std::filesystem;
using Hashes = std::map<std::string, std::string>;

constexpr const char* kRecord = ".kneepoint.json";

/// What we wrote there last; nothing where that cannot be read: then what differs counts as edited.
Hashes recorded(const fs::path& folder) {
  Hashes out;
  const auto text = read_file(folder / kRecord);
  if (!text || text->size() > 1'000'000) return out;
  const auto value = json::parse(*text);
  if (!value || !value->is_object()) return out;
  const auto* files = value->as_object().if_contains("files");
  if (files == nullptr || !files->is_object()) return out;
  for (const auto& [path, hash] : files->as_object()) {
    if (hash.is_string()) out.emplace(path, hash.as_string());
  }
  return out;
}

bool is_overlay(const std::string& path) { return path.starts_with("overlays/"); }

Result<void> write_below(const fs::path& folder, const std::string& path, std::string_view text) {
  const fs::path target = folder / path;
  std::error_code error;
  fs::create_directories(target.parent_path(), error);
  if (error) {
    return fail(error == std::errc::no_such_file_or_directory ? ErrorCode::NotFound
                                                              : ErrorCode::Unavailable,
                "cannot make folder " + target.parent_path().string() + ": " + error.message());
  }
  return write_file(target, text);
}

}  // namespace

Result<FolderReport> write_folder(const fs::path& folder, const std::vector<manifest::File>& files,
                                  bool force) {
  const Hashes before = recorded(folder);
  Hashes after;
  FolderReport report;
  std::vector<const manifest::File*> to_write;
  std::vector<std::string> edited;
  for (const manifest::File& file : files) {
    after[file.path] = content_hash(file.text);
    const auto there = read_file(folder / file.path);
    if (!there) {
      std::error_code error;
      // A folder or an unreadable file of that name: writing says what is wrong.
      to_write.push_back(&file);
      continue;
    }
    if (*there == file.text) continue;
    const auto ours = before.find(file.path);
    if (ours != before.end() && ours->second == content_hash(*there)) {
      to_write.push_back(&file);
    } else if (is_overlay(file.path)) {
      report.kept.push_back(file.path);
      // What it holds is not ours: the next run must see that too.
      after[file.path] = ours == before.end() ? "" : ours->second;
    } else if (force) {
      to_write.push_back(&file);
    } else {
      edited.push_back(file.path);
    }
  }
  if (!edited.empty()) {
    return fail(ErrorCode::Conflict,
                "edited since they were written: " + join(edited, ", ") + " in " + folder.string() +
                    "; put your changes into overlays/, or overwrite them with --force. Nothing "
                    "was written");
  }
  for (const auto& [path, hash] : before) {
    if (!after.contains(path) && fs::exists(folder / path)) report.stale.push_back(path);
  }
  for (const manifest::File* file : to_write) {
    if (auto done = write_below(folder, file->path, file->text); !done)
      return fail(std::move(done).error());
  }
  json::Object hashes;
  for (const auto& [path, hash] : after) hashes[path] = hash;
  const json::Object record{{"written_by", "kneepoint manifests create"},
                            {"files", std::move(hashes)}};
  if (auto done = write_below(folder, kRecord, json::to_text(record)); !done)
    return fail(std::move(done).error());
  return report;
}

}  // namespace kneepoint::app
