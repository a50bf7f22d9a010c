#include "predict/open.h"

namespace kneepoint::predict {

Result<std::unique_ptr<Predictor>> open_predictor(const catalog::Catalog&,
                                                  const std::filesystem::path&,
                                                  const std::filesystem::path&,
                                                  std::vector<profile::Profile>) {
  return fail(ErrorCode::Internal, "the predictor is not built yet");
}

Result<std::unique_ptr<Predictor>> open_predictor(const catalog::Catalog&,
                                                  const std::filesystem::path&, Calibration,
                                                  std::vector<profile::Profile>) {
  return fail(ErrorCode::Internal, "the predictor is not built yet");
}

}  // namespace kneepoint::predict
