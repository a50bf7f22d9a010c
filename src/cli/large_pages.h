#pragma once

namespace kneepoint::cli {

/// Ranking a whole store touches tens of megabytes once, and in pages of 4 kB the kernel's work for
/// each page is two fifths of the answer's time. The heap grows into one stretch for which large
/// pages are asked; where the system has none to give, all is as before. Nothing is used up by the
/// asking.
void prefer_large_pages();

}  // namespace kneepoint::cli
