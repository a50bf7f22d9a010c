#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "catalog/container.h"
#include "catalog/schema.h"

namespace kp = kneepoint::catalog;

namespace {

/// Touches every byte a caller could reach; the sanitizers watch.
void read_all(const kp::TableSet& set) {
  volatile std::size_t sum = 0;
  for (const kp::Table& table : set.tables) {
    for (std::size_t r = 0; r < table.rows(); ++r) {
      for (std::size_t c = 0; c < table.schema().columns.size(); ++c) {
        for (const char byte : table.text(r, c)) sum = sum + static_cast<unsigned char>(byte);
      }
    }
  }
}

/// A true file, so that damage to a few bytes gets past the magic and the hash of the schema.
const std::string& good_file() {
  static const std::string bytes = [] {
    const auto rows = [](std::string_view table, std::string_view text) {
      return kp::read_table(*kp::schema(table), text, "good.csv", kp::Origin::User).value();
    };
    return kp::pack(
        {rows("machines",
              "provider,machine_type,accelerator,accelerator_count\ng,m1,a,1\ng,m2,b,0.5\n"),
         rows("regions", "provider,region\ng,r1\ng,r2\ng,r3\n")});
  }();
  return bytes;
}

void try_unpack(std::string_view bytes) {
  // A mapped file begins on a page; so do these bytes.
  const auto memory = std::make_shared<std::string>(bytes);
  if (const auto set = kp::unpack(*memory, memory)) read_all(*set);
}

}  // namespace

// The input as a file; and as a list of patches (place, value; 32 bits each) to a true file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try_unpack({reinterpret_cast<const char*>(data), size});

  std::string damaged = good_file();
  for (std::size_t i = 0; i + 8 <= size && i < 64; i += 8) {
    std::uint32_t place = 0;
    std::memcpy(&place, data + i, 4);
    place = place % static_cast<std::uint32_t>(damaged.size() - 3);
    std::memcpy(damaged.data() + place, data + i + 4, 4);
  }
  if (size > 0 && size % 8 != 0) damaged.resize(damaged.size() - data[size - 1] % damaged.size());
  try_unpack(damaged);
  return 0;
}
