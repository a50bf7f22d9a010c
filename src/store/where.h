#pragma once

#include <string>
#include <variant>
#include <vector>

#include "store/sql_session.h"
#include "store/store.h"

namespace kneepoint::store {

/// A layer as the database knows it.
struct LayerRow {
  LayerState state;
  int key = 0;
  bool has_profiles = false;
};

/// The conditions of a query on table `profile p`, with the values of its placeholders.
struct Where {
  std::string sql;  // "WHERE ..." or empty
  std::vector<std::variant<std::string, double, std::int64_t>> values;

  void bind(SqlStatement& statement) const;
};

/// Layers that count for a query, lowest first: those it names (all when it names none), then own.
std::vector<LayerRow> active_layers(const std::vector<LayerRow>& all,
                                    const std::vector<std::string>& named);

/// `all` are the layers in the database. The bounds of the targets are conditions that every
/// profile meets which curve::find_operating_point could accept, and often more.
Where where(const Query& query, const std::vector<LayerRow>& all);

}  // namespace kneepoint::store
