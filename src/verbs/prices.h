#pragma once

#include "base/json.h"
#include "catalog/types.h"

namespace kneepoint::verbs {

json::Object price_json(const catalog::Price& price);

}  // namespace kneepoint::verbs
