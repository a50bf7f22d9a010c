#include "app/calibrate.h"

#include "app/predictor.h"
#include "base/file.h"
#include "predict/points_csv.h"

namespace kneepoint::app {
namespace {

Result<std::vector<predict::MeasuredPoint>> points_of_file(const std::filesystem::path& file) {
  const auto text = read_file(file);
  if (!text) return fail(text.error());
  return predict::read_points_csv(*text, file.string(), predict::Columns::ConfigurationAndMeasured);
}

Result<std::vector<predict::MeasuredPoint>> all_points(Session& session) {
  auto points = predict::points_of(session.catalog());
  if (!points) return points;
  const auto store = session.store();
  if (!store) return fail(store.error());
  const std::vector<std::string> own{std::string(store::kOwnLayer)};
  const auto walked =
      (*store)->walk(own, [&](const store::LayerState&, const profile::Profile& p) -> Result<void> {
        if (p.evidence.kind == profile::EvidenceKind::Predicted) return {};
        for (predict::MeasuredPoint& point : predict::points_of(p)) {
          points->push_back(std::move(point));
        }
        return {};
      });
  if (!walked) return fail(walked.error());
  return points;
}

}  // namespace

Result<predict::Calibration> calibrate(Session& session, const CalibrateAsk& ask) {
  const auto points = ask.train.empty() ? all_points(session) : points_of_file(ask.train);
  if (!points) return fail(points.error());
  return predict::calibrate(*points, session.catalog(),
                            prediction_files(session.settings()).operators, ask.options,
                            ask.progress);
}

}  // namespace kneepoint::app
