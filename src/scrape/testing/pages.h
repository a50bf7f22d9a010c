#pragma once

#include <string>
#include <string_view>

#include "base/file.h"
#include "catalog/catalog.h"
#include "scrape/signal_map.h"

/// Shared by the tests of this room. They are compiled with the places below.
namespace kneepoint::scrape {

inline const catalog::Catalog& shipped_catalog(const char* build) {
  static const auto kCatalog =
      catalog::Catalog::open(std::string(build) + "/kneepoint.catalog", {}).value();
  return kCatalog;
}

inline std::string page_of(const char* source, std::string_view name) {
  return read_file(std::string(source) + "/tests/data/metrics/" + std::string(name)).value();
}

inline std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

}  // namespace kneepoint::scrape
