#include "app/profiles.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <set>
#include <string_view>
#include <unordered_map>

#include "app/names.h"
#include "base/text.h"

namespace kneepoint::app {
namespace {

using profile::RankingRow;

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
  using Date = decltype(date_of(rows.front()));
  struct Newest {
    Date date;
    std::string_view version;
  };
  std::unordered_map<Group, std::size_t, Hash> place;  // in newest
  std::vector<Newest> newest;
  std::vector<std::size_t> newest_of(rows.size());
  place.reserve(rows.size() / 4);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
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
    keep[i] = newest[newest_of[i]].version == std::string_view(rows[i].setup.model_server_version);
  }
  std::size_t at = 0;
  std::erase_if(rows, [&](const Row&) { return !keep[at++]; });
}

template <class Row>
void keep_decoding(std::vector<Row>& rows, const std::string& decoding,
                   std::vector<std::string>& notes) {
  if (decoding == "any") return;
  std::map<std::string, int> passed;
  std::erase_if(rows, [&](const Row& row) {
    if (row.setup.decoding == decoding) return false;
    ++passed[std::string(row.setup.decoding)];
    return true;
  });
  if (passed.empty()) return;
  std::vector<std::string> counts;
  for (const auto& [kind, count] : passed) counts.push_back(fmt::format("{} {}", count, kind));
  notes.push_back(
      fmt::format("{} profiles passed over (--decoding=any shows them)", join(counts, " and ")));
}

/// Why a selection found nothing, in the order a user can mend it.
Error nothing_found(Session& session, store::Store& store, const Selection& selection) {
  store::Query query;
  query.layers = session.layers();
  query.model = selection.model;
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

Result<catalog::UseCase> find_use_case(const catalog::Catalog& catalog, const std::string& name) {
  if (const catalog::UseCase* found = catalog.use_case(name)) return *found;
  std::vector<std::string> names;
  for (const catalog::UseCase& use_case : catalog.use_cases()) names.push_back(use_case.name);
  return fail(ErrorCode::NotFound,
              fmt::format("unknown use case '{}'; there are {}", name, join(names, ", ")));
}

Result<ProfileList> rank_profiles(Session& session, const Selection& selection,
                                  recommend::Request request) {
  if (auto known = check_model(session, selection.model); !known) return fail(known.error());
  auto store = session.store();
  if (!store) return fail(std::move(store).error());
  ProfileList out;
  if (auto done = add_use_case(session, selection, request); !done) return fail(done.error());

  auto ranking = (*store)->rank(query_of(session, selection));
  if (!ranking) return fail(std::move(ranking).error());
  out.ranking = std::move(*ranking);
  if (out.ranking.rows().empty()) {
    // A model nobody measured still has an answer: where it fits, and where it does not.
    store::Query of_model;
    of_model.layers = session.layers();
    of_model.model = selection.model;
    const auto any = (*store)->rank(of_model);
    if (!any) return fail(any.error());
    if (selection.model.empty() || !any->rows().empty()) {
      return fail(nothing_found(session, **store, selection));
    }
    out.notes.push_back(fmt::format("no_data: nothing was measured for {}", selection.model));
  }

  std::vector<RankingRow>& rows = out.ranking.mutable_rows();
  keep_decoding(rows, selection.decoding, out.notes);
  if (selection.model_server_version.empty()) {
    keep_newest_version(rows, [](const RankingRow& row) { return row.measured_on; });
  }
  out.request = std::move(request);
  out.result = recommend::recommend(session.catalog(), out.ranking.rows(), out.request);
  for (const std::string& note : out.result.notes) out.notes.push_back(note);
  if (!selection.model.empty()) {
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
  auto found = (*store)->find(query_of(session, selection), store::Detail::Full);
  if (!found) return fail(std::move(found).error());
  if (found->empty()) return fail(nothing_found(session, **store, selection));

  BenchmarkList out;
  out.profiles = std::move(*found);
  keep_decoding(out.profiles, selection.decoding, out.notes);
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
