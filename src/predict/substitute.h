#pragma once

#include <string>
#include <string_view>

#include "catalog/catalog.h"

namespace kneepoint::predict {

/// A row of the catalog that stands for a name.
template <class Row>
struct StandIn {
  const Row* row = nullptr;  // nothing when the catalog is empty
  bool exact = true;
  bool alike = false;  // not exact, but of the same architecture and size
  std::string note;    // why it may stand for the name; empty when exact
};

/// What is left of a model's name without hoster, tuning, precision and date: models of one
/// architecture and size share it.
std::string architecture_name(std::string_view id);

/// The model of that id; else one of the same architecture under another name (a fine-tune, another
/// precision, another hoster); else the one nearest in size by what the name says ("30B-A3B").
StandIn<catalog::Model> find_model(const catalog::Catalog& catalog, std::string_view name);

/// The accelerator of that id, else the one whose id is nearest.
StandIn<catalog::Accelerator> find_accelerator(const catalog::Catalog& catalog,
                                               std::string_view name);

}  // namespace kneepoint::predict
