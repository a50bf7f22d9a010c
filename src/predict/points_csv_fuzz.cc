#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "predict/points_csv.h"

namespace kp = kneepoint::predict;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

constexpr std::string_view kHeader =
    "point_id,model,model_server,accelerator,load_kind,load_value,input_tokens_nominal,"
    "accelerator_count,tensor_parallel,measured_on,ttft_mean_ms,server_settings\n";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // As it is, and under a right header: no fuzzer types column names.
  for (const std::string& whole : {std::string(text), std::string(kHeader) + std::string(text)}) {
    const auto points =
        kp::read_points_csv(whole, "fuzz.csv", kp::Columns::ConfigurationAndMeasured);
    if (!points) {
      require(points.error().message.starts_with("fuzz.csv:"));
      continue;
    }
    for (const auto& point : *points) {
      require(point.question.load > 0 && point.line > 1 && !point.question.setup.model.empty());
    }
    // Configuration alone asks no more of a file.
    const auto again = kp::read_points_csv(whole, "fuzz.csv", kp::Columns::Configuration);
    require(again && again->size() == points->size());
    const std::vector<kp::Prediction> predictions(points->size());
    require(!kp::write_predictions_csv(*points, predictions).empty());
  }
  return 0;
}
