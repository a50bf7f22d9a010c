// Laws every curve obeys, checked on random curves and on every curve that ships; and, for the
// latter, what was found, held to tests/golden/curves.txt (UPDATE_GOLDEN=1 writes it anew).

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "curve/curve.h"

namespace kneepoint::curve {
namespace {

using metrics::is_missing;
using metrics::kMetrics;
using metrics::kMissing;
using metrics::kStatistics;
using metrics::Metric;
using metrics::Statistic;

using Points = std::vector<LoadPoint>;

constexpr double kRounding = 1e-9;

bool repeats_a_load(const Points& points) {
  std::set<double> loads;
  for (const LoadPoint& point : points) loads.insert(point.load);
  return loads.size() < points.size();
}

Points with_scaled(Points points, double loads, double throughput) {
  for (LoadPoint& point : points) {
    point.load *= loads;
    point.output_tokens_per_second *= throughput;
    point.requests_per_second *= throughput;
    point.input_tokens_per_second *= throughput;
  }
  return points;
}

/// Twice the highest load, the same throughput, every latency half as long again.
Points with_flat_point(Points points) {
  LoadPoint flat = *std::ranges::max_element(points, {}, &LoadPoint::load);
  flat.load *= 2;
  for (const Metric m : kMetrics) {
    for (const Statistic s : kStatistics) flat.latency.set(m, s, flat.latency.get(m, s) * 1.5);
  }
  points.push_back(flat);
  return points;
}

void same_knee(const Knee& a, const Knee& b, const char* what) {
  EXPECT_EQ(a.state, b.state) << what;
  EXPECT_EQ(a.index, b.index) << what;
}

void check_knee(const Points& points, LoadKind kind) {
  const Knee knee = find_knee(points, kind);
  ASSERT_LT(knee.index, points.size());
  EXPECT_EQ(knee.load, points[knee.index].load);
  EXPECT_LE(knee.lowest_load, knee.load);
  EXPECT_LE(knee.load, knee.highest_load);
  EXPECT_EQ(knee.state == KneeState::Found, knee.load < knee.highest_load);
  EXPECT_FALSE(sentence(knee, kind).empty());

  same_knee(knee, find_knee(with_scaled(points, 1, 3.7), kind), "throughput scaled");
  same_knee(knee, find_knee(with_scaled(points, 0.3, 1), kind), "load scaled");

  Points reversed(points.rbegin(), points.rend());
  const Knee backwards = find_knee(reversed, kind);
  EXPECT_EQ(knee.state, backwards.state);
  EXPECT_EQ(knee.load, backwards.load);

  const bool stated = knee.state == KneeState::Found || knee.state == KneeState::NotReached;
  if (!stated || repeats_a_load(points)) return;
  const Knee flattened = find_knee(with_flat_point(points), kind);
  EXPECT_EQ(flattened.state, KneeState::Found);
  EXPECT_EQ(flattened.index, knee.index) << "a flat point was added";

  // The definition, said another way: to the right of the knee no doubling of the load buys 15 %
  // of output, to its left every way up to it does.
  if (kind != LoadKind::Concurrency) return;
  const double best = points[knee.index].output_tokens_per_second;
  for (const LoadPoint& point : points) {
    const double line = best * std::pow(point.load / knee.load, 0.2);
    if (!is_missing(point.output_tokens_per_second)) {
      EXPECT_LE(point.output_tokens_per_second, line * (1 + kRounding));
    }
  }
}

/// Every figure of `point` lies between those of `a` and `b`, or is missing with one of them.
void check_between(const LoadPoint& point, const LoadPoint& a, const LoadPoint& b) {
  const auto within = [](double value, double x, double y) {
    if (is_missing(x) || is_missing(y)) {
      EXPECT_TRUE(is_missing(value));
    } else {
      EXPECT_GE(value, std::min(x, y));
      EXPECT_LE(value, std::max(x, y));
    }
  };
  within(point.output_tokens_per_second, a.output_tokens_per_second, b.output_tokens_per_second);
  within(point.requests_per_second, a.requests_per_second, b.requests_per_second);
  for (const Metric m : kMetrics) {
    for (const Statistic s : kStatistics) {
      within(point.latency.get(m, s), a.latency.get(m, s), b.latency.get(m, s));
    }
  }
}

void check_interpolation(const Points& points) {
  std::map<double, const LoadPoint*> by_load;
  for (const LoadPoint& point : points) by_load.emplace(point.load, &point);
  if (by_load.size() < points.size()) return;  // which run speaks is tested with the knee
  for (auto here = by_load.begin(); here != by_load.end(); ++here) {
    const auto same = interpolate(points, here->first);
    ASSERT_TRUE(same);
    check_between(*same, *here->second, *here->second);
    const auto next = std::next(here);
    if (next == by_load.end()) break;
    for (const double share : {0.01, 0.5, 0.99}) {
      const auto point = interpolate(points, std::lerp(here->first, next->first, share));
      ASSERT_TRUE(point);
      check_between(*point, *here->second, *next->second);
    }
  }
  EXPECT_FALSE(interpolate(points, by_load.begin()->first * 0.999));
  EXPECT_FALSE(interpolate(points, by_load.rbegin()->first * 1.001));
}

void check_operating_point(const Points& points, LoadKind kind,
                           const std::vector<Target>& targets) {
  const Knee knee = find_knee(points, kind);
  const auto op = find_operating_point(points, kind, targets, StatisticRule::Exact);
  const double limit = knee.state == KneeState::Found ? knee.load : knee.highest_load;
  const auto meets = [&](const LoadPoint& point) {
    return std::ranges::all_of(targets, [&](const Target& target) {
      return point.latency.get(target.metric, target.statistic) <= target.at_most_ms;
    });
  };
  const auto counts = [&](const LoadPoint& point) { return point.load <= limit && meets(point); };

  if (!op) {
    if (!repeats_a_load(points)) {
      EXPECT_TRUE(std::ranges::none_of(points, counts));
    }
    if (op.error().reason == Miss::MissesTarget) {
      const auto missed = std::ranges::find(targets, op.error().metric, &Target::metric);
      ASSERT_NE(missed, targets.end());
      EXPECT_GT(op.error().best_ms, missed->at_most_ms);
    }
    return;
  }
  const LoadPoint& point = op->point;
  EXPECT_TRUE(meets(point));
  EXPECT_LE(point.load, limit);
  EXPECT_NE(op->zone, Zone::Past);
  ASSERT_LT(op->lower, points.size());
  ASSERT_LT(op->upper, points.size());
  check_between(point, points[op->lower], points[op->upper]);
  if (op->interpolated) {
    EXPECT_LT(points[op->lower].load, point.load);
    EXPECT_LT(point.load, points[op->upper].load);
    EXPECT_TRUE(knee.state == KneeState::Found || knee.state == KneeState::NotReached);
    // The same place, found the other way.
    const auto again = interpolate(points, point.load);
    ASSERT_TRUE(again);
    if (!is_missing(point.output_tokens_per_second)) {
      EXPECT_NEAR(again->output_tokens_per_second, point.output_tokens_per_second,
                  kRounding * point.output_tokens_per_second);
    }
    for (const Target& target : targets) {
      EXPECT_LE(again->latency.get(target.metric, target.statistic),
                target.at_most_ms * (1 + kRounding));
    }
  } else {
    EXPECT_EQ(op->lower, op->upper);
  }
  if (repeats_a_load(points)) return;
  for (const LoadPoint& other : points) {
    if (counts(other) && !is_missing(other.output_tokens_per_second)) {
      EXPECT_LE(other.output_tokens_per_second, point.output_tokens_per_second);
    }
  }
}

void check_looser_is_never_worse(const Points& points, LoadKind kind, Metric metric,
                                 Statistic statistic) {
  double before = -1;
  bool met = false;
  const Knee knee = find_knee(points, kind);
  const Range range = reachable(points, knee, metric, statistic, StatisticRule::Exact);
  if (is_missing(range.min)) return;
  for (const double share : {-0.1, 0.0, 0.05, 0.2, 0.5, 0.8, 1.0, 1.5}) {
    const double bound = std::lerp(range.min, range.max, share);
    const std::vector<Target> targets{{metric, statistic, bound}};
    check_operating_point(points, kind, targets);
    const auto op = find_operating_point(points, kind, targets, StatisticRule::Exact);
    EXPECT_TRUE(op || !met) << "a looser target lost the operating point";
    if (share >= 0) {
      EXPECT_TRUE(op) << "a reachable value was not reached";
    }
    if (!op) continue;
    met = true;
    const double now = op->point.output_tokens_per_second;
    if (!is_missing(now)) {
      EXPECT_GE(now, before * (1 - kRounding));
    }
    before = now;
  }
}

void check_laws(const Points& points, LoadKind kind) {
  check_knee(points, kind);
  check_interpolation(points);
  check_operating_point(points, kind, {});
  for (const Metric metric : kMetrics) {
    check_looser_is_never_worse(points, kind, metric, Statistic::Mean);
    check_looser_is_never_worse(points, kind, metric, Statistic::P90);
  }
  // Two targets at once, each of them met somewhere.
  const Knee knee = find_knee(points, kind);
  const auto ttft = reachable(points, knee, Metric::Ttft, Statistic::Mean, StatisticRule::Exact);
  const auto tpot = reachable(points, knee, Metric::Tpot, Statistic::Mean, StatisticRule::Exact);
  if (is_missing(ttft.min) || is_missing(tpot.min)) return;
  for (const double a : {0.1, 0.5}) {
    for (const double b : {0.1, 0.5}) {
      check_operating_point(points, kind,
                            {{Metric::Ttft, Statistic::Mean, std::lerp(ttft.min, ttft.max, a)},
                             {Metric::Tpot, Statistic::Mean, std::lerp(tpot.min, tpot.max, b)}});
    }
  }
}

/// A server that saturates, seen through noise and now and then a bad run.
Points random_curve(std::mt19937_64& random, LoadKind kind) {
  const auto uniform = [&](double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  };
  const auto chance = [&](double share) { return uniform(0, 1) < share; };
  const auto noisy = [&](double value, double spread) {
    return value * std::exp(std::normal_distribution<double>(0, spread)(random));
  };
  const double ceiling = uniform(200, 20000), half = uniform(5, 200);
  const double tokens = uniform(50, 1000), ttft = uniform(20, 400);
  const double step = chance(0.7) ? 2 : uniform(1.05, 4);
  const bool latency = chance(0.9), percentiles = chance(0.5);
  const auto count = static_cast<int>(uniform(1, 12));
  double load = chance(0.5) ? 4 : uniform(0.1, 20);
  Points points;
  for (int i = 0; i < count; ++i, load *= step) {
    LoadPoint& point = points.emplace_back();
    point.load = load;
    double rate = ceiling * load / (load + half) / tokens;
    double wait = 1 + load / half;
    if (kind == LoadKind::RequestRate) {
      const double capacity = ceiling / tokens;
      rate = std::min(load, capacity);
      wait = load < capacity ? 1 / (1 - load / capacity) : 1000 * load / capacity;
    }
    rate = noisy(rate, 0.02) * (chance(0.05) ? 0.4 : 1);
    point.requests_per_second = rate;
    point.output_tokens_per_second = chance(0.03) ? kMissing : rate * tokens;
    if (!latency) continue;
    const double first = noisy(ttft * wait, 0.15);
    const double each = noisy(5 * (1 + load / half), 0.02);
    const auto set = [&](Metric metric, double mean) {
      if (chance(0.02)) return;
      point.latency.set(metric, Statistic::Mean, mean);
      if (!percentiles) return;
      point.latency.set(metric, Statistic::P50, mean * 0.9);
      point.latency.set(metric, Statistic::P90, mean * 1.5);
      point.latency.set(metric, Statistic::P99, mean * 3);
    };
    set(Metric::Ttft, first);
    set(Metric::Tpot, each);
    set(Metric::E2e, first + (tokens - 1) * each);
  }
  return points;
}

TEST(CurveLaws, HoldOnRandomCurves) {
  std::mt19937_64 random(20260821);
  for (int i = 0; i < 500 && !testing::Test::HasFailure(); ++i) {
    for (const LoadKind kind : {LoadKind::Concurrency, LoadKind::RequestRate, LoadKind::Burst}) {
      SCOPED_TRACE("curve " + std::to_string(i) + " " + std::string(name(kind)));
      const Points points = random_curve(random, kind);
      if (std::ranges::all_of(points, [](const LoadPoint& point) {
            return !is_missing(point.output_tokens_per_second);
          })) {
        check_laws(points, kind);
      } else {  // points that cannot be ranked are left out: the laws above name them
        check_interpolation(points);
        EXPECT_LT(find_knee(points, kind).index, points.size());
      }
    }
  }
}

using Row = std::vector<std::string>;

/// Comma-separated, quoted where a cell holds a comma, a quote or a line end.
std::vector<Row> read_csv(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  std::vector<Row> rows;
  Row row;
  std::string cell;
  bool quoted = false;
  for (char c; file.get(c);) {
    if (quoted) {
      if (c != '"') {
        cell += c;
      } else if (file.peek() == '"') {
        cell += static_cast<char>(file.get());
      } else {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',' || c == '\n') {
      row.push_back(std::move(cell));
      cell.clear();
      if (c == '\n') rows.push_back(std::exchange(row, {}));
    } else if (c != '\r') {
      cell += c;
    }
  }
  return rows;
}

class Columns {
 public:
  explicit Columns(const Row& header) {
    for (std::size_t i = 0; i < header.size(); ++i) place_[header[i]] = i;
  }
  const std::string& text(const Row& row, const std::string& column) const {
    return row.at(place_.at(column));
  }
  double number(const Row& row, const std::string& column) const {
    return parse_number(text(row, column)).value_or(kMissing);
  }

 private:
  std::map<std::string, std::size_t> place_;
};

struct Shipped {
  LoadKind kind;
  Points points;
};

/// Every curve of the catalog by its id.
std::map<std::string, Shipped> shipped_curves() {
  const std::string folder = std::string(KP_SOURCE_DIR) + "/data/catalog/";
  std::map<std::string, Shipped> curves;
  const auto profiles = read_csv(folder + "profiles.csv");
  const Columns profile(profiles.at(0));
  for (std::size_t i = 1; i < profiles.size(); ++i) {
    const auto kind = parse_load_kind(profile.text(profiles[i], "load_kind"));
    EXPECT_TRUE(kind) << profile.text(profiles[i], "load_kind");
    curves[profile.text(profiles[i], "id")].kind = kind.value_or(LoadKind::Burst);
  }
  const auto rows = read_csv(folder + "points.csv");
  const Columns column(rows.at(0));
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const Row& row = rows[i];
    LoadPoint& point = curves.at(column.text(row, "profile")).points.emplace_back();
    point.load = column.number(row, "load");
    point.requests_per_second = column.number(row, "requests_per_second");
    point.output_tokens_per_second = column.number(row, "output_tokens_per_second");
    point.input_tokens_per_second = column.number(row, "input_tokens_per_second");
    for (const Metric m : kMetrics) {
      for (const Statistic s : kStatistics) {
        const std::string name =
            std::string(metrics::name(m)) + "_" + std::string(metrics::name(s)) + "_ms";
        point.latency.set(m, s, column.number(row, name));
      }
    }
  }
  return curves;
}

TEST(ShippedCurves, ObeyTheLaws) {
  const auto curves = shipped_curves();
  EXPECT_GT(curves.size(), 1000U);
  for (const auto& [id, curve] : curves) {
    SCOPED_TRACE(id);
    ASSERT_FALSE(curve.points.empty());
    check_laws(curve.points, curve.kind);
  }
}

TEST(ShippedCurves, HaveTheKneesOfTheGolden) {
  const std::string path = std::string(KP_SOURCE_DIR) + "/tests/golden/curves.txt";
  std::string found;
  std::map<std::string, int> states;
  for (const auto& [id, curve] : shipped_curves()) {
    const Knee knee = find_knee(curve.points, curve.kind);
    ++states[std::string(name(knee.state))];
    found += id + " " + std::string(name(knee.state)) + " " +
             (knee.state == KneeState::Found ? shortest(knee.load) : "-") + " " +
             std::to_string(curve.points.size()) + "\n";
  }
  std::string counts;
  for (const auto& [state, count] : states) counts += " " + state + " " + std::to_string(count);
  found = "# curve, state of its knee, load at the knee, points;" + counts + "\n" + found;
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << found;
  }
  std::ifstream file(path, std::ios::binary);
  std::ostringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(golden.str(), found) << "where the change is meant: UPDATE_GOLDEN=1 and run again";
}

}  // namespace
}  // namespace kneepoint::curve
