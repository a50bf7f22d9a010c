#include "app/profiles.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <ranges>
#include <set>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "app/kept_ranking.h"
#include "app/names.h"
#include "base/text.h"
#include "recommend/choices.h"

namespace kneepoint::app {
namespace {

using profile::RankingRow;

/// Rows of a ranking in the order it has them. They are large and thousands of them are passed
/// over: they are chosen by where they lie.
struct Rows {
  std::shared_ptr<const profile::Ranking> kept;  // that many share, else null and
  profile::Ranking own;                          // read for this question
  std::vector<const RankingRow*> chosen;

  static Rows of(profile::Ranking ranking) {
    Rows out{nullptr, std::move(ranking), {}};
    out.chosen.reserve(out.own.rows().size());
    for (const RankingRow& row : out.own.rows()) out.chosen.push_back(&row);
    return out;
  }
  /// The chosen ones side by side.
  profile::Ranking take() {
    std::vector<RankingRow>& rows = own.mutable_rows();
    if (kept) {
      rows.reserve(chosen.size());
      for (const RankingRow* row : chosen) rows.push_back(*row);
      return std::move(own);
    }
    std::size_t count = 0;
    for (const RankingRow* row : chosen) {
      if (row != &rows[count]) rows[count] = *row;
      ++count;
    }
    rows.resize(count);
    return std::move(own);
  }
};

auto rows_of(const Rows& rows) {
  return std::views::transform(rows.chosen,
                               [](const RankingRow* row) -> const RankingRow& { return *row; });
}
const std::vector<profile::Profile>& rows_of(const std::vector<profile::Profile>& all) {
  return all;
}

const RankingRow& row_at(const RankingRow* row) { return *row; }
const profile::Profile& row_at(const profile::Profile& row) { return row; }

std::vector<profile::EvidenceKind> kinds_of(EvidenceWanted wanted) {
  using enum profile::EvidenceKind;
  switch (wanted) {
    case EvidenceWanted::All:
      return {};
    case EvidenceWanted::Measured:
      return {Measured, Published};
    case EvidenceWanted::Published:
      return {Published};
    case EvidenceWanted::Predicted:
      return {Predicted};
  }
  __builtin_unreachable();
}

store::Query query_of(const Session& session, const Selection& selection) {
  store::Query query;
  query.model = selection.model;
  query.model_server = selection.model_server;
  if (selection.model_server_version != "all") {
    query.model_server_version = selection.model_server_version;
  }
  query.serving_stack = selection.serving_stack;
  if (selection.serving_stack_version != "all") {
    query.serving_stack_version = selection.serving_stack_version;
  }
  query.accelerators = selection.accelerators;
  query.input_tokens = selection.input_tokens;
  query.output_tokens = selection.output_tokens;
  query.evidence = kinds_of(selection.evidence);
  query.layers = session.layers();
  return query;
}

/// "Newest benchmarked" is a matter of dates, not of version strings, which nightlies and custom
/// builds break: of each model, server, accelerator and workload the version of the newest
/// measurement counts, with all its profiles.
template <class Row, class DateOf>
void keep_newest_version(std::vector<Row>& rows, DateOf date_of) {
  using Group = std::array<std::string_view, 5>;
  struct Hash {
    std::size_t operator()(const Group& group) const {
      std::size_t all = 0;
      for (const std::string_view part : group) {
        all = all * 31 + std::hash<std::string_view>()(part);
      }
      return all;
    }
  };
  using Date = decltype(date_of(row_at(rows.front())));
  struct Newest {
    Date date;
    std::string_view version;
  };
  std::unordered_map<Group, std::size_t, Hash> place;  // in newest
  std::vector<Newest> newest;
  std::vector<std::size_t> newest_of(rows.size());
  place.reserve(rows.size() / 4);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& row = row_at(rows[i]);
    const std::string_view version = row.setup.model_server_version;
    Date date = date_of(row);
    const auto [at, fresh] =
        place.try_emplace(Group{row.setup.model, row.setup.model_server, row.setup.accelerator,
                                row.workload.name, row.setup.decoding},
                          newest.size());
    newest_of[i] = at->second;
    if (fresh) {
      newest.push_back({std::move(date), version});
      continue;
    }
    Newest& known = newest[at->second];
    const bool later =
        date > known.date ||
        (date == known.date && version != known.version &&
         catalog::compare_versions(version, known.version).value_or(known.version.empty() ? 1 : 0) >
             0);
    if (later) known = {std::move(date), version};
  }
  // What is kept is known before rows move: newest holds views of them.
  std::vector<bool> keep(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    keep[i] = newest[newest_of[i]].version ==
              std::string_view(row_at(rows[i]).setup.model_server_version);
  }
  std::size_t place_of = 0;
  std::erase_if(rows, [&](const Row&) { return !keep[place_of++]; });
}

template <class Row>
void keep_decoding(std::vector<Row>& rows, const std::string& decoding,
                   std::vector<std::string>& notes) {
  if (decoding == "any") return;
  std::map<std::string, int> passed;
  std::erase_if(rows, [&](const Row& row) {
    if (row_at(row).setup.decoding == decoding) return false;
    ++passed[std::string(row_at(row).setup.decoding)];
    return true;
  });
  if (passed.empty()) return;
  std::vector<std::string> counts;
  for (const auto& [kind, count] : passed) counts.push_back(fmt::format("{} {}", count, kind));
  notes.push_back(
      fmt::format("{} profiles passed over (--decoding=any shows them)", join(counts, " and ")));
}

/// A measurement outranks a prediction: of a model on an accelerator, predictions count where no
/// steady state was measured.
template <class Row>
void keep_measured(std::vector<Row>& rows, const Selection& selection) {
  if (selection.evidence != EvidenceWanted::All) return;
  const auto predicted = [](const Row& row) {
    return row_at(row).evidence.kind == profile::EvidenceKind::Predicted;
  };
  if (std::none_of(rows.begin(), rows.end(), predicted)) return;
  using Place = std::pair<std::string_view, std::string_view>;
  struct Hash {
    std::size_t operator()(const Place& place) const {
      return std::hash<std::string_view>()(place.first) * 31 +
             std::hash<std::string_view>()(place.second);
    }
  };
  std::unordered_set<Place, Hash> measured;
  for (const Row& row : rows) {
    if (!predicted(row) && row_at(row).load_kind != curve::LoadKind::Burst) {
      measured.emplace(row_at(row).setup.model, row_at(row).setup.accelerator);
    }
  }
  // What is kept is known before rows move: the places are views of them.
  std::vector<bool> drop(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    drop[i] = predicted(rows[i]) && measured.contains(Place{row_at(rows[i]).setup.model,
                                                            row_at(rows[i]).setup.accelerator});
  }
  std::size_t place_of = 0;
  std::erase_if(rows, [&](const Row&) { return drop[place_of++]; });
}

/// Nobody measured the version asked for: if the catalog knows it, predictions for another version
/// of the server are an answer, marked as such.
bool may_take_another_version(const Session& session, const Selection& selection) {
  const bool predictions =
      selection.evidence == EvidenceWanted::All || selection.evidence == EvidenceWanted::Predicted;
  return predictions && !selection.model_server_version.empty() &&
         selection.model_server_version != "all" &&
         session.catalog().server_version(selection.model_server, selection.model_server_version) !=
             nullptr;
}

/// The lengths of the stored workload nearest to those asked for, none of them more than this many
/// times as long or as short: further off it would be no estimate.
constexpr double kFarthestLength = 32;

struct Lengths {
  double input = 0, output = 0;
};

template <class List>
std::optional<Lengths> nearest_lengths(const List& rows, double input, double output) {
  std::optional<Lengths> best;
  double least = 0;
  for (const auto& row : rows) {
    const auto& w = row.workload;
    const auto in = w.input_tokens_mean ? w.input_tokens_mean : w.input_tokens_nominal;
    const auto out = w.output_tokens_mean ? w.output_tokens_mean : w.output_tokens_nominal;
    if (!in || !out || !(*in > 0) || !(*out > 0)) continue;
    const double a = std::abs(std::log(*in / input)), b = std::abs(std::log(*out / output));
    if (std::max(a, b) > std::log(kFarthestLength)) continue;
    if (best && a + b >= least) continue;
    best = Lengths{*in, *out};
    least = a + b;
  }
  return best;
}

/// The selection's rows by `read(query)`: as asked; else of another version of the server, else of
/// the nearest lengths (`estimate` says so), each with a note.
template <class Read>
auto read_nearest(Session& session, const Selection& selection, std::vector<std::string>& notes,
                  bool& estimate, Read read)
    -> decltype(read(std::declval<const store::Query&>())) {
  store::Query query = query_of(session, selection);
  auto found = read(query);
  if (!found || !rows_of(*found).empty()) return found;
  if (may_take_another_version(session, selection)) {
    query.model_server_version.clear();
    query.evidence = {profile::EvidenceKind::Predicted};
    auto other = read(query);
    if (!other) return other;
    if (!rows_of(*other).empty()) {
      notes.push_back(
          fmt::format("nothing was measured or predicted for {} {}: predictions for {} "
                      "{} stand in for it",
                      selection.model_server, selection.model_server_version,
                      rows_of(*other).front().setup.model_server,
                      rows_of(*other).front().setup.model_server_version));
      return other;
    }
    query = query_of(session, selection);
  }
  if (!selection.input_tokens || !selection.output_tokens) return found;
  query.input_tokens = query.output_tokens = std::nullopt;
  auto all = read(query);
  if (!all) return all;
  const auto near =
      nearest_lengths(rows_of(*all), *selection.input_tokens, *selection.output_tokens);
  if (!near) return found;
  query.input_tokens = near->input;
  query.output_tokens = near->output;
  auto stand_in = read(query);
  if (stand_in && !rows_of(*stand_in).empty()) {
    estimate = true;
    notes.push_back(fmt::format(
        "estimate: nothing is stored for {} input and {} output tokens; the figures are those of "
        "{:.0f} and {:.0f} ('kneepoint predict --all --input-length={} --output-length={}' makes "
        "rows for yours)",
        shortest(*selection.input_tokens), shortest(*selection.output_tokens), near->input,
        near->output, shortest(*selection.input_tokens), shortest(*selection.output_tokens)));
  }
  return stand_in;
}

/// Why a selection found nothing, in the order a user can mend it.
Error nothing_found(Session& session, store::Store& store, const Selection& selection) {
  store::Query query;
  query.layers = session.layers();
  query.model = selection.model;
  query.evidence = kinds_of(selection.evidence);
  const auto values = [&](std::string_view column) {
    auto found = store.distinct(column, query);
    return found ? std::move(*found) : std::vector<std::string>();
  };
  if (!selection.model_server.empty()) {
    const auto servers = values("model_server");
    if (std::find(servers.begin(), servers.end(), selection.model_server) == servers.end()) {
      return {ErrorCode::NotFound,
              fmt::format("no profile of {} with model server '{}'; there are {}",
                          selection.model.empty() ? "any model" : selection.model,
                          selection.model_server, join(servers, ", "))};
    }
    query.model_server = selection.model_server;
  }
  if (!selection.model_server_version.empty() && selection.model_server_version != "all") {
    const auto versions = values("model_server_version");
    if (std::find(versions.begin(), versions.end(), selection.model_server_version) ==
        versions.end()) {
      return {ErrorCode::NotFound, fmt::format("no profile with version '{}' of {}; there are {}",
                                               selection.model_server_version,
                                               selection.model_server, join(versions, ", "))};
    }
  }
  if (!selection.serving_stack.empty()) {
    return {ErrorCode::NotFound,
            fmt::format("no profile with serving stack '{}'", selection.serving_stack)};
  }
  if (!selection.accelerators.empty()) {
    return {ErrorCode::NotFound,
            fmt::format("no profile on {}; there are profiles on {}",
                        join(selection.accelerators, ", "), join(values("accelerator"), ", "))};
  }
  if (selection.input_tokens) {
    return {ErrorCode::NotFound,
            fmt::format("no workload measured within 20 % of {} input and {} output tokens; "
                        "measured are {}",
                        shortest(*selection.input_tokens), shortest(*selection.output_tokens),
                        join(values("workload"), ", "))};
  }
  return {ErrorCode::NotFound, "no profile matches"};
}

/// What a peak measurement adds where no curve was measured: a ceiling, said as such.
void add_ceilings(const Session& session, const std::string& model,
                  std::vector<recommend::Rejected>& rejected) {
  struct Ceiling {
    double tokens_per_second = 0;
    std::string sentence;
  };
  std::map<std::string_view, Ceiling> best;  // by accelerator
  const catalog::Catalog& catalog = session.catalog();
  for (std::size_t layer = 0; layer < catalog.layers().size(); ++layer) {
    const catalog::Table& rows = *catalog.raw(layer, "ceilings");
    if (rows.rows() == 0) continue;
    const std::size_t of_model = rows.column("model");
    const std::size_t rate = rows.column("output_tokens_per_second");
    for (std::size_t r = 0; r < rows.rows(); ++r) {
      if (rows.text(r, of_model) != model) continue;
      Ceiling& ceiling = best[rows.text(r, "accelerator")];
      const double value = rows.number(r, rate);
      if (!(value > ceiling.tokens_per_second)) continue;
      const std::string_view date = rows.text(r, "measured_on");
      ceiling = {value,
                 fmt::format("; ceiling {} output tokens/s offline on {} ({}{}{}): a peak, no "
                             "operating point",
                             fixed(value, 0), rows.text(r, "accelerator_count"),
                             rows.text(r, "source"), date.empty() ? "" : ", ", date)};
    }
  }
  for (recommend::Rejected& r : rejected) {
    const auto found = best.find(r.accelerator);
    if (found != best.end() && r.profile.empty()) r.sentence += found->second.sentence;
  }
}

Result<void> add_use_case(const Session& session, const Selection& selection,
                          recommend::Request& request) {
  if (selection.use_case.empty()) return {};
  const auto use_case = find_use_case(session.catalog(), selection.use_case);
  if (!use_case) return fail(use_case.error());
  request.input_tokens = use_case->input_tokens_mean;
  request.output_tokens = use_case->output_tokens_mean;
  return {};
}

}  // namespace

