#include "catalog/config_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "base/file.h"
#include "base/text.h"
#include "catalog/csv.h"
#include "catalog/schema.h"

namespace kneepoint::catalog {
namespace {

using testing::HasSubstr;

const std::filesystem::path kSource = KP_SOURCE_DIR;

json::Value parsed(std::string_view text) { return json::parse(text).value(); }

json::Object llama() {
  return parsed(R"({"model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336,
                    "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
                    "vocab_size": 128256, "torch_dtype": "bfloat16"})")
      .get_object();
}

Result<Model> read(const json::Object& config) { return model_from_config(config, "me/mine"); }

Result<Model> read_with(std::string_view member, std::string_view value) {
  json::Object config = llama();
  config[member] = parsed(value);
  return read(config);
}

using Cells = std::map<std::string, std::string, std::less<>>;

Cells named(const std::vector<std::string>& row) {
  Cells cells;
  const auto columns = schema("models")->columns;
  for (std::size_t c = 0; c < columns.size(); ++c) cells[std::string(columns[c].name)] = row[c];
  return cells;
}

std::map<std::string, Cells> shipped_models() {
  const auto text = read_file(kSource / "data/catalog/models.csv").value();
  std::map<std::string, Cells> models;
  const auto table = read_table(*schema("models"), text, "models.csv", Origin::Shipped);
  for (const auto& row : table.value().rows) {
    models[row.front()] = named(row);
  }
  return models;
}

bool same_figure(const std::string& a, const std::string& b) {
  if (a == b) return true;
  const auto x = parse_number(a);
  const auto y = parse_number(b);
  return x && y && std::abs(*x - *y) <= 0.005 * *y;
}

// Each tests/data/configs/<owner>__<name>.json must give the shipped row of <owner>/<name>.
TEST(ModelConfig, GivesTheShippedRowOfEveryArchitecture) {
  // What the shipped row has from elsewhere, or leaves out.
  const std::vector<std::string> elsewhere{"model_type", "source",      "as_of",
                                           "confidence", "licence_url", "gated"};
  const std::map<std::string, Cells> shipped = shipped_models();
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kSource / "tests/data/configs")) {
    std::string id = entry.path().stem().string();
    id.replace(id.find("__"), 2, "/");
    SCOPED_TRACE(id);
    const auto text = read_file(entry.path());
    ASSERT_TRUE(text);
    const auto model = model_from_config(json::parse(*text).value(), id);
    ASSERT_TRUE(model) << model.error().message;
    ASSERT_TRUE(shipped.contains(id));
    const Cells& want = shipped.at(id);
    const Cells got = named(to_row(*model));
    const bool partial = want.at("complete") == "partial";
    for (const auto& [column, figure] : want) {
      if (std::ranges::find(elsewhere, column) != elsewhere.end() || figure.empty()) continue;
      if (partial && (column.ends_with("params_b") || column == "kv_elements_per_token")) {
        EXPECT_EQ(got.at(column), "") << column;  // never computed from half an architecture
        continue;
      }
      if (partial && column == "dense_layers") continue;
      EXPECT_TRUE(same_figure(got.at(column), figure))
          << column << ": " << got.at(column) << " for " << figure;
    }
    ++files;
  }
  EXPECT_GE(files, 20);
}

TEST(ModelConfig, CountsWindowedLayers) {
  json::Object config = llama();
  config["sliding_window"] = 4096;
  EXPECT_EQ(read(config)->windowed_layers, 0);  // the llama class has no windows
  config["model_type"] = "mistral";
  EXPECT_EQ(read(config)->windowed_layers, 32);
  EXPECT_EQ(read(config)->window, 4096);
  config["model_type"] = "qwen2";
  config["max_window_layers"] = 20;
  EXPECT_EQ(read(config)->windowed_layers, 0);
  config["use_sliding_window"] = true;
  EXPECT_EQ(read(config)->windowed_layers, 12);
  config["model_type"] = "gemma2";
  EXPECT_EQ(read(config)->full_attention_layers, 16);
}

TEST(ModelConfig, CountsDenseLayersOfExpertModels) {
  json::Object config = llama();
  config["model_type"] = "qwen3_moe";
  config["num_experts"] = 8;
  config["num_experts_per_tok"] = 2;
  config["moe_intermediate_size"] = 512;
  EXPECT_EQ(read(config)->dense_layers, 0);
  config["decoder_sparse_step"] = 2;
  EXPECT_EQ(read(config)->dense_layers, 16);
  config["mlp_only_layers"] = json::Array{1, 3};
  EXPECT_EQ(read(config)->dense_layers, 18);
  config["mlp_only_layers"] = json::Array{32};
  EXPECT_THAT(read(config).error().message, HasSubstr("mlp_only_layers: 32 is not a layer"));
}

TEST(ModelConfig, WhatItDoesNotKnowHasNoSizes) {
  for (const auto& [member, value, says] : std::vector<std::array<std::string_view, 3>>{
           {"model_type", R"("falcon_mamba")", "the architecture 'falcon_mamba'"},
           {"linear_attn_config", R"({"kda_layers": [1]})", "linear attention"},
           {"index_topk", "2048", "sparse attention index"},
           {"moe_latent_size", "1024", "latent experts"},
           {"kv_lora_rank", "512", "latent attention"},
           {"num_local_experts", "8", "experts"},
           {"attn_type_list", "[1, 0]", "linear attention"},
       }) {
    SCOPED_TRACE(member);
    const auto model = read_with(member, value);
    ASSERT_TRUE(model) << model.error().message;
    EXPECT_FALSE(model->complete);
    EXPECT_FALSE(model->params_b || model->active_params_b || model->kv_elements_per_token);
    EXPECT_THAT(model->from.note, HasSubstr(std::string(says)));
    EXPECT_EQ(model->hidden, 4096);
  }
  const auto unknown = model_from_config(
      parsed(R"({"model_type": "nas", "num_key_value_heads": [1, 2], "hidden_size": 8192})"),
      "a/b");
  ASSERT_TRUE(unknown);
  EXPECT_FALSE(unknown->kv_heads);
}

