#include "store/where.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "store/columns.h"

namespace kneepoint::store {
namespace {

class Conditions {
 public:
  void equal(const char* column, const std::string& value) {
    if (!value.empty()) add(std::string(column) + " = " + hold(value));
  }
  void one_of(const char* column, const std::vector<std::string>& values) {
    if (values.empty()) return;
    std::string list;
    for (const std::string& value : values) list += (list.empty() ? "" : ", ") + hold(value);
    add(std::string(column) + " IN (" + list + ")");
  }
  void near(const std::string& length, std::optional<double> wanted, double tolerance) {
    if (!wanted) return;
    const std::string low = hold(*wanted * (1 - tolerance)), high = hold(*wanted * (1 + tolerance));
    const std::string range = " BETWEEN " + low + " AND " + high;
    add("(p." + length + "_mean" + range + " OR p." + length + "_nominal" + range + ")");
  }
  void target(const curve::Target& target, curve::StatisticRule rule);
  void layers(const std::vector<LayerRow>& active, const std::vector<LayerRow>& all);

  Where take() && {
    if (!where_.sql.empty()) where_.sql.insert(0, "WHERE ");
    return std::move(where_);
  }

 private:
  void add(const std::string& condition) {
    where_.sql += (where_.sql.empty() ? "" : " AND ") + condition;
  }
  template <class T>
  std::string hold(T value) {
    where_.values.emplace_back(std::move(value));
    return "$" + std::to_string(where_.values.size());
  }

  Where where_;
};

/// With the closest rule another statistic of the metric may answer, but only on a curve where the
/// one asked for is unknown at some point; an interpolated value never lies below both neighbours.
void Conditions::target(const curve::Target& target, curve::StatisticRule rule) {
  // Interpolation may round a value a hair below its neighbours.
  const std::string bound = hold(target.at_most_ms * (1 + 1e-9));
  const auto holds = [&](metrics::Statistic statistic) {
    return "p.best_" + latency_name(target.metric, statistic) + " <= " + bound;
  };
  std::string condition = holds(target.statistic);
  if (rule == curve::StatisticRule::Closest) {
    std::string others;
    for (metrics::Statistic other : metrics::kStatistics)
      if (other != target.statistic) others += (others.empty() ? "" : " OR ") + holds(other);
    const int bit = 1 << latency_bit(target.metric, target.statistic);
    condition = "(" + condition + " OR ((p.complete & " + std::to_string(bit) + ") = 0 AND (" +
                others + ")))";
  }
  add(condition);
}

/// The keys of the layers above one that can hold its ids.
std::string keys_above(const std::vector<LayerRow>& layers, std::size_t at) {
  std::string list;
  for (std::size_t i = at + 1; i < layers.size(); ++i) {
    if (is_predicted_layer(layers[i].state.name) != is_predicted_layer(layers[at].state.name))
      continue;
    list += (list.empty() ? "" : ", ") + std::to_string(layers[i].key);
  }
  return list;
}

/// One clause for each layer with one above it: its profiles count unless the id is in a higher
/// one. Predictions and measurements share no ids, so neither is looked for among the other. A
/// store whose profiles all lie in one active layer, the usual one, needs no clause at all. The '+'
/// keeps SQLite from walking a whole layer through its index, out of the order of the rows.
void Conditions::layers(const std::vector<LayerRow>& active, const std::vector<LayerRow>& all) {
  const auto filled = [](const LayerRow& layer) { return layer.has_profiles; };
  std::vector<LayerRow> counting;
  std::ranges::copy_if(active, std::back_inserter(counting), filled);
  const auto in_store = std::ranges::count_if(all, filled);
  if (counting.empty()) return add("1 = 0");
  if (counting.size() == 1) {
    if (in_store > 1) add("+p.layer = " + std::to_string(counting[0].key));
    return;
  }
  std::string any;
  for (std::size_t i = 0; i < counting.size(); ++i) {
    std::string one = "+p.layer = " + std::to_string(counting[i].key);
    if (const std::string above = keys_above(counting, i); !above.empty())
      one += " AND p.id NOT IN (SELECT id FROM profile WHERE layer IN (" + above + "))";
    any += (any.empty() ? "(" : " OR (") + one + ")";
  }
  add("(" + any + ")");
}

}  // namespace

void Where::bind(SqlStatement& statement) const {
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::visit([&](const auto& value) { statement.bind(static_cast<int>(i) + 1, value); },
               values[i]);
  }
}

std::vector<LayerRow> active_layers(const std::vector<LayerRow>& all,
                                    const std::vector<std::string>& named) {
  std::vector<LayerRow> active;
  const auto take = [&](std::string_view name) {
    const auto is_it = [&](const LayerRow& layer) { return layer.state.name == name; };
    const auto it = std::ranges::find_if(all, is_it);
    if (it != all.end() && std::ranges::none_of(active, is_it)) active.push_back(*it);
  };
  if (named.empty()) {
    for (const LayerRow& layer : all)
      if (layer.state.name != kOwnLayer) active.push_back(layer);
  } else {
    for (const std::string& name : named)
      if (name != kOwnLayer) take(name);
  }
  take(kOwnLayer);
  return active;
}

Where where(const Query& query, const std::vector<LayerRow>& all) {
  Conditions conditions;
  conditions.equal("p.id", query.id);
  conditions.equal("p.model", query.model);
  conditions.equal("p.model_server", query.model_server);
  conditions.equal("p.model_server_version", query.model_server_version);
  conditions.one_of("p.accelerator", query.accelerators);
  conditions.equal("p.serving_stack", query.serving_stack);
  conditions.equal("p.serving_stack_version", query.serving_stack_version);
  conditions.equal("p.workload", query.workload);
  conditions.equal("p.decoding", query.decoding);
  std::vector<std::string> kinds;
  for (const profile::EvidenceKind kind : query.evidence) kinds.emplace_back(profile::name(kind));
  conditions.one_of("p.evidence", kinds);
  conditions.near("input_tokens", query.input_tokens, query.length_tolerance);
  conditions.near("output_tokens", query.output_tokens, query.length_tolerance);
  for (const curve::Target& target : query.targets) conditions.target(target, query.statistic_rule);
  conditions.layers(active_layers(all, query.layers), all);
  return std::move(conditions).take();
}

}  // namespace kneepoint::store
