#include "predict/measured_point.h"

#include <unordered_map>

#include "profile/from_catalog.h"

namespace kneepoint::predict {

std::vector<MeasuredPoint> points_of(const profile::Profile& profile) {
  std::vector<MeasuredPoint> out;
  out.reserve(profile.points.size());
  for (const profile::Point& point : profile.points) {
    MeasuredPoint& p = out.emplace_back();
    p.id = point.id;
    Question& q = p.question;
    q.setup = profile.setup;
    if (!point.server_settings.empty()) q.setup.server_settings = point.server_settings;
    q.workload = profile.workload;
    if (point.input_tokens_mean) q.workload.input_tokens_mean = point.input_tokens_mean;
    if (point.output_tokens_mean) q.workload.output_tokens_mean = point.output_tokens_mean;
    q.load_kind = profile.load_kind;
    q.load = point.at.load;
    q.request_count = point.request_count;
    q.measured_on = point.measured_on;
    q.measured_by = profile.evidence.source;
    q.answer_anyway = true;
    p.latency = point.at.latency;
    p.curve_id = profile.curve_id;
    p.series_id = profile.series_id;
    p.source = profile.evidence.source;
    p.flags = point.flags;
  }
  return out;
}

Result<std::vector<MeasuredPoint>> points_of(const catalog::Catalog& catalog, Prompts prompts) {
  std::vector<std::vector<MeasuredPoint>> profiles;
  std::unordered_map<std::string, std::size_t> place;  // by profile id
  for (std::size_t layer = 0; layer < catalog.layers().size(); ++layer) {
    auto reader = profile::CatalogProfiles::open(catalog, layer);
    if (!reader) return fail(std::move(reader).error());
    for (;;) {
      auto next = reader->next();
      if (!next) return fail(std::move(next).error());
      if (!*next) break;
      const profile::Profile& profile = **next;
      if ((profile.setup.decoding == "disaggregated") != (prompts == Prompts::Apart) ||
          profile.evidence.kind == profile::EvidenceKind::Predicted) {
        continue;
      }
      const auto [found, fresh] = place.emplace(profile.id, profiles.size());
      if (fresh) profiles.emplace_back();
      profiles[found->second] = points_of(profile);
    }
  }
  std::vector<MeasuredPoint> out;
  for (auto& points : profiles) {
    for (auto& point : points) out.push_back(std::move(point));
  }
  return out;
}

}  // namespace kneepoint::predict
