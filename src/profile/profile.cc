#include "profile/profile.h"

#include <algorithm>

#include "base/text.h"

namespace kneepoint::profile {

std::string_view name(EvidenceKind kind) {
  switch (kind) {
    case EvidenceKind::Measured:
      return "measured";
    case EvidenceKind::Published:
      return "published";
    case EvidenceKind::Predicted:
      return "predicted";
  }
  __builtin_unreachable();
}

std::optional<EvidenceKind> parse_evidence_kind(std::string_view text) {
  for (const EvidenceKind kind :
       {EvidenceKind::Measured, EvidenceKind::Published, EvidenceKind::Predicted}) {
    if (name(kind) == text) return kind;
  }
  return {};
}

std::vector<std::string> flags_of(const Profile& profile) {
  std::vector<std::string> out;
  for (const Point& point : profile.points) {
    for (const std::string_view flag : split(point.flags, ';')) {
      if (std::find(out.begin(), out.end(), flag) == out.end()) out.emplace_back(flag);
    }
  }
  return out;
}

std::string newest_date(const Profile& profile) {
  std::string newest;  // ISO dates order as text
  for (const Point& point : profile.points) newest = std::max(newest, point.measured_on);
  return newest;
}

void widest_bands(const std::vector<Point>& points, PredictionEvidence& into) {
  const auto widen = [](std::optional<double>& ratio, const std::optional<double>& low,
                        double value, const std::optional<double>& high) {
    if (!low || !high || !(*low > 0) || !(value > 0)) return;
    ratio = std::max(ratio.value_or(1), std::max(value / *low, *high / value));
  };
  into.ttft_error = into.tpot_error = into.e2e_error = std::nullopt;
  for (const Point& point : points) {
    const auto mean = [&point](metrics::Metric metric) {
      return point.at.latency.get(metric, metrics::Statistic::Mean);
    };
    const Bands& of = point.bands;
    widen(into.ttft_error, of.ttft_low, mean(metrics::Metric::Ttft), of.ttft_high);
    widen(into.tpot_error, of.tpot_low, mean(metrics::Metric::Tpot), of.tpot_high);
    widen(into.e2e_error, of.e2e_low, mean(metrics::Metric::E2e), of.e2e_high);
  }
}

std::vector<curve::LoadPoint> curve_of(const Profile& profile) {
  std::vector<curve::LoadPoint> out;
  out.reserve(profile.points.size());
  for (const Point& point : profile.points) out.push_back(point.at);
  return out;
}

}  // namespace kneepoint::profile
