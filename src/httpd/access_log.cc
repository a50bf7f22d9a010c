#include "httpd/access_log.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <ctime>

#include "base/json.h"

namespace kneepoint::httpd {
namespace {

constexpr std::size_t kLongestPath = 256;

std::string now_text() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  const std::time_t seconds = ms / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, ms % 1000);
}

}  // namespace

std::string log_line(const Access& access) {
  return json::to_line(json::Object{{"time", now_text()},
                                    {"log", "access"},
                                    {"request", access.id},
                                    {"caller", access.caller},
                                    {"address", access.address},
                                    {"method", access.method.substr(0, 16)},
                                    {"route", access.route},
                                    {"path", access.path.substr(0, kLongestPath)},
                                    {"status", access.status},
                                    {"ms", std::round(access.ms * 1000) / 1000},
                                    {"bytesIn", access.bytes_in},
                                    {"bytesOut", access.bytes_out}});
}

std::string log_line(std::string_view level, std::string_view message) {
  return json::to_line(json::Object{
      {"time", now_text()}, {"log", "server"}, {"level", level}, {"message", message}});
}

}  // namespace kneepoint::httpd
