#include "predict/training.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <optional>
#include <thread>

#include "base/hash.h"
#include "perfmodel/step_parts.h"
#include "predict/data_rules.h"
#include "predict/learn_kernel.h"

namespace kneepoint::predict {
namespace {

using metrics::Metric;
using metrics::Statistic;

// Under a rate queues hang on what is near saturation: believed less, and hardly past it.
constexpr double kRateTrust = 0.7, kSaturatedTpot = 0.2, kSaturatedTtft = 0.02;
constexpr double kWaitingShare = 0.25;
constexpr double kMostOfPeak = 0.4, kImpossible = 0.01;

/// The measured TPOT and TTFT, the former out of the others where only it is missing.
void take_measured(const MeasuredPoint& point, TrainingPoint& out) {
  const auto mean = [&](Metric metric) { return point.latency.get(metric, Statistic::Mean); };
  Observation& o = out.observation;
  o.ttft_ms = mean(Metric::Ttft);
  o.tpot_ms = mean(Metric::Tpot);
  out.e2e_ms = mean(Metric::E2e);
  const double output = out.features.output_tokens;
  if (std::isnan(o.tpot_ms)) o.tpot_ms = metrics::tpot_ms(out.e2e_ms, o.ttft_ms, output);
  if (!(o.tpot_ms > 0)) o.tpot_ms = metrics::kMissing;
  if (!(o.ttft_ms > 0)) o.ttft_ms = metrics::kMissing;
}

constexpr std::size_t kEnough = 200;
constexpr std::uint64_t kCurveFolds = 5;
constexpr std::size_t kFewestOfGroup = 10;

/// Where points of usual settings are enough, hyper-parameters are learned on them alone: varied
/// settings would teach that nothing is alike.
bool learns_of_usual(const TrainingSet& set) {
  std::size_t usual = 0;
  for (const TrainingPoint& p : set.points) usual += is_varied(p.point->source) ? 0 : 1;
  return usual >= kEnough;
}

/// What the learner is to predict well: an error counts by how far off we aim to be.
std::vector<LeftOutGroup> left_out_groups(const TrainingSet& set, Latency of, Learn learn) {
  const bool usual_alone = learns_of_usual(set);
  std::vector<LeftOutGroup> out;
  for (const Scheme scheme : kSchemes) {
    const bool curve = scheme == Scheme::Curve;
    const double aim = of == Latency::Tpot ? (curve                       ? 0.05
                                              : scheme == Scheme::Version ? 0.11
                                                                          : 0.13)
                                           : (curve                       ? 0.15
                                              : scheme == Scheme::Version ? 0.3
                                                                          : 0.35);
    std::vector<LeftOutGroup> groups_of;
    std::size_t all = 0, number = 0;
    for (auto& [name, members] : groups(set, scheme)) {
      const std::size_t half = number++ % 2;
      if (learn == Learn::FirstHalf && half != 0) continue;
      if (learn == Learn::SecondHalf && half != 1) continue;
      std::erase_if(members, [&](std::size_t i) {
        return usual_alone && is_varied(set.points[i].point->source);
      });
      if (members.size() < kFewestOfGroup) continue;
      all += members.size();
      groups_of.push_back({std::move(members), 0});
    }
    for (LeftOutGroup& g : groups_of) {
      g.importance = static_cast<double>(g.points.size()) / static_cast<double>(all) / aim;
      out.push_back(std::move(g));
    }
  }
  return out;
}

/// Noise as it came out of the fit, as weights.
std::vector<double> robust_weights(const ProcessFit& fit, const Kernel& kernel) {
  std::vector<double> out;
  for (const double noise : fit.process().noise) {
    out.push_back(std::isnan(noise) ? 0 : std::exp(2 * kernel.log_noise) / noise);
  }
  return out;
}

/// Clients cannot be served with more arithmetic than the data sheet has: where a setup comes near
/// it, prompts were in the prefix cache.
void distrust_impossible(TrainingSet& set) {
  std::map<std::string, std::vector<std::size_t>> setups;
  const auto use = [](const TrainingPoint& p) {
    return p.point->question.load * p.features.peak_ms / p.e2e_ms;
  };
  for (std::size_t i = 0; i < set.points.size(); ++i) {
    const TrainingPoint& p = set.points[i];
    const std::vector<std::string>& place = p.features.place.categories;
    if (p.point->question.load_kind != curve::LoadKind::Concurrency || !(p.e2e_ms > 0)) continue;
    setups[place[0] + '\n' + place[2] + '\n' + place[3]].push_back(i);
  }
  for (auto& [setup, members] : setups) {
    const auto middle = members.begin() + static_cast<std::ptrdiff_t>(members.size() / 2);
    std::nth_element(members.begin(), middle, members.end(), [&](std::size_t a, std::size_t b) {
      return use(set.points[a]) < use(set.points[b]);
    });
    if (use(set.points[*middle]) <= kMostOfPeak) continue;
    for (const std::size_t i : members) {
      Observation& o = set.points[i].observation;
      o.tpot_weight = std::min(o.tpot_weight, kImpossible);
      o.ttft_weight = std::min(o.ttft_weight, kImpossible);
      ++set.weighted_down;
    }
  }
}

void copy_weights(TrainingPoint& point) {
  point.observation.tpot = point.features.tpot;
  point.observation.ttft = point.features.ttft;
  point.observation.extras = point.features.extras;
}

}  // namespace

void in_parallel(std::size_t count, int threads, const std::function<void(std::size_t)>& work) {
  const std::size_t wanted = threads > 0 ? static_cast<std::size_t>(threads)
                                         : std::max(1U, std::thread::hardware_concurrency());
  std::atomic<std::size_t> next{0};
  const auto run = [&] {
    for (std::size_t i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::jthread> others;
  for (std::size_t t = 1; t < std::min(wanted, count); ++t) others.emplace_back(run);
  run();
}

TrainingSet training_set(std::span<const MeasuredPoint> points, const FeatureMaker& maker,
                         int threads, const Progress& progress) {
  const perfmodel::PartCoefficients start = start_values().mean.parts;
  std::vector<std::optional<TrainingPoint>> made(points.size());
  std::vector<std::string> why(points.size());
  std::mutex telling;
  std::size_t done = 0;
  in_parallel(points.size(), threads, [&](std::size_t i) {
    if (points[i].question.setup.decoding == "disaggregated") {
      why[i] = "disaggregated points are not fitted on";
    } else if (auto features = maker.of(points[i].question, start); features) {
      TrainingPoint& out = made[i].emplace();
      out.point = &points[i];
      out.features = std::move(*features);
      copy_weights(out);
      take_measured(points[i], out);
      if (std::isnan(out.observation.tpot_ms) && std::isnan(out.observation.ttft_ms)) {
        why[i] = "no mean TPOT or TTFT";
        made[i].reset();
      }
    } else {
      why[i] = features.error().message;
    }
    const std::scoped_lock lock(telling);
    if (progress && (++done % 50 == 0 || done == points.size())) {
      progress(done, points.size(), "simulating measured points");
    }
  });

  TrainingSet set;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (!made[i]) {
      if (set.passed_over.empty()) set.passed_over = points[i].id + ": " + why[i];
      continue;
    }
    TrainingPoint& p = set.points.emplace_back(std::move(*made[i]));
    const Trust trust = trust_in(points[i]);
    p.observation.tpot_weight = trust.tpot;
    p.observation.ttft_weight = trust.ttft;
    if (p.features.of_coefficients) {
      const bool waiting = p.observation.ttft_ms > kWaitingShare * p.e2e_ms;
      p.observation.tpot_weight = waiting ? kSaturatedTpot : kRateTrust * trust.tpot;
      p.observation.ttft_weight = waiting ? kSaturatedTtft : trust.ttft;
    }
    if (trust.lowered) ++set.weighted_down;
  }
  distrust_impossible(set);
  return set;
}

Coefficients fit_coefficients(TrainingSet& set, const FeatureMaker& maker, int threads,
                              const Progress& progress) {
  const auto observations = [&](bool rates) {
    // Points of varied settings say what those settings were: the coefficients are of the others,
    // where there are enough.
    std::size_t usual = 0;
    for (const TrainingPoint& p : set.points) usual += is_varied(p.point->source) ? 0 : 1;
    std::vector<Observation> out;
    for (const TrainingPoint& p : set.points) {
      if (p.features.of_coefficients && !rates) continue;
      if (usual >= kEnough && is_varied(p.point->source)) continue;
      out.push_back(p.observation);
      out.back().ttft_weight *= 0.5;  // scatters twice as much
    }
    return out;
  };
  const Coefficients closed = fit_coefficients(observations(false));
  std::vector<std::size_t> again;
  for (std::size_t i = 0; i < set.points.size(); ++i) {
    if (set.points[i].features.of_coefficients) again.push_back(i);
  }
  std::mutex telling;
  std::size_t done = 0;
  in_parallel(again.size(), threads, [&](std::size_t i) {
    TrainingPoint& p = set.points[again[i]];
    if (auto features = maker.of(p.point->question, closed.parts)) {
      p.features = std::move(*features);
      copy_weights(p);
    }
    const std::scoped_lock lock(telling);
    if (progress && (++done % 50 == 0 || done == again.size())) {
      progress(done, again.size(), "simulating loads by rate with fitted coefficients");
    }
  });
  return again.empty() ? closed : fit_coefficients(observations(true));
}

std::vector<double> residuals(const TrainingSet& set, const Coefficients& coefficients,
                              Latency of) {
  std::vector<double> out;
  out.reserve(set.points.size());
  for (const TrainingPoint& p : set.points) {
    const Observation& o = p.observation;
    const bool ttft = of == Latency::Ttft;
    const double explained = ttft ? ttft_ms(o, coefficients) : tpot_ms(o, coefficients);
    out.push_back(std::log((ttft ? o.ttft_ms : o.tpot_ms) / std::max(explained, 1e-6)));
  }
  return out;
}

std::vector<double> weights(const TrainingSet& set, Latency of) {
  std::vector<double> out;
  out.reserve(set.points.size());
  for (const TrainingPoint& p : set.points) {
    out.push_back(of == Latency::Ttft ? p.observation.ttft_weight : p.observation.tpot_weight);
  }
  return out;
}

std::string_view name(Scheme scheme) {
  switch (scheme) {
    case Scheme::Curve:
      return "curve";
    case Scheme::Version:
      return "version";
    case Scheme::Accelerator:
      return "accelerator";
    case Scheme::Model:
      return "model";
  }
  return "";
}

std::map<std::string, std::vector<std::size_t>> groups(const TrainingSet& set, Scheme scheme) {
  std::map<std::string, std::vector<std::size_t>> out;
  for (std::size_t i = 0; i < set.points.size(); ++i) {
    const TrainingPoint& p = set.points[i];
    const std::vector<std::string>& place = p.features.place.categories;
    const std::string& curve = p.point->curve_id.empty() ? p.point->id : p.point->curve_id;
    switch (scheme) {
      case Scheme::Curve:
        out[std::to_string(hash64(curve, 5) % kCurveFolds)].push_back(i);
        break;
      case Scheme::Version:
        out[place[2]].push_back(i);
        break;
      case Scheme::Accelerator:
        out[place[3]].push_back(i);
        break;
      case Scheme::Model:
        out[place[0]].push_back(i);
        break;
    }
  }
  return out;
}

Fitted fit(const TrainingSet& set, const Coefficients& coefficients, Learn learn,
           const Progress& progress) {
  Fitted out;
  out.coefficients = coefficients;
  const bool usual_alone = learns_of_usual(set);
  std::mutex telling;
  std::size_t step = 0;
  const auto tell = [&](const std::string& what) {
    const std::scoped_lock lock(telling);
    if (progress) progress(step++, 4, what);
  };
  in_parallel(2, 2, [&](std::size_t which) {
    const Latency of = which == 0 ? Latency::Tpot : Latency::Ttft;
    Kernel kernel = learn == Learn::Nothing ? usual_kernel(of) : start_kernel(of);
    std::vector<Covariates> where;
    std::vector<KernelPoint> at;
    CategoryNames names(kernel.shape);
    for (const TrainingPoint& p : set.points) {
      where.push_back(covariates(p.features, coefficients, of));
      at.push_back(names.learn(where.back()));
    }
    const std::vector<double> y = residuals(set, coefficients, of);
    const std::vector<double> w = weights(set, of);
    if (learn != Learn::Nothing) {
      tell(which == 0 ? "learning the kernel of TPOT" : "learning the kernel of TTFT");
      std::vector<double> taught = w;
      for (std::size_t i = 0; i < taught.size(); ++i) {
        if (usual_alone && is_varied(set.points[i].point->source)) taught[i] = 0;
      }
      // Outliers as the kernel before has them.
      const ProcessFit before(kernel, at, y, taught);
      kernel = learn_kernel(kernel, at, y, robust_weights(before, kernel),
                            left_out_groups(set, of, learn));
    }
    tell(which == 0 ? "fitting the process of TPOT" : "fitting the process of TTFT");
    auto fitted = std::make_unique<ProcessFit>(kernel, at, y, w);
    fitted->set_places(std::move(where));
    (which == 0 ? out.tpot : out.ttft) = std::move(fitted);
    (which == 0 ? out.tpot_at : out.ttft_at) = std::move(at);
  });
  if (progress) progress(4, 4, "fitted");
  return out;
}

}  // namespace kneepoint::predict
