// Packs the text of the kernel times into the one file the product maps: run by the build.
//   kneepoint-operators-compile FOLDER OUT
#include <cstdio>

#include "base/file.h"
#include "perfmodel/operator_text.h"

int main(int argc, char** argv) {
  using namespace kneepoint;
  if (argc != 3) {
    std::fprintf(stderr, "usage: kneepoint-operators-compile FOLDER OUT\n");
    return 2;
  }
  const auto write = [&](const std::string& bytes) { return write_file(argv[2], bytes); };
  const auto done =
      perfmodel::read_operator_texts(argv[1]).and_then(perfmodel::pack_operators).and_then(write);
  if (!done) {
    std::fprintf(stderr, "%s\n", done.error().message.c_str());
    return exit_code(done.error().code);
  }
  return 0;
}
