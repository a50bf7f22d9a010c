#include "app/doctor.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include "base/file.h"
#include "doctor/log_scan.h"
#include "doctor/manifest_check.h"

namespace kneepoint::app {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kHead = std::size_t{64} << 10;  // shows what an input is
constexpr std::size_t kLargestManifest = std::size_t{16} << 20;
constexpr std::size_t kMostFiles = 2000;
constexpr int kScanThreads = 2;

/// An open input. Standard input is not closed.
class Input {
 public:
  static Result<Input> open(const std::string& name) {
    if (name == "-") return Input(STDIN_FILENO);
    const int fd = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
      return fail(
          errno == ENOENT || errno == ENOTDIR ? ErrorCode::NotFound : ErrorCode::Unavailable,
          "cannot read " + name + ": " + std::strerror(errno));
    }
    return Input(fd);
  }
  Input(Input&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Input& operator=(Input&&) = delete;
  ~Input() {
    if (fd_ > STDIN_FILENO) ::close(fd_);
  }
  int fd() const { return fd_; }

 private:
  explicit Input(int fd) : fd_(fd) {}
  int fd_;
};

/// Reads until there are `most` bytes or the input ends.
Result<std::string> read_up_to(const doctor::ReadBytes& read, std::size_t most) {
  std::string out(most, '\0');
  std::size_t have = 0;
  while (have < most) {
    const auto got = read(out.data() + have, most - have);
    if (!got) return fail(got.error());
    if (*got == 0) break;
    have += *got;
  }
  out.resize(have);
  return out;
}

constexpr int kLook = 200;  // milliseconds between looks whether to stop

/// Ends early when it is interrupted: an endless pipe never would.
doctor::ReadBytes until_interrupted(doctor::ReadBytes read, int descriptor,
                                    const std::function<bool()>& interrupted) {
  if (!interrupted) return read;
  return [read = std::move(read), descriptor, &interrupted](
             char* to, std::size_t room) -> Result<std::size_t> {
    for (;;) {
      if (interrupted()) return std::size_t{0};
      pollfd watched{descriptor, POLLIN, 0};
      if (::poll(&watched, 1, kLook) != 0 && watched.revents != 0) return read(to, room);
    }
  };
}

/// First what was read already, then the rest.
doctor::ReadBytes after(const std::string& head, const doctor::ReadBytes& rest) {
  const doctor::ReadBytes first = doctor::read_from(std::string_view(head));
  return [first, rest](char* to, std::size_t room) -> Result<std::size_t> {
    auto got = first(to, room);
    return got && *got > 0 ? got : rest(to, room);
  };
}

/// The files of a folder that may be manifests, by name. Kustomize bases lie in folders below.
Result<std::vector<std::string>> files_of(const std::string& folder) {
  std::vector<std::string> out;
  std::error_code error;
  for (auto it = fs::recursive_directory_iterator(folder, error);
       !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    const std::string ending = it->path().extension().string();
    std::error_code ignored;
    if (!it->is_regular_file(ignored)) continue;
    if (ending == ".yaml" || ending == ".yml" || ending == ".json")
      out.push_back(it->path().string());
    if (out.size() > kMostFiles) {
      return fail(ErrorCode::InvalidArgument, folder + " has more than " +
                                                  std::to_string(kMostFiles) +
                                                  " files: name a folder below it");
    }
  }
  if (error) return fail(ErrorCode::Unavailable, "cannot read " + folder + ": " + error.message());
  if (out.empty()) {
    return fail(ErrorCode::NotFound, folder + " has no .yaml, .yml or .json file");
  }
  std::sort(out.begin(), out.end());
  return out;
}

/// A file that is called one is a manifest too where what makes it one is missing or broken: that
/// is what is to be found. Events written down as YAML have an apiVersion, and are read as a log.
bool is_called_manifest(const std::string& name, std::string_view text) {
  const std::string ending = fs::path(name).extension().string();
  return (ending == ".yaml" || ending == ".yml") && !text.starts_with("apiVersion:") &&
         text.find("\napiVersion:") == std::string_view::npos;
}

/// A file's name as it may be shown on a terminal.
std::string shown(const std::string& name) { return doctor::evidence_of(name, 0, 0, 4096); }

Result<doctor::SignatureSet> compiled(Session& session) {
  return doctor::SignatureSet::compile(doctor::signatures(session.catalog()));
}

class Diagnosis {
 public:
  Diagnosis(Session& session, const DoctorQuestion& question)
      : session_(session), question_(question) {}