TEST(ModelConfig, MembersThatTurnAThingOffDoNotMakeItPartial) {
  EXPECT_TRUE(read_with("index_topk", "null")->complete);
  EXPECT_TRUE(read_with("is_encoder_decoder", "false")->complete);
  EXPECT_TRUE(read_with("num_kv_shared_layers", "0")->complete);
  EXPECT_TRUE(read_with("attn_type_list", "[1, 1]")->complete);
}

TEST(ModelConfig, BrokenMembersAreNamed) {
  for (const auto& [member, value, says] : std::vector<std::array<std::string_view, 3>>{
           {"hidden_size", "null", "hidden_size: missing"},
           {"hidden_size", "-1", "hidden_size: -1 is not a whole number from 1"},
           {"hidden_size", "0", "hidden_size: 0"},
           {"hidden_size", R"("4096")", R"(hidden_size: "4096")"},
           {"hidden_size", "4096.5", "hidden_size: 4096.5"},
           {"hidden_size", "[4096]", "hidden_size: [4096]"},
           {"hidden_size", "4097", "head_dim: missing"},
           {"num_hidden_layers", "99999999", "num_hidden_layers"},
           {"vocab_size", "18446744073709551615", "vocab_size"},
           {"num_key_value_heads", "5", "num_key_value_heads: 32 heads cannot share 5"},
           {"tie_word_embeddings", R"("no")", "tie_word_embeddings"},
           {"layer_types", R"(["full_attention"])", "layer_types"},
           {"model_type", "null", "model_type: missing"},
           {"model_type", R"("a,b\n")", "model_type"},
           {"quantization_config", "3", "quantization_config: not an object"},
           {"quantization_config", R"({"quant_method": 4})", "quantization_config.quant_method"},
       }) {
    const auto model = read_with(member, value);
    ASSERT_FALSE(model) << member << " " << value;
    EXPECT_EQ(model.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(model.error().message, HasSubstr(std::string(says)));
  }
  EXPECT_FALSE(model_from_config(parsed("[]"), "a/b"));
  EXPECT_FALSE(model_from_config(parsed("{}"), "a/b"));
  EXPECT_FALSE(model_from_config(llama(), ""));
  EXPECT_FALSE(model_from_config(llama(), "a b"));
}

TEST(ModelConfig, MoreExpertsPerTokenThanExpertsIsRefused) {
  json::Object config = llama();
  config["model_type"] = "mixtral";
  config["num_local_experts"] = 2;
  config["num_experts_per_tok"] = 4;
  EXPECT_THAT(read(config).error().message, HasSubstr("num_experts_per_tok: 4 of 2 experts"));
}

TEST(ModelConfig, ReadsThePrecisionOfTheCheckpoint) {
  for (const auto& [config, name, bits] :
       std::vector<std::tuple<std::string_view, std::string, std::optional<double>>>{
           {"null", "", 16},
           {R"({"quant_method": "fp8"})", "fp8", 8},
           {R"({"quant_method": "mxfp4"})", "mxfp4", 4},
           {R"({"quant_method": "modelopt", "quant_algo": "FP8"})", "fp8", 8},
           {R"({"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION"})",
            "mixed_precision",
            {}},
           {R"({"quant_method": "awq", "bits": 4})", "awq", 4},
           {R"({"quant_method": "gptq", "bits": 8})", "gptq_8bit", 8},
           {R"({"quant_method": "bitsandbytes", "load_in_4bit": true})", "bitsandbytes", 4},
           {R"({"quant_method": "compressed-tensors", "config_groups":
                {"a": {"weights": {"num_bits": 8}}, "b": {"weights": {"num_bits": 8}}}})",
            "compressed-tensors", 8},
           {R"({"quant_method": "compressed-tensors", "config_groups":
                {"a": {"weights": {"num_bits": 8}}, "b": {"weights": {"num_bits": 4}}}})",
            "compressed-tensors",
            {}},
       }) {
    const auto model = read_with("quantization_config", config);
    ASSERT_TRUE(model) << model.error().message;
    EXPECT_EQ(model->quantization, name);
    EXPECT_EQ(model->weight_bits, bits) << config;
  }
}

TEST(ModelConfig, ItsRowIsARowOfAUsersTable) {
  Model model = read(llama()).value();
  model.from.source = "user: ./config.json";
  std::vector<std::string> header;
  for (const ColumnSchema& column : schema("models")->columns) header.emplace_back(column.name);
  const std::vector<std::string> row = to_row(model);
  const auto table =
      read_table(*schema("models"), csv_line(header) + csv_line(row), "models.csv", Origin::User);
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->rows.at(0), row);
  const Cells cells = named(row);
  EXPECT_EQ(cells.at("source"), "user: ./config.json");
  EXPECT_EQ(cells.at("confidence"), "user");
  EXPECT_EQ(cells.at("params_b"), "8.03");
  EXPECT_EQ(cells.at("complete"), "yes");
}

}  // namespace
}  // namespace kneepoint::catalog
