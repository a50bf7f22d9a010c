#include "store/transfer.h"

#include <fmt/format.h>

#include <istream>
#include <limits>
#include <ostream>

#include "base/json.h"
#include "base/text.h"
#include "profile/json.h"

namespace kneepoint::store {
namespace {

constexpr std::string_view kFormat = "kneepoint.profiles";
constexpr int kVersion = 1;

json::Value header() { return json::Object{{"format", kFormat}, {"version", kVersion}}; }

json::Value layer_line(const LayerState& layer) {
  return json::Object{{"layer",
                       {{"name", layer.name},
                        {"rank", layer.rank},
                        {"hash", layer.hash},
                        {"origin", layer.origin}}}};
}

Result<void> check_header(const json::Value& line) {
  const auto* object = line.if_object();
  const auto* format = object ? object->if_contains("format") : nullptr;
  const auto* version = object ? object->if_contains("version") : nullptr;
  if (!format || *format != json::Value(kFormat) || !version || !version->is_int64())
    return fail(ErrorCode::InvalidArgument,
                R"(the first line must be {"format":"kneepoint.profiles","version":1})");
  if (version->get_int64() != kVersion)
    return fail(ErrorCode::Incompatible,
                fmt::format("the file has version {} of the format and this build reads {}: export "
                            "it again with the version of Kneepoint used here",
                            version->get_int64(), kVersion));
  return {};
}

Result<LayerState> read_layer(const json::Value& value) {
  const auto wrong = [] {
    return fail(ErrorCode::InvalidArgument,
                "layer: must have name, hash and origin as texts and rank as a whole number");
  };
  const auto* object = value.if_object();
  if (!object || object->size() != 4) return wrong();
  const auto* name = object->if_contains("name");
  const auto* rank = object->if_contains("rank");
  const auto* hash = object->if_contains("hash");
  const auto* origin = object->if_contains("origin");
  if (!name || !name->is_string() || name->get_string().empty() || !rank || !rank->is_int64() ||
      !hash || !hash->is_string() || !origin || !origin->is_string())
    return wrong();
  const std::int64_t number = rank->get_int64();
  if (number < std::numeric_limits<int>::min() || number > std::numeric_limits<int>::max())
    return wrong();
  return LayerState{.name = std::string(name->get_string()),
                    .hash = std::string(hash->get_string()),
                    .origin = std::string(origin->get_string()),
                    .rank = static_cast<int>(number)};
}

/// What the lines after the header ask for, gathered layer by layer.
class Lines {
 public:
  Result<void> add(const json::Value& line) {
    if (const auto* object = line.if_object(); object && object->size() == 1) {
      if (const auto* layer = object->if_contains("layer")) return start(*layer);
    }
    auto profile = profile::from_json(line);
    if (!profile) return fail(std::move(profile.error()));
    if (contents_.empty()) open(own_layer());
    contents_.back().profiles.push_back(std::move(*profile));
    return {};
  }
  std::vector<LayerContent> take() { return std::move(contents_); }

 private:
  void open(LayerState layer) {
    const bool replace = layer.name != kOwnLayer;
    contents_.push_back({.layer = std::move(layer), .profiles = {}, .replace = replace});
  }
  Result<void> start(const json::Value& value) {
    auto layer = read_layer(value);
    if (!layer) return fail(std::move(layer.error()));
    for (const LayerContent& content : contents_)
      if (content.layer.name == layer->name)
        return fail(ErrorCode::InvalidArgument, "layer '" + layer->name + "' begins twice");
    open(layer->name == kOwnLayer ? own_layer() : std::move(*layer));
    return {};
  }

  std::vector<LayerContent> contents_;
};

}  // namespace

Result<Moved> export_lines(Store& store, Which which, std::ostream& to) {
  Moved moved;
  std::string layer_now(kOwnLayer);
  std::vector<std::string> layers;
  if (which == Which::Own) layers.emplace_back(kOwnLayer);
  to << json::to_line(header()) << '\n';
  auto walked = store.walk(
      layers, [&](const LayerState& layer, const profile::Profile& profile) -> Result<void> {
        if (layer.name != layer_now) to << json::to_line(layer_line(layer)) << '\n';
        layer_now = layer.name;
        to << json::to_line(profile::to_json(profile)) << '\n';
        if (!to)
          return fail(ErrorCode::Unavailable, "the output cannot be written: is the disk full?");
        ++moved.profiles;
        moved.points += static_cast<long long>(profile.points.size());
        return {};
      });
  if (!walked) return fail(std::move(walked.error()));
  if (!to.flush())
    return fail(ErrorCode::Unavailable, "the output cannot be written: is the disk full?");
  return moved;
}

Result<Moved> import_lines(Store& store, Which which, std::istream& from) {
  Lines lines;
  bool header_seen = false;
  int number = 0;
  for (std::string text; std::getline(from, text);) {
    ++number;
    if (trim(text).empty()) continue;
    const auto added = [&]() -> Result<void> {
      auto line = json::parse(text);
      if (!line) return fail(std::move(line.error()));
      return std::exchange(header_seen, true) ? lines.add(*line) : check_header(*line);
    }();
    if (!added) return fail(Error(added.error()).during(fmt::format("line {}", number)));
  }
  if (from.bad()) return fail(ErrorCode::Unavailable, "the input cannot be read");
  if (!header_seen)
    return fail(ErrorCode::InvalidArgument,
                R"(line 1: the first line must be {"format":"kneepoint.profiles","version":1})");

  std::vector<LayerContent> contents = lines.take();
  if (which == Which::Own)
    std::erase_if(contents, [](const LayerContent& c) { return c.layer.name != kOwnLayer; });
  if (auto put = store.put_layers(contents); !put) return fail(std::move(put.error()));
  Moved moved;
  for (const LayerContent& content : contents) {
    moved.profiles += static_cast<long long>(content.profiles.size());
    for (const profile::Profile& profile : content.profiles)
      moved.points += static_cast<long long>(profile.points.size());
  }
  return moved;
}

Result<void> copy_layers(Store& from, Store& to) {
  auto layers = from.layers();
  if (!layers) return fail(std::move(layers.error()));
  std::vector<LayerContent> contents;
  for (LayerState& layer : *layers) contents.push_back({.layer = std::move(layer), .profiles = {}});
  auto walked =
      from.walk({}, [&](const LayerState& layer, profile::Profile profile) -> Result<void> {
        for (LayerContent& content : contents)
          if (content.layer.name == layer.name) content.profiles.push_back(std::move(profile));
        return {};
      });
  if (!walked) return walked;
  return to.put_layers(contents);
}

}  // namespace kneepoint::store