  Result<DoctorAnswer> pasted(const std::string& log, const std::string& manifest) {
    if (!log.empty()) {
      if (auto done = scan("log", doctor::read_from(std::string_view(log))); !done) {
        return fail(done.error());
      }
    }
    if (!manifest.empty()) manifests_.push_back({"manifest", manifest});
    return run();
  }

  Result<DoctorAnswer> run() {
    for (const std::string& input : question_.inputs) {
      std::error_code error;
      const bool folder = input != "-" && fs::is_directory(input, error);
      if (!folder) {
        if (auto done = take(input, question_.as); !done) return fail(done.error());
        continue;
      }
      const auto files = files_of(input);
      if (!files) return fail(files.error());
      for (const std::string& file : *files) {
        if (auto done = take(file, DoctorQuestion::As::Manifest); !done) return fail(done.error());
      }
    }
    if (!manifests_.empty()) {
      if (auto done = check(); !done) return fail(done.error());
    }
    answer_.interrupted = stopped();
    std::erase_if(answer_.findings,
                  [&](const doctor::Finding& each) { return each.severity < question_.least; });
    doctor::sort_by_severity(answer_.findings);
    return std::move(answer_);
  }

 private:
  bool stopped() const { return question_.interrupted && question_.interrupted(); }

  Result<void> take(const std::string& name, DoctorQuestion::As as) {
    auto input = Input::open(name);
    if (!input) return fail(input.error());
    if (stopped()) return {};
    const doctor::ReadBytes read =
        until_interrupted(doctor::read_from(input->fd()), input->fd(), question_.interrupted);
    const auto named = [&](const Error& error) { return fail(Error(error).during(name)); };
    auto head = read_up_to(read, kHead);
    if (!head) return named(head.error());
    if (as == DoctorQuestion::As::Auto) {
      const bool manifest = doctor::looks_like_manifest(*head) || is_called_manifest(name, *head);
      as = manifest ? DoctorQuestion::As::Manifest : DoctorQuestion::As::Log;
    }
    if (as == DoctorQuestion::As::Log) {
      if (auto done = scan(name, after(*head, read)); !done) return named(done.error());
      return {};
    }
    if (head->size() == kHead) {
      auto rest = read_up_to(read, kLargestManifest);
      if (!rest) return named(rest.error());
      if (rest->size() == kLargestManifest) {
        return fail(ErrorCode::InvalidArgument,
                    name + " is larger than 16 MiB and no manifest; --as=log reads it as a log");
      }
      *head += *rest;
    }
    manifests_.push_back({shown(name), std::move(*head)});
    return {};
  }

  Result<void> scan(const std::string& name, const doctor::ReadBytes& read) {
    if (!signatures_) {
      auto set = compiled(session_);
      if (!set) return fail(set.error());
      signatures_.emplace(std::move(*set));
    }
    const auto report = doctor::scan_log(*signatures_, read, kScanThreads);
    if (!report) return fail(report.error());
    answer_.log_bytes += report->bytes;
    answer_.log_lines += report->lines;
    for (doctor::Finding& each : doctor::findings(*signatures_, *report, shown(name))) {
      answer_.findings.push_back(std::move(each));
    }
    return {};
  }

