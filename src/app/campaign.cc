#include "app/campaign.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "app/bench_run.h"
#include "app/prompt_probe.h"
#include "app/server_probe.h"
#include "app/timeline_keeper.h"
#include "http/client.h"
#include "run/measured_profile.h"
#include "scrape/compare.h"
#include "scrape/scraper.h"

namespace kneepoint::app {
namespace {

using curve::LoadKind;
using workload::RunSpec;

/// How far below the offered rate the completed one may be before the server counts as behind.
constexpr double kKeptUp = 0.95;
/// How often a load point is tried while the load generator is held up by other work.
constexpr int kTries = 3;
constexpr Nanos kIdlePatience = std::chrono::seconds(15);

/// The server's own account, beside the points. Nothing where it gives none.
class Witness {
 public:
  Witness(const loadgen::Target& target, const ServerFacts& facts) {
    if (!facts.signals) return;
    start_ = http::Clock::now();
    scrape::ScraperOptions options;
    options.fields = target.fields;
    if (!target.token.empty()) {
      options.fields.emplace_back("Authorization", "Bearer " + target.token);
    }
    auto scraper = scrape::Scraper::start(target.endpoint, facts.metrics_path, *facts.signals,
                                          start_, options);
    if (scraper) scraper_ = std::move(*scraper);
  }

  void begin(http::Time at) {
    point_ = at - start_;
    if (scraper_) scraper_->poke();
  }

  std::optional<metrics::SignalSample> latest() const {
    return scraper_ ? scraper_->latest() : std::nullopt;
  }

  /// Adds the server's account of the window to the record.
  void testify(run::PointRecord& point) {
    if (!scraper_) return;
    const metrics::Window& window = point.summary.window;
    metrics::ServerSignals signals = scraper_->mark({point_ + window.from, point_ + window.to});
    for (metrics::SignalSample& sample : signals.samples) sample.at -= point_;
    for (std::string& sentence : scrape::disagreements(point.summary, signals)) {
      signals.warnings.push_back(std::move(sentence));
    }
    point.server = std::move(signals);
  }

  /// Until the server has nothing more to do, so that a point does not pay for the one before.
  void wait_until_idle(const std::function<bool()>& interrupted) {
    if (!scraper_) return;
    const auto patience = http::Clock::now() + kIdlePatience;
    while (http::Clock::now() < patience && !(interrupted && interrupted())) {
      const auto sample = scraper_->latest();
      if (!sample || (!(sample->running > 0) && !(sample->waiting > 0))) return;
      scraper_->poke();
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }

 private:
  http::Time start_{};
  Nanos point_{};
  std::unique_ptr<scrape::Scraper> scraper_;
};

double completed_rate(const run::PointRecord& point) {
  const auto& rate = point.summary.requests_per_second;
  return rate ? rate->per_second() : 0;
}

/// By Little's law a closed loop's throughput is its clients over the mean time of a request, so
/// one is known as well as the other. Counted directly it looks far less certain than it is:
/// answers of a batch end together, and a few seconds hold few batches.
const std::optional<metrics::MeanInterval>& throughput_interval(const run::PointRecord& point) {
  const bool closed = !point.spec.arrivals && !point.spec.sessions;
  return closed && point.e2e_interval ? point.e2e_interval : point.output_rate_interval;
}

loadgen::SweepPoint sweep_point(const run::PointRecord& point) {
  loadgen::SweepPoint out;
  out.at = run::profile_point(point).at;
  // No request completed is a throughput too.
  if (metrics::is_missing(out.at.output_tokens_per_second)) out.at.output_tokens_per_second = 0;
  const auto& interval = throughput_interval(point);
  if (interval && interval->mean > 0) out.throughput_error = interval->half_width / interval->mean;
  if (point.spec.arrivals) {
    out.overloaded = completed_rate(point) < kKeptUp * point.spec.arrivals->rate;
  }
  return out;
}

RunSpec at_load(const SweepAsk& sweep, double load) {
  RunSpec spec = sweep.spec;
  if (sweep.limits.kind == LoadKind::RequestRate) {
    if (!spec.arrivals) spec.arrivals.emplace();
    spec.arrivals->rate = load;
  } else {
    spec.arrivals.reset();
    spec.in_flight = static_cast<std::int64_t>(std::llround(load));
  }
  return spec;
}

/// No request was answered and connections were refused: the server ended before the point, or as
/// it began; the point may be too short to be called off.
bool nobody_there(const run::PointRecord& point) {
  const auto refused = [](const run::ErrorCount& error) { return error.what == "no connection"; };
  const auto cut = [](const run::ErrorCount& error) {
    return error.what.starts_with(http::name(http::Outcome::Cut));
  };
  return point.requests_sent > 0 && point.requests_completed == 0 &&
         std::ranges::any_of(point.errors, refused) &&
         std::ranges::all_of(point.errors,
                             [&](const auto& error) { return refused(error) || cut(error); });
}

/// One load point after another, each kept before the next begins.
class Campaign {
 public:
  Campaign(const CampaignAsk& ask, run::Directory* directory, const CampaignWatch& watch)
      : ask_(ask), directory_(directory), watch_(watch) {}

