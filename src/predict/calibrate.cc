#include "predict/calibrate.h"

namespace kneepoint::predict {

Result<Calibration> calibrate(std::span<const MeasuredPoint>, const catalog::Catalog&,
                              const std::filesystem::path&, const CalibrateOptions&,
                              const Progress&) {
  return fail(ErrorCode::Internal, "calibration is not built yet");
}

}  // namespace kneepoint::predict