std::optional<EvidenceWanted> parse_evidence_wanted(std::string_view word) {
  if (word == "all") return EvidenceWanted::All;
  if (word == "measured") return EvidenceWanted::Measured;
  if (word == "published") return EvidenceWanted::Published;
  if (word == "predicted") return EvidenceWanted::Predicted;
  return {};
}

Result<catalog::UseCase> find_use_case(const catalog::Catalog& catalog, const std::string& name) {
  if (const catalog::UseCase* found = catalog.use_case(name)) return *found;
  std::vector<std::string> names;
  for (const catalog::UseCase& use_case : catalog.use_cases()) names.push_back(use_case.name);
  return fail(ErrorCode::NotFound,
              fmt::format("unknown use case '{}'; there are {}", name, join(names, ", ")));
}

Result<ProfileList> rank_profiles(Session& session, const Selection& selection,
                                  recommend::Request request, Rejections rejections) {
  if (auto known = check_model(session, selection.model); !known) return fail(known.error());
  auto store = session.store();
  if (!store) return fail(std::move(store).error());
  ProfileList out;
  if (auto done = add_use_case(session, selection, request); !done) return fail(done.error());

  const auto kept = kept_ranking(session);
  if (!kept) return fail(kept.error());
  const auto read = [&](const store::Query& query) -> Result<Rows> {
    if (*kept) return Rows{*kept, {}, rows_of_query(**kept, query)};
    return (*store)->rank(query).map(Rows::of);
  };

  bool estimate = false;
  auto rows = read_nearest(session, selection, out.notes, estimate, read);
  if (!rows) return fail(std::move(rows).error());
  if (estimate) {
    request.input_tokens = selection.input_tokens;
    request.output_tokens = selection.output_tokens;
  }
  if (rows->chosen.empty()) {
    // A model nobody measured still has an answer: where it fits, and where it does not.
    store::Query of_model;
    of_model.layers = session.layers();
    of_model.model = selection.model;
    of_model.evidence = kinds_of(selection.evidence);
    const auto any = read(of_model);
    if (!any) return fail(any.error());
    if (selection.model.empty() || !any->chosen.empty()) {
      return fail(nothing_found(session, **store, selection));
    }
    out.notes.push_back(fmt::format("no_data: nothing was measured for {}", selection.model));
  }

  keep_decoding(rows->chosen, selection.decoding, out.notes);
  keep_measured(rows->chosen, selection);
  if (selection.model_server_version.empty()) {
    keep_newest_version(rows->chosen, [](const RankingRow& row) { return row.measured_on; });
  }
  out.ranking = rows->take();
  out.kept = rows->kept;
  out.request = std::move(request);
  const bool tell = rejections == Rejections::Tell;
  out.result = (tell ? recommend::recommend : recommend::recommend_choices)(
      session.catalog(), out.ranking.rows(), out.request);
  for (const std::string& note : out.result.notes) out.notes.push_back(note);
  if (tell && !selection.model.empty()) {
    auto others =
        recommend::without_profiles(session.catalog(), selection.model, out.ranking.rows());
    if (!selection.accelerators.empty()) {
      std::erase_if(others, [&](const recommend::Rejected& r) {
        return std::find(selection.accelerators.begin(), selection.accelerators.end(),
                         r.accelerator) == selection.accelerators.end();
      });
    }
    add_ceilings(session, selection.model, others);
    out.result.rejected.insert(out.result.rejected.end(), others.begin(), others.end());
  }
  return out;
}

