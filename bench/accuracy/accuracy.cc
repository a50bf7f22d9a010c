// How far off predictions are: every point predicted without its curve, its server version, its
// accelerator or its model, beside what other tools said of the same points. docs/predict.md tells
// how to read the tables.
//
//     kneepoint-accuracy [--catalog FILE] [--operators FILE] [--train FILE.csv]... [--no-shipped]
//                        [--score FILE.csv]... [--peer NAME=FILE.csv]... [--keep-kernel] [--nested]
//                        [--each FILE.csv]
//
// --train adds points to the shipped ones; --score names points that are in no training set (they
// are predicted from all training points); --peer is a file with the columns point_id, ttft_pred,
// tpot_pred, e2e_pred. --each writes every left-out prediction.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "catalog/catalog.h"
#include "catalog/csv.h"
#include "predict/anchoring.h"
#include "predict/cross_validation.h"
#include "predict/data_rules.h"
#include "predict/open.h"
#include "predict/points_csv.h"
#include "predict/training.h"

namespace {

using namespace kneepoint;
using namespace kneepoint::predict;

struct Arguments {
  std::string catalog = "build/release/kneepoint.catalog";
  std::string operators = "build/release/kneepoint.operators";
  std::vector<std::string> train, score;
  std::string each;
  std::vector<std::pair<std::string, std::string>> peers;
  bool shipped = true, learn = true, nested = false;
};

struct Triple {
  double tpot = 0, ttft = 0, e2e = 0;
};

/// Absolute percentage errors of one group of points.
struct Errors {
  std::vector<double> tpot, ttft, e2e;
  std::size_t points = 0;

  void add(const Triple& predicted, const Triple& measured) {
    const auto put = [](std::vector<double>& to, double p, double m) {
      if (m > 0 && std::isfinite(p)) to.push_back(100 * std::abs(p / m - 1));
    };
    put(tpot, predicted.tpot, measured.tpot);
    put(ttft, predicted.ttft, measured.ttft);
    put(e2e, predicted.e2e, measured.e2e);
    ++points;
  }
  static std::string shown(std::vector<double> of) {
    if (of.empty()) return "-";
    double sum = 0;
    for (const double v : of) sum += v;
    std::nth_element(of.begin(), of.begin() + static_cast<std::ptrdiff_t>(of.size() / 2), of.end());
    return fmt::format("{:.1f}/{:.1f}", of[of.size() / 2], sum / static_cast<double>(of.size()));
  }
  std::string row() const {
    return fmt::format("{:>6}  {:>13}  {:>13}  {:>13}", points, shown(tpot), shown(ttft),
                       shown(e2e));
  }
};

void head(std::string_view title) {
  fmt::print("\n{}\n{:<44} {:>6}  {:>13}  {:>13}  {:>13}\n", title, "", "points", "TPOT", "TTFT",
             "end to end");
}
void print_row(std::string_view name, const Errors& errors) {
  if (errors.points > 0) fmt::print("{:<44} {}\n", name.substr(0, 44), errors.row());
}

std::string usage() {
  return "usage: kneepoint-accuracy [--catalog FILE] [--operators FILE] [--train FILE.csv]... "
         "[--no-shipped] [--score FILE.csv]... [--peer NAME=FILE.csv]... [--keep-kernel] "
         "[--nested] [--each FILE.csv]\n";
}

std::optional<Arguments> parse(int argc, char** argv) {
  Arguments out;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    if (flag == "--no-shipped") {
      out.shipped = false;
    } else if (flag == "--nested") {
      out.nested = true;
    } else if (flag == "--keep-kernel") {
      out.learn = false;
    } else if (i + 1 == argc) {
      return std::nullopt;
    } else if (flag == "--catalog") {
      out.catalog = argv[++i];
    } else if (flag == "--operators") {
      out.operators = argv[++i];
    } else if (flag == "--train") {
      out.train.emplace_back(argv[++i]);
    } else if (flag == "--each") {
      out.each = argv[++i];
    } else if (flag == "--score") {
      out.score.emplace_back(argv[++i]);
    } else if (flag == "--peer") {
      const std::string value = argv[++i];
      const auto sign = value.find('=');
      if (sign == std::string::npos) return std::nullopt;
      out.peers.emplace_back(value.substr(0, sign), value.substr(sign + 1));
    } else {
      return std::nullopt;
    }
  }
  return out;
}

