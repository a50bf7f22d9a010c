#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "catalog/types.h"

namespace kneepoint::catalog {

/// What a Hugging Face config.json says about the weights and the cache. Of a model with several
/// parts (pictures, sound) the text part is read; the others are small and hold no cache.
///
/// The sizes of an architecture are computed only when we know what every one of its weights is
/// for. An unknown model_type, and a member that tells of something the columns of the models table
/// do not hold (linear attention, a sparse index, latent experts ...), give a row with complete =
/// false, no sizes, and the reason in from.note. A member that is missing where the architecture
/// needs it, or that cannot be (negative, text, more experts per token than experts), is an
/// InvalidArgument naming it.
///
/// Provenance: source and confidence are "user"; a caller that read a file says which in
/// from.source ("user: <file>").
Result<Model> model_from_config(const json::Value& config, std::string_view id);

/// The cells of the models table, in the order of its schema.
std::vector<std::string> to_row(const Model& model);

}  // namespace kneepoint::catalog
