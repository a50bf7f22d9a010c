#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/session.h"
#include "profile/ranking.h"
#include "recommend/recommend.h"

namespace kneepoint::app {

/// Whose figures count. Measured: by anybody, published ones included. All: what was measured, and
/// where nothing was, predictions.
enum class EvidenceWanted { All, Measured, Published, Predicted };
std::optional<EvidenceWanted> parse_evidence_wanted(std::string_view word);

/// Which profiles a verb is about. Empty asks for all.
struct Selection {
  std::string model, model_server;
  std::string model_server_version;  // empty: the newest benchmarked; "all": every one
  std::string serving_stack, serving_stack_version;
  std::vector<std::string> accelerators;
  std::string use_case;  // its lengths; the nearest measured workload counts
  std::optional<double> input_tokens, output_tokens;  // within 20 %, else the nearest, marked
  std::string decoding = "serving";                   // serving, speculative, disaggregated, or any
  EvidenceWanted evidence = EvidenceWanted::All;
};

/// Profiles at their operating points, and the memory they live in.
struct ProfileList {
  std::shared_ptr<const profile::Ranking> kept;  // where the rows' words lie; may be null
  profile::Ranking ranking;
  recommend::Request request;
  recommend::Recommendation result;
  std::vector<std::string> notes;  // what was assumed, substituted or passed over, for people
};

/// Whether an answer has what was left out, a sentence each. Of thousands they take longer than the
/// ranking.
enum class Rejections { Tell, Skip };

/// Ranks the profiles of a selection. `request` carries targets and prices; the lengths of the use
/// case are filled in here. NotFound names near names; a selection nothing was measured for says
/// what was.
Result<ProfileList> rank_profiles(Session& session, const Selection& selection,
                                  recommend::Request request,
                                  Rejections rejections = Rejections::Tell);

/// One load point of one profile with its price, for `benchmarks list`.
struct Benchmark {
  const profile::Profile* profile;
  const profile::Point* point;
  std::optional<recommend::Quote> quote;
  std::optional<recommend::TokenCost> cost;
  curve::Zone zone;
};
struct BenchmarkList {
  std::vector<profile::Profile> profiles;
  std::vector<Benchmark> points;
  std::vector<std::string> notes;
};
Result<BenchmarkList> list_benchmarks(Session& session, const Selection& selection,
                                      const recommend::PricingRules& pricing, double cost_ratio);

/// One profile by its id; NotFound names near ids.
Result<profile::Profile> get_profile(Session& session, const std::string& id);

/// The use case, by name or alias; NotFound names near ones.
Result<catalog::UseCase> find_use_case(const catalog::Catalog& catalog, const std::string& name);

}  // namespace kneepoint::app
