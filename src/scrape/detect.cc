#include "scrape/detect.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/json.h"
#include "base/text.h"
#include "scrape/exposition.h"

namespace kneepoint::scrape {
namespace {

constexpr std::size_t kLargestDocument = std::size_t{4} << 20;

/// Samples' names as families: ':' as '_', the endings of counters and histograms cut off.
std::string family(std::string_view name) {
  for (const std::string_view ending : {"_sum", "_count", "_total"}) {
    if (name.ends_with(ending)) name.remove_suffix(ending.size());
  }
  std::string out(name);
  std::replace(out.begin(), out.end(), ':', '_');
  return out;
}

struct BySeries {
  std::string server;
  std::size_t series = 0;
};

/// The server most of whose series are there. Where two have as many, the first in the catalog:
/// forks keep the names of the server they come from.
BySeries by_series(const catalog::Catalog& catalog, std::string_view page) {
  std::set<std::string> there;
  ExpositionReader reader(page);
  while (const auto name = reader.next()) there.insert(family(*name));
  std::map<std::string, std::set<std::string>> found;
  for (const catalog::ServerMetric& metric : catalog.server_metrics()) {
    std::string name = family(metric.series);
    if (there.contains(name)) found[metric.server].insert(std::move(name));
  }
  BySeries best;
  for (const catalog::Server& server : catalog.servers()) {
    const auto series = found.find(server.name);
    if (series != found.end() && series->second.size() > best.series) {
      best = {server.name, series->second.size()};
    }
  }
  return best;
}

std::optional<json::Object> object_of(std::span<const Document> documents, std::string_view path) {
  for (const Document& document : documents) {
    if (document.path != path || document.body.empty()) continue;
    if (document.body.size() > kLargestDocument) continue;
    auto value = json::parse(document.body);
    if (value && value->is_object()) return std::move(value->get_object());
  }
  return {};
}

std::string text_of(const json::Object& object, std::string_view key) {
  const json::Value* value = object.if_contains(key);
  // Whatever it is, it goes into messages.
  if (value == nullptr || !value->is_string() || value->get_string().size() > 100) return {};
  return std::string(value->get_string());
}

std::string owner_of_model(std::span<const Document> documents) {
  const auto models = object_of(documents, "/v1/models");
  if (!models) return {};
  const json::Value* data = models->if_contains("data");
  if (data == nullptr || !data->is_array() || data->get_array().empty()) return {};
  const json::Value& first = data->get_array().front();
  const std::string owner = first.is_object() ? text_of(first.get_object(), "owned_by") : "";
  if (owner == "vllm" || owner == "sglang") return owner;
  if (owner == "llamacpp") return "llama.cpp";
  return {};
}

struct Version {
  std::string version, how;
};

Version version_of(std::string_view server, std::span<const Document> documents) {
  struct Place {
    std::string_view server, path, key;
  };
  static constexpr Place kPlaces[] = {
      {"vllm", "/version", "version"},         {"vllm-tpu", "/version", "version"},
      {"tensorrt-llm", "/version", "version"}, {"sglang", "/get_server_info", "version"},
      {"llama.cpp", "/props", "build_info"},   {"tgi", "/info", "version"},
  };
  for (const Place& place : kPlaces) {
    if (place.server != server) continue;
    const auto document = object_of(documents, place.path);
    std::string version = document ? text_of(*document, place.key) : "";
    if (!version.empty()) return {std::move(version), std::string(place.path)};
  }
  return {};
}

}  // namespace

std::optional<Identity> detect(const catalog::Catalog& catalog, std::string_view metrics_page,
                               std::string_view server_field, std::span<const Document> documents) {
  Identity out;
  if (BySeries series = by_series(catalog, metrics_page); series.series > 0) {
    out.server = std::move(series.server);
    out.how = fmt::format("by {} series of its metrics", series.series);
  } else if (std::string owner = owner_of_model(documents); !owner.empty()) {
    out.server = std::move(owner);
    out.how = "by the owner of its model";
  } else if (lower(server_field).find("llama.cpp") != std::string::npos) {
    out.server = "llama.cpp";
    out.how = "by its Server field";
  } else if (object_of(documents, "/get_server_info")) {
    out.server = "sglang";
    out.how = "by /get_server_info";
  } else if (const auto info = object_of(documents, "/info");
             info && !text_of(*info, "model_id").empty()) {
    out.server = "tgi";
    out.how = "by /info";
  } else {
    return {};
  }
  Version version = version_of(out.server, documents);
  out.version = std::move(version.version);
  if (!version.how.empty()) out.how += fmt::format(", version by {}", version.how);
  return out;
}

}  // namespace kneepoint::scrape
