#include "predict/open.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include "base/file.h"
#include "base/hash.h"
#include "perfmodel/operator_tables.h"
#include "predict/anchoring.h"
#include "predict/covariates.h"
#include "predict/cross_validation.h"
#include "predict/data_rules.h"
#include "predict/measured_point.h"
#include "predict/process_reader.h"

namespace kneepoint::predict {
namespace {

using metrics::Metric;
using metrics::Statistic;

// sd of the log that is added where what was asked for is not what was simulated.
constexpr double kStandInSd = 0.35, kUnlikeDecodingSd = 0.35, kSaturatedTtftSd = 1.0;
// So wide that four fifths of the 290 published disaggregated points are inside.
constexpr double kApartTpotSd = 0.45, kApartTtftSd = 1.5;
constexpr std::size_t kMostAnchorPoints = 64;  // of one profile

/// Before anchors: means, and how far off they may be.
struct Guess {
  Features features;
  Covariates tpot_at;  // also says where it lies for anchors
  double tpot_ms = 0, ttft_ms = 0;
  double tpot_sd = 0, ttft_sd = 0;  // one sd of the log, band scale included
  double e2e_scale = 1;             // of the band of the whole, over that of its parts
  Distance distance = Distance::Far;
  std::size_t nearest = 0;
};

class CalibratedPredictor final : public Predictor {
 public:
  CalibratedPredictor(const catalog::Catalog& catalog, perfmodel::OperatorTables tables,
                      Calibration calibration, std::vector<profile::Profile> anchors)
      : calibration_(std::move(calibration)),
        maker_(catalog, tables, calibration_.version_dates),
        tpot_names_(calibration_.tpot.kernel.shape),
        ttft_names_(calibration_.ttft.kernel.shape),
        tpot_points_(learn(tpot_names_, calibration_.tpot.at)),
        ttft_points_(learn(ttft_names_, calibration_.ttft.at)),
        tpot_(calibration_.tpot, tpot_points_),
        ttft_(calibration_.ttft, ttft_points_) {
    hash_ = content_hash(calibration_.hash() + tables.hash());
    for (const Covariates& at : calibration_.tpot.at) {
      near_.insert(distance_key({at.categories, {}}));
    }
    for (profile::Profile& profile : anchors) {
      const std::string key = anchor_key(profile.setup);
      AnchorSource& source = sources_.emplace_back();
      source.profile = std::move(profile);
      by_setup_[key].push_back(&source);
    }
  }

  Result<Prediction> predict(const Question& question) const override {
    auto guessed = guess(question);
    if (!guessed) return fail(std::move(guessed).error());
    std::vector<Anchor> tpot_anchors, ttft_anchors;
    collect(question, tpot_anchors, ttft_anchors);
    const KernelShape& shape = calibration_.tpot.kernel.shape;
    const Correction tpot = correct(tpot_anchors, guessed->tpot_at, guessed->tpot_sd, shape);
    const Correction ttft = correct(ttft_anchors, guessed->tpot_at, guessed->ttft_sd, shape);
    guessed->tpot_ms *= std::exp(tpot.log_factor);
    guessed->ttft_ms *= std::exp(ttft.log_factor);
    guessed->tpot_sd = std::hypot(guessed->tpot_sd * tpot.sd_share, noise(tpot, true));
    guessed->ttft_sd = std::hypot(guessed->ttft_sd * ttft.sd_share, noise(ttft, false));
    Prediction out = made_of(question, *guessed);
    // As many as lie where the question does, loads aside.
    for (const Anchor& a : tpot_anchors) {
      Covariates same_load = a.at;
      same_load.continuous[0] = guessed->tpot_at.continuous[0];
      if (error_likeness(same_load, guessed->tpot_at, shape) > 0.999) ++out.anchors;
    }
    return out;
  }

  const std::string& hash() const override { return hash_; }

  std::string provenance() const override {
    std::string out =
        fmt::format("kernel times, simulation and a Gaussian process fitted on {} points ({})",
                    calibration_.provenance.points, calibration_.provenance.made_on);
    for (const SchemeErrors& e : calibration_.cross_validated) {
      out += fmt::format(
          "{} {} left out: TPOT {:.1f} %, TTFT {:.1f} %",
          &e == &calibration_.cross_validated.front() ? "; median error with each" : ",", e.scheme,
          e.tpot_median, e.ttft_median);
    }
    return out;
  }

 private:
  /// A measured profile, and what it says of predictions; found when first asked for.
  struct AnchorSource {
    profile::Profile profile;
    std::once_flag once;
    std::vector<Anchor> tpot, ttft;
  };

