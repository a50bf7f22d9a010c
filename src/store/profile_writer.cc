#include "store/profile_writer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/text.h"
#include "store/columns.h"
#include "store/packed.h"

namespace kneepoint::store {
namespace {

/// Gathers the names of the columns it visits.
struct Names {
  std::vector<std::string>& names;
  void operator()(const char* name, const auto&) const { names.emplace_back(name); }
};

std::vector<std::string> profile_columns() {
  std::vector<std::string> names{"key", "layer"};
  const profile::Profile any;
  visit_profile_columns(any, Names{names});
  for (const char* name : {"flags", "point_count", "complete"}) names.emplace_back(name);
  for (metrics::Metric m : metrics::kMetrics)
    for (metrics::Statistic s : metrics::kStatistics) names.push_back("best_" + latency_name(m, s));
  names.emplace_back("packed");
  return names;
}

std::vector<std::string> point_columns() {
  std::vector<std::string> names{"profile", "number"};
  const profile::Point any;
  visit_rate_columns(any.at, Names{names});
  for (metrics::Metric m : metrics::kMetrics)
    for (metrics::Statistic s : metrics::kStatistics) names.push_back(latency_name(m, s) + "_ms");
  visit_evidence_columns(any, Names{names});
  return names;
}

/// Adds the members it visits as values of the current row.
struct Values {
  SqlBulk& row;
  void operator()(const char*, const std::string& text) const { row.add(std::string_view(text)); }
  void operator()(const char*, double value) const { row.add(value); }
  void operator()(const char*, std::optional<double> value) const {
    row.add(value.value_or(metrics::kMissing));
  }
  void operator()(const char* name, std::optional<bool> value) const {
    (*this)(name, value ? std::optional<int>(*value) : std::nullopt);
  }
  void operator()(const char*, std::optional<int> value) const {
    if (value)
      row.add(std::int64_t{*value});
    else
      row.add_null();
  }
  void operator()(const char*, curve::LoadKind kind) const { row.add(curve::name(kind)); }
  void operator()(const char*, profile::EvidenceKind kind) const { row.add(profile::name(kind)); }
};

struct Best {
  std::array<double, metrics::kMetrics.size() * metrics::kStatistics.size()> least;
  std::int64_t complete = 0;
};

/// The least of each latency over the points, and which latencies every point has.
Best best(const std::vector<profile::Point>& points) {
  Best all;
  all.least.fill(metrics::kMissing);
  for (metrics::Metric m : metrics::kMetrics) {
    for (metrics::Statistic s : metrics::kStatistics) {
      const int bit = latency_bit(m, s);
      double& least = all.least[static_cast<std::size_t>(bit)];
      bool complete = !points.empty();
      for (const profile::Point& point : points) {
        least = std::fmin(least, point.at.latency.get(m, s));
        complete = complete && point.at.latency.has(m, s);
      }
      if (complete) all.complete |= std::int64_t{1} << bit;
    }
  }
  return all;
}

}  // namespace

ProfileWriter::ProfileWriter(int layer_key, std::int64_t last_key,
                             std::unique_ptr<SqlBulk> profiles, std::unique_ptr<SqlBulk> points)
    : layer_key_(layer_key),
      last_key_(last_key),
      profiles_(std::move(profiles)),
      points_(std::move(points)) {}

Result<ProfileWriter> ProfileWriter::start(SqlSession& session, int layer_key) {
  auto last = session.prepare("SELECT COALESCE(MAX(key), 0) FROM profile");
  if (!last) return fail(std::move(last.error()));
  if (auto row = (*last)->step(); !row) return fail(std::move(row.error()));
  static const std::vector<std::string> profile_names = profile_columns();
  static const std::vector<std::string> point_names = point_columns();
  auto profiles = session.bulk("profile", profile_names);
  if (!profiles) return fail(std::move(profiles.error()));
  auto points = session.bulk("point", point_names);
  if (!points) return fail(std::move(points.error()));
  return ProfileWriter(layer_key, (*last)->integer(0), std::move(*profiles), std::move(*points));
}

Result<void> ProfileWriter::add(const profile::Profile& profile) {
  if (profile.id.empty()) return fail(ErrorCode::InvalidArgument, "a profile has no id");
  if (!ids_.insert(profile.id).second)
    return fail(ErrorCode::InvalidArgument,
                "profile id '" + profile.id + "' appears twice: ids are unique within a layer");
  const std::string flags = join(profile::flags_of(profile), ";");
  const std::string packed = pack(profile, flags);
  const Best summary = best(profile.points);

  SqlBulk& row = *profiles_;
  row.add(++last_key_);
  row.add(std::int64_t{layer_key_});
  visit_profile_columns(profile, Values{row});
  row.add(std::string_view(flags));
  row.add(static_cast<std::int64_t>(profile.points.size()));
  row.add(summary.complete);
  for (double least : summary.least) row.add(least);
  row.add_bytes(packed);
  if (auto ended = row.end_row(); !ended) return ended;
  return add_points(profile);
}

Result<void> ProfileWriter::add_points(const profile::Profile& profile) {
  std::int64_t number = 0;
  for (const profile::Point& point : profile.points) {
    SqlBulk& row = *points_;
    row.add(last_key_);
    row.add(number++);
    visit_rate_columns(point.at, Values{row});
    for (metrics::Metric m : metrics::kMetrics)
      for (metrics::Statistic s : metrics::kStatistics) row.add(point.at.latency.get(m, s));
    visit_evidence_columns(point, Values{row});
    if (auto ended = row.end_row(); !ended) return ended;
  }
  return {};
}

Result<void> ProfileWriter::finish() {
  if (auto done = profiles_->finish(); !done) return done;
  return points_->finish();
}

}  // namespace kneepoint::store
