#include "app/search.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "app/names.h"
#include "app/parallel.h"
#include "app/predict.h"
#include "app/predicted_rows.h"
#include "base/text.h"
#include "perfmodel/memory.h"
#include "profile/predicted_table.h"
#include "sim/fleet.h"
#include "workload/length.h"

namespace kneepoint::app {
namespace {

using profile::Profile;

constexpr int kWidestHost = 8;

template <class T>
std::vector<T> or_usual(const std::vector<T>& asked, std::vector<T> usual) {
  return asked.empty() ? std::move(usual) : asked;
}

/// Lower precisions are computed with where the hardware has them.
std::vector<std::string> weight_precisions(const SearchAsk& ask, const catalog::Model& model,
                                           const catalog::Accelerator& accelerator) {
  std::vector<std::string> usual{checkpoint_precision(model)};
  if (usual.front() == "bf16" && accelerator.fp8.value_or(accelerator.fp8_tflops.has_value())) {
    usual.emplace_back("fp8");
  }
  return or_usual(ask.weight_precisions, std::move(usual));
}

std::vector<int> widths(const SearchAsk& ask, const catalog::Model& model,
                        const catalog::Accelerator& accelerator) {
  if (!ask.tensor.empty()) return ask.tensor;
  std::vector<int> out;
  const int host = std::min(kWidestHost, accelerator.max_per_host.value_or(kWidestHost));
  for (int width = 1; width <= host; width *= 2) {
    if (model.heads && *model.heads % width != 0) break;
    out.push_back(width);
  }
  return out;
}

std::vector<std::string> settings_of(const SearchAsk& ask) {
  std::vector<std::string> out{""};
  const auto cross = [&out](std::string_view name, const std::vector<int>& values) {
    if (values.empty()) return;
    std::vector<std::string> longer;
    for (const std::string& so_far : out) {
      for (const int value : values) {
        longer.push_back(so_far + (so_far.empty() ? "" : ";") + fmt::format("{}={}", name, value));
      }
    }
    out = std::move(longer);
  };
  cross("max-num-seqs", ask.max_num_seqs);
  cross("max-num-batched-tokens", ask.max_num_batched_tokens);
  return out;
}

bool fits(const catalog::Model& model, const catalog::Accelerator& accelerator,
          const profile::ServingSetup& s, double tokens) {
  perfmodel::MemorySetup setup;
  setup.accelerators = *s.accelerator_count;
  setup.tensor_parallel = *s.tensor_parallel;
  setup.pipeline_parallel = s.pipeline_parallel.value_or(1);
  setup.expert_parallel = s.expert_parallel.value_or(1);
  setup.weight_precision = s.weight_precision;
  setup.kv_precision = s.kv_precision;
  setup.max_tokens_per_request = tokens;
  return perfmodel::fits(model, accelerator, setup).fit == perfmodel::Fit::Fits;
}

double requests_at(const SearchAsk& ask, double load) { return std::max(ask.requests, 2 * load); }

Profile start_of(const predict::Question& question) {
  Profile out;
  out.setup = question.setup;
  out.workload = question.workload;
  out.load_kind = curve::LoadKind::Concurrency;
  out.id = profile::predicted_id(out.setup, out.workload);
  return out;
}

/// The means of TTFT and TPOT at each load; what follows from them is computed.
Result<Profile> simulated_curve(const SimulatedServers& servers, const predict::Question& question,
                                const SearchAsk& ask) {
  const auto server = servers.of(question);
  if (!server) return fail(server.error());
  Profile out = start_of(question);
  out.evidence.kind = profile::EvidenceKind::Predicted;
  out.evidence.source = profile::kPredictedSource;
  out.evidence.prediction.by = server->by;
  workload::RunSpec spec;
  spec.seed = 1;
  spec.lengths.input = *workload::parse_length(shortest(ask.input_tokens));
  spec.lengths.output = *workload::parse_length(shortest(ask.output_tokens));
  const sim::FleetConfig config{server->replica, 1, sim::RouterKind::RoundRobin};
  double load = ask.first_load;
  for (std::size_t i = 0; i < ask.loads; ++i, load *= 2) {
    spec.in_flight = std::llround(load);
    spec.requests = std::llround(requests_at(ask, load));
    const auto run = sim::simulate_fleet(spec, config, server->models(),
                                         {.misses_the_step = true, .gaps = false});
    if (!run) return fail(run.error());
    const metrics::Summary summary = metrics::summarize(run->tally);
    const double ttft = summary.of(metrics::Metric::Ttft).mean;
    const double tpot = summary.of(metrics::Metric::Tpot).mean;
    if (metrics::is_missing(ttft)) {
      return fail(ErrorCode::Unsatisfiable, "no request fits into the cache");
    }
    profile::Point& point = out.points.emplace_back();
    point.at.load = load;
    point.at.latency.set(metrics::Metric::Ttft, metrics::Statistic::Mean,
                         ttft + server->request_ms + server->token_ms * ask.input_tokens);
    point.at.latency.set(metrics::Metric::Tpot, metrics::Statistic::Mean,
                         metrics::is_missing(tpot) ? 0 : tpot);
    profile::derive_from_means(point, ask.input_tokens, ask.output_tokens);
  }
  return out;
}

Result<Profile> predicted_curve(const predict::Predictor& predictor, predict::Question question,
                                const SearchAsk& ask) {
  Profile out = start_of(question);
  question.load_kind = out.load_kind;
  std::vector<predict::Prediction> predictions;
  question.load = ask.first_load;
  for (std::size_t i = 0; i < ask.loads; ++i, question.load *= 2) {
    question.request_count = requests_at(ask, question.load);
    auto answer = predictor.predict(question);
    if (!answer) return fail(std::move(answer).error());
    out.points.push_back(point_of(question, *answer));
    predictions.push_back(std::move(*answer));
  }
  out.evidence = evidence_of(predictor, predictions, out.points);
  return out;
}

/// The curves of all setups, in their order; those that have none are counted.
template <class CurveOf>
std::vector<Profile> all_of(const std::vector<predict::Question>& setups,
                            const SearchOptions& options, SearchResult& counted, CurveOf curve_of) {
  std::vector<std::optional<Profile>> made(setups.size());
  std::mutex mutex;
  for_each_index(
      setups.size(), options.threads,
      [&](std::size_t i) {
        auto one = curve_of(setups[i]);
        if (one) {
          made[i] = std::move(*one);
          return;
        }
        const std::lock_guard lock(mutex);
        if (counted.left_out++ == 0) {
          counted.first_left_out =
              fmt::format("{} x {}: {}", setups[i].setup.accelerator_count.value_or(1),
                          setups[i].setup.accelerator, one.error().message);
        }
      },
      [&](std::size_t done) {
        if (options.progress) options.progress(done, setups.size());
        return !options.stop || !options.stop();
      });
  std::vector<Profile> out;
  for (auto& one : made) {
    if (one) out.push_back(std::move(*one));
  }
  return out;
}

/// The setups of the best choices, those with a price first.
std::vector<predict::Question> best_of(const std::vector<predict::Question>& plan,
                                       const recommend::Recommendation& result, std::size_t most) {
  std::unordered_map<std::string, const predict::Question*> by_id;
  for (const predict::Question& one : plan) {
    by_id.emplace(profile::predicted_id(one.setup, one.workload), &one);
  }
  std::vector<predict::Question> out;
  for (const auto* block : {&result.ranked, &result.unpriced}) {
    for (const recommend::Choice& choice : *block) {
      if (out.size() == most) return out;
      out.push_back(*by_id.at(std::string(choice.profile->id)));
    }
  }
  return out;
}

tl::unexpected<Error> stopped() { return fail(ErrorCode::Conflict, "cancelled"); }

tl::unexpected<Error> nothing(const SearchResult& counted) {
  return fail(ErrorCode::Unsatisfiable, "no setup could be predicted; " + counted.first_left_out);
}

}  // namespace

Result<std::vector<predict::Question>> plan_search(const catalog::Catalog& catalog,
                                                   const SearchAsk& ask,
                                                   const recommend::PricingRules& pricing) {
  const catalog::Model* model = catalog.model(ask.model);
  if (model == nullptr) {
    std::vector<std::string> names;
    for (const catalog::Model& one : catalog.models()) names.push_back(one.id);
    return fail(ErrorCode::NotFound, fmt::format("unknown model '{}'{}", ask.model.substr(0, 200),
                                                 nearest_words(ask.model, names)));
  }
  recommend::Pricer pricer(catalog, pricing);
  std::vector<predict::Question> out;
  for (const catalog::Accelerator& accelerator : catalog.accelerators()) {
    const bool named = std::find(ask.accelerators.begin(), ask.accelerators.end(),
                                 accelerator.id) != ask.accelerators.end();
    if (!ask.accelerators.empty() && !named) continue;
    for (const int tensor : widths(ask, *model, accelerator)) {
      for (const int pipeline : or_usual(ask.pipeline, {1, 2})) {
        // Without a price there is nothing to rank by; who names an accelerator wants its figures.
        if (!named && !pricer.quote(accelerator.id, tensor * pipeline)) continue;
        std::vector<int> usual_experts{1};
        if (model->experts.value_or(0) > 1 && tensor > 1) usual_experts.push_back(tensor);
        for (const int expert : or_usual(ask.expert, usual_experts)) {
          for (const std::string& weights : weight_precisions(ask, *model, accelerator)) {
            for (const std::string& kv : or_usual(ask.kv_precisions, {"", "fp8"})) {
              predict::Question question;
              profile::ServingSetup& s = question.setup;
              s.model = model->id;
              s.model_server = ask.model_server.empty() ? "vllm" : ask.model_server;
              s.model_server_version = ask.model_server_version;
              s.accelerator = accelerator.id;
              s.accelerator_count = tensor * pipeline;
              s.tensor_parallel = tensor;
              if (pipeline > 1) s.pipeline_parallel = pipeline;
              if (expert > 1) s.expert_parallel = expert;
              s.weight_precision = weights;
              s.kv_precision = kv;
              s.decoding = "serving";
              s.speculative_decoding = "none";
              if (!fits(*model, accelerator, s, ask.input_tokens + ask.output_tokens)) continue;
              question.workload = profile::fixed_lengths(ask.input_tokens, ask.output_tokens);
              for (const std::string& settings : settings_of(ask)) {
                s.server_settings = settings;
                out.push_back(question);
              }
            }
          }
        }
      }
    }
  }
  if (out.empty()) {
    return fail(ErrorCode::NotFound,
                fmt::format("no setup of {} fits: name other accelerators, a larger --tp, or a "
                            "smaller --weight-precision",
                            ask.model));
  }
  return out;
}

Result<SearchResult> search(const catalog::Catalog& catalog, const predict::Predictor& predictor,
                            const std::vector<predict::Question>& plan, const SearchAsk& ask,
                            const recommend::Request& request, const SearchOptions& options) {
  SearchResult out;
  out.setups = plan.size();
  std::vector<predict::Question> finalists = plan;
  std::size_t simulated = 0;
  if (options.servers != nullptr) {
    const std::vector<Profile> seen = all_of(plan, options, out, [&](const predict::Question& one) {
      return simulated_curve(*options.servers, one, ask);
    });
    if (options.stop && options.stop()) return stopped();
    if (seen.empty()) return nothing(out);
    simulated = seen.size();
    const profile::Ranking ranking = profile::ranking_of(seen);
    const auto result = recommend::recommend(catalog, ranking.rows(), request);
    out.met = result.ranked.size() + result.unpriced.size();
    finalists = best_of(plan, result, options.finalists);
    if (finalists.empty()) {
      // Nothing meets the targets: what comes nearest is said of all of them.
      out.profiles = seen;
      out.ranking = profile::ranking_of(out.profiles);
      out.result = recommend::recommend(catalog, out.ranking.rows(), request);
    }
  }
  if (!finalists.empty()) {
    SearchOptions quiet = options;
    if (options.servers != nullptr) quiet.progress = {};
    out.profiles = all_of(finalists, quiet, out, [&](const predict::Question& one) {
      return predicted_curve(predictor, one, ask);
    });
    if (options.stop && options.stop()) return stopped();
    if (out.profiles.empty()) return nothing(out);
    out.ranking = profile::ranking_of(out.profiles);
    out.result = recommend::recommend(catalog, out.ranking.rows(), request);
  }
  if (options.servers == nullptr) {
    simulated = out.profiles.size();
    out.met = out.result.ranked.size() + out.result.unpriced.size();
  }
  double load = ask.first_load;
  for (std::size_t i = 0; i < ask.loads; ++i, load *= 2) {
    out.simulated_requests += requests_at(ask, load) * static_cast<double>(simulated);
  }
  return out;
}

}  // namespace kneepoint::app
