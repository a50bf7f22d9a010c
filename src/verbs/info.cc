#include <algorithm>
#include <set>

#include "app/query.h"
#include "manifest/hosting.h"
#include "manifest/platform.h"
#include "manifest/request.h"
#include "store/store.h"
#include "verbs/handlers.h"
#include "verbs/pieces.h"
#include "verbs/question.h"

namespace kneepoint::verbs {
namespace {

using json::Array;
using json::Object;

Array words(std::initializer_list<std::string_view> all) {
  Array out;
  for (const std::string_view word : all) out.emplace_back(word);
  return out;
}

Array platforms() {
  Array out;
  using enum manifest::Platform;
  for (const auto platform : {Gke, CloudRun, Eks, Aks, Kubernetes}) {
    out.push_back(Object{{"name", manifest::name(platform)}, {"title", manifest::title(platform)}});
  }
  return out;
}

Array storages() {
  Array out;
  using enum manifest::Storage;
  for (const auto storage : {Auto, BootDisk, Memory, LocalSsd, Volume, GcsFuse, GcsFuseProfile,
                             RunaiStreamer, HyperdiskMl, Image, Download}) {
    out.emplace_back(manifest::name(storage));
  }
  return out;
}

Array providers(const catalog::Catalog& catalog) {
  std::set<std::string> all;
  for (const catalog::Price& price : catalog.prices()) all.insert(price.provider);
  for (const catalog::Machine& machine : catalog.machines()) all.insert(machine.provider);
  Array out{"any"};
  for (const std::string& one : all) out.emplace_back(one);
  return out;
}

/// Where something is priced: `region` of the catalog tells where that is.
Array regions(const catalog::Catalog& catalog) {
  std::set<std::pair<std::string, std::string>> priced;
  for (const catalog::Price& price : catalog.prices()) {
    if (price.region != "any") priced.emplace(price.provider, price.region);
  }
  for (const catalog::Region& region : catalog.regions()) {
    priced.emplace(region.provider, region.region);
  }
  Array out;
  for (const auto& [provider, region] : priced) {
    Object one{{"provider", provider}, {"region", region}};
    for (const catalog::Region& known : catalog.regions()) {
      if (known.provider == provider && known.region == region) put(one, "place", known.place);
    }
    out.push_back(std::move(one));
  }
  return out;
}

Array machine_types(const catalog::Catalog& catalog) {
  Array out;
  for (const catalog::Machine& machine : catalog.machines()) {
    out.push_back(Object{{"provider", machine.provider},
                         {"machineType", machine.machine_type},
                         {"accelerator", machine.accelerator},
                         {"acceleratorCount", machine.accelerator_count}});
  }
  return out;
}

Array metric_choices() {
  Array out;
  for (const metrics::Metric metric : metrics::kMetrics) {
    out.push_back(Object{{"name", metrics::name(metric)},
                         {"label", metrics::label(metric)},
                         {"sentence", metrics::info(metric).sentence}});
  }
  return out;
}

Object choices(const catalog::Catalog& catalog) {
  using manifest::Autoscaler;
  using manifest::GroupStart;
  using manifest::ServingStack;
  return {
      {"pricingModels", words({"on-demand", "spot", "1-year-cud", "3-years-cud"})},
      {"providers", providers(catalog)},
      {"regions", regions(catalog)},
      {"machineTypes", machine_types(catalog)},
      {"decodings", words({"serving", "speculative", "disaggregated", "any"})},
      {"evidences", words({"all", "measured", "published", "predicted"})},
      {"metrics", metric_choices()},
      {"statistics", words({"mean", "p50", "p90", "p99"})},
      {"platforms", platforms()},
      {"storages", storages()},
      {"autoscalers", words({name(Autoscaler::HpaStackdriver), name(Autoscaler::Keda),
                             name(Autoscaler::PrometheusAdapter), name(Autoscaler::None)})},
      {"hpaSignals", words({"auto", "running", "queue", "kv"})},
      {"servingStacks", words({name(ServingStack::LlmD), name(ServingStack::InferenceGateway)})},
      {"multiHostStarts",
       words({name(GroupStart::Auto), name(GroupStart::Native), name(GroupStart::Ray)})}};
}

/// The newest date that a row states.
std::string newest_date(const catalog::Catalog& catalog) {
  std::string out;
  for (const catalog::Price& price : catalog.prices()) out = std::max(out, price.from.as_of);
  for (const catalog::ServerVersion& v : catalog.server_versions()) {
    out = std::max(out, v.released_on);
  }
  return out;
}

}  // namespace

Result<json::Value> get_info(Call& call) {
  Ask ask(call.ask);
  if (auto done = ask.done(); !done) return fail(done.error());
  const catalog::Catalog& catalog = call.session.catalog();
  const auto store = call.session.store();
  if (!store) return fail(store.error());
  const auto held = (*store)->layers();
  if (!held) return fail(held.error());
  const auto all = (*store)->counts(call.session.layers());
  if (!all) return fail(all.error());

  Array layers, catalog_layers;
  for (const store::LayerState& layer : *held) {
    const std::vector<std::string> one{layer.name};
    Object of{{"name", layer.name}};
    // "own" counts in every query: of the others what they have without it is not asked.
    if (const auto counts = (*store)->counts(one)) {
      of.emplace("profiles", counts->profiles);
      of.emplace("points", counts->points);
    }
    layers.push_back(std::move(of));
  }
  for (const catalog::Layer& layer : catalog.layers()) {
    catalog_layers.push_back(
        Object{{"name", layer.name}, {"rank", layer.rank}, {"hash", layer.hash}});
  }
  const app::Settings& settings = call.session.settings();
  Object allowed{{"write", settings.allowed.write}, {"deploy", settings.allowed.deploy}};
  if (!settings.allowed.write) allowed.emplace("writeWhyNot", "the server is read-only");
  if (!settings.allowed.deploy) {
    allowed.emplace("deployWhyNot", "the server was started without --allow-deploy");
  }
  return Object{
      {"version", settings.version},
      {"catalog", Object{{"date", newest_date(catalog)},
                         {"hash", catalog.layers().front().hash},
                         {"layers", std::move(catalog_layers)}}},
      {"today", to_text(settings.today)},
      {"store", Object{{"description", (*store)->describe()}, {"layers", std::move(layers)}}},
      {"counts", Object{{"models", catalog.models().size()},
                        {"accelerators", catalog.accelerators().size()},
                        {"machines", catalog.machines().size()},
                        {"prices", catalog.prices().size()},
                        {"servers", catalog.servers().size()},
                        {"useCases", catalog.use_cases().size()},
                        {"profiles", all->profiles},
                        {"points", all->points}}},
      {"allowed", std::move(allowed)},
      {"choices", choices(catalog)},
      {"defaults", Object{{"pricingModel", "on-demand"},
                          {"provider", "gcp"},
                          {"headroom", recommend::Request().headroom},
                          {"outputInputCostRatio", recommend::Request().output_input_cost_ratio},
                          {"useCase", app::kUsualUseCase},
                          {"platform", manifest::name(manifest::Platform::Gke)},
                          {"namespace", "default"}}}};
}

}  // namespace kneepoint::verbs
