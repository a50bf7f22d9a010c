#include "app/session.h"

#include <fmt/format.h>

#include <algorithm>

#include "profile/from_catalog.h"
#include "profile/predicted_table.h"
#include "store/with_predictions.h"

namespace kneepoint::app {
namespace fs = std::filesystem;

namespace {

std::vector<std::string> layers_of(const catalog::Catalog& catalog) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < catalog.layers().size(); ++i) {
    if (profile::PredictedProfiles(catalog, i).rows() > 0) {
      out.push_back(store::predicted_layer(catalog.layers()[i]).name);
    }
  }
  out.emplace_back(store::kOwnPredictedLayer);
  for (const catalog::Layer& layer : catalog.layers()) out.push_back(layer.name);
  return out;
}

std::vector<catalog::Overlay> overlays_of(const Settings& settings) {
  std::vector<catalog::Overlay> out;
  std::error_code error;
  if (!settings.user_folder.empty() && fs::is_directory(settings.user_folder, error)) {
    out.push_back({"user", settings.user_folder});
  }
  for (const fs::path& folder : settings.overlays) {
    out.push_back({fs::weakly_canonical(folder, error).string(), folder});
  }
  return out;
}

/// Name, size and time of a file; of one that is not there nothing.
std::string look_of(const fs::path& file) {
  std::error_code error;
  const auto size = fs::file_size(file, error);
  if (error) return {};
  const auto time = fs::last_write_time(file, error);
  return fmt::format("{} {} {};", file.string(), size, time.time_since_epoch().count());
}

std::string look_of(const std::vector<catalog::Overlay>& overlays) {
  std::vector<std::string> files;
  for (const catalog::Overlay& overlay : overlays) {
    std::error_code error;
    for (fs::directory_iterator it(overlay.folder, error), end; !error && it != end;
         it.increment(error)) {
      if (it->path().extension() == ".csv") files.push_back(look_of(it->path()));
    }
  }
  std::sort(files.begin(), files.end());
  std::string out;
  for (const std::string& file : files) out += file;
  return out;
}

}  // namespace

Session::Session(Settings settings, catalog::Catalog catalog)
    : settings_(std::move(settings)), catalog_(std::move(catalog)), layers_(layers_of(catalog_)) {}

Result<std::unique_ptr<Session>> Session::open(Settings settings) {
  const auto overlays = overlays_of(settings);
  std::string seen = look_of(overlays);  // before it is read: what comes later is noticed later
  auto catalog = catalog::Catalog::open(settings.shipped_catalog, overlays);
  if (!catalog) return fail(std::move(catalog).error());
  std::unique_ptr<Session> out(new Session(std::move(settings), std::move(*catalog)));
  out->overlays_seen_ = std::move(seen);
  return out;
}

Result<bool> Session::refresh() {
  const auto overlays = overlays_of(settings_);
  std::string seen = look_of(overlays);
  bool changed = false;
  if (settings_.clock) {
    const Date today = settings_.clock();
    changed = today != settings_.today;
    settings_.today = today;
  }
  if (seen == overlays_seen_) return changed;
  auto fresh = catalog::Catalog::open(settings_.shipped_catalog, overlays);
  if (!fresh) return fail(std::move(fresh).error());
  store_.reset();  // it looks at the catalog
  read_only_ = false;
  catalog_ = std::move(*fresh);
  layers_ = layers_of(catalog_);
  overlays_seen_ = std::move(seen);
  return true;
}

Result<std::string> Session::state() {
  const auto held = store();
  if (!held) return fail(held.error());
  const auto generation = (*held)->generation();
  if (!generation) return fail(generation.error());
  std::string out = fmt::format("{} {}", to_text(settings_.today), *generation);
  for (const catalog::Layer& layer : catalog_.layers()) out += " " + layer.hash;
  return out;
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