  Result<CampaignResult> run(const catalog::Catalog& catalog) {
    if (directory_ != nullptr) {
      auto measured = points_of(*directory_);
      if (!measured) return fail(std::move(measured.error()));
      out_.points = std::move(*measured);
    }
    auto target = open_target(ask_.target);
    if (!target) return fail(std::move(target.error()));
    auto facts =
        probe_server(*target, catalog, ask_.setup.model_server, ask_.setup.model_server_version);
    if (!facts) return fail(std::move(facts.error()));
    out_.setup = ask_.setup;
    if (facts->identity) {
      out_.setup.model_server = facts->identity->server;
      out_.setup.model_server_version = facts->identity->version;
    }
    if (!ask_.scrape) facts->signals.reset();
    for (const std::string& sentence : facts->notes) note(sentence);

    allow_descriptors();
    auto loop = http::Loop::open();
    if (!loop) return fail(std::move(loop.error()));
    const std::uint64_t seed = ask_.sweep            ? ask_.sweep->spec.seed
                               : ask_.points.empty() ? 0
                                                     : ask_.points.front().seed;
    auto prompts = choose_prompts(*target, ask_.target.prompts, seed, watch_.interrupted);
    if (!prompts) return fail(std::move(prompts.error()));
    for (const std::string& sentence : prompts->notes) note(sentence);
    prompts_ = std::move(prompts->told);
    auto runner = loadgen::PointRunner::open(**loop, *target, std::move(prompts->maker),
                                             loadgen::most_connections());
    if (!runner) return fail(std::move(runner.error()));
    loop_ = std::move(*loop);
    runner_ = std::move(*runner);
    witness_.emplace(*target, *facts);

    auto done = ask_.sweep ? sweep() : list();
    if (!done) return fail(std::move(done.error()));
    return std::move(out_);
  }

 private:
  void note(std::string_view sentence) {
    if (watch_.note) watch_.note(sentence);
  }

  /// Measures one point; false when the campaign ends with it.
  Result<bool> measure(const RunSpec& spec, std::size_t of, std::string_view reason, bool keep) {
    if (!out_.points.empty()) witness_->wait_until_idle(watch_.interrupted);
    if (watch_.begins) watch_.begins(out_.points.size(), of, spec, reason);
    loadgen::PointOptions options = ask_.options;
    options.index = static_cast<std::int64_t>(out_.points.size());
    options.prompts = prompts_;
    options.interrupted = watch_.interrupted;
    options.started = [this](http::Time at) { witness_->begin(at); };
    options.progress = [this](const loadgen::Progress& progress) {
      if (watch_.progress) watch_.progress(progress, witness_->latest());
    };
    std::unique_ptr<TimelineKeeper> timelines;
    if (keep && ask_.timelines && directory_ != nullptr) {
      auto keeper = TimelineKeeper::start(*directory_, options.index);
      if (!keeper) return fail(std::move(keeper.error()));
      timelines = std::move(*keeper);
      options.ended = [&timelines](const workload::RequestPlan&,
                                   const metrics::Timeline& timeline) { timelines->add(timeline); };
    }
    auto point = runner_->run(spec, options);
    if (!point) return fail(std::move(point.error()));
    witness_->testify(*point);
    if (point->end != run::PointEnd::Interrupted && nobody_there(*point)) {
      point->end = run::PointEnd::ServerGone;
    }
    if (!keep) {
      idle_ = std::move(*point);
      return true;
    }
    // What was cut short is no point of a curve: it is measured anew when the run is taken up. Nor
    // is what a sweep could not measure rightly: another moment may be quieter.
    const bool cut = point->end == run::PointEnd::Interrupted;
    const bool gone = point->end == run::PointEnd::ServerGone;
    const bool spoilt = ask_.sweep && !point->self.valid;
    if (spoilt && !cut && !gone && ++spoilt_ < kTries) {
      note(fmt::format("{}: measured again, as the load generator was held up: {}",
                       load_text(point->spec), point->self.reason));
      return measure(spec, of, reason, keep);
    }
    spoilt_ = 0;
    if (directory_ != nullptr && !cut && !gone && !spoilt) {
      if (timelines) {
        if (auto kept = timelines->finish(); !kept) return fail(std::move(kept.error()));
        if (timelines->dropped() > 0) {
          point->remarks.push_back(
              fmt::format("{} requests are not in the timelines: they came faster than they could "
                          "be written",
                          timelines->dropped()));
        }
      }
      if (auto kept = directory_->append("point", run::to_json(*point)); !kept) {
        return fail(std::move(kept.error()));
      }
    }
    out_.points.push_back(std::move(*point));
    if (watch_.done) watch_.done(out_.points.back());
    return !cut && !gone;
  }

