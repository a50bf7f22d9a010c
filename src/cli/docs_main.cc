#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/json.h"
#include "cli/completion.h"
#include "cli/man.h"
#include "verbs/verb.h"

// kneepoint_docs verbs: prints the table of kneepoint.v1 as JSON.
// kneepoint_docs FOLDER VERSION DATE: writes what a package installs beside the program, in the
// layout of share/: man/man1/*.1, bash-completion/completions/kneepoint,
// fish/vendor_completions.d/kneepoint.fish. zsh users source `kneepoint completion zsh`.
namespace {

bool put(const std::filesystem::path& path, const std::string& text) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  const kneepoint::Result<void> written = kneepoint::write_file(path, text);
  if (!written) std::fprintf(stderr, "kneepoint_docs: %s\n", written.error().message.c_str());
  return written.has_value();
}

/// The table of kneepoint.v1, for tools/openapi.py.
int print_verbs() {
  using namespace kneepoint;
  json::Array out;
  for (const verbs::Verb& verb : verbs::kneepoint_v1()) {
    const char* right = verb.right == verbs::Right::Read    ? "read"
                        : verb.right == verbs::Right::Write ? "write"
                                                            : "deploy";
    out.push_back(json::Object{{"name", verb.name},
                               {"method", verb.method},
                               {"path", verb.path},
                               {"right", right},
                               {"job", verb.job},
                               {"stream", verb.stream},
                               {"contentType", verb.content_type},
                               {"summary", verb.summary}});
  }
  std::fputs(json::to_text(out).c_str(), stdout);
  return 0;
}

}  // namespace

int main(int count, char** words) {
  if (count == 2 && std::string_view(words[1]) == "verbs") return print_verbs();
  if (count != 4) {
    std::fprintf(stderr, "usage: kneepoint_docs FOLDER VERSION DATE\n");
    return 2;
  }
  const std::filesystem::path share(words[1]);
  bool good = true;
  for (const kneepoint::cli::ManPage& page : kneepoint::cli::man_pages(words[2], words[3])) {
    good = put(share / "man/man1" / page.file, page.roff) && good;
  }
  good = put(share / "bash-completion/completions/kneepoint",
             *kneepoint::cli::completion_script("bash")) &&
         good;
  good = put(share / "fish/vendor_completions.d/kneepoint.fish",
             *kneepoint::cli::completion_script("fish")) &&
         good;
  return good ? 0 : 1;
}
