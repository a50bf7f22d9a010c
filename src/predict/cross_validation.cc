#include "predict/cross_validation.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_set>

#include "base/hash.h"
#include "predict/data_rules.h"
#include "predict/process_reader.h"

namespace kneepoint::predict {
namespace {

constexpr double kShare = 0.8;  // of points inside a band
// Bands of strata with few points say little: the usual normal quantile then.
constexpr std::size_t kFewest = 20;

std::string curve_of(const TrainingPoint& p) {
  return p.point->curve_id.empty() ? p.point->id : p.point->curve_id;
}

double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  const auto place = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(place),
                   values.end());
  return values[place];
}

struct Ape {
  double median = 0, mean = 0;
};
Ape ape_of(const std::vector<double>& off) {
  if (off.empty()) return {};
  double sum = 0;
  for (const double v : off) sum += v;
  return {quantile(off, 0.5), sum / static_cast<double>(off.size())};
}

}  // namespace

double e2e_sd(double ttft, double ttft_sd, double decode, double tpot_sd) {
  const double whole = std::max(ttft + decode, 1e-9);
  return std::hypot(ttft * ttft_sd, decode * tpot_sd) / whole;
}

std::vector<LeftOutPoint> cross_validate(const TrainingSet& set, const Fitted& fitted,
                                         Scheme scheme, std::size_t least) {
  std::vector<LeftOutPoint> out;
  const ProcessReader tpot(fitted.tpot->process(), fitted.tpot_at);
  const ProcessReader ttft(fitted.ttft->process(), fitted.ttft_at);
  for (const auto& [group, members] : groups(set, scheme)) {
    if (members.size() < least) continue;
    std::vector<bool> left_out(set.points.size());
    for (const std::size_t i : members) left_out[i] = true;
    std::vector<Observation> rest;
    std::unordered_set<std::string> there;
    for (std::size_t i = 0; i < set.points.size(); ++i) {
      if (left_out[i]) continue;
      if (!is_varied(set.points[i].point->source)) {
        rest.push_back(set.points[i].observation);
        rest.back().ttft_weight *= 0.5;
      }
      there.insert(distance_key(set.points[i].features.place));
    }
    const Coefficients c = fit_coefficients(rest);
    const auto tpot_rest = fitted.tpot->leave_out(members, residuals(set, c, Latency::Tpot));
    const auto ttft_rest = fitted.ttft->leave_out(members, residuals(set, c, Latency::Ttft));
    const std::size_t begin = out.size();
    out.resize(begin + members.size());
    in_parallel(members.size(), 0, [&](std::size_t m) {
      const TrainingPoint& p = set.points[members[m]];
      LeftOutPoint& o = out[begin + m];
      o.point = members[m];
      const auto bounded = [](double mean, double most) {
        return std::exp(std::isnan(mean) ? 0 : std::clamp(mean, -most, most));
      };
      o.tpot_ms = tpot_ms(p.observation, c) * bounded(tpot_rest.mean[m], kMostTpotFactor);
      o.ttft_ms = ttft_ms(p.observation, c) * bounded(ttft_rest.mean[m], kMostTtftFactor);
      const double decode = o.tpot_ms * (p.features.output_tokens - 1);
      o.e2e_ms = o.ttft_ms + decode;
      o.tpot_sd = std::sqrt(tpot.variance(fitted.tpot_at[o.point], left_out));
      o.ttft_sd = std::sqrt(ttft.variance(fitted.ttft_at[o.point], left_out));
      o.e2e_sd = e2e_sd(o.ttft_ms, o.ttft_sd, decode, o.tpot_sd);
      o.distance = there.contains(distance_key(p.features.place)) ? Distance::Near : Distance::Far;
    });
  }
  return out;
}

SchemeErrors errors_of(const TrainingSet& set, const std::vector<LeftOutPoint>& predictions,
                       std::string scheme) {
  std::vector<double> off[3];
  for (const LeftOutPoint& o : predictions) {
    const TrainingPoint& p = set.points[o.point];
    const auto add = [&](std::vector<double>& to, double predicted, double measured) {
      if (measured > 0) to.push_back(100 * std::abs(predicted / measured - 1));
    };
    add(off[0], o.tpot_ms, p.observation.tpot_ms);
    add(off[1], o.ttft_ms, p.observation.ttft_ms);
    add(off[2], o.e2e_ms, p.e2e_ms);
  }
  const Ape tpot = ape_of(off[0]), ttft = ape_of(off[1]), e2e = ape_of(off[2]);
  return {std::move(scheme), predictions.size(), tpot.median, tpot.mean,
          ttft.median,       ttft.mean,          e2e.median,  e2e.mean};
}

BandScale band_scale(const TrainingSet& set, const std::vector<LeftOutPoint>& predictions,
                     Distance distance, bool varied) {
  struct Off {
    double z = 0, sd = 0;
    bool half = false;
  };
  std::vector<Off> off[3];
  BandScale out;
  for (const LeftOutPoint& o : predictions) {
    const TrainingPoint& p = set.points[o.point];
    if (o.distance != distance || is_varied(p.point->source) != varied) continue;
    const bool half = hash64(curve_of(p), 7) % 2 == 0;
    const auto add = [&](std::vector<Off>& to, double predicted, double measured, double sd) {
      if (measured > 0 && predicted > 0) {
        to.push_back({std::abs(std::log(measured / predicted)) / sd, sd, half});
      }
    };
    add(off[0], o.tpot_ms, p.observation.tpot_ms, o.tpot_sd);
    add(off[1], o.ttft_ms, p.observation.ttft_ms, o.ttft_sd);
    add(off[2], o.e2e_ms, p.e2e_ms, o.e2e_sd);
    ++out.points;
  }
  const auto scale = [&](const std::vector<Off>& of, double& factor, double& inside,
                         double& width) {
    if (of.size() < kFewest) return;
    std::vector<double> all, halves[2], widths;
    for (const Off& o : of) {
      all.push_back(o.z);
      halves[o.half ? 1 : 0].push_back(o.z);
    }
    factor = quantile(all, kShare);
    const double others[] = {quantile(halves[1], kShare), quantile(halves[0], kShare)};
    std::size_t hits = 0;
    for (const Off& o : of) {
      if (o.z <= others[o.half ? 1 : 0]) ++hits;
      widths.push_back(std::exp(2 * factor * o.sd) - 1);
    }
    inside = static_cast<double>(hits) / static_cast<double>(of.size());
    width = quantile(widths, 0.5);
  };
  scale(off[0], out.tpot, out.tpot_inside, out.tpot_width);
  scale(off[1], out.ttft, out.ttft_inside, out.ttft_width);
  scale(off[2], out.e2e, out.e2e_inside, out.e2e_width);
  return out;
}

}  // namespace kneepoint::predict
