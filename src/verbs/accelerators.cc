#include <map>

#include "app/names.h"
#include "store/store.h"
#include "verbs/handlers.h"
#include "verbs/pieces.h"
#include "verbs/prices.h"
#include "verbs/question.h"

namespace kneepoint::verbs {
namespace {

using json::Array;
using json::Object;

struct Counts {
  int measured = 0, published = 0, predicted = 0;
};

Object evidence(const catalog::Provenance& from) {
  Object out;
  put(out, "source", from.source);
  put(out, "asOf", from.as_of);
  put(out, "confidence", from.confidence);
  put(out, "layer", from.layer);
  return out;
}

Object machine_json(const catalog::Catalog& catalog, const catalog::Machine& machine) {
  Object out{{"provider", machine.provider},
             {"machineType", machine.machine_type},
             {"acceleratorCount", machine.accelerator_count}};
  put(out, "vcpu", machine.vcpu);
  put(out, "memoryGibibytes", machine.mem_gib);
  put(out, "localSsdGigabytes", machine.local_ssd_gb);
  put(out, "networkGigabitsPerSecond", machine.max_net_gbps);
  put(out, "tpuTopology", machine.tpu_topology);
  out.emplace("onDemand", machine.on_demand);
  Array prices;
  for (const catalog::Price& price : catalog.prices()) {
    if (price.provider == machine.provider && price.item == machine.machine_type) {
      prices.push_back(price_json(price));
    }
  }
  out.emplace("prices", std::move(prices));
  out.emplace("evidence", evidence(machine.from));
  return out;
}

Object accelerator_json(const catalog::Catalog& catalog, const catalog::Accelerator& a,
                        const Counts& counts) {
  Object out{{"acceleratorType", a.id}};
  put(out, "displayName", a.display_name);
  put(out, "vendor", a.vendor);
  put(out, "kind", a.kind);
  put(out, "architecture", a.arch);
  put(out, "memoryGibibytes", a.mem_gib_nominal);
  put(out, "usableMemoryGibibytes", a.mem_gib_usable);
  put(out, "memoryBandwidthGigabytesPerSecond", a.mem_bw_gbs);
  put(out, "bf16Teraflops", a.bf16_tflops);
  put(out, "fp8Teraflops", a.fp8_tflops);
  put(out, "fp4Teraflops", a.fp4_tflops);
  put(out, "interconnect", a.interconnect);
  put(out, "perHost", a.max_per_host);
  put(out, "powerWatts", a.tdp_w);
  out.emplace("profiles", Object{{"measured", counts.measured},
                                 {"published", counts.published},
                                 {"predicted", counts.predicted}});
  out.emplace("evidence", evidence(a.from));
  Array machines, prices;
  for (const catalog::Machine& machine : catalog.machines()) {
    if (machine.accelerator == a.id) machines.push_back(machine_json(catalog, machine));
  }
  for (const catalog::Price& price : catalog.prices()) {
    if (price.item == a.id) prices.push_back(price_json(price));
  }
  out.emplace("machines", std::move(machines));
  out.emplace("prices", std::move(prices));
  return out;
}

}  // namespace

Result<json::Value> list_accelerators(Call& call) {
  Ask ask(call.ask);
  const std::string model = ask.text("model");
  if (auto done = ask.done(); !done) return fail(done.error());
  if (auto known = app::check_model(call.session, model); !known) return fail(known.error());
  const auto store = call.session.store();
  if (!store) return fail(store.error());
  store::Query query;
  query.layers = call.session.layers();
  query.model = model;
  query.metrics = {metrics::Metric::Ttft};
  const auto rows = (*store)->rank(query);
  if (!rows) return fail(rows.error());
  std::map<std::string_view, Counts> counts;
  for (const profile::RankingRow& row : rows->rows()) {
    Counts& of = counts[row.setup.accelerator];
    using enum profile::EvidenceKind;
    ++(row.evidence.kind == Measured    ? of.measured
       : row.evidence.kind == Published ? of.published
                                        : of.predicted);
  }
  const catalog::Catalog& catalog = call.session.catalog();
  Array all;
  for (const catalog::Accelerator& a : catalog.accelerators()) {
    all.push_back(accelerator_json(catalog, a, counts[a.id]));
  }
  return Object{{"accelerators", std::move(all)}};
}

}  // namespace kneepoint::verbs
