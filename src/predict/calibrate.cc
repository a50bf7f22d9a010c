#include "predict/calibrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/hash.h"
#include "perfmodel/operator_tables.h"
#include "predict/cross_validation.h"
#include "predict/training.h"

namespace kneepoint::predict {
namespace {

constexpr std::size_t kFewest = 5;

Provenance provenance_of(const TrainingSet& set, const CalibrateOptions& options,
                         std::string tables_hash) {
  Provenance out;
  out.program_version = options.program_version;
  out.made_on = options.today;
  std::set<std::string> sources;
  std::string data;
  for (const TrainingPoint& p : set.points) {
    if (!p.point->source.empty()) sources.insert(p.point->source);
    data += fmt::format("{} {} {}\n", p.point->id, p.observation.tpot_ms, p.observation.ttft_ms);
  }
  out.sources.assign(sources.begin(), sources.end());
  out.data_hash = content_hash(data);
  out.tables_hash = std::move(tables_hash);
  out.points = set.points.size();
  out.weighted_down = set.weighted_down;
  return out;
}

/// Near bands come from points whose curve or version was left out, far ones from points whose
/// accelerator or model was.
void cross_validate(const TrainingSet& set, const Fitted& fitted, const Progress& progress,
                    Calibration& out) {
  std::vector<LeftOutPoint> all;
  std::size_t done = 0;
  for (const Scheme scheme : kSchemes) {
    if (progress) {
      progress(done++, std::size(kSchemes), fmt::format("leaving out each {}", name(scheme)));
    }
    // A user's own few points are one group each of nearly everything.
    const std::size_t least = set.points.size() < 200 ? 1 : 10;
    const auto predictions = cross_validate(set, fitted, scheme, least);
    if (predictions.empty()) continue;
    out.cross_validated.push_back(errors_of(set, predictions, std::string(name(scheme))));
    all.insert(all.end(), predictions.begin(), predictions.end());
  }
  const auto scale = [&](Distance distance, bool varied, const BandScale& otherwise) {
    const BandScale found = band_scale(set, all, distance, varied);
    return found.points == 0 ? otherwise : found;
  };
  out.near_scale = scale(Distance::Near, false, {});
  out.far_scale = scale(Distance::Far, false, out.near_scale);
  out.varied_near_scale = scale(Distance::Near, true, out.near_scale);
  out.varied_far_scale = scale(Distance::Far, true, out.far_scale);
}

}  // namespace

Result<Calibration> calibrate(std::span<const MeasuredPoint> points,
                              const catalog::Catalog& catalog,
                              const std::filesystem::path& operators,
                              const CalibrateOptions& options, const Progress& progress) {
  perfmodel::OperatorTables tables;
  if (!operators.empty()) {
    auto opened = perfmodel::OperatorTables::open(operators);
    if (!opened) return fail(std::move(opened).error());
    tables = std::move(*opened);
  }
  const VersionDates dates = version_dates(points);
  const FeatureMaker maker(catalog, tables, dates);
  TrainingSet set = training_set(points, maker, options.threads, progress);
  if (set.points.size() < kFewest) {
    return fail(
        ErrorCode::Unsatisfiable,
        fmt::format("{} of {} points can be used and {} are needed{}", set.points.size(),
                    points.size(), kFewest, set.passed_over.empty() ? "" : "; " + set.passed_over));
  }
  const Coefficients coefficients = fit_coefficients(set, maker, options.threads, progress);
  const Learn learn = options.learn_kernel ? Learn::AllGroups : Learn::Nothing;
  const Fitted fitted = fit(set, coefficients, learn, progress);

  Calibration out;
  out.provenance = provenance_of(set, options, tables.hash());
  out.coefficients = coefficients;
  for (const TrainingPoint& p : set.points) {
    out.series.push_back(p.point->series_id);
  }
  out.version_dates = dates;
  out.tpot = fitted.tpot->process();
  out.ttft = fitted.ttft->process();
  if (options.cross_validate) cross_validate(set, fitted, progress, out);
  return out;
}

}  // namespace kneepoint::predict
