#pragma once

#include <optional>
#include <string>

#include "app/profiles.h"
#include "base/json.h"
#include "recommend/recommend.h"

/// The objects of google.cloud.gkerecommender.v1 as JSON: lowerCamel names, int32 as integers,
/// int64 as strings, every Amount with an explicit `nanos`. What that API lacks stands in one
/// member, "kneepoint".
namespace kneepoint::app {

/// A figure as shown: p50, or, marked, the nearest statistic there is.
struct Shown {
  double value = metrics::kMissing;
  metrics::Statistic statistic = metrics::Statistic::P50;
};
Shown shown(const curve::LoadPoint& point, metrics::Metric metric, curve::StatisticRule rule);

/// "mean" when every figure shown has it, else "TTFT p50, NTPOT mean"; empty when all are p50.
std::string substituted(const curve::LoadPoint& point, curve::StatisticRule rule);

/// Named use case for a measured workload, or the workload's own name: "Chatbot (ShareGPT)".
std::string use_case_of(const catalog::Catalog& catalog, std::string_view workload);

json::Value amount_json(double usd);

/// The public API's members alone: what *_json() below gives without "kneepoint".
json::Object api_profile_json(const catalog::Catalog& catalog, const recommend::Choice& choice,
                              const recommend::Request& request);
json::Object api_benchmark_json(const catalog::Catalog& catalog, const profile::Profile& profile,
                                std::span<const Benchmark> points,
                                const recommend::PricingRules& rules, double cost_ratio);

json::Object profile_json(const catalog::Catalog& catalog, const recommend::Choice& choice,
                          const recommend::Request& request);
/// One profile with all its points, `from` to `to` of a benchmark list.
json::Object benchmark_json(const catalog::Catalog& catalog, const profile::Profile& profile,
                            std::span<const Benchmark> points, const recommend::PricingRules& rules,
                            double cost_ratio);

/// kind, source, licence, and of a prediction by what, the nearest measurement, what is
/// extrapolated and the ratio of its widest 80 % bands.
json::Object evidence_json(const profile::Evidence& evidence);

/// "published: InferenceX, 2026-05-01, Apache-2.0".
std::string evidence_of(const catalog::Catalog& catalog, profile::EvidenceKind kind,
                        std::string_view source, std::string_view measured_on,
                        std::string_view licence);

/// The same of one point of a profile; of a prediction what stands behind it.
std::string evidence_of(const catalog::Catalog& catalog, const profile::Profile& profile,
                        std::string_view measured_on);

/// "predicted (TPOT x/÷1.12, TTFT x/÷1.60)": for a column, so that no prediction looks like a
/// measurement; of all others "measured" or "published".
std::string evidence_mark(const profile::RankingRow::Evidence& evidence);
std::string evidence_mark(const profile::Evidence& evidence);

/// "us-central1, 2026-10-13" and what must be known of it: "undated", "stale", "nearest to ...".
std::string price_evidence(const recommend::Quote& quote);

}  // namespace kneepoint::app