  static std::vector<KernelPoint> learn(CategoryNames& names, const std::vector<Covariates>& at) {
    std::vector<KernelPoint> out;
    out.reserve(at.size());
    for (const Covariates& c : at) out.push_back(names.learn(c));
    return out;
  }

  static std::string anchor_key(const profile::ServingSetup& s) {
    return s.model + '\n' + s.model_server + '\n' + s.accelerator;
  }

  Result<Guess> guess(const Question& question) const {
    auto features = maker_.of(question, calibration_.coefficients.parts);
    if (!features) return fail(std::move(features).error());
    Guess g;
    g.features = std::move(*features);
    const Features& f = g.features;
    Observation o;
    o.tpot = f.tpot;
    o.ttft = f.ttft;
    o.extras = f.extras;
    const Coefficients& c = calibration_.coefficients;
    g.tpot_at = covariates(f, c, Latency::Tpot);
    const auto tpot = tpot_.at(tpot_names_.look_up(g.tpot_at));
    const auto ttft = ttft_.at(ttft_names_.look_up(covariates(f, c, Latency::Ttft)));
    const auto bounded = [](double mean, double most) {
      return std::exp(std::clamp(mean, -most, most));
    };
    g.tpot_ms = std::max(tpot_ms(o, c), 1e-3) * bounded(tpot.mean, kMostTpotFactor);
    g.ttft_ms = std::max(ttft_ms(o, c), 1e-3) * bounded(ttft.mean, kMostTtftFactor);
    g.nearest = tpot.nearest;
    g.distance = near_.contains(distance_key(f.place)) ? Distance::Near : Distance::Far;
    const bool near = g.distance == Distance::Near;
    const BandScale& scale =
        is_varied(question.measured_by)
            ? (near ? calibration_.varied_near_scale : calibration_.varied_far_scale)
            : (near ? calibration_.near_scale : calibration_.far_scale);
    g.tpot_sd = std::sqrt(tpot.variance) * scale.tpot;
    g.ttft_sd = std::sqrt(ttft.variance) * scale.ttft;
    g.e2e_scale = scale.e2e / std::max(scale.tpot, 1e-6);
    if (f.stood_in) {
      g.tpot_sd = std::hypot(g.tpot_sd, kStandInSd);
      g.ttft_sd = std::hypot(g.ttft_sd, kStandInSd);
    }
    if (f.apart) {
      g.tpot_sd = std::hypot(g.tpot_sd, kApartTpotSd);
      g.ttft_sd = std::hypot(g.ttft_sd, kApartTtftSd);
    } else if (f.unlike) {
      g.tpot_sd = std::hypot(g.tpot_sd, kUnlikeDecodingSd);
      g.ttft_sd = std::hypot(g.ttft_sd, kUnlikeDecodingSd);
    }
    if (f.run.saturated) g.ttft_sd = std::hypot(g.ttft_sd, kSaturatedTtftSd);
    return g;
  }

  /// What repeats of one measured point differ by.
  double noise(const Correction& by, bool tpot) const {
    if (by.sd_share >= 1) return 0;
    const Kernel& kernel = tpot ? calibration_.tpot.kernel : calibration_.ttft.kernel;
    return std::exp(kernel.log_noise);
  }

  void find(AnchorSource& source) const {
    std::vector<MeasuredPoint> points = points_of(source.profile);
    if (points.size() > kMostAnchorPoints) points.resize(kMostAnchorPoints);
    for (MeasuredPoint& p : points) {
      // Measured here is how whoever names no source means it: else its own way of measuring would
      // keep a prediction from passing through it.
      p.question.measured_by.clear();
      const auto guessed = guess(p.question);
      if (!guessed) continue;
      const auto add = [&](std::vector<Anchor>& to, Metric metric, double predicted, double sd) {
        double measured = p.latency.get(metric, Statistic::Mean);
        if (std::isnan(measured)) measured = p.latency.get(metric, Statistic::P50);
        if (!(measured > 0)) return;
        to.push_back({guessed->tpot_at, std::log(measured / predicted), sd});
      };
      add(source.tpot, Metric::Tpot, guessed->tpot_ms, guessed->tpot_sd);
      add(source.ttft, Metric::Ttft, guessed->ttft_ms, guessed->ttft_sd);
    }
  }

  void collect(const Question& question, std::vector<Anchor>& tpot,
               std::vector<Anchor>& ttft) const {
    const auto found = by_setup_.find(anchor_key(question.setup));
    if (found == by_setup_.end()) return;
    for (AnchorSource* source : found->second) {
      std::call_once(source->once, [&] { find(*source); });
      tpot.insert(tpot.end(), source->tpot.begin(), source->tpot.end());
      ttft.insert(ttft.end(), source->ttft.begin(), source->ttft.end());
    }
  }