Result<void> read_into(const std::string& file, std::vector<MeasuredPoint>& to) {
  const auto text = read_file(file);
  if (!text) return fail(text.error());
  auto points = read_points_csv(*text, file, Columns::ConfigurationAndMeasured);
  if (!points) return fail(std::move(points).error());
  for (MeasuredPoint& p : *points) to.push_back(std::move(p));
  return {};
}

Triple measured(const MeasuredPoint& p) {
  const auto mean = [&](metrics::Metric m) { return p.latency.get(m, metrics::Statistic::Mean); };
  return {mean(metrics::Metric::Tpot), mean(metrics::Metric::Ttft), mean(metrics::Metric::E2e)};
}

using Peer = std::unordered_map<std::string, Triple>;
Result<Peer> read_peer(const std::string& file) {
  const auto text = read_file(file);
  if (!text) return fail(text.error());
  const auto records = catalog::parse_csv(*text);
  if (!records || records->empty()) {
    return fail(ErrorCode::InvalidArgument, file + ": no table");
  }
  std::map<std::string, std::size_t> place;
  for (std::size_t c = 0; c < records->front().cells.size(); ++c) {
    place[records->front().cells[c]] = c;
  }
  Peer out;
  for (const char* name : {"point_id", "ttft_pred", "tpot_pred", "e2e_pred"}) {
    if (!place.contains(name)) {
      return fail(ErrorCode::InvalidArgument, fmt::format("{}: no column {}", file, name));
    }
  }
  for (std::size_t r = 1; r < records->size(); ++r) {
    const auto& cells = (*records)[r].cells;
    if (cells.size() != place.size()) continue;
    const auto number = [&](const char* name) {
      return parse_number(cells[place[name]]).value_or(std::nan(""));
    };
    const Triple t{number("tpot_pred"), number("ttft_pred"), number("e2e_pred")};
    if (std::isfinite(t.tpot)) out[cells[place["point_id"]]] = t;  // the last form of lengths
  }
  return out;
}

std::string regime(double kv_load) {
  if (kv_load < 0.8) return "below the knee of the cache (< 0.8)";
  return kv_load <= 1.2 ? "near it (0.8 to 1.2)" : "beyond it";
}

struct Evaluation {
  const TrainingSet& set;
  const Fitted& fitted;
  std::map<Scheme, std::vector<LeftOutPoint>> predictions;

  const MeasuredPoint& point(const LeftOutPoint& p) const { return *set.points[p.point].point; }
  static Triple predicted(const LeftOutPoint& p) { return {p.tpot_ms, p.ttft_ms, p.e2e_ms}; }
};

void by_scheme(const Evaluation& e, const std::vector<std::pair<std::string, Peer>>& peers) {
  head("Each left out whole, and predicted from the rest (median/mean absolute percentage error)");
  for (const Scheme scheme : kSchemes) {
    Errors all, rates, varied;
    std::map<std::string, Errors> theirs, ours;
    for (const LeftOutPoint& p : e.predictions.at(scheme)) {
      const MeasuredPoint& m = e.point(p);
      const bool rate = m.question.load_kind == curve::LoadKind::RequestRate;
      (is_varied(m.source) ? varied
       : rate              ? rates
                           : all)
          .add(Evaluation::predicted(p), measured(m));
      for (const auto& [peer, said] : peers) {
        const auto found = said.find(m.id);
        if (found == said.end()) continue;
        theirs[peer].add(found->second, measured(m));
        ours[peer].add(Evaluation::predicted(p), measured(m));
      }
    }
    const std::string left(name(scheme));
    print_row(left + ", clients and bursts", all);
    print_row(left + ", rate-driven", rates);
    print_row(left + ", varied settings", varied);
    for (const auto& [peer, errors] : theirs) {
      print_row("  points that " + peer + " answers: ours", ours[peer]);
      print_row("  the same: " + peer, errors);
    }
  }
}

