#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "catalog/catalog.h"

namespace kneepoint::scrape {

/// What a server said when asked; empty where it was not, or did not answer with status 200.
struct Document {
  std::string_view path;  // one of kTellingPaths
  std::string_view body;
};

/// Where servers say which one they are. The metrics page comes beside these.
inline constexpr std::array<std::string_view, 5> kTellingPaths{"/version", "/get_server_info",
                                                               "/props", "/info", "/v1/models"};

struct Identity {
  std::string server;   // the catalog's name
  std::string version;  // empty when it does not say
  std::string how;      // "by 14 series of its metrics, version by /version"
};

/// From the series on the metrics page, the most telling; else from who owns the model, the
/// Server field, or a document only one server has. Nothing when none of them tells.
std::optional<Identity> detect(const catalog::Catalog& catalog, std::string_view metrics_page,
                               std::string_view server_field, std::span<const Document> documents);

}  // namespace kneepoint::scrape
