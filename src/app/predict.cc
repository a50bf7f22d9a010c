#include "app/predict.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/text.h"
#include "profile/json.h"
#include "profile/predicted_table.h"

namespace kneepoint::app {
namespace {

using metrics::Metric;
using metrics::Statistic;
using Step = std::pair<double, predict::Prediction>;

/// Two doublings in a row that buy less than this, and the curve has been seen.
constexpr double kStillRising = 1.03;
constexpr std::array<double, kMostCurveLoads> kLadder{1,  2,   4,   8,   16,   32,
                                                      64, 128, 256, 512, 1024, 2048};

Result<Step> ask_at(const predict::Predictor& predictor, predict::Question& question, double load) {
  question.load = load;
  auto answer = predictor.predict(question);
  if (!answer) return fail(std::move(answer).error());
  return Step(load, std::move(*answer));
}

double throughput(const Step& step) {
  const auto& at = step.second.at;
  if (!metrics::is_missing(at.output_tokens_per_second)) return at.output_tokens_per_second;
  if (!metrics::is_missing(at.requests_per_second)) return at.requests_per_second;
  return step.first / step.second.e2e_mean_ms.value;
}

double lengths_of(const std::optional<double>& mean, const std::optional<double>& nominal) {
  return mean ? *mean : nominal.value_or(metrics::kMissing);
}

/// The two loads beside the knee, halfway to its neighbours.
std::vector<double> beside_the_knee(const std::vector<Step>& steps) {
  std::vector<curve::LoadPoint> points;
  for (const Step& step : steps) {
    points.push_back(step.second.at);
    points.back().load = step.first;
  }
  const curve::Knee knee = curve::find_knee(points, curve::LoadKind::Concurrency);
  std::vector<double> out;
  if (knee.state != curve::KneeState::Found) return out;
  for (const double load : {std::round(knee.load * 0.75), std::round(knee.load * 1.5)}) {
    const bool there = std::any_of(steps.begin(), steps.end(),
                                   [&](const Step& step) { return step.first == load; });
    if (load >= 1 && load < steps.back().first && !there) out.push_back(load);
  }
  return out;
}

/// ';' separates notes.
std::string without_separator(std::string note) {
  std::replace(note.begin(), note.end(), ';', ',');
  return note;
}

}  // namespace

Result<std::vector<Step>> climb(const predict::Predictor& predictor, predict::Question question,
                                std::span<const double> ladder) {
  question.load_kind = curve::LoadKind::Concurrency;
  std::vector<Step> steps;
  double best = 0;
  int flat = 0;
  for (const double load : ladder) {
    auto step = ask_at(predictor, question, load);
    if (!step) return fail(std::move(step).error());
    const double now = throughput(*step);
    steps.push_back(std::move(*step));
    flat = now > best * kStillRising ? 0 : flat + 1;
    best = std::max(best, now);
    if (flat == 2) break;
  }
  return steps;
}

profile::Point point_of(const predict::Question& question, const predict::Prediction& p) {
  profile::Point out;
  out.at = p.at;
  out.at.load = question.load;
  metrics::LatencyTable& latency = out.at.latency;
  latency.set(Metric::Ttft, Statistic::Mean, p.ttft_mean_ms.value);
  latency.set(Metric::Tpot, Statistic::Mean, p.tpot_mean_ms.value);
  latency.set(Metric::E2e, Statistic::Mean, p.e2e_mean_ms.value);
  const double input =
      lengths_of(question.workload.input_tokens_mean, question.workload.input_tokens_nominal);
  const double output =
      lengths_of(question.workload.output_tokens_mean, question.workload.output_tokens_nominal);
  // A gap between streamed tokens is a step: their mean is that of TPOT.
  if (!latency.has(Metric::Itl, Statistic::Mean)) {
    latency.set(Metric::Itl, Statistic::Mean, p.tpot_mean_ms.value);
  }
  if (!latency.has(Metric::Ntpot, Statistic::Mean)) {
    latency.set(Metric::Ntpot, Statistic::Mean, metrics::ntpot_ms(p.e2e_mean_ms.value, output));
  }
  if (metrics::is_missing(out.at.requests_per_second) &&
      question.load_kind == curve::LoadKind::Concurrency) {
    out.at.requests_per_second = question.load / p.e2e_mean_ms.value * 1000;  // Little's law
  }
  if (metrics::is_missing(out.at.output_tokens_per_second)) {
    out.at.output_tokens_per_second = out.at.requests_per_second * output;
  }
  if (metrics::is_missing(out.at.input_tokens_per_second)) {
    out.at.input_tokens_per_second = out.at.requests_per_second * input;
  }
  if (!metrics::is_missing(input)) out.input_tokens_mean = input;
  if (!metrics::is_missing(output)) out.output_tokens_mean = output;
  out.bands = {p.ttft_mean_ms.low,  p.ttft_mean_ms.high, p.tpot_mean_ms.low,
               p.tpot_mean_ms.high, p.e2e_mean_ms.low,   p.e2e_mean_ms.high};
  if (p.running_mean > 0) out.server.running_mean = p.running_mean;
  if (p.kv_use_mean > 0) out.server.kv_use_mean = p.kv_use_mean;
  if (p.saturated) out.flags = "saturated";
  return out;
}

profile::Evidence evidence_of(const predict::Predictor& predictor,
                              std::span<const predict::Prediction> predictions,
                              const std::vector<profile::Point>& points) {
  profile::Evidence out;
  out.kind = profile::EvidenceKind::Predicted;
  out.source = profile::kPredictedSource;
  out.prediction.by = predictor.hash().substr(0, 16);
  std::vector<std::string> notes;
  for (const predict::Prediction& one : predictions) {
    if (out.prediction.nearest.empty()) out.prediction.nearest = one.nearest;
    for (const std::string& note : one.extrapolated) {
      std::string kept = without_separator(note);
      if (std::find(notes.begin(), notes.end(), kept) == notes.end()) {
        notes.push_back(std::move(kept));
      }
    }
  }
  out.prediction.extrapolated = join(notes, ";");
  profile::widest_bands(points, out.prediction);
  return out;
}

Result<PredictedCurve> predict_curve(const predict::Predictor& predictor, const PredictAsk& ask) {
  PredictedCurve out;
  predict::Question question = ask.question;
  std::vector<Step> steps;
  if (ask.loads.empty()) {
    out.whole = true;
    question.load_kind = curve::LoadKind::Concurrency;
    auto climbed = climb(predictor, question, kLadder);
    if (!climbed) return fail(std::move(climbed).error());
    steps = std::move(*climbed);
    for (const double load : beside_the_knee(steps)) {
      if (steps.size() == kMostCurveLoads) break;
      auto step = ask_at(predictor, question, load);
      if (!step) return fail(std::move(step).error());
      steps.push_back(std::move(*step));
    }
    std::sort(steps.begin(), steps.end(),
              [](const Step& a, const Step& b) { return a.first < b.first; });
  }
  for (const double load : ask.loads) {
    auto step = ask_at(predictor, question, load);
    if (!step) return fail(std::move(step).error());
    steps.push_back(std::move(*step));
  }

  profile::Profile& p = out.profile;
  p.setup = question.setup;
  if (p.setup.decoding.empty()) p.setup.decoding = "serving";
  p.workload = question.workload;
  p.load_kind = question.load_kind;
  p.id = profile::predicted_id(p.setup, p.workload);
  for (auto& [load, prediction] : steps) {
    question.load = load;
    p.points.push_back(point_of(question, prediction));
    out.predictions.push_back(std::move(prediction));
  }
  p.evidence = evidence_of(predictor, out.predictions, p.points);
  out.knee = curve::find_knee(profile::curve_of(p), p.load_kind);
  out.provenance = predictor.provenance();
  return out;
}

json::Object predicted_json(const PredictedCurve& curve) {
  const profile::Profile& p = curve.profile;
  json::Array points;
  for (std::size_t i = 0; i < p.points.size(); ++i) {
    const predict::Prediction& one = curve.predictions[i];
    json::Array extrapolated;
    for (const std::string& note : one.extrapolated) extrapolated.emplace_back(note);
    json::Object point{{"load", p.points[i].at.load},
                       {"saturated", one.saturated},
                       {"distance", one.distance == predict::Distance::Near ? "near" : "far"},
                       {"nearest", one.nearest},
                       {"extrapolated", std::move(extrapolated)},
                       {"anchors", one.anchors}};
    if (curve.whole) {
      point.emplace("zone", curve::name(curve::zone_of(curve.knee, p.points[i].at.load)));
    }
    points.push_back(std::move(point));
  }
  json::Object out{{"schema", "kneepoint.prediction.v1"},
                   {"provenance", curve.provenance},
                   {"profile", profile::to_json(p)},
                   {"points", std::move(points)}};
  if (curve.whole) {
    out.emplace("knee",
                json::Object{{"state", curve::name(curve.knee.state)}, {"load", curve.knee.load}});
  }
  return out;
}

}  // namespace kneepoint::app
