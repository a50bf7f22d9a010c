#pragma once

#include <array>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.h"
#include "curve/curve.h"
#include "profile/ranking.h"
#include "recommend/pricing.h"
#include "recommend/request.h"

/// Target + profiles + prices -> ranked choices with reasons. No I/O; the same input gives the same
/// output.
namespace kneepoint::recommend {

/// One profile at its operating point, priced where a price is known.
struct Choice {
  const profile::RankingRow* profile = nullptr;  // owned by the caller
  curve::Knee knee;
  curve::OperatingPoint operating_point;

  std::optional<Quote> quote;
  std::optional<TokenCost> cost;  // dollars per million tokens; needs price and both rates
  std::string no_cost;            // why cost is missing, when it is

  double output_tokens_per_second_per_accelerator = metrics::kMissing;
  int replicas = 1;
  /// Of one replica, headroom taken off, counted in requests of the lengths asked for.
  double usable_requests_per_second = metrics::kMissing;
  double request_scale = 1;  // requests asked for per request measured, by tokens; 1: the same
  std::optional<double> fleet_usd_per_hour;
};

enum class ReasonCode {
  DoesNotFit,        // more memory than the accelerator has; the bytes are in the sentence
  MissesTarget,      // the best reachable value is in the sentence
  StatisticMissing,  // nobody published the figure the target is about
  NoPrice,
  OverBudget,   // dearer than the user's limit
  NoData,       // it fits, but nothing was measured (or no steady state was)
  UnknownSize,  // nothing measured, and the architecture is only partly described
  AcceleratorNotAllowed
};
std::string_view code(ReasonCode reason);  // does_not_fit, misses_target ...

/// What was left out: a profile, or an accelerator no profile of the model runs on.
struct Rejected {
  ReasonCode reason;
  std::string accelerator;
  std::string profile;  // id; empty: about the accelerator as such
  std::string model;
  std::string sentence;
};

struct ReachableRange {
  metrics::Metric metric;
  double min_ms, max_ms;
};

struct Recommendation {
  std::vector<Choice> ranked;    // priced, best first
  std::vector<Choice> unpriced;  // by throughput per accelerator
  std::vector<Rejected> rejected;
  std::vector<ReachableRange> ranges;     // over all candidates, targets aside
  curve::Range output_tokens_per_second;  // over all candidates
  std::vector<std::string> notes;         // substitutions made, for people
};

/// Profiles may be of several models. Ranked by dollars per hour of the fleet when an expected load
/// is given, else by dollars per million output tokens; beside measured ones a predicted profile by
/// what it costs at the slow end of its band; ties by throughput per accelerator, then by id.
/// Targets never move a profile past its knee.
Recommendation recommend(const catalog::Catalog& catalog,
                         std::span<const profile::RankingRow> profiles, const Request& request);

/// Of each model, accelerator and server the profiles of the workload nearest to the wanted lengths
/// (smallest sum of the two log ratios); all of them when no lengths are wanted. A note names it.
std::vector<const profile::RankingRow*> nearest_workloads(
    std::span<const profile::RankingRow> profiles, const Request& request,
    std::vector<std::string>& notes);

/// Why this choice stands as it does, a sentence each: where the operating point comes from, the
/// knee, every substitution made, how fresh the price is, what is missing.
std::vector<std::string> reasons(const Choice& choice, const Request& request);

/// "predicted by calibration 0123456789ab; 80 % of measurements: TPOT within x1.12, TTFT within
/// x1.60; nearest measured: g-1; extrapolated: ...".
std::string prediction_sentence(const profile::RankingRow::Evidence::Prediction& of);

/// curve::sentence(), with predicted points called so.
std::string knee_sentence(const curve::Knee& knee, curve::LoadKind kind,
                          profile::EvidenceKind evidence);

/// "vllm 0.19.0 on 2 x nvidia-h100-80gb".
std::string setup_name(const profile::RankingRow& profile);

/// Accelerators of the catalog on which none of `profiles` runs, each with the reason why nothing
/// can be said: does_not_fit, no_data or unknown_size.
std::vector<Rejected> without_profiles(const catalog::Catalog& catalog, std::string_view model,
                                       std::span<const profile::RankingRow> profiles);

/// "published: InferenceX via aiconfigurator, 2026-04-22, Apache-2.0; interpolated between ..."
std::string evidence_sentence(const catalog::Catalog& catalog, const Choice& choice);

}  // namespace kneepoint::recommend
