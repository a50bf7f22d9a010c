#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

#include "app/session.h"

/// Where a program's data lies, found from its own place and the environment: the same for every
/// program of the product.
namespace kneepoint::app {

/// The value of an environment variable; empty where it is not set.
using Variables = std::function<std::string_view(std::string_view name)>;

/// Shipped files lie beside `program` (a build) or in an installed tree; the user's own below
/// XDG_CONFIG_HOME and XDG_DATA_HOME or HOME. KNEEPOINT_CATALOG and KNEEPOINT_STORE name others.
/// `store` as given by a flag, empty where none was; overlays are left to the caller.
Result<Settings> find_settings(const std::filesystem::path& program, const Variables& variable,
                               std::string store);

/// Today, or the day of SOURCE_DATE_EPOCH when that is set, so output can be reproduced.
Result<Date> today(const Variables& variable);

}  // namespace kneepoint::app
