#pragma once

#include <memory>
#include <string>

#include "catalog/catalog.h"
#include "store/store.h"

namespace kneepoint::store {

/// The layer that a catalog layer's predicted rows count as: "predicted" for what ships,
/// "predicted:NAME" for an overlay's.
LayerState predicted_layer(const catalog::Layer& of);

/// The same store with the catalog's predicted rows as layers of it, below the user's own
/// predictions. They are read where they lie, in the mapped catalog: filling a store with thousands
/// of rows would be what a first use takes, and they would be stale after each new catalog. Writing
/// and backup are of the store alone. The catalog outlives what is returned and what it ranked.
std::unique_ptr<Store> with_predictions(std::unique_ptr<Store> store,
                                        const catalog::Catalog& catalog);

}  // namespace kneepoint::store
