#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The rows of the catalog as values. Every row carries where it comes from; an empty optional is
/// a figure nobody stated, never a guess. Tables, columns and units: catalog/schema.h, from which
/// docs/catalog.md is generated.
namespace kneepoint::catalog {

/// Where a row comes from. `layer` is the catalog layer it was read from ("shipped", or the folder
/// of an overlay), so a user's own price is never mistaken for a published one.
struct Provenance {
  std::string source;
  std::string as_of;       // ISO date as stated, possibly only year-month or year; may be empty
  std::string confidence;  // sourced | mixed | derived | memory | estimate | user
  std::string note;
  std::string layer;
  int layer_rank = 0;  // 0 = shipped; a higher rank replaces a lower one row by row
};

/// Architecture as in a Hugging Face config.json. `complete` false: the columns do not describe
/// all weights or the whole cache (hybrid linear attention, sparse index, latent experts ...), so
/// no size may be computed from them.
struct Model {
  std::string id;
  std::string model_type;
  std::optional<int> layers, hidden, intermediate, heads, kv_heads, head_dim, vocab, max_position;
  std::optional<bool> tie_embeddings;
  std::optional<int> window, windowed_layers, full_attention_layers, linear_attention_layers;
  std::optional<int> experts, experts_per_token, moe_intermediate, shared_expert_intermediate,
      dense_layers;
  std::optional<int> q_lora, kv_lora, qk_nope, qk_rope, v_head;  // MLA
  std::string dtype;         // bfloat16, float16, ... of the checkpoint
  std::string quantization;  // fp8, nvfp4, mxfp4, compressed-tensors ...; empty: none
  std::optional<double> weight_bits;
  std::optional<double> params_b, active_params_b;  // billions
  std::optional<double> kv_elements_per_token;      // cache elements per token, all layers
  bool complete = false;
  std::optional<bool> gated;
  std::string licence_url;
  Provenance from;
};

struct Accelerator {
  std::string id;            // Kubernetes name: nvidia-h100-80gb
  std::string vendor, kind;  // kind: gpu | tpu | npu
  std::string display_name, arch, compute_capability;
  std::optional<double> mem_gib_nominal, mem_gib_usable, mem_bw_gbs;
  std::optional<double> bf16_tflops, fp8_tflops, fp4_tflops, int8_tops;  // dense
  std::string interconnect;
  std::optional<double> link_gbs_oneway;
  std::optional<int> max_per_host, devices_per_chip;
  std::optional<double> tdp_w;
  std::optional<bool> bf16, fp8;
  std::string gke_label;
  Provenance from;
};

struct Machine {
  std::string provider, machine_type, family;
  std::optional<double> vcpu, mem_gib;
  std::string accelerator;
  double accelerator_count = 0;  // may be a fraction of one
  std::optional<double> local_ssd_gb, max_net_gbps;
  std::string gpudirect, arch, tpu_topology;
  bool on_demand = true;  // false: only spot or flex-start can be bought
  Provenance from;
};

enum class PricingModel { OnDemand, Spot, OneYear, ThreeYears };
std::string_view name(PricingModel model);  // on-demand, spot, 1-year-cud, 3-years-cud
std::optional<PricingModel> parse_pricing_model(std::string_view name);

/// What one price pays for.
enum class Covers {
  Machine,              // the whole machine `item`
  AcceleratorWithHost,  // one accelerator `item`, its host included
  AcceleratorOnly,      // one accelerator, host not included: no price of its own
  HostOnly,
  AcceleratorsOfMachine
};

struct Price {
  std::string provider, region, item, unit;
  Covers covers = Covers::Machine;
  std::optional<double> on_demand, spot, one_year, three_years;  // US dollars per hour
  Provenance from;
  std::optional<double> at(PricingModel model) const;
};

struct Region {
  std::string provider, region, place;
  std::optional<double> latitude,
      longitude;  // degrees; none where a provider has one price for all
  Provenance from;
};

struct UseCase {
  std::string name;
  std::vector<std::string> aliases;
  double input_tokens_mean = 0, output_tokens_mean = 0;
  Provenance from;
};

struct Server {
  std::string name, display_name, command, model_flag;
  std::optional<int> port;
  std::string health_path, readiness_path, metrics_path;
  std::optional<int> metrics_port;
  std::string metrics_enable, image_repository,
      status;  // status: active|maintenance|archived|unknown
  Provenance from;
};

struct ServerVersion {
  std::string server, version, image, released_on, channel;
  Provenance from;
};

/// A start option and the versions that know it: since (inclusive) to until (exclusive).
struct ServerFlag {
  std::string server, purpose, flag, form, since, until, default_value;
  Provenance from;
};

/// The series that carries a signal, by version: since (inclusive) to until (exclusive).
struct ServerMetric {
  std::string server, signal, series, type, since, until, labels, scale;
  Provenance from;
};

/// A public source of measurements.
struct Source {
  std::string name, display_name, repository, commit, licence, how_measured, url;
  Provenance from;
};

}  // namespace kneepoint::catalog
