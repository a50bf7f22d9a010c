#include "base/date.h"

#include <fmt/format.h>

#include "base/text.h"

namespace kneepoint {

std::optional<Date> parse_date(std::string_view text) {
  using namespace std::chrono;
  const auto digits = [&](std::size_t from, std::size_t count) -> std::optional<int> {
    if (text.size() < from + count) return {};
    for (const char c : text.substr(from, count)) {
      if (c < '0' || c > '9') return {};
    }
    return static_cast<int>(*parse_integer(text.substr(from, count)));
  };
  const auto dash = [&](std::size_t at) { return text.size() > at && text[at] == '-'; };

  const auto y = digits(0, 4);
  if (!y) return {};
  if (text.size() == 4) return sys_days(year(*y) / December / 31);
  const auto m = dash(4) ? digits(5, 2) : std::nullopt;
  if (!m || *m < 1 || *m > 12) return {};
  const auto in_month = year(*y) / month(static_cast<unsigned>(*m));
  if (text.size() == 7) return sys_days(in_month / last);
  const auto d = dash(7) ? digits(8, 2) : std::nullopt;
  if (!d || text.size() != 10) return {};
  const year_month_day whole = in_month / day(static_cast<unsigned>(*d));
  if (!whole.ok()) return {};
  return sys_days(whole);
}

std::optional<Date> parse_date_earliest(std::string_view text) {
  if (!parse_date(text)) return {};
  const std::string day = text.size() == 4   ? std::string(text) + "-01-01"
                          : text.size() == 7 ? std::string(text) + "-01"
                                             : std::string(text);
  return parse_date(day);
}

std::string to_text(Date date) {
  const std::chrono::year_month_day parts(date);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(parts.year()),
                     static_cast<unsigned>(parts.month()), static_cast<unsigned>(parts.day()));
}

}  // namespace kneepoint
