#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "curve/curve.h"
#include "run/point.h"

/// What `bench` measured, as every report of it is made from: the load points of one run, and who
/// asked whom.
namespace kneepoint::report {

/// What a run's points do not carry themselves; empty where nobody knows.
struct RunFacts {
  std::string model;
  std::string target;  // the server's URL; a user and password in it are never shown
  std::string server, server_version;
  std::string accelerator;  // "8 x nvidia-h100-80gb"
  std::string client;       // the tool and its version: "kneepoint 0.1.0"
  bool predicted = false;   // simulated, not measured
  std::string host;         // the machine that measured
  std::string started_at;   // UTC, RFC 3339; empty: that of the first point
  std::vector<std::pair<std::string, std::string>> more;  // whatever else is worth a line
};

struct BenchReport {
  RunFacts facts;
  std::vector<run::PointRecord> points;  // any order
  std::vector<std::string> warnings;     // of reading them: an unfinished record was left out
};

/// What was held while the point was measured.
struct Load {
  curve::LoadKind kind = curve::LoadKind::Concurrency;
  double value = metrics::kMissing;
};
Load load_of(const run::PointRecord& point);
/// "32 clients", "2.5 requests/s".
std::string load_text(const Load& load);

/// Whether a point says something about the server: its load generator kept up and the server was
/// there to its end.
bool counts(const run::PointRecord& point);

/// The points as a curve. Of the kind of load that most of them have; points of the other kind, and
/// those that do not count, have no part in the knee and lie in no zone.
struct BenchCurve {
  curve::LoadKind kind = curve::LoadKind::Concurrency;
  std::vector<std::size_t> order;            // indices into BenchReport::points, ascending load
  std::vector<curve::LoadPoint> points;      // in that order, all of `kind`
  std::vector<bool> counts;                  // in that order
  curve::Knee knee;                          // its index is into the three above
  std::vector<curve::Zone> zones;            // in that order
  std::vector<std::size_t> of_another_kind;  // indices into BenchReport::points
  std::optional<std::size_t> knee_record() const {
    if (knee.state != curve::KneeState::Found) return std::nullopt;
    return order[knee.index];
  }
};
BenchCurve curve_of(const BenchReport& report);

/// The report in three sentences.
struct Verdict {
  std::string headline;  // "Knee at 32 clients: 2,900 output tokens/s, TTFT p50 210 ms, ..."
  std::string validity;  // what to hold against the figures, or that there is nothing
  bool sound = true;     // there is nothing
  std::string evidence;  // "measured 2026-11-21 14:03 to 14:31 UTC by kneepoint 0.1.0 on ..."
};
Verdict verdict_of(const BenchReport& report, const BenchCurve& curve);

/// "http://user:pw@host/v1" -> "http://host/v1".
std::string without_credentials(std::string_view url);

}  // namespace kneepoint::report
