#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "curve/point.h"

namespace kneepoint::curve {

enum class KneeState {
  Found,           // the knee lies at points[index]
  NotReached,      // throughput still rises at the highest load measured: the knee is beyond it
  TooFewPoints,    // fewer than four distinct loads (or no throughput figures): no statement
  NotASteadyState  // bursts have no steady state, hence no knee
};
std::string_view name(KneeState state);  // "found", "not_reached", "too_few_points", "not_steady"

/// Fewer distinct loads than this carry no statement about a knee, and no interpolation.
inline constexpr std::size_t kFewestLoads = 4;

/// Where throughput stops rising. Loads are of points with a load and a throughput figure.
struct Knee {
  KneeState state = KneeState::TooFewPoints;
  std::size_t index = 0;    // Found: the knee; otherwise: the point of the highest load measured
  double load = 0;          // of points[index]; 0 when there is no point
  double lowest_load = 0;   // measured
  double highest_load = 0;  // measured
  std::size_t loads = 0;    // distinct loads measured
};

/// The load past which throughput stops rising and latency takes off: of the loads measured, the
/// one with the greatest power, throughput^4 / time in the system (Giessler, Kleinrock). Why this
/// and nothing else, with pictures: docs/metrics/knee.md.
///
/// Closed loop: by Little's law the time is load / throughput, so power is throughput^5 / load, and
/// a doubling of the load must buy 2^(1/5) = 15 % more throughput to be below the knee.
/// Open loop: the time is measured, and the earlier of the two knees by TTFT and by end-to-end time
/// counts; where neither is published, as in the closed loop. In an M/M/1 queue this is 80 % busy.
///
/// Any order, repeated loads and missing figures are accepted: see Ladder's rule for repeats.
Knee find_knee(std::span<const LoadPoint> points, LoadKind kind);

/// For people: "knee at 32 clients", "not reached: highest load measured 64 clients".
std::string sentence(const Knee& knee, LoadKind kind);

enum class Zone { Below, At, Past, Unknown };
std::string_view name(Zone zone);  // "below", "at", "past", "unknown"

/// Of a load on the curve of `knee`. While the knee is not reached every load lies below it.
Zone zone_of(const Knee& knee, double load);
std::vector<Zone> zones(std::span<const LoadPoint> points, const Knee& knee);

class Ladder;
Knee find_knee(const Ladder& ladder, LoadKind kind);

}  // namespace kneepoint::curve
