#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kneepoint::cli {

struct ManPage {
  std::string file;  // "kneepoint-profiles-list.1"
  std::string roff;
};

/// kneepoint.1 and one page per command. `date` stands in the footer ("2026-08-21").
std::vector<ManPage> man_pages(std::string_view version, std::string_view date);

}  // namespace kneepoint::cli
