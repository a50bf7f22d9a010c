#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/session.h"
#include "base/json.h"
#include "profile/profile.h"
#include "recommend/recommend.h"

/// What several answers of kneepoint.v1 are made of.
namespace kneepoint::verbs {

/// Hours of a month of money: 8760 / 12.
inline constexpr double kHoursPerMonth = 730;

/// Left out when it is missing, or empty.
void put(json::Object& out, std::string_view key, double value);
void put(json::Object& out, std::string_view key, std::string_view text);
void put(json::Object& out, std::string_view key, const std::optional<double>& value);
void put(json::Object& out, std::string_view key, const std::optional<int>& value);

json::Array texts(const std::vector<std::string>& all);
/// The parts of a ';'-separated text.
json::Array parts(std::string_view text);

/// As the ranking names it: "vllm 0.19.0 on 2 x nvidia-h100-80gb".
std::string setup_name(const profile::Profile& profile);

/// {"ttft": {"mean": 61.3}}, in milliseconds; only what is known.
json::Object latency(const metrics::LatencyTable& table);

/// {"state", "sentence", and of curves with loads "load", "lowestLoad", "highestLoad", "loads"}.
json::Object knee(const curve::Knee& knee, curve::LoadKind kind, profile::EvidenceKind evidence);

/// One row of a ranking: the Profile of the compatible API with our figures in "kneepoint".
json::Object choice(const catalog::Catalog& catalog, const recommend::Choice& choice,
                    const recommend::Request& request);

/// What `recommend` and `search` both answer: choices, rejected, reachable.
struct Limits {
  std::size_t choices = 50, rejected = 100;
};
json::Object ranking(const catalog::Catalog& catalog, const recommend::Recommendation& result,
                     const recommend::Request& request, const Limits& limits);

/// A profile with its whole curve; of each point zone, evidence, bands and, where `request` finds a
/// price, dollars per million tokens.
json::Object whole_profile(const catalog::Catalog& catalog, const profile::Profile& profile,
                           const recommend::Request& request);

/// What a profile is worth under a request: {"choice"} or {"rejected": [...]}.
json::Object standing(const catalog::Catalog& catalog, const profile::Profile& profile,
                      const recommend::Request& request);

/// Members that are null or empty text are taken out, all the way down: an answer leaves out what
/// is not known.
void prune(json::Value& value);

}  // namespace kneepoint::verbs
