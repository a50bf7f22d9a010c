#include "cli/run.h"

#include <fmt/format.h>

#include "app/places.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/version.h"
#include "manifest/text.h"

namespace kneepoint::cli {
namespace fs = std::filesystem;
namespace {

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
  return app::today([&](std::string_view name) { return environment.variable(name); });
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
  auto out = app::find_settings(
      program_, [this](std::string_view name) { return environment_.variable(name); },
      args_->text("--store"));
  if (!out) return out;
  for (const std::string& folder : args_->list("--catalog")) out->overlays.emplace_back(folder);
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
