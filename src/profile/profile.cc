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

std::vector<curve::LoadPoint> curve_of(const Profile& profile) {
  std::vector<curve::LoadPoint> out;
  out.reserve(profile.points.size());
  for (const Point& point : profile.points) out.push_back(point.at);
  return out;
}

}  // namespace kneepoint::profile
