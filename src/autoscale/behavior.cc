#include "autoscale/behavior.h"

#include <algorithm>

namespace kneepoint::autoscale {
namespace {

constexpr int kLongestPeriod = 1800;  // of the API, in seconds
constexpr int kLongestWindow = 3600;

int whole_seconds(Time time, int step, int most) {
  const auto count = std::chrono::ceil<std::chrono::seconds>(time).count();
  const auto rounded = (count + step - 1) / step * step;
  return static_cast<int>(std::clamp<long>(rounded, step, most));
}

}  // namespace

Behavior behavior_for(Time startup, Time metric_delay) {
  const int period = whole_seconds(startup + metric_delay, 15, kLongestPeriod);
  Behavior out;
  out.up.stabilization_seconds = 0;
  out.up.select = Select::Min;
  out.up.policies = {{PolicyType::Percent, 100, period},
                     {PolicyType::Percent, 150, std::min(3 * period, kLongestPeriod)}};
  out.down.stabilization_seconds = std::max(300, whole_seconds(startup, 60, kLongestWindow));
  out.down.select = Select::Max;
  out.down.policies = {{PolicyType::Pods, 1, 120}, {PolicyType::Percent, 20, 120}};
  return out;
}

double buffer_for(Time startup, Time metric_delay) {
  const double seconds = std::chrono::duration<double>(startup + metric_delay).count();
  return 0.10 + 0.10 * std::clamp(seconds / 600, 0.0, 1.0);
}

}  // namespace kneepoint::autoscale
