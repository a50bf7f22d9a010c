#include "app/predicted_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <mutex>
#include <set>
#include <unordered_set>

#include "app/names.h"
#include "app/parallel.h"
#include "app/predict.h"
#include "base/text.h"
#include "catalog/server_hardware.h"
#include "perfmodel/memory.h"
#include "profile/predicted_table.h"

namespace kneepoint::app {
namespace {

using profile::Point;
using profile::Profile;
using Clock = std::chrono::steady_clock;

constexpr double kContext = 8192;  // tokens of one request that a setup must hold
constexpr auto kBatchEvery = std::chrono::seconds(2);
// A quarter of the narrowest usual band; that of TTFT is far wider.
constexpr double kThinnedBy = 0.05, kTtftThinnedBy = 0.15;
constexpr std::array<double, 9> kRowLadder{1, 4, 8, 16, 32, 64, 128, 256, 512};

/// A server by whom something was measured in plain serving, in the newest release of those: on
/// the accelerators of each vendor, and for a vendor where nothing was, in the newest release under
/// a plain number ("0.19.0-cu130" is a build for one vendor's accelerators).
struct Server {
  std::string name;
  std::map<std::string, std::string, std::less<>> by_vendor;
  std::string plain;
  std::string asked;  // whatever was measured

  const std::string& version(std::string_view vendor) const {
    if (!asked.empty()) return asked;
    const auto here = by_vendor.find(vendor);
    return here != by_vendor.end() ? here->second : plain;
  }
};

/// Keeps the newer release; of builds of one version the one with the plainest name.
void keep_newer(std::string& best, const std::string& version) {
  const int order = best.empty() ? 1 : catalog::compare_versions(version, best).value_or(-1);
  if (order > 0 || (order == 0 && version.size() < best.size())) best = version;
}

std::vector<Server> usual_servers(const catalog::Catalog& catalog) {
  std::map<std::string, Server> found;
  for (std::size_t layer = 0; layer < catalog.layers().size(); ++layer) {
    const catalog::Table& rows = *catalog.raw(layer, "profiles");
    if (rows.rows() == 0) continue;
    const std::size_t kind = rows.column("kind"), server = rows.column("model_server"),
                      version = rows.column("model_server_version"),
                      accelerator = rows.column("accelerator");
    for (std::size_t r = 0; r < rows.rows(); ++r) {
      if (rows.text(r, kind) != "serving") continue;
      const std::string name(rows.text(r, server));
      const catalog::Server* known = catalog.server(name);
      const catalog::ServerVersion* build = catalog.server_version(name, rows.text(r, version));
      const catalog::Accelerator* on = catalog.accelerator(rows.text(r, accelerator));
      if (known == nullptr || known->status != "active" || on == nullptr) continue;
      if (build == nullptr || build->channel != "release") continue;
      Server& one = found[name];
      one.name = name;
      keep_newer(one.by_vendor[on->vendor], build->version);
      if (build->version.find_first_not_of("0123456789.") == std::string::npos) {
        keep_newer(one.plain, build->version);
      }
    }
  }
  std::vector<Server> out;
  for (auto& [name, server] : found) out.push_back(std::move(server));
  return out;
}

std::vector<profile::Workload> usual_workloads(const catalog::Catalog& catalog,
                                               const PredictAllAsk& ask) {
  if (ask.input_tokens && ask.output_tokens) {
    return {profile::fixed_lengths(*ask.input_tokens, *ask.output_tokens)};
  }
  std::vector<profile::Workload> out{profile::fixed_lengths(1024, 1024)};
  std::set<std::pair<double, double>> seen{{1024, 1024}};
  const catalog::UseCase* chat = catalog.use_case("sharegpt");
  for (const catalog::UseCase& use_case : catalog.use_cases()) {
    if (ask.few_workloads && &use_case != chat) continue;
    if (!seen.emplace(use_case.input_tokens_mean, use_case.output_tokens_mean).second) continue;
    out.push_back(profile::fixed_lengths(use_case.input_tokens_mean, use_case.output_tokens_mean));
  }
  return out;
}

bool fits(const catalog::Model& model, const catalog::Accelerator& accelerator,
          const Split& split) {
  perfmodel::MemorySetup setup;
  setup.accelerators = split.accelerators;
  setup.tensor_parallel = split.tensor;
  setup.pipeline_parallel = split.pipeline;
  setup.max_tokens_per_request =
      std::min(kContext, static_cast<double>(model.max_position.value_or(1 << 20)));
  return perfmodel::fits(model, accelerator, setup).fit == perfmodel::Fit::Fits;
}

/// Whether the curve answers as before without one of its points: the same knee, and between the
/// neighbours that stay every figure near what was there.
bool spares(const std::vector<curve::LoadPoint>& whole, const std::vector<std::size_t>& kept) {
  std::vector<curve::LoadPoint> thin;
  for (const std::size_t at : kept) thin.push_back(whole[at]);
  const curve::Knee before = curve::find_knee(whole, curve::LoadKind::Concurrency);
  const curve::Knee after = curve::find_knee(thin, curve::LoadKind::Concurrency);
  if (before.state != after.state || before.load != after.load) return false;
  for (const curve::LoadPoint& point : whole) {
    if (before.state == curve::KneeState::Found && point.load > before.load) continue;
    const auto here = curve::interpolate(thin, point.load);
    if (!here) return false;
    const auto off = [](double a, double b) { return std::abs(a / b - 1); };
    const auto mean_off = [&](metrics::Metric metric) {
      return off(here->latency.get(metric, metrics::Statistic::Mean),
                 point.latency.get(metric, metrics::Statistic::Mean));
    };
    if (off(here->output_tokens_per_second, point.output_tokens_per_second) > kThinnedBy ||
        mean_off(metrics::Metric::Tpot) > kThinnedBy ||
        mean_off(metrics::Metric::Ttft) > kTtftThinnedBy) {
      return false;
    }
  }
  return true;
}

/// The points that say what all of them do. A list reads every point of every row, and the lists'
/// time is what this saves.
std::vector<std::size_t> worth_keeping(const std::vector<Point>& points) {
  std::vector<curve::LoadPoint> whole;
  std::vector<std::size_t> kept;
  for (std::size_t i = 0; i < points.size(); ++i) {
    whole.push_back(points[i].at);
    kept.push_back(i);
  }
  for (std::size_t i = 1; i + 1 < kept.size() && kept.size() > curve::kFewestLoads;) {
    std::vector<std::size_t> fewer = kept;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    if (spares(whole, fewer)) {
      kept = std::move(fewer);
    } else {
      ++i;
    }
  }
  return kept;
}

/// One row, or why not.
Result<Profile> make_row(const predict::Predictor& predictor, const PlannedRow& row) {
  predict::Question question = row.question;
  auto steps = climb(predictor, question, kRowLadder);
  if (!steps) return fail(std::move(steps).error());
  Profile out;
  out.id = row.id;
  out.setup = question.setup;
  out.workload = question.workload;
  out.load_kind = curve::LoadKind::Concurrency;
  question.load_kind = out.load_kind;
  std::vector<Point> points;
  for (const auto& [load, prediction] : *steps) {
    question.load = load;
    points.push_back(point_of(question, prediction));
  }
  std::vector<predict::Prediction> predictions;
  for (const std::size_t at : worth_keeping(points)) {
    out.points.push_back(std::move(points[at]));
    predictions.push_back(std::move((*steps)[at].second));
  }
  out.evidence = evidence_of(predictor, predictions, out.points);
  return out;
}

std::string left_out_sentence(const PlannedRow& row, const Error& why) {
  return fmt::format("{} on {} x {}: {}", row.question.setup.model,
                     row.question.setup.accelerator_count.value_or(1),
                     row.question.setup.accelerator, why.message);
}

/// Ids of a layer's rows by this calibration, and how many rows there are of others.
struct Held {
  std::unordered_set<std::string> fresh;
  std::size_t stale = 0;
};
Result<Held> held(store::Store& store, std::string_view layer, std::string_view by) {
  Held out;
  store::Query query;
  query.layers = {std::string(layer)};
  query.evidence = {profile::EvidenceKind::Predicted};
  query.metrics = {metrics::Metric::Ttft};
  const auto rows = store.rank(query);
  if (!rows) return fail(rows.error());
  for (const profile::RankingRow& row : rows->rows()) {
    if (row.layer != layer) continue;
    if (row.evidence.prediction.by == by) {
      out.fresh.emplace(row.id);
    } else {
      ++out.stale;
    }
  }
  return out;
}

/// Leaves the rows of this calibration in the layer.
Result<void> drop_stale(store::Store& store, const store::LayerState& layer, std::string_view by) {
  std::vector<Profile> fresh;
  const std::vector<std::string> one{layer.name};
  const auto walked = store.walk(one, [&](const store::LayerState&, Profile p) -> Result<void> {
    if (p.evidence.prediction.by == by) fresh.push_back(std::move(p));
    return {};
  });
  if (!walked) return walked;
  std::size_t at = 0;
  return store.replace_layer(layer, [&]() -> Result<std::optional<Profile>> {
    if (at == fresh.size()) return std::nullopt;
    return std::move(fresh[at++]);
  });
}

}  // namespace

std::string checkpoint_precision(const catalog::Model& model) {
  if (model.quantization.empty()) return model.dtype == "float16" ? "fp16" : "bf16";
  const double bits = model.weight_bits.value_or(16);
  const bool whole_numbers = model.quantization.find("int") != std::string::npos ||
                             model.quantization == "awq" || model.quantization == "gptq";
  if (bits <= 4) return whole_numbers ? "int4" : "fp4";
  if (bits <= 8) return whole_numbers ? "int8" : "fp8";
  return "bf16";
}

std::optional<Split> fewest(const catalog::Model& model, const catalog::Accelerator& accelerator) {
  const int host = accelerator.max_per_host.value_or(8);
  int widest = 1;
  for (int count = 1; count <= std::min(host, 8); count *= 2) {
    if (model.heads && *model.heads % count != 0) break;
    widest = count;
    if (const Split split{count, count, 1}; fits(model, accelerator, split)) return split;
  }
  if (widest != std::min(host, 8)) return {};
  if (const Split split{2 * widest, widest, 2}; fits(model, accelerator, split)) return split;
  return {};
}

Result<std::vector<PlannedRow>> plan_rows(const catalog::Catalog& catalog,
                                          const PredictAllAsk& ask) {
  if (!ask.model.empty() && catalog.model(ask.model) == nullptr) {
    std::vector<std::string> names;
    for (const catalog::Model& model : catalog.models()) names.push_back(model.id);
    return fail(ErrorCode::NotFound, fmt::format("unknown model '{}'{}", ask.model.substr(0, 200),
                                                 nearest_words(ask.model, names)));
  }
  for (const std::string& id : ask.accelerators) {
    if (catalog.accelerator(id) != nullptr) continue;
    std::vector<std::string> names;
    for (const catalog::Accelerator& one : catalog.accelerators()) names.push_back(one.id);
    return fail(ErrorCode::NotFound, fmt::format("unknown accelerator '{}'{}", id.substr(0, 200),
                                                 nearest_words(id, names)));
  }
  const catalog::ServerHardware hardware(catalog);
  std::vector<Server> servers;
  for (Server& server : usual_servers(catalog)) {
    if (hardware.knows(server.name)) servers.push_back(std::move(server));
  }
  if (!ask.model_server.empty()) {
    const std::vector<std::string> family = hardware.family(ask.model_server);
    std::erase_if(servers, [&](const Server& server) {
      return std::find(family.begin(), family.end(), server.name) == family.end();
    });
    for (const std::string& name : family) {
      const bool usual = std::any_of(servers.begin(), servers.end(),
                                     [&](const Server& server) { return server.name == name; });
      if (!usual) servers.push_back({.name = name, .by_vendor = {}, .plain = {}, .asked = {}});
    }
    for (Server& server : servers) {
      if (server.name == ask.model_server) server.asked = ask.model_server_version;
    }
  }
  const std::vector<profile::Workload> workloads = usual_workloads(catalog, ask);
  std::vector<PlannedRow> out;
  for (const catalog::Model& model : catalog.models()) {
    if (!ask.model.empty() && model.id != ask.model) continue;
    for (const catalog::Accelerator& accelerator : catalog.accelerators()) {
      if (!ask.accelerators.empty() && std::find(ask.accelerators.begin(), ask.accelerators.end(),
                                                 accelerator.id) == ask.accelerators.end()) {
        continue;
      }
      const auto split = fewest(model, accelerator);
      if (!split) continue;
      for (const Server& server : servers) {
        // A server that the table does not know is the user's own: it may run anywhere.
        if (hardware.knows(server.name) &&
            !hardware.runs(server.name, accelerator, catalog::checkpoint_format(model))) {
          continue;
        }
        for (const profile::Workload& workload : workloads) {
          const double longest = *workload.input_tokens_mean + *workload.output_tokens_mean;
          if (model.max_position && longest > *model.max_position) continue;
          PlannedRow row;
          profile::ServingSetup& s = row.question.setup;
          s.model = model.id;
          s.model_server = server.name;
          s.model_server_version = server.version(accelerator.vendor);
          if (hardware.knows(server.name) &&
              !hardware.runs_release(server.name, accelerator, s.model_server_version)) {
            if (!server.asked.empty()) continue;
            s.model_server_version = hardware.newest(server.name, accelerator);
          }
          s.accelerator = accelerator.id;
          s.accelerator_count = split->accelerators;
          s.tensor_parallel = split->tensor;
          if (split->pipeline > 1) s.pipeline_parallel = split->pipeline;
          s.weight_precision = checkpoint_precision(model);
          s.decoding = "serving";
          s.speculative_decoding = "none";
          row.question.workload = workload;
          row.id = profile::predicted_id(s, workload);
          out.push_back(std::move(row));
        }
      }
    }
  }
  return out;
}

std::vector<Profile> make_rows(const predict::Predictor& predictor,
                               const std::vector<PlannedRow>& plan, const RowsOptions& options,
                               PredictedRows& counted) {
  std::vector<std::optional<Profile>> made(plan.size());
  std::mutex mutex;
  RowsProgress now{0, plan.size(), 0};
  for_each_index(
      plan.size(), options.threads,
      [&](std::size_t i) {
        auto row = make_row(predictor, plan[i]);
        if (row) {
          made[i] = std::move(*row);
          return;
        }
        const std::lock_guard lock(mutex);
        if (now.left_out++ == 0) counted.first_left_out = left_out_sentence(plan[i], row.error());
      },
      [&](std::size_t done) {
        if (!options.progress) return true;
        RowsProgress told;
        {
          const std::lock_guard lock(mutex);
          told = now;
        }
        told.done = done;
        options.progress(told);
        return true;
      });
  std::vector<Profile> out;
  for (auto& one : made) {
    if (one) out.push_back(std::move(*one));
  }
  counted.planned = plan.size();
  counted.made = out.size();
  counted.left_out = now.left_out;
  return out;
}

Result<PredictedRows> predict_rows(Session& session, const predict::Predictor& predictor,
                                   const std::vector<PlannedRow>& plan,
                                   const RowsOptions& options) {
  auto opened = session.store();
  if (!opened) return fail(std::move(opened).error());
  store::Store& store = **opened;
  const std::string by = predictor.hash().substr(0, 16);
  const store::LayerState layer{std::string(store::kOwnPredictedLayer), predictor.hash(),
                                options.origin, -1};
  auto own = held(store, layer.name, by);
  if (!own) return fail(std::move(own).error());
  auto shipped = held(store, store::kPredictedLayer, by);
  if (!shipped) return fail(std::move(shipped).error());

  PredictedRows out;
  out.planned = plan.size();
  std::vector<const PlannedRow*> wanted;
  for (const PlannedRow& row : plan) {
    if (own->fresh.contains(row.id) || shipped->fresh.contains(row.id)) {
      ++out.kept;
    } else {
      wanted.push_back(&row);
    }
  }

  // Workers fill `batch`; this thread, to which the store belongs, writes it.
  std::mutex mutex;
  std::vector<Profile> batch;
  std::optional<Error> failure;
  auto written = Clock::now();
  const auto write_batch = [&]() -> Result<void> {
    std::vector<store::LayerContent> content(1);
    {
      const std::lock_guard lock(mutex);
      content.front().profiles.swap(batch);
    }
    if (content.front().profiles.empty()) return {};
    content.front().layer = layer;
    content.front().replace = false;
    out.made += content.front().profiles.size();
    written = Clock::now();
    return store.put_layers(content);
  };
  for_each_index(
      wanted.size(), options.threads,
      [&](std::size_t i) {
        auto row = make_row(predictor, *wanted[i]);
        const std::lock_guard lock(mutex);
        if (row) {
          batch.push_back(std::move(*row));
        } else if (out.left_out++ == 0) {
          out.first_left_out = left_out_sentence(*wanted[i], row.error());
        }
      },
      [&](std::size_t done) {
        if (Clock::now() - written > kBatchEvery) {
          if (auto stored = write_batch(); !stored) failure = stored.error();
        }
        if (options.progress) {
          RowsProgress told{out.kept + done, plan.size(), 0};
          {
            const std::lock_guard lock(mutex);
            told.left_out = out.left_out;
          }
          options.progress(told);
        }
        return !failure;
      });
  if (!failure) {
    if (auto stored = write_batch(); !stored) failure = stored.error();
  }
  if (failure) return fail(*std::move(failure));
  if (own->stale > 0) {
    // Those of this plan have been replaced already, id by id.
    const auto before = held(store, layer.name, by);
    if (!before) return fail(before.error());
    out.removed = before->stale;
    if (before->stale > 0) {
      if (auto done = drop_stale(store, layer, by); !done) return fail(std::move(done).error());
    }
  }
  return out;
}

}  // namespace kneepoint::app