Result<BenchmarkList> list_benchmarks(Session& session, const Selection& selection,
                                      const recommend::PricingRules& pricing, double cost_ratio) {
  if (auto known = check_model(session, selection.model); !known) return fail(known.error());
  auto store = session.store();
  if (!store) return fail(std::move(store).error());
  BenchmarkList out;
  bool estimate = false;
  auto found = read_nearest(
      session, selection, out.notes, estimate,
      [&](const store::Query& query) { return (*store)->find(query, store::Detail::Full); });
  if (!found) return fail(std::move(found).error());
  if (found->empty()) return fail(nothing_found(session, **store, selection));

  out.profiles = std::move(*found);
  keep_decoding(out.profiles, selection.decoding, out.notes);
  keep_measured(out.profiles, selection);
  if (selection.model_server_version.empty()) {
    keep_newest_version(out.profiles,
                        [](const profile::Profile& p) { return profile::newest_date(p); });
  }
  if (!selection.use_case.empty()) {
    recommend::Request lengths;
    if (auto done = add_use_case(session, selection, lengths); !done) return fail(done.error());
    const auto ranking = profile::ranking_of(out.profiles);
    const auto near = recommend::nearest_workloads(ranking.rows(), lengths, out.notes);
    std::set<std::string> kept;
    for (const RankingRow* row : near) kept.emplace(row->id);
    std::erase_if(out.profiles, [&](const profile::Profile& p) { return !kept.contains(p.id); });
  }
  recommend::Pricer pricer(session.catalog(), pricing);
  for (const profile::Profile& p : out.profiles) {
    const auto curve = profile::curve_of(p);
    const auto knee = curve::find_knee(curve, p.load_kind);
    std::optional<recommend::Quote> quote;
    if (p.setup.accelerator_count) {
      const auto& priced = pricer.quote(p.setup.accelerator, *p.setup.accelerator_count);
      if (priced) quote = *priced;
    }
    for (const profile::Point& point : p.points) {
      Benchmark row{&p, &point, quote, std::nullopt, curve::zone_of(knee, point.at.load)};
      if (quote && point.at.output_tokens_per_second > 0 &&
          !metrics::is_missing(point.at.input_tokens_per_second)) {
        row.cost = recommend::token_cost(quote->usd_per_hour, point.at.input_tokens_per_second,
                                         point.at.output_tokens_per_second, cost_ratio);
      }
      out.points.push_back(std::move(row));
    }
  }
  return out;
}

Result<profile::Profile> get_profile(Session& session, const std::string& id) {
  auto store = session.store();
  if (!store) return fail(std::move(store).error());
  auto found = (*store)->get(id, session.layers());
  if (!found) return fail(std::move(found).error());
  if (*found) return std::move(**found);
  store::Query all;
  all.layers = session.layers();
  std::vector<std::string> ids;
  if (const auto ranking = (*store)->rank(all)) {
    for (const RankingRow& row : ranking->rows()) ids.emplace_back(row.id);
  }
  const auto close = nearest(id, ids);
  return fail(ErrorCode::NotFound,
              fmt::format("no profile '{}'{}; 'kneepoint profiles list --evidence' shows the ids",
                          id, close.empty() ? "" : "; did you mean " + join(close, " or ") + "?"));
}

}  // namespace kneepoint::app