Result<void> write_each(const Evaluation& e, const std::string& file) {
  std::string out =
      "point_id,source,left_out,distance,model,model_server,version,accelerator,load_kind,load,"
      "input,output,cache_load,tpot_ms,ttft_ms,e2e_ms,explained_tpot_ms,explained_ttft_ms,"
      "predicted_tpot_ms,predicted_ttft_ms,predicted_e2e_ms,tpot_sd,ttft_sd,tpot_weight";
  for (std::size_t k = 0; k < perfmodel::kParts; ++k) out += fmt::format(",part{}_ms", k);
  out += '\n';
  for (const auto& [scheme, predictions] : e.predictions) {
    for (const LeftOutPoint& p : predictions) {
      const TrainingPoint& t = e.set.points[p.point];
      const MeasuredPoint& m = *t.point;
      const Question& q = m.question;
      out += fmt::format(
          "{},{},{},{},{},{},{},{},{},{},{},{},{:.4g},{:.5g},{:.5g},{:.5g},{:.5g},{:.5g},"
          "{:.5g},{:.5g},{:.5g},{:.3g},{:.3g},{:.3g}",
          m.id, m.source, name(scheme), p.distance == Distance::Near ? "near" : "far",
          q.setup.model, q.setup.model_server, q.setup.model_server_version, q.setup.accelerator,
          curve::name(q.load_kind), q.load, input_tokens(q), output_tokens(q), t.features.kv_load,
          t.observation.tpot_ms, t.observation.ttft_ms, t.e2e_ms,
          tpot_ms(t.observation, e.fitted.coefficients),
          ttft_ms(t.observation, e.fitted.coefficients), p.tpot_ms, p.ttft_ms, p.e2e_ms, p.tpot_sd,
          p.ttft_sd, t.observation.tpot_weight);
      for (std::size_t k = 0; k < perfmodel::kParts; ++k) {
        out += fmt::format(",{:.3g}", t.features.tpot[k] * e.fitted.coefficients.parts[k] / 1e6);
      }
      out += '\n';
    }
  }
  return write_file(file, out);
}

void by_group(const Evaluation& e) {
  head("Left-out curves, by load on the cache");
  std::map<std::string, Errors> groups;
  for (const LeftOutPoint& p : e.predictions.at(Scheme::Curve)) {
    groups[regime(e.set.points[p.point].features.kv_load)].add(Evaluation::predicted(p),
                                                               measured(e.point(p)));
  }
  for (const auto& [name, errors] : groups) print_row(name, errors);
  for (const Scheme scheme : {Scheme::Curve, Scheme::Version, Scheme::Accelerator, Scheme::Model}) {
    head(fmt::format("Left-out {}, by group", name(scheme)));
    std::map<std::string, Errors> by[4];
    for (const LeftOutPoint& p : e.predictions.at(scheme)) {
      const MeasuredPoint& m = e.point(p);
      const Triple t = Evaluation::predicted(p);
      by[0]["source " + m.source].add(t, measured(m));
      by[1]["server " + m.question.setup.model_server].add(t, measured(m));
      by[2]["accelerator " + m.question.setup.accelerator].add(t, measured(m));
      by[3]["model " + m.question.setup.model].add(t, measured(m));
    }
    for (const auto& groups_of : by) {
      for (const auto& [group, errors] : groups_of) {
        if (errors.points >= 10) print_row(group, errors);
      }
    }
  }
}

