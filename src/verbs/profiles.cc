#include "app/profiles.h"

#include <fmt/format.h>

#include <array>

#include "app/api_json.h"
#include "verbs/handlers.h"
#include "verbs/pieces.h"
#include "verbs/question.h"

namespace kneepoint::verbs {
namespace {

using json::Array;
using json::Object;
using metrics::Metric;
using metrics::Statistic;

/// A query string has no lists and objects: its flat members as the ones a body has.
Object unfolded(const Object& flat) {
  Object out, pricing;
  Array targets;
  const json::Value* statistic = flat.if_contains("statistic");
  for (const auto& [key, value] : flat) {
    const std::string_view name(key);
    constexpr std::string_view kTail = "Milliseconds";
    const auto metric = name.ends_with(kTail)
                            ? metrics::parse_metric(name.substr(0, name.size() - kTail.size()))
                            : std::nullopt;
    if (metric) {
      Object target{{"metric", metrics::name(*metric)}, {"milliseconds", value}};
      if (statistic != nullptr) target.emplace("statistic", *statistic);
      targets.push_back(std::move(target));
    } else if (name == "pricingModel") {
      pricing.emplace("model", value);
    } else if (name == "provider" || name == "region" || name == "machineType") {
      pricing.emplace(key, value);
    } else if (name != "statistic") {
      out.emplace(key, value);
    }
  }
  if (!pricing.empty()) out.emplace("pricing", std::move(pricing));
  if (!targets.empty()) out.emplace("targets", std::move(targets));
  return out;
}

struct Axis {
  std::string name, label, unit;
};

Axis x_axis(const std::string& name, bool per_accelerator) {
  const std::string of = per_accelerator ? " per accelerator" : " per replica";
  if (name == "requestsPerSecond") return {name, "Requests/s" + of, "requests/s"};
  if (name == "load") return {name, "Load", "as each curve says"};
  if (name == "usdPerMillionOutputTokens") {
    return {name, "Cost per million output tokens", "US dollars"};
  }
  return {name, "Output tokens/s" + of, "tokens/s"};
}

/// Of one curve what lies on the two axes.
class Curve {
 public:
  Curve(const catalog::Catalog& catalog, const profile::Profile& profile,
        const recommend::Request& request, Metric metric, Statistic statistic, std::string x,
        bool per_accelerator)
      : profile_(profile),
        request_(request),
        metric_(metric),
        wanted_(statistic),
        x_(std::move(x)),
        points_(profile::curve_of(profile)),
        knee_(curve::find_knee(points_, profile.load_kind)) {
    const int accelerators = profile.setup.accelerator_count.value_or(1);
    if (per_accelerator) share_ = 1.0 / accelerators;
    recommend::Pricer pricer(catalog, request.pricing);
    if (const auto quote = pricer.quote(profile.setup.accelerator, accelerators)) {
      usd_per_hour_ = quote->usd_per_hour;
    }
  }

  Object json(std::vector<std::string>& notes) {
    Array points;
    bool exact = true;
    std::string shown;
    for (std::size_t i = 0; i < points_.size(); ++i) {
      const auto chosen = metrics::choose_statistic(points_[i].latency, metric_, wanted_, true);
      const double x = x_of(points_[i]);
      if (!chosen || metrics::is_missing(x)) continue;
      exact = exact && chosen->exact;
      shown = metrics::name(chosen->statistic);
      Object one{{"load", points_[i].load},
                 {"x", x},
                 {"y", points_[i].latency.get(metric_, chosen->statistic)},
                 {"zone", curve::name(curve::zone_of(knee_, points_[i].load))},
                 {"statistic", shown}};
      if (const double usd = usd_of(points_[i]); !metrics::is_missing(usd)) {
        one.emplace("usdPerMillionOutputTokens", usd);
      }
      put_band(one, i, chosen->statistic);
      points.push_back(std::move(one));
    }
    if (points.empty()) {
      notes.push_back(
          fmt::format("{}: no {} was published", setup_name(profile_), metrics::label(metric_)));
    } else if (!exact) {
      notes.push_back(fmt::format("{}: {} {} was not published for every point: {} shown",
                                  setup_name(profile_), metrics::name(wanted_),
                                  metrics::label(metric_), shown));
    }
    Object out;
    put(out, "statistic", shown);
    out.emplace("statisticExact", exact);
    out.emplace("points", std::move(points));
    Object at = knee(knee_, profile_.load_kind, profile_.evidence.kind);
    if (knee_.state == curve::KneeState::Found) {
      const curve::LoadPoint& point = points_[knee_.index];
      put(at, "x", x_of(point));
      if (const auto chosen = metrics::choose_statistic(point.latency, metric_, wanted_, true)) {
        put(at, "y", point.latency.get(metric_, chosen->statistic));
      }
    }
    out.emplace("knee", std::move(at));
    return out;
  }

