#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "app/own_rows.h"
#include "base/text.h"
#include "profile/ranking.h"
#include "store/store.h"
#include "verbs/handlers.h"
#include "verbs/pieces.h"
#include "verbs/question.h"

namespace kneepoint::verbs {
namespace {

using json::Array;
using json::Object;
using profile::EvidenceKind;

constexpr std::string_view kNone = "none";

struct Counts {
  int measured = 0, published = 0, predicted = 0;
  void add(EvidenceKind kind) {
    ++(kind == EvidenceKind::Measured    ? measured
       : kind == EvidenceKind::Published ? published
                                         : predicted);
  }
  std::string_view best() const {
    return measured > 0    ? profile::name(EvidenceKind::Measured)
           : published > 0 ? profile::name(EvidenceKind::Published)
           : predicted > 0 ? profile::name(EvidenceKind::Predicted)
                           : kNone;
  }
  int all() const { return measured + published + predicted; }
  Object json() const {
    return {{"measured", measured}, {"published", published}, {"predicted", predicted}};
  }
};

struct Known {
  const catalog::Model* model = nullptr;
  Counts counts;
  std::set<std::string, std::less<>> servers;
  std::map<std::string, Counts, std::less<>> accelerators;
};

/// Every model of the catalog and of the store, with what there is of it.
Result<std::map<std::string, Known, std::less<>>> known_models(app::Session& session) {
  const auto store = session.store();
  if (!store) return fail(store.error());
  std::map<std::string, Known, std::less<>> out;
  for (const catalog::Model& model : session.catalog().models()) out[model.id].model = &model;
  store::Query query;
  query.layers = session.layers();
  query.metrics = {metrics::Metric::Ttft};
  const auto rows = (*store)->rank(query);
  if (!rows) return fail(rows.error());
  for (const profile::RankingRow& row : rows->rows()) {
    auto at = out.find(row.setup.model);
    if (at == out.end()) at = out.emplace(std::string(row.setup.model), Known()).first;
    Known& known = at->second;
    known.counts.add(row.evidence.kind);
    if (!known.servers.contains(row.setup.model_server)) {
      known.servers.emplace(row.setup.model_server);
    }
    auto on = known.accelerators.find(row.setup.accelerator);
    if (on == known.accelerators.end()) {
      on = known.accelerators.emplace(std::string(row.setup.accelerator), Counts()).first;
    }
    on->second.add(row.evidence.kind);
  }
  return out;
}

Object model_json(const std::string& id, const Known& known) {
  Object out{{"id", id}};
  if (known.model != nullptr) {
    const catalog::Model& m = *known.model;
    if (m.params_b) out.emplace("parameters", *m.params_b * 1e9);
    if (m.active_params_b) out.emplace("activeParameters", *m.active_params_b * 1e9);
    put(out, "contextLength", m.max_position);
    put(out, "dtype", m.dtype);
    put(out, "quantization", m.quantization);
    out.emplace("mixtureOfExperts", m.experts.value_or(0) > 0);
    if (m.gated) out.emplace("gated", *m.gated);
    put(out, "licenceUrl", m.licence_url);
    out.emplace("sizeKnown", m.complete);
    put(out, "layer", m.from.layer);
    put(out, "source", m.from.source);
    put(out, "asOf", m.from.as_of);
  } else {
    out.emplace("sizeKnown", false);
  }
  const Counts& counts = known.counts;
  out.emplace("evidence", counts.best());
  out.emplace("optimized", counts.measured + counts.published > 0);
  out.emplace("profiles", counts.json());
  Array servers, accelerators;
  for (const std::string& server : known.servers) servers.emplace_back(server);
  for (const auto& [name, of] : known.accelerators) {
    accelerators.push_back(
        Object{{"acceleratorType", name}, {"evidence", of.best()}, {"profiles", of.all()}});
  }
  out.emplace("modelServers", std::move(servers));
  out.emplace("accelerators", std::move(accelerators));
  return out;
}

/// Every word of the query stands somewhere in the name.
bool matches(std::string_view id, const std::vector<std::string>& words) {
  const std::string name = lower(id);
  return std::all_of(words.begin(), words.end(),
                     [&](const std::string& word) { return name.find(word) != std::string::npos; });
}

}  // namespace

Result<json::Value> list_models(Call& call) {
  Ask ask(call.ask);
  const std::string query = lower(ask.text("query", 200));
  const auto page = static_cast<std::size_t>(ask.whole("pageSize", 1, 100000).value_or(100000));
  const std::string after = ask.text("pageToken", 400);
  constexpr std::array<std::string_view, 5> kEvidences{"all", "measured", "published", "predicted",
                                                       kNone};
  const std::string evidence = ask.word("evidence", kEvidences);
  if (auto done = ask.done(); !done) return fail(done.error());
  std::vector<std::string> words;
  for (const std::string_view word : split(query, ' ')) {
    if (!word.empty()) words.emplace_back(word);
  }
  const auto known = known_models(call.session);
  if (!known) return fail(known.error());
  Array models;
  std::size_t total = 0;
  std::string next;
  for (const auto& [id, of] : *known) {
    if (!matches(id, words)) continue;
    if (evidence != "all" && evidence != of.counts.best()) continue;
    ++total;
    if (id <= after) continue;
    if (models.size() == page) {
      if (next.empty()) next = std::string(models.back().at("id").get_string());
      continue;
    }
    models.push_back(model_json(id, of));
  }
  Object out{{"models", std::move(models)}, {"totalSize", total}};
  put(out, "nextPageToken", next);
  return out;
}

Result<json::Value> add_model(Call& call) {
  Ask ask(call.ask);
  const std::string id = ask.text("id", 200);
  const json::Value* config = ask.raw("config");
  if (config == nullptr || !config->is_object()) {
    ask.wrong("config", "expected the object of a config.json");
  }
  if (auto done = ask.done(); !done) return fail(done.error());
  const auto added = app::add_model_from(call.session.settings(), *config, "config.json", id);
  if (!added) return fail(added.error());
  return Object{{"id", added->id}, {"sizeKnown", added->complete}, {"replaced", added->replaced}};
}

}  // namespace kneepoint::verbs
