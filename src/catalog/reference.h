#pragma once

#include <string>

namespace kneepoint::catalog {

/// docs/catalog.md: every table with its columns, from the schema.
std::string catalog_reference_markdown();

}  // namespace kneepoint::catalog