 private:
  double usd_of(const curve::LoadPoint& point) const {
    if (!usd_per_hour_ || metrics::is_missing(point.input_tokens_per_second) ||
        metrics::is_missing(point.output_tokens_per_second)) {
      return metrics::kMissing;
    }
    return recommend::token_cost(*usd_per_hour_, point.input_tokens_per_second,
                                 point.output_tokens_per_second, request_.output_input_cost_ratio)
        .output;
  }
  double x_of(const curve::LoadPoint& point) const {
    if (x_ == "requestsPerSecond") return point.requests_per_second * share_;
    if (x_ == "load") return point.load;
    if (x_ == "usdPerMillionOutputTokens") return usd_of(point);
    return point.output_tokens_per_second * share_;
  }
  /// Bands are those of means; a percentile's are taken to have the same ratios.
  void put_band(Object& out, std::size_t index, Statistic statistic) const {
    const profile::Bands& of = profile_.points[index].bands;
    const auto low = metric_ == Metric::Ttft  ? of.ttft_low
                     : metric_ == Metric::E2e ? of.e2e_low
                                              : of.tpot_low;
    const auto high = metric_ == Metric::Ttft  ? of.ttft_high
                      : metric_ == Metric::E2e ? of.e2e_high
                                               : of.tpot_high;
    if (!low || !high) return;
    const Metric banded =
        metric_ == Metric::Ttft || metric_ == Metric::E2e ? metric_ : Metric::Tpot;
    const double mean = points_[index].latency.get(banded, Statistic::Mean);
    const double value = points_[index].latency.get(metric_, statistic);
    if (!(mean > 0)) return;
    out.emplace("yLow", value * *low / mean);
    out.emplace("yHigh", value * *high / mean);
  }

  const profile::Profile& profile_;
  const recommend::Request& request_;
  Metric metric_;
  Statistic wanted_;
  std::string x_;
  double share_ = 1;
  std::vector<curve::LoadPoint> points_;
  curve::Knee knee_;
  std::optional<double> usd_per_hour_;
};

constexpr std::array<std::string_view, 4> kX{"outputTokensPerSecond", "requestsPerSecond", "load",
                                             "usdPerMillionOutputTokens"};
constexpr std::array<std::string_view, 5> kY{"ttft", "tpot", "itl", "ntpot", "e2e"};
constexpr std::array<std::string_view, 4> kStatistic{"p50", "mean", "p90", "p99"};

}  // namespace

Result<json::Value> get_profile(Call& call) {
  const Object unfold = unfolded(call.ask);
  Ask ask(unfold);
  const std::string id = ask.required("id", 300);
  const recommend::Request request = read_request(ask, call.session);
  if (auto done = ask.done(); !done) return fail(done.error());
  const auto found = app::get_profile(call.session, id);
  if (!found) return fail(found.error());
  const catalog::Catalog& catalog = call.session.catalog();
  Object out{{"profile", whole_profile(catalog, *found, request)}};
  for (auto& [key, value] : standing(catalog, *found, request)) out.emplace(key, value);
  return out;
}

Result<json::Value> compare_profiles(Call& call) {
  Ask ask(call.ask);
  const std::vector<std::string> ids = ask.texts("ids", 4);
  if (ids.empty()) ask.wrong("ids", "give one to four ids of profiles");
  const std::string x = ask.word("x", kX);
  const Metric metric = *metrics::parse_metric(ask.word("y", kY));
  const Statistic statistic = *metrics::parse_statistic(ask.word("statistic", kStatistic));
  const bool per_accelerator = ask.flag("perAccelerator");
  const recommend::Request request = read_request(ask, call.session);
  if (auto done = ask.done(); !done) return fail(done.error());

  const catalog::Catalog& catalog = call.session.catalog();
  std::vector<std::string> notes;
  Array curves;
  for (const std::string& id : ids) {
    const auto found = app::get_profile(call.session, id);
    if (!found) return fail(found.error());
    const std::vector<profile::Profile> one{*found};
    const auto rows = profile::ranking_of(one);
    Object curve{{"profile", found->id},
                 {"name", recommend::setup_name(rows.rows().front())},
                 {"model", found->setup.model},
                 {"workload", found->workload.name},
                 {"loadUnit", curve::unit(found->load_kind)}};
    Object evidence = app::evidence_json(found->evidence);
    put(evidence, "measuredOn", profile::newest_date(*found));
    evidence.emplace("flags", texts(profile::flags_of(*found)));
    evidence.emplace("sentence", app::evidence_of(catalog, *found, profile::newest_date(*found)));
    curve.emplace("evidence", std::move(evidence));
    Curve drawn(catalog, *found, request, metric, statistic, x, per_accelerator);
    for (auto& [key, value] : drawn.json(notes)) curve.emplace(key, value);
    for (auto& [key, value] : standing(catalog, *found, request)) curve.emplace(key, value);
    curves.push_back(std::move(curve));
  }
  const Axis axis = x_axis(x, per_accelerator);
  Object out{{"x", Object{{"name", axis.name}, {"label", axis.label}, {"unit", axis.unit}}},
             {"y", Object{{"name", metrics::name(metric)},
                          {"label", metrics::label(metric)},
                          {"unit", "ms"},
                          {"statistic", metrics::name(statistic)}}}};
  for (const curve::Target& target : request.targets) {
    if (target.metric == metric) {
      out.emplace("target", Object{{"milliseconds", target.at_most_ms},
                                   {"statistic", metrics::name(target.statistic)}});
    }
  }
  out.emplace("curves", std::move(curves));
  out.emplace("notes", texts(notes));
  return out;
}

}  // namespace kneepoint::verbs
