#include "catalog/rows.h"

#include "base/text.h"

namespace kneepoint::catalog {
namespace {

std::string text(const Row& row, std::string_view column) { return std::string(row.text(column)); }

std::optional<double> number(const Row& row, std::string_view column) {
  return parse_number(row.text(column));
}
std::optional<int> integer(const Row& row, std::string_view column) {
  const auto value = parse_integer(row.text(column));
  return value ? std::optional<int>(static_cast<int>(*value)) : std::nullopt;
}
std::optional<bool> yes_no(const Row& row, std::string_view column) {
  const auto cell = row.text(column);
  if (cell.empty()) return {};
  return cell == "yes" || cell == "True";
}

/// From the columns that tables of values end with, one or two of their own among them.
Provenance provenance(const Row& row) {
  Provenance from;
  for (const ColumnSchema& column : row.table.schema().columns.last(5)) {
    if (column.name == "source") from.source = text(row, "source");
    if (column.name == "as_of") from.as_of = text(row, "as_of");
    if (column.name == "confidence") from.confidence = text(row, "confidence");
    if (column.name == "note") from.note = text(row, "note");
  }
  from.layer = row.layer.name;
  from.layer_rank = row.layer.rank;
  return from;
}

Covers covers_of(const Row& row) {
  const std::string_view stated = row.text("covers");
  if (stated == "accelerator_with_host") return Covers::AcceleratorWithHost;
  if (stated == "accelerator_only") return Covers::AcceleratorOnly;
  if (stated == "host_only") return Covers::HostOnly;
  if (stated == "accelerators_of_machine") return Covers::AcceleratorsOfMachine;
  if (stated == "machine") return Covers::Machine;
  const std::string_view unit = row.text("unit");
  return unit.empty() || unit == "vm_hour" ? Covers::Machine : Covers::AcceleratorWithHost;
}

}  // namespace

Model read_model(const Row& row) {
  Model m;
  m.id = text(row, "model");
  m.model_type = text(row, "model_type");
  m.layers = integer(row, "layers");
  m.hidden = integer(row, "hidden");
  m.intermediate = integer(row, "intermediate");
  m.heads = integer(row, "heads");
  m.kv_heads = integer(row, "kv_heads");
  m.head_dim = integer(row, "head_dim");
  m.vocab = integer(row, "vocab");
  m.max_position = integer(row, "max_position");
  m.tie_embeddings = yes_no(row, "tie_embeddings");
  m.window = integer(row, "window");
  m.windowed_layers = integer(row, "windowed_layers");
  m.full_attention_layers = integer(row, "full_attention_layers");
  m.linear_attention_layers = integer(row, "linear_attention_layers");
  m.experts = integer(row, "experts");
  m.experts_per_token = integer(row, "experts_per_token");
  m.moe_intermediate = integer(row, "moe_intermediate");
  m.shared_expert_intermediate = integer(row, "shared_expert_intermediate");
  m.dense_layers = integer(row, "dense_layers");
  m.q_lora = integer(row, "q_lora");
  m.kv_lora = integer(row, "kv_lora");
  m.qk_nope = integer(row, "qk_nope");
  m.qk_rope = integer(row, "qk_rope");
  m.v_head = integer(row, "v_head");
  m.dtype = text(row, "dtype");
  m.quantization = text(row, "quantization");
  m.weight_bits = number(row, "weight_bits");
  m.params_b = number(row, "params_b");
  m.active_params_b = number(row, "active_params_b");
  m.kv_elements_per_token = number(row, "kv_elements_per_token");
  m.complete = row.text("complete") == "yes";
  m.gated = yes_no(row, "gated");
  m.licence_url = text(row, "licence_url");
  m.from = provenance(row);
  return m;
}

Accelerator read_accelerator(const Row& row) {
  Accelerator a;
  a.id = text(row, "id");
  a.vendor = text(row, "vendor");
  a.kind = text(row, "kind");
  a.display_name = text(row, "display_name");
  a.arch = text(row, "arch");
  a.compute_capability = text(row, "compute_capability");
  a.mem_gib_nominal = number(row, "mem_gib_nominal");
  a.mem_gib_usable = number(row, "mem_gib_usable");
  a.mem_bw_gbs = number(row, "mem_bw_gbs");
  a.bf16_tflops = number(row, "bf16_tflops_dense");
  a.fp8_tflops = number(row, "fp8_tflops_dense");
  a.fp4_tflops = number(row, "fp4_tflops_dense");
  a.int8_tops = number(row, "int8_tops_dense");
  a.interconnect = text(row, "interconnect");
  a.link_gbs_oneway = number(row, "link_gbs_oneway");
  a.max_per_host = integer(row, "max_per_host");
  a.devices_per_chip = integer(row, "devices_per_chip");
  a.tdp_w = number(row, "tdp_w");
  a.bf16 = yes_no(row, "bf16");
  a.fp8 = yes_no(row, "fp8");
  a.gke_label = text(row, "gke_label");
  a.from = provenance(row);
  return a;
}

Machine read_machine(const Row& row) {
  Machine m;
  m.provider = text(row, "provider");
  m.machine_type = text(row, "machine_type");
  m.family = text(row, "family");
  m.vcpu = number(row, "vcpu");
  m.mem_gib = number(row, "mem_gib");
  m.accelerator = text(row, "accelerator");
  m.accelerator_count = number(row, "accelerator_count").value_or(0);
  m.local_ssd_gb = number(row, "local_ssd_gb");
  m.max_net_gbps = number(row, "max_net_gbps");
  m.gpudirect = text(row, "gpudirect");
  m.arch = text(row, "arch");
  m.tpu_topology = text(row, "tpu_topology");
  m.on_demand = yes_no(row, "on_demand").value_or(true);
  m.from = provenance(row);
  return m;
}

Price read_price(const Row& row) {
  Price p;
  p.provider = text(row, "provider");
  p.region = text(row, "region");
  p.item = text(row, "item");
  p.unit = text(row, "unit");
  p.covers = covers_of(row);
  p.on_demand = number(row, "on_demand");
  p.spot = number(row, "spot");
  p.one_year = number(row, "cud_1y");
  p.three_years = number(row, "cud_3y");
  p.from = provenance(row);
  return p;
}

Region read_region(const Row& row) {
  return {text(row, "provider"),   text(row, "region"),      text(row, "place"),
          number(row, "latitude"), number(row, "longitude"), provenance(row)};
}

UseCase read_use_case(const Row& row) {
  UseCase u;
  u.name = text(row, "name");
  for (const std::string_view alias : split(row.text("aliases"), ';'))
    u.aliases.emplace_back(alias);
  u.input_tokens_mean = number(row, "input_tokens_mean").value_or(0);
  u.output_tokens_mean = number(row, "output_tokens_mean").value_or(0);
  u.from = provenance(row);
  return u;
}

Server read_server(const Row& row) {
  Server s;
  s.name = text(row, "name");
  s.display_name = text(row, "display_name");
  s.command = text(row, "command");
  s.model_flag = text(row, "model_flag");
  s.port = integer(row, "port");
  s.health_path = text(row, "health_path");
  s.readiness_path = text(row, "readiness_path");
  s.metrics_path = text(row, "metrics_path");
  s.metrics_port = integer(row, "metrics_port");
  s.metrics_enable = text(row, "metrics_enable");
  s.image_repository = text(row, "image_repository");
  s.status = text(row, "status");
  s.from = provenance(row);
  return s;
}

ServerVersion read_server_version(const Row& row) {
  return {text(row, "server"),      text(row, "version"), text(row, "image"),
          text(row, "released_on"), text(row, "channel"), provenance(row)};
}

ServerFlag read_server_flag(const Row& row) {
  return {text(row, "server"), text(row, "purpose"), text(row, "flag"),    text(row, "form"),
          text(row, "since"),  text(row, "until"),   text(row, "default"), provenance(row)};
}

ServerMetric read_server_metric(const Row& row) {
  return {text(row, "server"), text(row, "signal"), text(row, "series"),
          text(row, "type"),   text(row, "since"),  text(row, "until"),
          text(row, "labels"), text(row, "scale"),  provenance(row)};
}

Source read_source(const Row& row) {
  return {
      text(row, "name"),    text(row, "display_name"), text(row, "repository"), text(row, "commit"),
      text(row, "licence"), text(row, "how_measured"), text(row, "url"),        provenance(row)};
}

}  // namespace kneepoint::catalog
