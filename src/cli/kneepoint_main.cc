// The program `kneepoint`: the only place that exits, prints and reads the environment.
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <string>
#include <vector>

#include "cli/run.h"

namespace {

void write_all(std::FILE* to, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), to);
}

std::filesystem::path program_path(const char* name) {
  char path[PATH_MAX];
  const ssize_t size = ::readlink("/proc/self/exe", path, sizeof path);
  return size > 0 ? std::filesystem::path(std::string(path, static_cast<std::size_t>(size)))
                  : std::filesystem::path(name);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace kneepoint::cli;
  Run run(system_environment(), program_path(argv[0]));
  run.write_out = [](std::string_view text) { write_all(stdout, text); };
  run.write_err = [](std::string_view text) { write_all(stderr, text); };
  run.read_line = [] {
    std::string line;
    for (int c = std::getchar(); c != EOF && c != '\n'; c = std::getchar())
      line += static_cast<char>(c);
    return line;
  };
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const int status = run.main(arguments);
  // A full disk or a closed pipe behind standard output is a failure of ours to deliver.
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    std::fputs("kneepoint: cannot write to standard output\n", stderr);
    return status != 0 ? status : kneepoint::exit_code(kneepoint::ErrorCode::Unavailable);
  }
  return status;
}