  Result<void> list() {
    while (out_.points.size() < ask_.points.size()) {
      const auto more =
          measure(ask_.points[out_.points.size()], ask_.points.size(), "as asked", true);
      if (!more) return fail(more.error());
      if (!*more) return {};
    }
    out_.whole = true;
    return {};
  }

  /// The rate of one client, halved: below any knee.
  Result<std::optional<double>> idle_rate() {
    RunSpec spec = ask_.sweep->spec;
    spec.arrivals.reset();
    spec.in_flight = 1;
    spec.requests = 5;
    spec.duration.reset();
    const auto more = measure(spec, 0, "how long one request takes", false);
    if (!more) return fail(more.error());
    const double ms = idle_.summary.of(metrics::Metric::E2e).mean;
    if (!(ms > 0)) return std::optional<double>();
    return std::optional(500 / ms);
  }

  Result<void> sweep() {
    loadgen::SweepLimits limits = ask_.sweep->limits;
    if (limits.kind == LoadKind::RequestRate && !ask_.sweep->lowest_given) {
      if (!out_.points.empty()) {
        limits.lowest = run::offered_load(out_.points.front());
      } else {
        const auto rate = idle_rate();
        if (!rate) return fail(rate.error());
        if (*rate) limits.lowest = std::min(**rate, limits.highest);
      }
    }
    loadgen::SweepPlan plan(limits);
    for (const run::PointRecord& point : out_.points) plan.add(sweep_point(point));
    while (true) {
      const loadgen::SweepPlan::Step step = plan.next();
      out_.knee = plan.knee();
      out_.ended = step.reason;
      if (step.stage == loadgen::SweepPlan::Stage::Done) {
        out_.whole = true;
        return {};
      }
      const auto more = measure(at_load(*ask_.sweep, step.load),
                                out_.points.size() + plan.points_left(), step.reason, true);
      if (!more) return fail(more.error());
      const run::PointRecord& point = out_.points.back();
      if (!*more) {
        out_.ended = std::string(run::name(point.end));
        return {};
      }
      if (point.requests_completed == 0) {
        out_.valid_end = true;
        out_.ended = "no request completed at " + load_text(point.spec);
        return {};
      }
      if (!point.self.valid) {
        out_.ended = fmt::format("the load generator could not keep up at {}: {}",
                                 load_text(point.spec), point.self.reason);
        out_.valid_end = true;
        return {};
      }
      plan.add(sweep_point(point));
    }
  }

  const CampaignAsk& ask_;
  run::Directory* directory_;
  const CampaignWatch& watch_;
  std::unique_ptr<http::Loop> loop_;
  std::unique_ptr<loadgen::PointRunner> runner_;  // of the loop
  std::optional<Witness> witness_;
  std::string prompts_;  // what they are made of
  run::PointRecord idle_;
  int spoilt_ = 0;  // tries of one point so far that the load generator itself spoilt
  CampaignResult out_;
};

}  // namespace

Result<CampaignResult> run_campaign(const CampaignAsk& ask, run::Directory* directory,
                                    const catalog::Catalog& catalog, const CampaignWatch& watch) {
  return Campaign(ask, directory, watch).run(catalog);
}

std::optional<curve::Knee> knee_of(const CampaignAsk& ask,
                                   const std::vector<run::PointRecord>& points) {
  if (!ask.sweep) return std::nullopt;
  loadgen::SweepPlan plan(ask.sweep->limits);
  for (const run::PointRecord& point : points) plan.add(sweep_point(point));
  return plan.knee();
}

Result<std::vector<run::PointRecord>> points_of(const run::Directory& directory) {
  std::vector<run::PointRecord> out;
  for (const run::Record& record : directory.records()) {
    if (record.kind != "point") continue;
    auto point = run::point_from_json(record.value);
    if (!point) return fail(std::move(point.error()).during(directory.folder().string()));
    out.push_back(std::move(*point));
  }
  return out;
}

std::string run_name(std::string_view model) {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  tm utc{};
  gmtime_r(&now, &utc);
  char stamp[32];
  std::strftime(stamp, sizeof stamp, "%Y-%m-%dT%H-%M-%S", &utc);
  std::string name(stamp);
  name += '-';
  for (const char c : model.substr(model.rfind('/') + 1)) {
    name += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' ? c : '-';
  }
  return name;
}

}  // namespace kneepoint::app
