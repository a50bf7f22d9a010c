#include "app/import_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/file.h"
#include "base/text.h"

namespace kneepoint::app {
namespace fs = std::filesystem;
namespace {

Result<std::vector<fs::path>> files_of(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string kind = at->path().extension().string();
    if (!at->is_regular_file(error)) continue;
    if (kind == ".json" || kind == ".jsonl" || kind == ".yaml" || kind == ".yml")
      out.push_back(at->path());
  }
  if (error) {
    return fail(ErrorCode::Unavailable,
                fmt::format("cannot read {}: {}", folder.string(), error.message()));
  }
  std::ranges::sort(out);
  return out;
}

/// Looks at the size first: a file that is refused is not read into memory.
Result<importers::Document> read_document(const fs::path& file) {
  std::error_code error;
  const auto size = fs::file_size(file, error);
  if (!error && size > importers::kMostBytes) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("{}: is {}, and at most {} are read; write the report again without a "
                            "record for every request",
                            file.string(), human_bytes(static_cast<double>(size)),
                            human_bytes(static_cast<double>(importers::kMostBytes))));
  }
  const auto text = read_file(file);
  if (!text) return fail(text.error());
  return importers::parse_document(file.string(), *text);
}

class Reading {
 public:
  Result<void> take(const importers::Document& document) {
    auto read = importers::read_report(document);
    if (!read) return fail(read.error());
    if (read->empty()) {
      notes.push_back(fmt::format("{}: left out, it sums up several loads",
                                  fs::path(document.name).filename().string()));
    }
    points.insert(points.end(), std::make_move_iterator(read->begin()),
                  std::make_move_iterator(read->end()));
    return {};
  }

  Result<void> file(const fs::path& path) {
    const auto document = read_document(path);
    if (!document) return fail(document.error());
    return take(*document);
  }

  Result<void> folder(const fs::path& path) {
    const auto files = files_of(path);
    if (!files) return fail(files.error());
    std::size_t known = 0;
    for (const fs::path& file : *files) {
      const auto document = read_document(file);
      if (!document) return fail(document.error());
      if (importers::importer_of(*document) == nullptr) {
        notes.push_back(
            fmt::format("{}: left out, no report of a tool known here", file.filename().string()));
        continue;
      }
      ++known;
      if (auto done = take(*document); !done) return done;
    }
    if (known == 0) {
      return fail(
          ErrorCode::NotFound,
          fmt::format("{}: no report of a tool known here is in this folder", path.string()));
    }
    return {};
  }

  std::vector<importers::Measured> points;
  std::vector<std::string> notes;
};

std::vector<importers::Difference> differences_of(const std::vector<profile::Profile>& profiles) {
  std::vector<importers::Difference> out;
  for (const importers::Difference& known : importers::differences()) {
    const bool there = std::ranges::any_of(profiles, [&](const profile::Profile& profile) {
      const auto flags = profile::flags_of(profile);
      return std::ranges::find(flags, known.flag) != flags.end();
    });
    if (there) out.push_back(known);
  }
  return out;
}

/// Names the catalog does not know are allowed, and worth a word: prices and memory hang on them.
void note_unknown(const catalog::Catalog& catalog, const char* where, ImportAnswer& answer) {
  std::vector<std::string> said;
  const auto note = [&](std::string sentence) {
    if (std::ranges::find(said, sentence) == said.end()) said.push_back(std::move(sentence));
  };
  for (const profile::Profile& profile : answer.profiles) {
    const profile::ServingSetup& setup = profile.setup;
    if (catalog.accelerator(setup.accelerator) == nullptr) {
      note(fmt::format("accelerator {}: not in the catalog, so it has no price or memory size; {}",
                       setup.accelerator, where));
    }
    if (catalog.server(setup.model_server) == nullptr)
      note(fmt::format("model server {}: not in the catalog", setup.model_server));
  }
  answer.notes.insert(answer.notes.end(), said.begin(), said.end());
}

}  // namespace

Result<ImportAnswer> import_reports(Session& session, const ImportQuestion& question) {
  Reading reading;
  for (const fs::path& path : question.files) {
    std::error_code error;
    const auto done = fs::is_directory(path, error) ? reading.folder(path) : reading.file(path);
    if (!done) return fail(done.error());
  }
  for (const auto& [name, text] : question.texts) {
    const auto document = importers::parse_document(name, text);
    if (!document) return fail(document.error());
    if (auto done = reading.take(*document); !done) return fail(done.error());
  }
  auto joined = importers::join(std::move(reading.points), question.given, question.words);
  if (!joined) return fail(joined.error());
  ImportAnswer out;
  out.profiles = std::move(joined->profiles);
  out.notes = std::move(reading.notes);
  out.notes.insert(out.notes.end(), joined->notes.begin(), joined->notes.end());
  if (out.profiles.empty()) {
    return fail(ErrorCode::NotFound,
                "the files hold no load point: " +
                    (out.notes.empty() ? "nothing is in them" : kneepoint::join(out.notes, "; ")));
  }
  note_unknown(session.catalog(), question.accelerators, out);
  out.differences = differences_of(out.profiles);
  if (question.dry_run) return out;
  const auto store = session.store();
  if (!store) return fail(store.error());
  if (auto done = (*store)->put_all(out.profiles); !done) return fail(done.error());
  return out;
}

}  // namespace kneepoint::app
