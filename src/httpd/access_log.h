#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kneepoint::httpd {

/// One request in the log. No query and no field of it is here: they may hold secrets.
struct Access {
  std::string_view id, caller, address, method, route, path;
  int status = 0;
  double ms = 0;
  std::size_t bytes_in = 0, bytes_out = 0;
};

/// {"time":"2026-11-22T02:40:00.123Z","log":"access",...}
std::string log_line(const Access& access);
/// {"time":...,"log":"server","level":"warn","message":...}
std::string log_line(std::string_view level, std::string_view message);

}  // namespace kneepoint::httpd
