#include "cli/run.h"

#include <fmt/format.h>

#include <chrono>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/version.h"
#include "manifest/text.h"

namespace kneepoint::cli {
namespace fs = std::filesystem;
namespace {

/// A variable's folder, or one below HOME.
fs::path user_folder(const Environment& environment, std::string_view variable, const char* below) {
  const auto set = environment.variable(variable);
  if (!set.empty()) return fs::path(set) / "kneepoint";
  const auto home = environment.variable("HOME");
  return home.empty() ? fs::path() : fs::path(home) / below / "kneepoint";
}

/// The first folder that has the file: beside the program (a build), or in an installed tree.
fs::path first_with(const std::vector<fs::path>& folders, const char* file) {
  std::error_code error;
  for (const fs::path& folder : folders) {
    if (fs::exists(folder / file, error)) return folder;
  }
  return folders.front();
}

/// What a user typed comes back in our sentences; nothing in it may steer the terminal.
std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n' || c == '\t') {
      out += ' ';
    } else {
      out += byte < 0x20 || byte == 0x7f ? fmt::format("\\x{:02x}", byte) : std::string(1, c);
    }
  }
  return manifest::comment_line(out);  // what is more than a byte
}

}  // namespace

Result<Date> today(const Environment& environment) {
  const auto fixed = environment.variable("SOURCE_DATE_EPOCH");
  if (fixed.empty()) {
    return std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
  }
  const auto seconds = parse_integer(fixed);
  if (!seconds || *seconds < 0 || *seconds > 253402300799) {
    return fail(ErrorCode::InvalidArgument,
                "SOURCE_DATE_EPOCH must be a whole number of seconds since 1970");
  }
  return std::chrono::floor<std::chrono::days>(
      std::chrono::sys_seconds(std::chrono::seconds(*seconds)));
}

Run::Run(Environment environment, fs::path program)
    : environment_(std::move(environment)), program_(std::move(program)) {}

void Run::out(std::string_view text) { write_out(text); }

void Run::note(std::string_view sentence) {
  if (args_ != nullptr && args_->text("--verbosity") == "none") return;
  write_err(printable(sentence) + "\n");
}

bool Run::confirm(std::string_view question) {
  if (!environment_.stdin_is_terminal || !read_line) return false;
  write_err(printable(question) + " [y/N] ");
  const std::string answer = read_line();
  return !answer.empty() && (answer.front() == 'y' || answer.front() == 'Y');
}

Result<app::Settings> Run::settings() const {
  app::Settings out;
  const fs::path here = program_.parent_path();
  const auto catalog = environment_.variable("KNEEPOINT_CATALOG");
  out.shipped_catalog = catalog.empty()
                            ? first_with({here, here / "../share/kneepoint"}, "kneepoint.catalog") /
                                  "kneepoint.catalog"
                            : fs::path(catalog);
  out.driver_folder = first_with({here, here / "../lib/kneepoint"}, "kneepoint-store-sqlite.so");
  const fs::path config = user_folder(environment_, "XDG_CONFIG_HOME", ".config");
  if (!config.empty()) out.user_folder = config / "catalog";
  for (const std::string& folder : args_->list("--catalog")) out.overlays.emplace_back(folder);
  const fs::path data_home = user_folder(environment_, "XDG_DATA_HOME", ".local/share");
  if (!data_home.empty()) out.runs_folder = data_home / "runs";
  out.store = args_->text("--store");
  if (out.store.empty()) out.store = environment_.variable("KNEEPOINT_STORE");
  if (out.store.empty()) {
    const fs::path data = user_folder(environment_, "XDG_DATA_HOME", ".local/share");
    if (data.empty()) {
      return fail(ErrorCode::InvalidArgument,
                  "no home folder to keep profiles in: set HOME, or name a file with --store");
    }
    out.store = (data / "kneepoint.db").string();
  }
  auto date = today(environment_);
  if (!date) return fail(std::move(date).error());
  out.today = *date;
  return out;
}

Result<app::Session*> Run::session() {
  if (session_ != nullptr) return session_.get();
  auto where = settings();
  if (!where) return fail(std::move(where).error());
  if (environment_.stderr_is_terminal) {
    where->progress = [this](std::string_view what) { note(what); };
  }
  auto opened = app::Session::open(std::move(*where));
  if (!opened) return fail(std::move(opened).error());
  session_ = std::move(*opened);
  return session_.get();
}

int Run::main(std::span<const std::string> arguments) {
  auto parsed = parse(arguments);
  if (!parsed) {
    write_err("kneepoint: " + printable(parsed.error().message) + "\n");
    return exit_code(parsed.error().code);
  }
  args_ = std::make_unique<Parsed>(std::move(*parsed));
  if (args_->want() == Parsed::Want::Help) {
    out(help_text(args_->topic(), width()));
    return 0;
  }
  if (args_->want() == Parsed::Want::Version) {
    out(fmt::format("kneepoint {}\n", kVersion));
    return 0;
  }
  const auto done = run_command(*this);
  if (done) return status_;
  write_err("kneepoint: " + printable(done.error().message) + "\n");
  return exit_code(done.error().code);
}

}  // namespace kneepoint::cli