void untabled(const Evaluation& e, const perfmodel::OperatorTables& tables) {
  head("Accelerators without kernel tables, every point of that accelerator left out");
  Errors all;
  std::map<std::string, Errors> each;
  for (const LeftOutPoint& p : cross_validate(e.set, e.fitted, Scheme::Accelerator, 1)) {
    const std::string& id = e.point(p).question.setup.accelerator;
    if (tables.measured_on(id) != nullptr) continue;
    all.add(Evaluation::predicted(p), measured(e.point(p)));
    each[id].add(Evaluation::predicted(p), measured(e.point(p)));
  }
  print_row("all", all);
  for (const auto& [id, errors] : each) print_row(id, errors);
}

/// Runs of five and more loads: some of their points are measured, the others predicted.
void anchoring(const Evaluation& e) {
  for (const Scheme scheme : kSchemes) {
    head(fmt::format("Left-out {}, and then some points of the run measured", name(scheme)));
    std::map<std::string, std::vector<const LeftOutPoint*>> runs;
    for (const LeftOutPoint& p : e.predictions.at(scheme)) {
      if (!e.point(p).series_id.empty()) runs[e.point(p).series_id].push_back(&p);
    }
    Errors by_count[4], three_of_five;
    std::size_t inside = 0, counted = 0;
    for (auto& [id, points] : runs) {
      std::stable_sort(points.begin(), points.end(), [&](const auto* a, const auto* b) {
        return e.point(*a).question.load < e.point(*b).question.load;
      });
      std::set<double> loads;
      for (const auto* p : points) loads.insert(e.point(*p).question.load);
      if (loads.size() < 5) continue;
      const std::size_t n = points.size();
      const KernelShape& shape = e.fitted.tpot->process().kernel.shape;
      const auto evaluate = [&](const std::vector<std::size_t>& anchors,
                                const std::vector<std::size_t>& hidden, Errors& to, bool band) {
        std::vector<Anchor> tpot, ttft;
        for (const std::size_t a : anchors) {
          const LeftOutPoint& p = *points[a];
          const Observation& o = e.set.points[p.point].observation;
          const Covariates& at = e.fitted.tpot->process().at[p.point];
          if (o.tpot_ms > 0) tpot.push_back({at, std::log(o.tpot_ms / p.tpot_ms), p.tpot_sd});
          if (o.ttft_ms > 0) ttft.push_back({at, std::log(o.ttft_ms / p.ttft_ms), p.ttft_sd});
        }
        for (const std::size_t h : hidden) {
          const LeftOutPoint& p = *points[h];
          const Covariates& at = e.fitted.tpot->process().at[p.point];
          const Correction a = correct(tpot, at, p.tpot_sd, shape);
          const Correction b = correct(ttft, at, p.ttft_sd, shape);
          Triple t{p.tpot_ms * std::exp(a.log_factor), p.ttft_ms * std::exp(b.log_factor), 0};
          t.e2e = t.ttft + t.tpot * (e.set.points[p.point].features.output_tokens - 1);
          to.add(t, measured(e.point(p)));
          if (band) {
            const double m = e.set.points[p.point].observation.tpot_ms;
            ++counted;
            if (std::abs(std::log(m / t.tpot)) <= std::hypot(p.tpot_sd * a.sd_share, 0.01))
              ++inside;
          }
        }
      };
      std::vector<std::size_t> rest;
      for (std::size_t i = 1; i + 1 < n; ++i) {
        if (i != n / 2) rest.push_back(i);
      }
      evaluate({}, rest, by_count[0], false);
      evaluate({n / 2}, rest, by_count[1], false);
      evaluate({0, n - 1}, rest, by_count[2], false);
      evaluate({0, n / 2, n - 1}, rest, by_count[3], true);
      std::vector<std::size_t> kept, hidden;
      for (std::size_t i = 0; i < n; ++i) (i % 5 == 1 || i % 5 == 3 ? hidden : kept).push_back(i);
      evaluate(kept, hidden, three_of_five, false);
    }
    print_row("none measured", by_count[0]);
    print_row("the middle one", by_count[1]);
    print_row("the first and the last", by_count[2]);
    print_row("all three", by_count[3]);
    print_row("three of each five, the other two hidden", three_of_five);
    if (counted > 0) {
      fmt::print("{:<44} {:.0f} % of TPOT inside of one sd before band scales\n", "  all three",
                 100.0 * static_cast<double>(inside) / static_cast<double>(counted));
    }
  }
}

