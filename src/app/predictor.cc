#include "app/predictor.h"

#include "base/file.h"
#include "predict/open.h"
#include "predict/points_csv.h"

namespace kneepoint::app {
namespace fs = std::filesystem;
namespace {

std::vector<profile::Profile> measured_here(Session& session) {
  const auto store = session.store();
  if (!store) return {};
  const std::vector<std::string> own{std::string(store::kOwnLayer)};
  std::vector<profile::Profile> out;
  const auto keep = [&](const store::LayerState&, profile::Profile profile) -> Result<void> {
    if (profile.evidence.kind != profile::EvidenceKind::Predicted) {
      out.push_back(std::move(profile));
    }
    return {};
  };
  if (!(*store)->walk(own, keep)) return {};
  return out;
}

}  // namespace

PredictionFiles prediction_files(const Settings& settings) {
  const fs::path folder = settings.shipped_catalog.parent_path();
  PredictionFiles out{folder / "kneepoint.operators", folder / "kneepoint.calibration"};
  std::error_code error;
  if (!fs::exists(out.operators, error)) out.operators.clear();
  return out;
}

Result<std::unique_ptr<predict::Predictor>> open_predictor(Session& session,
                                                           const fs::path& calibration) {
  const PredictionFiles files = prediction_files(session.settings());
  return predict::open_predictor(session.catalog(), files.operators,
                                 calibration.empty() ? files.calibration : calibration,
                                 measured_here(session));
}

Result<std::unique_ptr<predict::Predictor>> train_predictor(Session& session,
                                                            const fs::path& points,
                                                            const predict::Progress& progress) {
  const auto text = read_file(points);
  if (!text) return fail(text.error());
  const auto rows =
      predict::read_points_csv(*text, points.string(), predict::Columns::ConfigurationAndMeasured);
  if (!rows) return fail(rows.error());
  const PredictionFiles files = prediction_files(session.settings());
  predict::CalibrateOptions options;
  options.today = to_text(session.settings().today);
  auto calibration =
      predict::calibrate(*rows, session.catalog(), files.operators, options, progress);
  if (!calibration) return fail(std::move(calibration).error().during(points.string()));
  return predict::open_predictor(session.catalog(), files.operators, std::move(*calibration));
}

}  // namespace kneepoint::app
