#pragma once

#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"
#include "profile/profile.h"

namespace kneepoint::profile {

/// Reads the published profiles of one catalog layer, one after the other. Figures the source lacks
/// but that follow from its others by definition (NTPOT from end-to-end time and output length,
/// input rate from request rate and input length) are filled in and named in Point::derived.
class CatalogProfiles {
 public:
  /// The catalog outlives the reader. An error names a row that cannot be read.
  static Result<CatalogProfiles> open(const catalog::Catalog& catalog, std::size_t layer);

  /// The next profile; nothing after the last.
  Result<std::optional<Profile>> next();

 private:
  CatalogProfiles(const catalog::Table& profiles, const catalog::Table& points,
                  const catalog::Layer& layer)
      : profiles_(&profiles), points_(&points), layer_(&layer) {}

  const catalog::Table* profiles_;
  const catalog::Table* points_;
  const catalog::Layer* layer_;
  std::size_t at_ = 0;
  std::unordered_map<std::string_view, std::vector<std::size_t>> rows_of_;  // profile -> point rows
};

}  // namespace kneepoint::profile