  Prediction made_of(const Question& question, const Guess& g) const {
    Prediction out;
    const auto band = [](double value, double sd) {
      return Estimate{value, value * std::exp(-sd), value * std::exp(sd)};
    };
    const Features& f = g.features;
    const double output = f.output_tokens;
    const double decode = g.tpot_ms * std::max(output - 1, 0.0);
    const double whole = g.ttft_ms + decode;
    out.tpot_mean_ms = band(g.tpot_ms, g.tpot_sd);
    out.ttft_mean_ms = band(g.ttft_ms, g.ttft_sd);
    out.e2e_mean_ms =
        band(whole, e2e_sd(g.ttft_ms, g.ttft_sd, decode, g.tpot_sd) * std::max(g.e2e_scale, 0.5));
    out.running_mean = f.run.running_mean * f.ranks;
    out.kv_use_mean = f.run.kv_use_mean;
    out.saturated = f.run.saturated;
    out.distance = g.distance;
    if (g.nearest < calibration_.series.size()) out.nearest = calibration_.series[g.nearest];
    out.extrapolated = f.notes;
    out.at = load_point(question, f, g.ttft_ms, g.tpot_ms, whole);
    return out;
  }

  /// Percentiles lie about the mean as they do in the simulation.
  static curve::LoadPoint load_point(const Question& question, const Features& f, double ttft,
                                     double tpot, double e2e) {
    curve::LoadPoint p;
    p.load = question.load;
    const auto set = [&](Metric metric, double mean, const sim::Quantiles& run) {
      p.latency.set(metric, Statistic::Mean, mean);
      if (!(run.mean > 0)) return;
      p.latency.set(metric, Statistic::P50, mean * run.p50 / run.mean);
      p.latency.set(metric, Statistic::P90, mean * run.p90 / run.mean);
      p.latency.set(metric, Statistic::P99, mean * run.p99 / run.mean);
    };
    set(Metric::Ttft, ttft, f.run.ttft_ms);
    set(Metric::Tpot, tpot, f.run.tpot_ms);
    set(Metric::E2e, e2e, f.run.e2e_ms);
    p.latency.set(Metric::Itl, Statistic::Mean, tpot);
    for (const Statistic s : metrics::kStatistics) {
      if (p.latency.has(Metric::E2e, s)) {
        p.latency.set(Metric::Ntpot, s, p.latency.get(Metric::E2e, s) / f.output_tokens);
      }
    }
    switch (question.load_kind) {
      case curve::LoadKind::Concurrency:
        p.requests_per_second = question.load / e2e * 1000;
        break;
      case curve::LoadKind::RequestRate:
        p.requests_per_second = std::min(question.load, f.run.requests_per_second * f.ranks);
        if (!f.run.saturated) p.requests_per_second = question.load;
        break;
      case curve::LoadKind::Burst:
        p.requests_per_second = f.run.requests_per_second * f.ranks;
        break;
    }
    p.output_tokens_per_second = p.requests_per_second * f.output_tokens;
    p.input_tokens_per_second = p.requests_per_second * f.run.input_tokens_mean;
    return p;
  }

  Calibration calibration_;
  FeatureMaker maker_;
  CategoryNames tpot_names_, ttft_names_;
  std::vector<KernelPoint> tpot_points_, ttft_points_;
  ProcessReader tpot_, ttft_;
  std::unordered_set<std::string> near_;
  std::string hash_;
  std::deque<AnchorSource> sources_;  // filled once each, under their own flags
  std::unordered_map<std::string, std::vector<AnchorSource*>> by_setup_;
};

}  // namespace

Result<std::unique_ptr<Predictor>> open_predictor(const catalog::Catalog& catalog,
                                                  const std::filesystem::path& operators,
                                                  const std::filesystem::path& calibration,
                                                  std::vector<profile::Profile> anchors) {
  const auto text = read_file(calibration);
  if (!text) return fail(text.error());
  auto read = calibration_from_text(*text);
  if (!read) return fail(std::move(read).error().during(calibration.string()));
  return open_predictor(catalog, operators, std::move(*read), std::move(anchors));
}

Result<std::unique_ptr<Predictor>> open_predictor(const catalog::Catalog& catalog,
                                                  const std::filesystem::path& operators,
                                                  Calibration calibration,
                                                  std::vector<profile::Profile> anchors) {
  perfmodel::OperatorTables tables;
  if (!operators.empty()) {
    auto opened = perfmodel::OperatorTables::open(operators);
    if (!opened) return fail(std::move(opened).error());
    tables = std::move(*opened);
  }
  return std::make_unique<CalibratedPredictor>(catalog, std::move(tables), std::move(calibration),
                                               std::move(anchors));
}

}  // namespace kneepoint::predict
