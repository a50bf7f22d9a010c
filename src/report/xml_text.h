#pragma once

#include <string>
#include <string_view>

namespace kneepoint::report {

/// Text as character data or as a quoted attribute of XML and HTML: no text becomes markup. Line
/// breaks and tabs become blanks, what XML cannot hold becomes U+FFFD.
std::string escaped(std::string_view text);

}  // namespace kneepoint::report
