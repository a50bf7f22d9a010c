#pragma once

#include <string_view>

/// What the HTML page looks like and what moves in it. Both are whole in the page: it needs nothing
/// from anywhere.
namespace kneepoint::report {

extern const std::string_view kPageStyle;

/// Reads values out under the pointer or the arrow keys; all else works without it.
extern const std::string_view kPageScript;

/// Of kPageScript, as a Content-Security-Policy names it: no other script runs in the page,
/// wherever its text came from. A test holds it to the script.
extern const std::string_view kPageScriptHash;

}  // namespace kneepoint::report
