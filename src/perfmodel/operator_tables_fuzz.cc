#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "catalog/types.h"
#include "perfmodel/compiled_steps.h"
#include "perfmodel/operator_tables.h"
#include "perfmodel/operator_text.h"

namespace kp = kneepoint::perfmodel;

namespace {

// A true file with a grid of each kind of axes, so that damage gets past magic, counts and hash.
const std::string& good_file() {
  static const std::string bytes =
      kp::pack_operators(
          {{"good",
            "kneepoint-operators 1\nsystem s\naccelerators a b\nbandwidth_gbs 100\n"
            "bf16_tflops 10\nfp8_tflops 20\nlink_gbs 5\n"
            "axis n 32 64\naxis k 32 64\naxis m 1 16 256\naxis batch 1 2\naxis context 2 4 8\n"
            "axis tokens 1 10\naxis bytes 1024 4096\n"
            "grid gemm n k m type=bf16\n1 2 3\n4 5 6\n. 8 9\n1 1 1\n"
            "grid decode batch context head_dim=128 heads=8 kv_heads=1\n128 . 128\n. . .\n"
            "grid prefill tokens head_dim=128 heads=8 kv_heads=1\n128 3\n"
            "grid experts tokens type=fp8 hidden=64 intermediate=64 experts=8 top_k=2 tp=1 ep=1\n"
            "1 2\n"
            "grid mla_decode batch context heads=8\n1 2 3\n1 2 3\n"
            "grid mla_prefill tokens heads=8\n1 2\n"
            "grid all_reduce bytes gpus=2\n1 2\n"}})
          .value();
  return bytes;
}

void try_tables(std::string_view bytes) {
  const auto memory = std::make_shared<std::string>(bytes);
  const auto tables = kp::OperatorTables::unpack(*memory, memory);
  if (!tables) return;
  volatile long sum = 0;
  for (const kp::System& system : tables->systems())
    for (int kind = 0; kind < static_cast<int>(kp::OperatorKind::Count); ++kind)
      for (const kp::Grid& grid : system.of(static_cast<kp::OperatorKind>(kind)))
        for (const std::int16_t value : grid.values) sum = sum + value;
  kneepoint::catalog::Model model;
  model.id = "m";
  model.hidden = 64;
  model.layers = 2;
  model.heads = model.kv_heads = 8;
  model.experts = 8;
  model.experts_per_token = 2;
  model.moe_intermediate = 64;
  kneepoint::catalog::Accelerator accelerator;
  for (const char* id : {"a", "c"}) {
    accelerator.id = id;
    accelerator.mem_bw_gbs = accelerator.bf16_tflops = 100;
    kp::MemorySetup setup;
    setup.accelerators = setup.tensor_parallel = 2;
    (void)kp::compile_steps(*tables, model, accelerator, setup);
    model.kv_lora = 32;
  }
}

}  // namespace

// The input as a file, as a text to pack, and as a list of patches (place, value; 32 bits each) to
// a true file whose checksum is then made right.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  try_tables(input);
  if (const auto packed = kp::pack_operators({{"input", std::string(input)}})) try_tables(*packed);

  std::string damaged = good_file();
  constexpr std::size_t kHeader = 64;
  for (std::size_t i = 0; i + 8 <= size && i < 64; i += 8) {
    std::uint32_t place = 0;
    std::memcpy(&place, data + i, 4);
    place %= static_cast<std::uint32_t>(damaged.size() - 3);
    std::memcpy(damaged.data() + place, data + i + 4, 4);
  }
  const std::string hash = kneepoint::content_hash(std::string_view(damaged).substr(kHeader));
  std::memcpy(damaged.data() + 32, hash.data(), 32);
  try_tables(damaged);
  return 0;
}