void bands(const Evaluation& e) {
  std::vector<LeftOutPoint> all;
  for (const auto& [scheme, predictions] : e.predictions) {
    all.insert(all.end(), predictions.begin(), predictions.end());
  }
  fmt::print(
      "\nBands of 80 %: how many left-out points are inside (half of the curves set the "
      "width for the other half), and the median of high / low - 1\n");
  for (const bool varied : {false, true}) {
    for (const Distance d : {Distance::Near, Distance::Far}) {
      const BandScale b = band_scale(e.set, all, d, varied);
      if (b.points == 0) continue;
      fmt::print(
          "{:<14} {:>6} points   TPOT {:.1f} % wide {:.0f} %   TTFT {:.1f} % wide {:.0f} %   "
          "end to end {:.1f} % wide {:.0f} %\n",
          std::string(varied ? "varied, " : "") + (d == Distance::Near ? "near" : "far"), b.points,
          100 * b.tpot_inside, 100 * b.tpot_width, 100 * b.ttft_inside, 100 * b.ttft_width,
          100 * b.e2e_inside, 100 * b.e2e_width);
    }
  }
}

/// Kernels learned on half of the groups, scored on the other half: what a version or a model is
/// worth that had no say in anything.
void nested(const TrainingSet& set, const Coefficients& coefficients, const Progress& progress) {
  head("The same, with kernels that were learned without the group");
  std::map<Scheme, Errors> by;
  for (const Learn learn : {Learn::FirstHalf, Learn::SecondHalf}) {
    const Fitted fitted = fit(set, coefficients, learn, progress);
    for (const Scheme scheme : kSchemes) {
      std::vector<bool> scored(set.points.size());
      std::size_t number = 0;
      for (const auto& [name, members] : groups(set, scheme)) {
        const bool learned = (number++ % 2 == 0) == (learn == Learn::FirstHalf);
        for (const std::size_t i : members) scored[i] = !learned;
      }
      for (const LeftOutPoint& p : cross_validate(set, fitted, scheme)) {
        if (!scored[p.point]) continue;
        by[scheme].add(Evaluation::predicted(p), measured(*set.points[p.point].point));
      }
    }
  }
  for (const auto& [scheme, errors] : by) print_row(name(scheme), errors);
}

/// Of points that nothing was fitted on.
void score(const Predictor& predictor, const std::vector<MeasuredPoint>& kept,
           const std::string& heading) {
  head(heading);
  Errors all;
  std::map<std::string, Errors> by;
  std::vector<std::optional<Prediction>> said(kept.size());
  in_parallel(kept.size(), 0, [&](std::size_t i) {
    if (auto p = predictor.predict(kept[i].question)) said[i] = std::move(*p);
  });
  std::size_t answered = 0;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (!said[i]) continue;
    ++answered;
    const Triple t{said[i]->tpot_mean_ms.value, said[i]->ttft_mean_ms.value,
                   said[i]->e2e_mean_ms.value};
    all.add(t, measured(kept[i]));
    by["load " + std::string(curve::name(kept[i].question.load_kind))].add(t, measured(kept[i]));
    by["source " + kept[i].source].add(t, measured(kept[i]));
    by["accelerator " + kept[i].question.setup.accelerator].add(t, measured(kept[i]));
  }
  print_row("all", all);
  for (const auto& [group, errors] : by) print_row(group, errors);
  fmt::print("{} of {} points got an answer\n", answered, kept.size());
}