  Result<void> check() {
    const fs::path beside =
        session_.settings().shipped_catalog.parent_path() / "kneepoint.kubernetes";
    const fs::path file =
        fs::exists(beside) ? beside : session_.settings().driver_folder / "kneepoint.kubernetes";
    const auto text = read_file(file);
    if (!text) return fail(text.error());
    const auto schema = doctor::KubernetesSchema::parse(*text);
    if (!schema) return fail(schema.error());
    doctor::ManifestReport report =
        doctor::check_manifests(manifests_, {session_.catalog(), *schema});
    answer_.objects = report.objects;
    for (const doctor::Finding& each : report.findings) {
      if (each.id == "yaml-syntax" || each.id == "template")
        answer_.unreadable.push_back(each.file);
    }
    answer_.unchecked = std::move(report.unchecked);
    for (doctor::Finding& each : report.findings) answer_.findings.push_back(std::move(each));
    return {};
  }

  Session& session_;
  const DoctorQuestion& question_;
  DoctorAnswer answer_;
  std::vector<doctor::ManifestFile> manifests_;
  std::optional<doctor::SignatureSet> signatures_;
};

}  // namespace

Result<DoctorAnswer> diagnose(Session& session, const DoctorQuestion& question) {
  return Diagnosis(session, question).run();
}

Result<DoctorAnswer> diagnose_pasted(Session& session, const std::string& log,
                                     const std::string& manifest, doctor::Severity least) {
  DoctorQuestion question;
  question.least = least;
  return Diagnosis(session, question).pasted(log, manifest);
}

std::size_t count(const DoctorAnswer& answer, doctor::Severity severity) {
  std::size_t out = 0;
  for (const doctor::Finding& each : answer.findings) out += each.severity == severity ? 1 : 0;
  return out;
}

json::Object to_json(const doctor::Finding& each) {
  json::Object one{{"severity", doctor::name(each.severity)}, {"id", each.id}, {"file", each.file}};
  if (each.line > 0) one["line"] = each.line;
  one["count"] = each.count;
  if (!each.object.empty()) one["object"] = each.object;
  if (!each.path.empty()) one["path"] = each.path;
  one["evidence"] = each.evidence;
  json::Array also;
  for (const std::string& line : each.also) also.emplace_back(line);
  if (!also.empty()) one["also"] = std::move(also);
  one["cause"] = each.cause;
  one["fix"] = each.fix;
  if (!each.patch.empty()) one["patch"] = each.patch;
  if (!each.source.empty()) one["source"] = each.source;
  return one;
}

json::Object to_json(const DoctorAnswer& answer) {
  json::Array findings, unchecked;
  for (const doctor::Finding& each : answer.findings) findings.push_back(to_json(each));
  for (const std::string& kind : answer.unchecked) unchecked.emplace_back(kind);
  return {{"schema", "kneepoint.doctor.v1"},
          {"errors", count(answer, doctor::Severity::Error)},
          {"warnings", count(answer, doctor::Severity::Warning)},
          {"infos", count(answer, doctor::Severity::Info)},
          {"lines", answer.log_lines},
          {"objects", answer.objects},
          {"unchecked", std::move(unchecked)},
          {"findings", std::move(findings)}};
}

Result<std::vector<doctor::Finding>> diagnose_texts(
    Session& session, const std::vector<std::pair<std::string, std::string>>& texts) {
  const auto set = compiled(session);
  if (!set) return fail(set.error());
  std::vector<doctor::Finding> out;
  for (const auto& [name, text] : texts) {
    if (text.empty()) continue;
    const auto report = doctor::scan_log(*set, doctor::read_from(std::string_view(text)), 1);
    if (!report) return fail(report.error());
    for (doctor::Finding& each : doctor::findings(*set, *report, shown(name)))
      out.push_back(std::move(each));
  }
  doctor::sort_by_severity(out);
  return out;
}

}  // namespace kneepoint::app
