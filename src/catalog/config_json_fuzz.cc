#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "catalog/config_json.h"
#include "catalog/csv.h"
#include "catalog/schema.h"

namespace kp = kneepoint;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

bool is_size(const std::optional<double>& value) {
  return value && std::isfinite(*value) && *value > 0;
}

}  // namespace

// Whatever is read as a model is a row the catalog accepts, and has sizes exactly when it is
// complete.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto document =
      kp::json::parse(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!document) return 0;
  const auto model = kp::catalog::model_from_config(*document, "owner/name");
  if (!model) {
    require(!model.error().message.empty());
    return 0;
  }
  if (model->complete) {
    require(is_size(model->params_b) && is_size(model->active_params_b) &&
            is_size(model->kv_elements_per_token) && *model->active_params_b <= *model->params_b);
  } else {
    require(!model->params_b && !model->active_params_b && !model->kv_elements_per_token);
    require(!model->from.note.empty());
  }
  const auto& schema = *kp::catalog::schema("models");
  std::vector<std::string> header;
  for (const auto& column : schema.columns) header.emplace_back(column.name);
  const auto row = kp::catalog::to_row(*model);
  const auto table =
      kp::catalog::read_table(schema, kp::catalog::csv_line(header) + kp::catalog::csv_line(row),
                              "models.csv", kp::catalog::Origin::User);
  require(table && table->rows.size() == 1 && table->rows.front() == row);
  return 0;
}
