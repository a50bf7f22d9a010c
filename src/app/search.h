#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "app/session.h"
#include "app/simulated_server.h"
#include "predict/prediction.h"
#include "profile/ranking.h"
#include "recommend/recommend.h"

namespace kneepoint::app {

/// Which setups of a model to try. Empty lists ask for what is usual.
struct SearchAsk {
  std::string model, model_server, model_server_version;
  std::vector<std::string> accelerators;      // empty: every one that has a price under the request
  std::vector<int> tensor, pipeline, expert;  // empty: powers of two in a host; 1 and 2; 1 and all
  std::vector<std::string> weight_precisions;             // empty: the checkpoint's, and fp8
  std::vector<std::string> kv_precisions;                 // empty: the server's choice, and fp8
  std::vector<int> max_num_seqs, max_num_batched_tokens;  // empty: what the server takes
  double input_tokens = 1024, output_tokens = 1024;
  std::size_t loads = 8;   // of each curve: doublings
  double first_load = 4;   // clients
  double requests = 1000;  // simulated at each load, at least
};

/// Every combination that fits in memory, each once. NotFound: the model is unknown, or none fits.
Result<std::vector<predict::Question>> plan_search(const catalog::Catalog& catalog,
                                                   const SearchAsk& ask,
                                                   const recommend::PricingRules& pricing);

struct SearchOptions {
  int threads = 0;  // 0: one for each processor
  /// With it every setup is simulated first, which is many times faster than a prediction, and only
  /// the `finalists` that rank best are predicted and ranked again. Without, all are predicted.
  const SimulatedServers* servers = nullptr;
  std::size_t finalists = 40;
  std::function<void(std::size_t done, std::size_t all)> progress;
  /// Asked a few times a second; true: no further setup is begun, and the search is a Conflict.
  std::function<bool()> stop{};
};

/// Setups with their predicted curves, ranked by `recommend` as measured ones are: the cheapest
/// under the targets first, with replicas for the load expected.
struct SearchResult {
  std::vector<profile::Profile> profiles;  // predicted
  profile::Ranking ranking;                // the same
  recommend::Recommendation result;
  std::size_t setups = 0, left_out = 0;
  std::size_t met = 0;         // setups that meet the targets; as simulated, where that was first
  std::string first_left_out;  // why
  double simulated_requests = 0;
};
Result<SearchResult> search(const catalog::Catalog& catalog, const predict::Predictor& predictor,
                            const std::vector<predict::Question>& plan, const SearchAsk& ask,
                            const recommend::Request& request, const SearchOptions& options = {});

}  // namespace kneepoint::app
