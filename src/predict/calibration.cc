#include "predict/calibration.h"

#include "base/hash.h"

namespace kneepoint::predict {

std::string Calibration::hash() const { return content_hash(to_text(*this)); }

std::string to_text(const Calibration&) { return "{}\n"; }

Result<Calibration> calibration_from_text(std::string_view) {
  return fail(ErrorCode::Internal, "calibration files are not built yet");
}

}  // namespace kneepoint::predict