Result<int> run(const Arguments& arguments) {
  const auto catalog = catalog::Catalog::open(arguments.catalog, {});
  if (!catalog) return fail(catalog.error());
  auto tables = perfmodel::OperatorTables::open(arguments.operators);
  if (!tables) return fail(std::move(tables).error());

  std::vector<MeasuredPoint> points;
  if (arguments.shipped) {
    auto shipped = points_of(*catalog);
    if (!shipped) return fail(std::move(shipped).error());
    points = std::move(*shipped);
  }
  for (const std::string& file : arguments.train) {
    std::vector<MeasuredPoint> more;
    if (auto good = read_into(file, more); !good) return fail(std::move(good).error());
    std::set<std::string> there;
    for (const MeasuredPoint& p : points) there.insert(p.id);
    for (MeasuredPoint& p : more) {
      if (!there.contains(p.id)) points.push_back(std::move(p));
    }
  }
  std::vector<std::pair<std::string, Peer>> peers;
  for (const auto& [name, file] : arguments.peers) {
    auto peer = read_peer(file);
    if (!peer) return fail(std::move(peer).error());
    peers.emplace_back(name, std::move(*peer));
  }

  std::string last;
  const Progress progress = [&](std::size_t, std::size_t, std::string_view what) {
    if (what != last) fmt::print(stderr, "{}\n", last = what);
  };
  const FeatureMaker maker(*catalog, *tables, version_dates(points));
  TrainingSet set = training_set(points, maker, 0, progress);
  const Coefficients coefficients = fit_coefficients(set, maker, 0, progress);
  const Fitted fitted =
      fit(set, coefficients, arguments.learn ? Learn::AllGroups : Learn::Nothing, progress);
  fmt::print("{} of {} points can be used{}\n", set.points.size(), points.size(),
             set.passed_over.empty() ? "" : " (the first that cannot: " + set.passed_over + ")");
  Evaluation e{set, fitted, {}};
  for (const Scheme scheme : kSchemes) {
    progress(0, 0, fmt::format("leaving out each {}", name(scheme)));
    e.predictions[scheme] = cross_validate(set, fitted, scheme);
  }
  if (!arguments.each.empty()) {
    if (auto written = write_each(e, arguments.each); !written) return fail(written.error());
  }
  by_scheme(e, peers);
  if (arguments.nested) nested(set, coefficients, progress);
  untabled(e, *tables);
  anchoring(e);
  bands(e);
  by_group(e);

  Calibration calibration;
  calibration.coefficients = coefficients;
  calibration.version_dates = version_dates(points);
  calibration.tpot = fitted.tpot->process();
  calibration.ttft = fitted.ttft->process();
  const auto predictor = open_predictor(*catalog, arguments.operators, std::move(calibration));
  if (!predictor) return fail(predictor.error());
  auto apart = points_of(*catalog, Prompts::Apart);
  if (!apart) return fail(std::move(apart).error());
  std::erase_if(*apart, [](const MeasuredPoint& p) {
    const profile::ServingSetup& s = p.question.setup;
    return !s.prefill.tensor_parallel || !s.decode.tensor_parallel;
  });
  score(**predictor, *apart, "Prompts and answers on workers of their own: never fitted on");
  for (const std::string& file : arguments.score) {
    std::vector<MeasuredPoint> kept;
    if (auto good = read_into(file, kept); !good) return fail(std::move(good).error());
    score(**predictor, kept, "Points kept aside: " + file);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto arguments = parse(argc, argv);
  if (!arguments) {
    fmt::print(stderr, "{}", usage());
    return 2;
  }
  const auto done = run(*arguments);
  if (!done) {
    fmt::print(stderr, "{}\n", done.error().message);
    return exit_code(done.error().code);
  }
  return *done;
}
