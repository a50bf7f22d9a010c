// Packs a folder of catalog text into the one file the product maps: run by the build.
//   kneepoint-catalog-compile FOLDER OUT
#include <cstdio>

#include "base/file.h"
#include "catalog/container.h"

int main(int argc, char** argv) {
  using namespace kneepoint;
  if (argc != 3) {
    std::fprintf(stderr, "usage: kneepoint-catalog-compile FOLDER OUT\n");
    return 2;
  }
  const auto tables = catalog::read_folder(argv[1], catalog::Origin::Shipped);
  if (!tables) {
    std::fprintf(stderr, "%s\n", tables.error().message.c_str());
    return exit_code(tables.error().code);
  }
  if (const auto done = write_file(argv[2], catalog::pack(*tables)); !done) {
    std::fprintf(stderr, "%s\n", done.error().message.c_str());
    return exit_code(done.error().code);
  }
  return 0;
}
