#pragma once

#include <string>
#include <string_view>

namespace kneepoint::report {

/// Tests only (golden_test.cc): holds `actual` to tests/golden/report/NAME, byte by byte;
/// UPDATE_GOLDEN=1 in the environment rewrites the file.
void expect_golden(std::string_view name, const std::string& actual);

}  // namespace kneepoint::report
