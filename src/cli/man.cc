#include "cli/man.h"

#include <algorithm>

#include "base/result.h"
#include "cli/flag_text.h"

namespace kneepoint::cli {
namespace {

// Text as roff: hyphens that can be copied, no line that could be taken for a request.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '~') {
      out += "\\(ti";
    } else if (c == '`') {
      out += "\\(ga";
    } else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) {
      out += "\\&";
      out += c;
    } else {
      out += c;
    }
  }
  return out;
}

std::string page_name(std::string_view path) {
  std::string name = "kneepoint-" + std::string(path);
  std::replace(name.begin(), name.end(), ' ', '-');
  return name;
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  return text;
}

std::string header(const std::string& name, std::string_view version, std::string_view date,
                   std::string_view summary) {
  return ".TH " + roff(upper(name)) + " 1 \"" + std::string(date) + "\" \"kneepoint " +
         roff(version) + "\" \"User Commands\"\n.SH NAME\n" + roff(name) + " \\- " + roff(summary) +
         "\n";
}

std::string flag_items(const std::vector<const Flag*>& flags) {
  std::string out;
  for (const Flag* flag : flags) {
    out += ".TP\n.B " + roff(flag_synopsis(*flag)) + "\n" + roff(flag_sentence(*flag)) +
           (flag->required ? " Required." : "") + "\n";
  }
  return out;
}

std::string exit_status() {
  std::string out = ".SH EXIT STATUS\n";
  for (const ExitStatus& status : exit_statuses()) {
    out += ".TP\n.B " + std::to_string(status.number) + "\n" + roff(status.words) + "\n";
  }
  return out;
}

// What `serve` starts is a program of its own, and this is its page too.
std::string server_sections() {
  return ".SH THE PROGRAM\n"
         ".B kneepoint\\-serve\nis what this command starts in its own place: the same process, so "
         "signals and exit status are the server\\(aqs. It can be started itself, with the flags "
         "above,\n.BR \\-\\-store ,\n.B \\-\\-catalog\nand\n.BR \\-\\-version .\n"
         ".SH SIGNALS\n"
         ".TP\n.BR SIGTERM ,\\~ SIGINT\nNo new requests are taken; those under way are answered "
         "for "
         "up to\n.BR \\-\\-drain\\-seconds ;\nthen it ends with status 0.\n"
         ".TP\n.B SIGHUP\nThe file of\n.B \\-\\-token\\-file\nis read at once; without the "
         "signal, within 5 seconds of a change.\n"
         ".SH FILES\n"
         ".TP\n.I /etc/default/kneepoint\nFlags and store of the system\\(aqs service "
         "kneepoint.service.\n"
         ".TP\n.I /var/lib/kneepoint/kneepoint.db\nIts store.\n";
}

std::string command_page(const Command& command, std::string_view version, std::string_view date) {
  std::string out = header(page_name(command.path), version, date, command.summary);
  out += ".SH SYNOPSIS\n.B " + roff(usage_line(command)) + "\n";
  for (const std::string_view alias : command.aliases) {
    out += ".br\n.B " + roff("kneepoint " + std::string(alias)) + "\n";
  }
  if (command.id == CommandId::Serve) out += ".br\n.B kneepoint\\-serve [flags]\n";
  out += ".SH DESCRIPTION\n" + roff(command.description) + "\n";
  if (!command.positionals.empty()) {
    out += ".SH WORDS\n";
    for (const Positional& word : command.positionals) {
      out += ".TP\n.I " + roff(word.name) + "\n" + roff(word.sentence) + "\n";
    }
  }
  if (const std::vector<FlagSection> sections = flag_sections(command); !sections.empty()) {
    out += ".SH OPTIONS\n";
    for (const FlagSection& section : sections) {
      out += ".SS " + roff(name(section.group)) + "\n" + flag_items(section.flags);
    }
  }
  out += ".SH OPTIONS OF EVERY COMMAND\n" + flag_items(shown_global_flags());
  if (command.id == CommandId::Serve) out += server_sections();
  out += ".SH EXAMPLE\n.nf\nkneepoint " + roff(command.example) + "\n.fi\n";
  out += exit_status();
  return out + ".SH SEE ALSO\n.BR kneepoint (1)\n";
}

}  // namespace

std::vector<ManPage> man_pages(std::string_view version, std::string_view date) {
  std::vector<ManPage> pages;
  std::string top = header("kneepoint", version, date,
                           "recommends which model server on which accelerator serves an LLM");
  top += ".SH SYNOPSIS\n.B kneepoint\n.I COMMAND\n[flags]\n.SH DESCRIPTION\n" +
         roff(group_summary("")) +
         "\n.PP\nThe commands of \\(lqgcloud container ai profiles\\(rq work word for word.\n"
         ".SH COMMANDS\n";
  for (const Command& c : commands()) {
    top += ".TP\n.BR " + roff(page_name(c.path)) + " (1)\n" + roff(c.summary) + ".\n";
  }
  top += ".SH OPTIONS OF EVERY COMMAND\n" + flag_items(shown_global_flags()) + exit_status();
  pages.push_back({"kneepoint.1", top});
  for (const Command& c : commands()) {
    pages.push_back({page_name(c.path) + ".1", command_page(c, version, date)});
  }
  return pages;
}

}  // namespace kneepoint::cli
