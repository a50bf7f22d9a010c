#include "store/profile_reader.h"

#include "store/columns.h"
#include "store/packed.h"

namespace kneepoint::store {
namespace {

struct Names {
  std::string& sql;
  const char* table;
  void operator()(const char* name, const auto&) const { sql.append(table).append(name); }
};

std::string profile_columns() {
  std::string sql = "p.key, p.layer";
  const profile::Profile any;
  visit_profile_columns(any, Names{sql, ", p."});
  return sql;
}

std::string point_columns() {
  std::string sql = "t.profile";
  const profile::Point any;
  visit_rate_columns(any.at, Names{sql, ", t."});
  for (metrics::Metric m : metrics::kMetrics)
    for (metrics::Statistic s : metrics::kStatistics) sql += ", t." + latency_name(m, s) + "_ms";
  visit_evidence_columns(any, Names{sql, ", t."});
  return sql;
}

/// Reads the columns of the current row, one after the other, into the members it visits.
class RowReader {
 public:
  RowReader(const SqlStatement& row, int first) : row_(row), column_(first) {}

  void operator()(const char*, std::string& to) { to = row_.text(column_++); }
  void operator()(const char*, double& to) { to = row_.real(column_++); }
  void operator()(const char*, std::optional<double>& to) {
    if (const double value = row_.real(column_++); !metrics::is_missing(value)) to = value;
  }
  void operator()(const char*, std::optional<int>& to) {
    if (!row_.is_null(column_)) to = static_cast<int>(row_.integer(column_));
    ++column_;
  }
  void operator()(const char*, std::optional<bool>& to) {
    if (!row_.is_null(column_)) to = row_.integer(column_) != 0;
    ++column_;
  }
  void operator()(const char*, curve::LoadKind& to) {
    const std::string_view text = row_.text(column_++);
    for (auto kind :
         {curve::LoadKind::Concurrency, curve::LoadKind::RequestRate, curve::LoadKind::Burst})
      if (text == curve::name(kind)) to = kind;
  }
  void operator()(const char*, profile::EvidenceKind& to) {
    if (const auto kind = profile::parse_evidence_kind(row_.text(column_++))) to = *kind;
  }
  double real() { return row_.real(column_++); }

 private:
  const SqlStatement& row_;
  int column_;
};

profile::Point read_point(const SqlStatement& row) {
  profile::Point point;
  RowReader in(row, 1);
  visit_rate_columns(point.at, in);
  for (metrics::Metric m : metrics::kMetrics)
    for (metrics::Statistic s : metrics::kStatistics) point.at.latency.set(m, s, in.real());
  visit_evidence_columns(point, in);
  return point;
}

std::string_view layer_name(const std::vector<LayerRow>& layers, std::int64_t key) {
  for (const LayerRow& layer : layers)
    if (layer.key == key) return layer.state.name;
  return {};
}

}  // namespace

Result<std::vector<profile::Profile>> read_full(SqlSession& session, const Where& where,
                                                const std::vector<LayerRow>& layers) {
  static const std::string profile_sql = "SELECT " + profile_columns() + " FROM profile p ";
  static const std::string point_sql =
      "SELECT " + point_columns() + " FROM profile p JOIN point t ON t.profile = p.key ";
  auto rows = session.prepare(profile_sql + where.sql + " ORDER BY p.key");
  if (!rows) return fail(std::move(rows.error()));
  where.bind(**rows);

  std::vector<profile::Profile> found;
  std::vector<std::int64_t> keys;
  for (;;) {
    auto row = (*rows)->step();
    if (!row) return fail(std::move(row.error()));
    if (!*row) break;
    profile::Profile& profile = found.emplace_back();
    keys.push_back((*rows)->integer(0));
    profile.layer = layer_name(layers, (*rows)->integer(1));
    visit_profile_columns(profile, RowReader(**rows, 2));
  }
  if (found.empty()) return found;

  auto points = session.prepare(point_sql + where.sql + " ORDER BY t.profile, t.number");
  if (!points) return fail(std::move(points.error()));
  where.bind(**points);
  for (std::size_t at = 0;;) {
    auto row = (*points)->step();
    if (!row) return fail(std::move(row.error()));
    if (!*row) break;
    const std::int64_t owner = (*points)->integer(0);
    while (at < keys.size() && keys[at] < owner) ++at;
    if (at == keys.size() || keys[at] != owner)
      return fail(ErrorCode::Internal, "the store has points of a profile it does not have");
    found[at].points.push_back(read_point(**points));
  }
  return found;
}

Result<profile::Ranking> read_ranking(SqlSession& session, const Where& where,
                                      std::span<const metrics::Metric> metrics,
                                      const std::vector<LayerRow>& layers) {
  auto rows =
      session.prepare("SELECT p.layer, p.packed FROM profile p " + where.sql + " ORDER BY p.key");
  if (!rows) return fail(std::move(rows.error()));
  where.bind(**rows);

  profile::Ranking ranking;
  std::vector<std::pair<int, std::string_view>> names;
  for (const LayerRow& layer : layers)
    names.emplace_back(layer.key, ranking.keep(layer.state.name));
  for (;;) {
    auto row = (*rows)->step();
    if (!row) return fail(std::move(row.error()));
    if (!*row) return ranking;
    if (auto read = unpack((*rows)->bytes(1), metrics, ranking); !read)
      return fail(std::move(read.error()));
    for (const auto& [key, name] : names)
      if (key == (*rows)->integer(0)) ranking.last_row().layer = name;
  }
}

Result<std::vector<LayerRow>> read_layers(SqlSession& session) {
  auto rows = session.prepare(
      "SELECT key, name, rank, hash, origin, CASE WHEN EXISTS (SELECT 1 FROM profile WHERE "
      "profile.layer = layer.key) THEN 1 ELSE 0 END FROM layer ORDER BY rank, key");
  if (!rows) return fail(std::move(rows.error()));
  std::vector<LayerRow> layers;
  for (;;) {
    auto row = (*rows)->step();
    if (!row) return fail(std::move(row.error()));
    if (!*row) return layers;
    const SqlStatement& at = **rows;
    layers.push_back({.state = {.name = std::string(at.text(1)),
                                .hash = std::string(at.text(3)),
                                .origin = std::string(at.text(4)),
                                .rank = static_cast<int>(at.integer(2))},
                      .key = static_cast<int>(at.integer(0)),
                      .has_profiles = at.integer(5) != 0});
  }
}

}  // namespace kneepoint::store
