#include "app/session.h"

#include <fmt/format.h>

#include <algorithm>

#include "profile/from_catalog.h"
#include "profile/predicted_table.h"
#include "store/with_predictions.h"

namespace kneepoint::app {
namespace fs = std::filesystem;

Session::Session(Settings settings, catalog::Catalog catalog)
    : settings_(std::move(settings)), catalog_(std::move(catalog)) {
  for (std::size_t i = 0; i < catalog_.layers().size(); ++i) {
    if (profile::PredictedProfiles(catalog_, i).rows() > 0) {
      layers_.push_back(store::predicted_layer(catalog_.layers()[i]).name);
    }
  }
  layers_.emplace_back(store::kOwnPredictedLayer);
  for (const catalog::Layer& layer : catalog_.layers()) layers_.push_back(layer.name);
}

Result<std::unique_ptr<Session>> Session::open(Settings settings) {
  std::vector<catalog::Overlay> overlays;
  std::error_code error;
  if (!settings.user_folder.empty() && fs::is_directory(settings.user_folder, error)) {
    overlays.push_back({"user", settings.user_folder});
  }
  for (const fs::path& folder : settings.overlays) {
    overlays.push_back({fs::weakly_canonical(folder, error).string(), folder});
  }
  auto catalog = catalog::Catalog::open(settings.shipped_catalog, overlays);
  if (!catalog) return fail(std::move(catalog).error());
  return std::unique_ptr<Session>(new Session(std::move(settings), std::move(*catalog)));
}

Result<store::Store*> Session::store() {
  if (store_ != nullptr) return store_.get();
  store::OpenOptions options;
  options.driver_folder = settings_.driver_folder;
  auto opened = store::open(settings_.store, options);
  if (!opened) {
    // Somebody else's store, or a read-only disk: what it holds can still be read.
    const Error first = opened.error();
    options.read_only = true;
    options.create = false;
    opened = store::open(settings_.store, options);
    if (!opened || first.code != ErrorCode::Unavailable) return fail(first);
    read_only_ = true;
  }
  store_ = std::move(*opened);
  if (auto applied = apply_layers(); !applied) {
    store_.reset();
    return fail(std::move(applied).error());
  }
  store_ = store::with_predictions(std::move(store_), catalog_);
  return store_.get();
}

Result<void> Session::apply(const store::LayerState& layer,
                            const std::function<Result<std::optional<profile::Profile>>()>& next) {
  if (read_only_) {
    return fail(ErrorCode::Unavailable,
                fmt::format("{} is read-only and does not hold the present catalog layer '{}'; "
                            "make it writable once, or name another with --store",
                            store_->describe(), layer.name));
  }
  if (settings_.progress) {
    settings_.progress(
        fmt::format("loading catalog layer '{}' into {}", layer.name, store_->describe()));
  }
  auto done = store_->replace_layer(layer, next);
  if (!done) return fail(std::move(done).error().during("load catalog layer '" + layer.name + "'"));
  return {};
}

/// What was predicted here by a calibration that shipped with another catalog would hide the newer
/// predictions. A calibration of the user's own is the layer's origin.
Result<void> Session::drop_stale_predictions(const std::vector<store::LayerState>& held) {
  const profile::PredictedProfiles shipped(catalog_, 0);
  for (const store::LayerState& state : held) {
    const bool own = state.name == store::kOwnPredictedLayer;
    const bool stale =
        own ? state.origin.empty() && shipped.rows() > 0 && !state.hash.starts_with(shipped.by())
            : store::is_predicted_layer(state.name);  // read from the catalog
    if (!stale) continue;
    if (auto dropped = store_->drop_layer(state.name); !dropped) return dropped;
  }
  return {};
}

Result<void> Session::apply_layers() {
  const auto held = store_->layers();
  if (!held) return fail(held.error());
  const auto is_held = [&](const store::LayerState& layer) {
    return std::any_of(held->begin(), held->end(), [&](const store::LayerState& state) {
      return state.name == layer.name && state.hash == layer.hash;
    });
  };
  for (std::size_t i = 0; i < catalog_.layers().size(); ++i) {
    const catalog::Layer& layer = catalog_.layers()[i];
    const store::LayerState measured{layer.name, layer.hash, layer.origin.string(), layer.rank};
    if (!is_held(measured)) {
      auto reader = profile::CatalogProfiles::open(catalog_, i);
      if (!reader) return fail(std::move(reader).error());
      if (auto done = apply(measured, [&] { return reader->next(); }); !done) return done;
    }
  }
  // What an overlay left behind whose folder is gone belongs to nobody.
  if (read_only_) return {};
  if (auto done = drop_stale_predictions(*held); !done) return done;
  for (const store::LayerState& state : *held) {
    std::error_code error;
    const bool ours = std::find(layers_.begin(), layers_.end(), state.name) != layers_.end();
    if (ours || state.name == store::kOwnLayer || state.origin.empty()) continue;
    if (fs::path(state.origin).is_absolute() && !fs::exists(state.origin, error)) {
      if (auto dropped = store_->drop_layer(state.name); !dropped) return dropped;
    }
  }
  return {};
}

}  // namespace kneepoint::app
