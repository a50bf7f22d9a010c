#include "perfmodel/operators.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catalog/catalog.h"
#include "perfmodel/operator_tables.h"
#include "perfmodel/operator_text.h"

namespace kneepoint::perfmodel {
namespace {

using ::testing::HasSubstr;

const OperatorTables& tables() {
  static const auto tables = OperatorTables::open(KP_BINARY_DIR "/kneepoint.operators").value();
  return tables;
}

Operators of(std::string_view accelerator) {
  static const auto catalog =
      catalog::Catalog::open(KP_BINARY_DIR "/kneepoint.catalog", {}).value();
  return Operators::of(tables(), *catalog.accelerator(accelerator)).value();
}

struct Row {
  double amount;
  double micros;
};

// Rows as their source has them, of sizes that no rule corrects.
TEST(Operators, GiveBackTheRowsOfTheTables) {
  const auto h100 = of("nvidia-h100-80gb");
  for (const auto& [m, micros] : {Row{512, 87.4}, Row{4096, 697.7}, Row{32768, 5577}})
    EXPECT_NEAR(h100.gemm(Dtype::Bf16, m, 8192, 8192) / 1e3, micros, 0.01 * micros) << m;
  const auto decode = h100.decode_attention({8, 1, 128, 0, Dtype::Bf16});
  EXPECT_NEAR(decode[6][13] / 1e3, 101.4, 0.01 * 101.4);
  const auto prefill = h100.prefill_attention({8, 1, 128, 0, Dtype::Bf16});
  EXPECT_NEAR(TokenGrid::at(prefill, 8192) / 1e3, 221.4, 0.01 * 221.4);
  const auto reduce = h100.collective(Collective::AllReduce, 8192, 8);
  EXPECT_NEAR(TokenGrid::at(reduce, 4096) / 1e3, 177.8, 0.01 * 177.8);
}

TEST(Operators, ANarrowerTypeIsNeverSlower) {
  for (const auto* id : {"nvidia-h100-80gb", "nvidia-b200", "nvidia-l40s", "amd-mi300x"}) {
    const auto device = of(id);
    for (const double n : {1024., 7000., 28672.}) {
      const auto wide = device.gemm(Dtype::Bf16, n, 4096);
      for (const Dtype type : {Dtype::Fp8, Dtype::Nvfp4}) {
        if (!device.rates().native(type)) continue;
        const auto narrow = device.gemm(type, n, 4096);
        for (std::size_t i = 0; i < wide.size(); ++i)
          ASSERT_LE(narrow[i], wide[i] * 1.0001) << id << " at " << TokenGrid::point(i);
      }
    }
  }
}

TEST(Operators, WeightsComeFromMemory) {
  // 13 MB lie in the L2 cache of an L40S while they are timed; a step reads them at 864 GB/s.
  const auto l40s = of("nvidia-l40s");
  EXPECT_GE(l40s.gemm(Dtype::Bf16, 1, 2560, 2560), 2560.0 * 2560 * 2 / 864);
}

TEST(Operators, TwinsThatWereTimedInAndOutOfAGraphAreAlike) {
  LatentAttentionShape mla;
  mla.hidden = 7168;
  mla.heads = 16;
  mla.q_lora = 1536;
  mla.kv_lora = 512;
  mla.type = Dtype::Nvfp4;
  mla.kv = Dtype::Fp8;
  const double b200 = of("nvidia-b200").latent_decode(mla)[0][0];
  for (const auto* twin : {"nvidia-gb200", "nvidia-b300"})
    EXPECT_NEAR(of(twin).latent_decode(mla)[0][0], b200, 0.25 * b200) << twin;
}

TEST(Operators, AnUntunedKernelOfALikeShapeSaysNothingOfMxfp4) {
  // gpt-oss-120b: 64 tokens choose 67 of 128 experts, 0.89 GB, of which B200 reads 8 GB per ms.
  const ExpertShape gpt_oss{Dtype::Mxfp4, 2880, 2880, 128, 4};
  const double micros = TokenGrid::at(of("nvidia-b200").experts(gpt_oss), 64) / 1e3;
  EXPECT_GT(micros, 110);
  EXPECT_LT(micros, 2 * 110);
}

TEST(Operators, FourBitWeightsAreReadFasterWhereNothingMultipliesThem) {
  const auto h100 = of("nvidia-h100-80gb");
  const auto wide = h100.gemm(Dtype::Bf16, 28672, 8192);
  const auto narrow = h100.gemm(Dtype::Int4, 28672, 8192);
  EXPECT_LT(narrow[0], 0.5 * wide[0]);
  const auto many = TokenGrid::place(8192);
  EXPECT_NEAR(TokenGrid::at(narrow, many) / TokenGrid::at(wide, many), 1, 0.1);
}

TEST(Operators, OverTwoHostsAnExchangeTakesLonger) {
  const auto h100 = of("nvidia-h100-80gb");
  const auto eight = h100.collective(Collective::AllReduce, 16384, 8);
  const auto sixteen = h100.collective(Collective::AllReduce, 16384, 16);
  EXPECT_GT(TokenGrid::at(sixteen, 4096), 1.5 * TokenGrid::at(eight, 4096));
}

TEST(OperatorTables, HoldTenSystems) {
  EXPECT_EQ(tables().systems().size(), 10u);
  ASSERT_NE(tables().measured_on("nvidia-h100-mega-80gb"), nullptr);
  EXPECT_EQ(tables().measured_on("nvidia-h100-mega-80gb")->name, "h100");
  EXPECT_EQ(tables().measured_on("nvidia-l4"), nullptr);
}

SystemText small(std::string_view grid) {
  return {"small.txt",
          "# a comment\nkneepoint-operators 1\nsystem s\naccelerators a b\nbandwidth_gbs 100\n"
          "bf16_tflops 10\nlink_gbs 5\naxis batch 1 2\naxis context 2 4 8\naxis tokens 1 10\n" +
              std::string(grid) + "\n"};
}

TEST(OperatorText, FillsWhatWasNotMeasured) {
  const auto bytes =
      pack_operators({small("grid decode batch context kv=bf16 heads=8\n"
                            "128 . 128\n. . .")});
  ASSERT_TRUE(bytes) << bytes.error().message;
  const auto memory = std::make_shared<std::string>(*bytes);
  const auto read = OperatorTables::unpack(*memory, memory);
  ASSERT_TRUE(read) << read.error().message;
  const Grid& grid = read->systems()[0].of(OperatorKind::Decode)[0];
  EXPECT_THAT(grid.values, ::testing::ElementsAre(128, 192, 256, 256, 320, 384));
  EXPECT_EQ(grid.numbers[2], 8);
}

TEST(OperatorText, SaysWhereItIsWrong) {
  const auto message = [](std::string_view grid) {
    const auto bytes = pack_operators({small(grid)});
    return bytes ? std::string() : bytes.error().message;
  };
  EXPECT_THAT(message("grid decode batch context\n1 2\n"), HasSubstr("small.txt:12: 3 times"));
  EXPECT_THAT(message("grid decode batch elsewhere\n"), HasSubstr("axes that stand above"));
  EXPECT_THAT(message("grid experts tokens colour=3\n1 2"), HasSubstr("colour=3"));
  EXPECT_THAT(message("grid experts tokens\n1 99999"), HasSubstr("small number"));
  EXPECT_THAT(message("grid decode batch context\n1 2 3"), HasSubstr("ends inside a grid"));
  EXPECT_THAT(message("grid experts tokens\n. ."), HasSubstr("too little was measured"));
  EXPECT_THAT(message("greed"), HasSubstr("unknown word 'greed'"));
}

TEST(OperatorTables, RefuseADamagedFile) {
  const std::string good = *pack_operators({small("grid experts tokens type=bf16\n1 2")});
  const auto read = [](std::string bytes) {
    const auto memory = std::make_shared<std::string>(std::move(bytes));
    const auto tables = OperatorTables::unpack(*memory, memory);
    return tables ? std::string() : tables.error().message;
  };
  EXPECT_EQ(read(good), "");
  EXPECT_THAT(read(good.substr(0, 20)), HasSubstr("shorter than its header"));
  EXPECT_THAT(read(good.substr(0, good.size() - 8)), HasSubstr("do not add up"));
  std::string bad = good;
  bad.back() ^= 1;
  EXPECT_THAT(read(bad), HasSubstr("checksum"));
  bad = good;
  bad[8] = 9;
  EXPECT_THAT(read(bad), HasSubstr("another version"));
  bad = good;
  bad[0] = 'X';
  EXPECT_THAT(read(bad), HasSubstr("something else"));
  EXPECT_THAT(OperatorTables::open("/nowhere/kneepoint.operators").error().message,
              HasSubstr("/nowhere/kneepoint.operators"));
}

}  // namespace
}  // namespace kneepoint::perfmodel
