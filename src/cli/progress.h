#pragma once

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <string_view>

#include "cli/run.h"

namespace kneepoint::cli {

/// "412 of 5,000 rows, 38/s, 2 min left" on standard error, every few seconds; nothing for what is
/// done at once.
class Progress {
 public:
  Progress(Run& run, std::string_view what) : run_(run), what_(what) {}

  void tell(std::size_t done, std::size_t all) {
    const auto now = Clock::now();
    if (begun_ == Clock::time_point{}) {
      begun_ = told_ = now;
      from_ = done;
    }
    if (now - told_ < std::chrono::seconds(3) || done >= all) return;
    told_ = now;
    const double seconds = std::chrono::duration<double>(now - begun_).count();
    const double rate = static_cast<double>(done - from_) / seconds;
    std::string line = fmt::format("{} of {} {}", done, all, what_);
    if (rate > 0) {
      const double left = static_cast<double>(all - done) / rate;
      line += fmt::format(
          ", {:.3g}/s, {} left", rate,
          left < 90 ? fmt::format("{:.0f} s", left) : fmt::format("{:.0f} min", left / 60));
    }
    run_.note(line);
  }

 private:
  using Clock = std::chrono::steady_clock;
  Run& run_;
  std::string what_;
  Clock::time_point begun_{}, told_{};
  std::size_t from_ = 0;
};

}  // namespace kneepoint::cli
