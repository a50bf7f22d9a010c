#include "store/with_predictions.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "profile/predicted_table.h"

namespace kneepoint::store {
namespace {

using profile::PredictedProfiles;
using profile::Profile;
using profile::RankingRow;
using Hidden = std::unordered_set<std::string>;

/// Below every measured layer, and below what `predict --all` made here.
constexpr int kPredictedRank = -1000;
constexpr std::string_view kPrefix = "predicted-";

bool holds(const std::vector<std::string>& all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

/// What is the same for every predicted row.
bool may_match(const Query& query) {
  return query.serving_stack.empty() && query.serving_stack_version.empty() &&
         (query.decoding.empty() || query.decoding == "serving") &&
         (query.id.empty() || query.id.starts_with(kPrefix)) &&
         (query.evidence.empty() ||
          std::find(query.evidence.begin(), query.evidence.end(),
                    profile::EvidenceKind::Predicted) != query.evidence.end());
}

bool is_near(double value, std::optional<double> wanted, double tolerance) {
  return !wanted || (value >= *wanted * (1 - tolerance) && value <= *wanted * (1 + tolerance));
}

bool matches(const PredictedProfiles& rows, std::size_t row, const Query& query) {
  const auto same = [](const std::string& wanted, std::string_view has) {
    return wanted.empty() || wanted == has;
  };
  const PredictedProfiles::Key key = rows.key(row);
  return same(query.model, key.model) && same(query.model_server, key.model_server) &&
         same(query.model_server_version, key.model_server_version) &&
         (query.accelerators.empty() || holds(query.accelerators, key.accelerator)) &&
         is_near(key.input_tokens, query.input_tokens, query.length_tolerance) &&
         is_near(key.output_tokens, query.output_tokens, query.length_tolerance) &&
         (query.workload.empty() ||
          query.workload == profile::fixed_lengths(key.input_tokens, key.output_tokens).name) &&
         (query.id.empty() || query.id == rows.id(row));
}

class WithPredictions final : public Store {
 public:
  WithPredictions(std::unique_ptr<Store> store, const catalog::Catalog& catalog)
      : store_(std::move(store)) {
    for (std::size_t i = 0; i < catalog.layers().size(); ++i) {
      PredictedProfiles rows(catalog, i);
      if (rows.rows() > 0) {
        layers_.push_back({predicted_layer(catalog.layers()[i]), std::move(rows)});
      }
    }
  }

  Result<std::vector<LayerState>> layers() override {
    auto stored = store_->layers();
    if (!stored) return stored;
    std::vector<LayerState> all;
    for (const Layer& layer : layers_) all.push_back(layer.state);
    all.insert(all.end(), stored->begin(), stored->end());
    return all;
  }

  Result<profile::Ranking> rank(const Query& query) override {
    auto ranking = store_->rank(query);
    if (!ranking || !may_match(query)) return ranking;
    if (query.model.empty() && query.accelerators.empty()) {
      std::size_t most = ranking->rows().size();
      for (const Layer& layer : layers_) most += layer.rows.rows();
      ranking->mutable_rows().reserve(most);  // rows are large: none moves as they grow
    }
    Hidden hidden;
    for (const RankingRow& row : ranking->rows()) {
      if (row.id.starts_with(kPrefix)) hidden.emplace(row.id);
    }
    const auto done = each_row(query, hidden, [&](Layer& layer, std::size_t row) {
      return layer.rows.rank(row, layer.state.name, *ranking);
    });
    if (!done) return fail(done.error());
    return ranking;
  }

  Result<std::vector<Profile>> find(const Query& query, Detail detail) override {
    auto found = store_->find(query, detail);
    if (!found || !may_match(query)) return found;
    Hidden hidden;
    for (const Profile& p : *found) {
      if (p.id.starts_with(kPrefix)) hidden.insert(p.id);
    }
    const auto done = each_row(query, hidden, [&](Layer& layer, std::size_t row) -> Result<void> {
      auto one = read(layer, row);
      if (!one) return fail(std::move(one).error());
      found->push_back(std::move(*one));
      return {};
    });
    if (!done) return fail(done.error());
    return found;
  }

  Result<std::optional<Profile>> get(std::string_view id,
                                     std::span<const std::string> layers) override {
    auto stored = store_->get(id, layers);
    if (!stored || *stored || !id.starts_with(kPrefix)) return stored;
    Query query;
    query.id = id;
    query.layers.assign(layers.begin(), layers.end());
    std::optional<Profile> found;
    const auto done = each_row(query, {}, [&](Layer& layer, std::size_t row) -> Result<void> {
      auto one = read(layer, row);
      if (!one) return fail(std::move(one).error());
      found = std::move(*one);
      return {};
    });
    if (!done) return fail(done.error());
    return found;
  }

  Result<std::vector<std::string>> distinct(std::string_view column, const Query& query) override {
    auto values = store_->distinct(column, query);
    if (!values || !may_match(query)) return values;
    std::unordered_set<std::string_view> seen;
    std::unordered_set<std::string> made;
    const auto done = each_row(query, {}, [&](Layer& layer, std::size_t row) -> Result<void> {
      const PredictedProfiles::Key key = layer.rows.key(row);
      if (column == "model") seen.insert(key.model);
      if (column == "model_server") seen.insert(key.model_server);
      if (column == "model_server_version") seen.insert(key.model_server_version);
      if (column == "accelerator") seen.insert(key.accelerator);
      if (column == "weight_precision") seen.insert(layer.rows.weight_precision(row));
      if (column == "kv_precision") seen.insert(layer.rows.kv_precision(row));
      if (column == "decoding") seen.insert("serving");
      if (column == "source") seen.insert(profile::kPredictedSource);
      if (column == "evidence") seen.insert(profile::name(profile::EvidenceKind::Predicted));
      if (column.starts_with("serving_stack")) seen.insert("");
      if (column == "workload") {
        made.insert(profile::fixed_lengths(key.input_tokens, key.output_tokens).name);
      }
      return {};
    });
    if (!done) return fail(done.error());
    values->insert(values->end(), seen.begin(), seen.end());
    values->insert(values->end(), made.begin(), made.end());
    std::ranges::sort(*values);
    values->erase(std::unique(values->begin(), values->end()), values->end());
    return values;
  }

  Result<Counts> counts(std::span<const std::string> layers) override {
    auto counted = store_->counts(layers);
    if (!counted) return counted;
    Query query;
    query.layers.assign(layers.begin(), layers.end());
    const auto hidden = made_here(query.layers);
    if (!hidden) return fail(hidden.error());
    const auto done = each_row(query, *hidden, [&](Layer& layer, std::size_t row) -> Result<void> {
      auto one = read(layer, row);
      if (!one) return fail(std::move(one).error());
      ++counted->profiles;
      counted->points += static_cast<long long>(one->points.size());
      return {};
    });
    if (!done) return fail(done.error());
    return counted;
  }

  Result<void> walk(std::span<const std::string> layers, const Visit& each) override {
    for (Layer& layer : layers_) {
      if (!layers.empty() && std::ranges::find(layers, layer.state.name) == layers.end()) continue;
      for (std::size_t row = 0; row < layer.rows.rows(); ++row) {
        auto one = read(layer, row);
        if (!one) return fail(std::move(one).error());
        if (auto seen = each(layer.state, std::move(*one)); !seen) return seen;
      }
    }
    return store_->walk(layers, each);
  }

  Result<void> replace_layer(const LayerState& layer,
                             const std::function<Result<std::optional<Profile>>()>& next) override {
    return store_->replace_layer(layer, next);
  }
  Result<void> drop_layer(std::string_view name) override { return store_->drop_layer(name); }
  Result<void> put(const Profile& profile) override { return store_->put(profile); }
  Result<void> put_all(std::span<const Profile> profiles) override {
    return store_->put_all(profiles);
  }
  /// The catalog's rows are not stored: an export that holds those of another catalog leaves them.
  Result<void> put_layers(std::span<const LayerContent> layers) override {
    const auto of_a_catalog = [](const LayerContent& content) {
      const std::string& name = content.layer.name;
      return is_predicted_layer(name) && name != kOwnPredictedLayer;
    };
    if (std::ranges::none_of(layers, of_a_catalog)) return store_->put_layers(layers);
    std::vector<LayerContent> stored;
    for (const LayerContent& content : layers) {
      if (!of_a_catalog(content)) stored.push_back(content);
    }
    return store_->put_layers(stored);
  }
  Result<bool> remove(std::string_view id) override { return store_->remove(id); }
  Result<void> backup(const std::filesystem::path& to) override { return store_->backup(to); }
  Result<std::int64_t> generation() override { return store_->generation(); }
  int schema_version() const override { return store_->schema_version(); }
  std::string describe() const override { return store_->describe(); }

 private:
  struct Layer {
    LayerState state;
    PredictedProfiles rows;
  };

  static Result<Profile> read(Layer& layer, std::size_t row) {
    auto one = layer.rows.read(row);
    if (one) one->layer = layer.state.name;
    return one;
  }

  /// The rows of the query in layers that count, the highest layer's first; an id counts once.
  template <class Each>
  Result<void> each_row(const Query& query, Hidden hidden, Each each) {
    std::size_t counting = 0;
    for (std::size_t l = layers_.size(); l-- > 0;) {
      Layer& layer = layers_[l];
      if (!query.layers.empty() && !holds(query.layers, layer.state.name)) continue;
      const bool hides = counting++ > 0 || !hidden.empty();
      for (std::size_t row = 0; row < layer.rows.rows(); ++row) {
        if (!matches(layer.rows, row, query)) continue;
        if (hides && hidden.contains(layer.rows.id(row))) continue;
        if (layers_.size() > 1) hidden.insert(layer.rows.id(row));
        if (auto done = each(layer, row); !done) return done;
      }
    }
    return {};
  }

  /// Ids of the predictions in the store.
  Result<Hidden> made_here(const std::vector<std::string>& layers) {
    Hidden out;
    Query query;
    query.layers = layers;
    query.evidence = {profile::EvidenceKind::Predicted};
    query.metrics = {metrics::Metric::Ttft};
    const auto ranking = store_->rank(query);
    if (!ranking) return fail(ranking.error());
    for (const RankingRow& row : ranking->rows()) out.emplace(row.id);
    return out;
  }

  std::unique_ptr<Store> store_;
  std::vector<Layer> layers_;  // lowest rank first
};

}  // namespace

LayerState predicted_layer(const catalog::Layer& of) {
  std::string name(kPredictedLayer);
  if (of.rank > 0) name += ":" + of.name;
  return {std::move(name), of.hash, of.origin.string(), kPredictedRank + of.rank};
}

std::unique_ptr<Store> with_predictions(std::unique_ptr<Store> store,
                                        const catalog::Catalog& catalog) {
  return std::make_unique<WithPredictions>(std::move(store), catalog);
}

}  // namespace kneepoint::store
