#include "loadgen/point_runner.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <string>
#include <utility>

#include "loadgen/answer.h"
#include "loadgen/dispatcher.h"
#include "loadgen/error_table.h"
#include "loadgen/fold.h"
#include "loadgen/self_check.h"
#include "loadgen/series.h"
#include "workload/arrival.h"

namespace kneepoint::loadgen {
namespace {

using http::Time;
using metrics::Outcome;
using run::PointEnd;

constexpr Nanos kTick = std::chrono::milliseconds(100);
constexpr int kTicksPerReport = 10;
constexpr int kTicksPerDoubt = 5;
/// From the end of the preparations to the first due time, so that it is not late already.
constexpr Nanos kHeadStart = std::chrono::milliseconds(2);
/// Sent in one go before answers are looked at again.
constexpr int kMostAtOnce = 64;
/// A server without sign of life for this long, while so many requests in a row found none, is
/// gone.
constexpr Nanos kSilent = std::chrono::seconds(1);
constexpr std::uint64_t kUnanswered = 3;
/// How far prompts may be from what was wanted without a word.
constexpr double kTokensOff = 0.02;
/// A closed loop whose requests fail at once would only spin.
constexpr Nanos kPause = std::chrono::milliseconds(250);

double to_ms(Nanos time) { return static_cast<double>(time.count()) / 1e6; }
double to_seconds(Nanos time) { return std::chrono::duration<double>(time).count(); }

Nanos thread_cpu() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + Nanos(time.tv_nsec);
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", parts);
}

}  // namespace

std::int64_t most_connections() {
  constexpr std::int64_t kForFiles = 64;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024 - kForFiles;
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(limit.rlim_cur) - kForFiles, 16,
                                  workload::kMostInFlight);
}

struct PointRunner::State {
  State(http::Loop& the_loop, const Target& target, RequestWriter the_writer, std::int64_t most)
      : loop(the_loop),
        client(the_loop, target.endpoint, {.patience = target.patience}),
        writer(std::move(the_writer)),
        most_out(most) {}

  http::Loop& loop;
  http::Client client;
  http::StreamChunkDecoder chunks;
  RequestWriter writer;
  std::int64_t most_out;
};

/// One load point under way.
class PointRunner::Point {
 public:
  Point(State& state, const workload::RunSpec& spec, const PointOptions& options,
        workload::Generator generator)
      : loop_(state.loop),
        client_(state.client),
        chunks_(state.chunks),
        writer_(state.writer),
        spec_(spec),
        options_(options),
        cap_(std::min(spec.in_flight.value_or(state.most_out), state.most_out)),
        capped_by_us_(cap_ < spec.in_flight.value_or(workload::kMostInFlight)),
        dispatcher_(std::move(generator), state.writer, cap_),
        fold_(options.bounds, options.warm_up) {}

  ~Point() {
    for (const http::Loop::TimerId timer : timers_) loop_.cancel(timer);
    loop_.cancel(send_timer_);
  }
  Point(const Point&) = delete;
  Point& operator=(const Point&) = delete;

  Result<run::PointRecord> run() {
    started_at_ = utc_now();
    if (auto ok = dispatcher_.prepare(); !ok) return fail(ok.error());
    const http::Client::Warmed warmed = connect_ahead();
    begin();
    if (interrupted()) {
      end_load(Nanos(0), PointEnd::Interrupted);
    } else if (warmed.open == 0) {
      server_gone(fmt::format("no connection: {}", warmed.reason));
      errors_.add({Outcome::Rejected, "no connection", warmed.reason});
    } else {
      send_at(epoch_);
    }
    loop_.run_until([this] { return over(); }, Time::max());
    if (failed_) return fail(std::move(*failed_));
    return record();
  }

 private:
  /// A request that is out.
  struct Call final : http::Exchange {
    explicit Call(Point& its_point) : point(its_point) {}
    void on_head(const http::ResponseHead& head, http::Stamp) override {
      point.last_sign_ = point.loop_.now();
      answer.on_head(head.status, head.is_event_stream());
    }
    void on_body(std::string_view bytes, http::Stamp stamp) override {
      point.on_body(*this, bytes, stamp);
    }
    void on_end(const http::Ending& ending) override { point.on_end(*this, ending); }

    Point& point;
    Answer answer;
    Dispatch dispatch;
    http::Client::RequestId id = 0;
    std::uint64_t place = 0;  // in the series
    bool out = false;
  };

  // ---- the course of a point ----

  /// Enough for a closed loop; for an open one what the first quarter of a second may need.
  http::Client::Warmed connect_ahead() {
    std::int64_t wanted = cap_;
    if (spec_.arrivals) {
      const double rate =
          spec_.arrivals->pattern == workload::ArrivalPattern::Trace ? 64 : spec_.arrivals->rate;
      wanted =
          std::min<std::int64_t>(wanted, 8 + static_cast<std::int64_t>(std::min(rate / 4, 512.0)));
    }
    if (spec_.requests) wanted = std::min(wanted, *spec_.requests);
    const auto have = static_cast<std::int64_t>(client_.idle_connections());
    if (have >= wanted) return {.open = client_.idle_connections(), .reason = {}};
    // Outlives an interruption, after which it is still told.
    const auto told = std::make_shared<std::optional<http::Client::Warmed>>();
    client_.warm(static_cast<std::size_t>(wanted - have),
                 [told](const http::Client::Warmed& warmed) { *told = warmed; });
    while (!told->has_value() && !interrupted()) {
      loop_.run_until([&] { return told->has_value(); }, loop_.now() + kTick);
    }
    http::Client::Warmed out = told->value_or(http::Client::Warmed{.open = 0, .reason = {}});
    out.open += static_cast<std::size_t>(have);
    return out;
  }

  void begin() {
    epoch_ = loop_.now() + kHeadStart;
    cpu_start_ = thread_cpu();
    last_sign_ = epoch_;
    if (options_.started) options_.started(epoch_);
    if (spec_.duration) {
      timers_.push_back(loop_.at(epoch_ + *spec_.duration,
                                 [this] { end_load(*spec_.duration, PointEnd::Complete); }));
    }
    if (options_.time_cap) {
      timers_.push_back(loop_.at(epoch_ + *options_.time_cap,
                                 [this] { end_load(*options_.time_cap, PointEnd::TimeCap); }));
    }
    set_tick();
  }

  Nanos now() const { return std::max(Nanos(0), Nanos(loop_.now() - epoch_)); }

  bool interrupted() const { return options_.interrupted && options_.interrupted(); }
  bool over() const { return load_ended_ && dispatcher_.in_flight() == 0; }

  /// No request is due after this.
  void end_load(Nanos at, PointEnd why) {
    if (load_ended_) return;
    load_ended_ = true;
    end_ = why;
    load_end_ = at;
    fold_.end_load(at);
    cpu_at_load_end_ = thread_cpu() - cpu_start_;
    wall_at_load_end_ = now();
    dispatcher_.stop();
    const bool at_once = why == PointEnd::Interrupted || why == PointEnd::ServerGone;
    drain_until_ = loop_.now() + (at_once ? Nanos(0) : options_.drain);
    timers_.push_back(loop_.at(drain_until_, [this] { cancel_rest(); }));
  }

  void cancel_rest() {
    for (const auto& call : calls_) {
      if (!call->out) continue;
      ++cancelled_;
      client_.cancel(call->id);
    }
  }

  void server_gone(std::string reason) {
    if (load_ended_) return;
    gone_ = std::move(reason);
    end_load(now(), PointEnd::ServerGone);
  }

  // ---- sending ----

  void send_due() {
    loop_.cancel(send_timer_);
    if (load_ended_) return;
    if (!spec_.arrivals && loop_.now() < pause_until_) return send_at(pause_until_);
    for (int sent = 0; sent < kMostAtOnce; ++sent) {
      auto next = dispatcher_.take(now());
      if (!next) {
        return give_up(std::move(next.error()));
      }
      if (!*next) {
        if (dispatcher_.exhausted()) return all_sent();
        // A few: writing many would make the next one late.
        if (auto ok = dispatcher_.prepare(sent + 2); !ok) return give_up(std::move(ok.error()));
        if (!dispatcher_.is_full() && dispatcher_.next_due() != workload::kNever) {
          send_at(epoch_ + dispatcher_.next_due());
        }
        return;
      }
      send(std::move(**next));
    }
    send_at(loop_.now());  // after a look at what has come
  }

  void give_up(Error error) {
    failed_ = std::move(error);
    end_load(now(), PointEnd::Interrupted);
  }

  void send_at(Time when) {
    send_timer_ = loop_.at(when, [this] { send_due(); });
  }

  /// With a duration the load ends with it, though no request is left.
  void all_sent() {
    const bool by_count =
        !spec_.duration || (spec_.requests && static_cast<std::int64_t>(sent_) >= *spec_.requests);
    if (by_count) end_load(last_due_, PointEnd::Complete);
  }

  Call& free_call() {
    if (free_.empty()) return *calls_.emplace_back(std::make_unique<Call>(*this));
    Call& call = *free_.back();
    free_.pop_back();
    return call;
  }

  void send(Dispatch dispatch) {
    count_in_flight(dispatcher_.in_flight() - 1);
    Call& call = free_call();
    call.dispatch = std::move(dispatch);
    call.answer.start(call.dispatch.due);
    call.place = series_.start(call.dispatch.due);
    call.out = true;
    fold_.on_sent(call.dispatch.due);
    if (sent_++ == 0) first_due_ = call.dispatch.due;
    last_due_ = std::max(last_due_, call.dispatch.due);
    most_in_flight_ = std::max(most_in_flight_, dispatcher_.in_flight());
    call.id = client_.send(std::move(call.dispatch.wire), call);
    keep_spare_connections();
  }

  /// A server may close what it was not asked over for some seconds, or after each answer.
  void keep_spare_connections() {
    if (!spec_.arrivals || warming_ || client_.idle_connections() > 0 || unanswered_ > 0) return;
    const auto room = cap_ - dispatcher_.in_flight();
    const auto spare = std::min<std::int64_t>(room, 1 + dispatcher_.in_flight() / 16);
    if (spare <= 0) return;
    warming_ = true;
    client_.warm(static_cast<std::size_t>(spare),
                 [this, alive = std::weak_ptr<bool>(alive_)](const http::Client::Warmed&) {
                   if (!alive.expired()) warming_ = false;
                 });
  }

  /// `count` were out until now.
  void count_in_flight(std::int64_t count) {
    const Nanos time = now();
    fold_.on_in_flight(counted_until_, time, count);
    counted_until_ = time;
  }

  // ---- answers ----

  void on_body(Call& call, std::string_view bytes, http::Stamp stamp) {
    if (stamp.by_kernel && stamp.at != last_stamp_) {
      read_lag_.record(loop_.now() - stamp.at);
      last_stamp_ = stamp.at;
    }
    last_sign_ = stamp.at;
    const Nanos at = stamp.at - epoch_;
    const std::uint32_t events = call.answer.on_body(bytes, at, chunks_);
    if (events == 0) return;
    events_.add(at, events);
    fold_.on_events(at, events);
  }

  void on_end(Call& call, const http::Ending& ending) {
    const Nanos time = now();
    const bool whole = ending.outcome == http::Outcome::Complete && ending.last_byte;
    const Nanos end = whole ? ending.last_byte->at - epoch_ : time;
    metrics::Timeline& timeline = call.answer.timeline;
    if (ending.sent) {
      timeline.sent = *ending.sent - epoch_;
      last_sent_ = std::max(last_sent_, *timeline.sent);
      lateness_.record(*timeline.sent - call.dispatch.free);
    }
    Verdict verdict = call.answer.on_end(ending, end, chunks_);
    if (!verdict.example.empty()) verdict.example = writer_.without_secrets(verdict.example);
    errors_.add(verdict);
    count_in_flight(dispatcher_.in_flight());
    call.out = false;
    note(call);
    fold_.add(timeline);
    if (options_.ended) options_.ended(call.dispatch.plan, timeline);
    // In an open loop the timer stands for the next one already.
    const bool frees = !spec_.arrivals || spec_.sessions || dispatcher_.is_full();
    dispatcher_.ended(call.dispatch, end, time);
    free_.push_back(&call);
    look_for_life(ending, verdict);
    if (frees) send_due();
  }

  void note(const Call& call) {
    const metrics::Timeline& timeline = call.answer.timeline;
    if (timeline.outcome != Outcome::Completed) {
      ++not_completed_;
      series_.skip(call.place);
      return;
    }
    ++completed_;
    const auto ttft = metrics::ttft(timeline);
    const auto e2e = metrics::e2e(timeline);
    if (e2e) {
      const double e2e_ms = to_ms(*e2e);
      series_.record(call.place, ttft ? to_ms(*ttft) : e2e_ms, e2e_ms);
    } else {
      series_.skip(call.place);
    }
    if (ttft) recent_ttft_.add(to_ms(*ttft));
    if (const auto tpot = metrics::tpot(timeline)) recent_tpot_.add(to_ms(*tpot));

    const workload::RequestPlan& plan = call.dispatch.plan;
    const Tokens output = metrics::output_tokens(timeline);
    output_wanted_.add(static_cast<double>(plan.output.count()));
    output_counted_.add(static_cast<double>(output.count()));
    stopped_early_ += output < plan.output;
    if (timeline.usage && timeline.usage->input > Tokens(0)) {
      input_wanted_.add(static_cast<double>(plan.prompt_tokens().count()));
      input_counted_.add(static_cast<double>(timeline.usage->input.count()));
      writer_.prompts().learn(plan, timeline.usage->input);
    }
  }

  void look_for_life(const http::Ending& ending, const Verdict& verdict) {
    const bool answered = ending.status != 0 && ending.outcome != http::Outcome::TimedOut;
    if (answered || ending.outcome == http::Outcome::Cancelled) {
      if (answered) unanswered_ = 0;
      return;
    }
    ++unanswered_;
    const bool timed_out = ending.outcome == http::Outcome::TimedOut;
    pause_until_ = timed_out ? Time{} : loop_.now() + kPause;
    // Time-outs come all together when a server stalls; one round of them says it.
    const auto enough = timed_out
                            ? std::max(kUnanswered, static_cast<std::uint64_t>(most_in_flight_))
                            : kUnanswered;
    if (unanswered_ >= enough && loop_.now() - last_sign_ >= kSilent) {
      server_gone(fmt::format("{} requests in a row without an answer: {}", unanswered_,
                              verdict.example.empty() ? verdict.what : verdict.example));
    }
  }

  // ---- now and then ----

  void set_tick() {
    timers_.push_back(0);
    tick_at_ = timers_.size() - 1;
    next_tick();
  }
  void next_tick() {
    timers_[tick_at_] = loop_.at(loop_.now() + kTick, [this] {
      on_tick();
      next_tick();
    });
  }

  void on_tick() {
    ++ticks_;
    if (interrupted()) {
      if (load_ended_) cancel_rest();
      end_ = PointEnd::Interrupted;
      end_load(now(), PointEnd::Interrupted);
    }
    if (!load_ended_ && options_.confident_within && ticks_ % kTicksPerDoubt == 0 &&
        now() >= options_.least && completed_ >= metrics::kBatches * 2 &&
        confidence(series_, events_, now(), options_.warm_up).within(*options_.confident_within)) {
      end_load(now(), PointEnd::Confident);
    }
    if (options_.progress && ticks_ % kTicksPerReport == 0) options_.progress(progress());
  }

  std::optional<Nanos> time_left(Nanos elapsed) const {
    if (load_ended_) return std::max(Nanos(0), Nanos(drain_until_ - loop_.now()));
    std::optional<Nanos> left;
    const auto at_most = [&](Nanos until) {
      const Nanos this_left = std::max(Nanos(0), until - elapsed);
      left = left ? std::min(*left, this_left) : this_left;
    };
    if (spec_.duration) at_most(*spec_.duration);
    if (options_.time_cap) at_most(*options_.time_cap);
    if (spec_.requests && sent_ > 0) {
      const double pace = to_seconds(elapsed) / static_cast<double>(sent_);
      at_most(Nanos(static_cast<std::int64_t>(
          std::min(pace * static_cast<double>(*spec_.requests) * 1e9, 1e18))));
    }
    return left;
  }

  Progress progress() {
    Progress out;
    out.elapsed = now();
    out.left = time_left(out.elapsed);
    out.draining = load_ended_;
    out.sent = sent_;
    out.completed = completed_;
    out.errors = not_completed_;
    out.in_flight = dispatcher_.in_flight();
    const double over = to_seconds(out.elapsed - reported_at_);
    if (over > 0) {
      out.completed_per_second = static_cast<double>(completed_ - reported_completed_) / over;
      out.tokens_per_second = static_cast<double>(events_.total() - reported_events_) / over;
    }
    out.ttft_ms = recent_ttft_.take();
    out.tpot_ms = recent_tpot_.take();
    reported_at_ = out.elapsed;
    reported_completed_ = completed_;
    reported_events_ = events_.total();
    return out;
  }

  // ---- what comes out ----

  run::PointRecord record() {
    run::PointRecord out;
    out.index = options_.index;
    out.spec = spec_;
    out.started_at = started_at_;
    out.took = now();
    out.end = end_;
    out.requests_sent = sent_;
    out.requests_completed = completed_;
    out.requests_failed = not_completed_;

    const Confidence sure = confidence(series_, events_, load_end_, options_.warm_up);
    const bool whole = options_.warm_up == Nanos(0);
    Fold::Kept kept = whole ? fold_.finish_whole(out.took + Nanos(1))
                            : fold_.finish(options_.warm_up.value_or(sure.from));
    // A warm-up that was asked for is not taken back.
    const bool short_run = !options_.warm_up && (kept.drained * 2 > completed_ ||
                                                 kept.tally.completed * 10 < completed_);
    if (whole) {
      out.warmup = "none cut, as asked: rates are of the whole run, its start and end included";
    } else if (options_.warm_up) {
      out.warmup =
          fmt::format("the first {:.3g} s dropped, as asked", to_seconds(*options_.warm_up));
    } else if (short_run) {
      kept = fold_.finish_whole(out.took + Nanos(1));
      out.warmup = "none cut: a short run";
      out.remarks.emplace_back(
          "a short run: most answers ended after the last request was sent, so rates are of the "
          "whole run, its start and end included");
    } else {
      out.warmup = metrics::describe(sure.cut, "requests");
    }
    out.summary = metrics::summarize(kept.tally);
    out.ttft_interval = sure.ttft;
    out.e2e_interval = sure.e2e;
    out.output_rate_interval = token_rate(sure.rate);
    out.slices = std::move(kept.slices);
    out.latency.assign(kept.tally.latency.begin(), kept.tally.latency.end());
    out.errors = errors_.counts();
    out.tokens = {.prompts = options_.prompts,
                  .input_wanted_mean = input_wanted_.mean(),
                  .input_counted_mean = input_counted_.mean(),
                  .output_wanted_mean = output_wanted_.mean(),
                  .output_counted_mean = output_counted_.mean(),
                  .stopped_early = stopped_early_};
    out.self = self_check(out.summary.of(metrics::Metric::Ttft).p50);
    add_remarks(out, kept.pattern_changed);
    return out;
  }

  /// Events by their own time, told in tokens.
  std::optional<metrics::MeanInterval> token_rate(
      std::optional<metrics::MeanInterval> events) const {
    if (!events || events_.total() == 0) return std::nullopt;
    const double per_event = output_counted_.sum / static_cast<double>(events_.total());
    events->mean *= per_event;
    events->half_width *= per_event;
    return events;
  }

  run::SelfCheck self_check(double ttft_p50_ms) const {
    run::SelfCheck self;
    self.send_lateness = metrics::spread(lateness_);
    self.read_lag = metrics::spread(read_lag_);
    self.cpu_seconds = to_seconds(thread_cpu() - cpu_start_);
    // The drain is left out: it would make a busy thread look idle.
    if (wall_at_load_end_ > kTick) {
      self.core_share = to_seconds(cpu_at_load_end_) / to_seconds(wall_at_load_end_);
    } else if (now() > Nanos(0)) {
      self.core_share = self.cpu_seconds / to_seconds(now());
    }
    self.most_in_flight = most_in_flight_;
    const auto gaps = static_cast<double>(sent_) - 1;
    if (gaps > 0 && last_due_ > first_due_) {
      const double achieved = gaps / to_seconds(std::max(last_sent_, last_due_) - first_due_);
      self.achieved_rate = achieved;
      // Under a cap, requests wait for the server, and that is as asked for.
      if (spec_.arrivals && dispatcher_.waited_for_place() == 0) {
        self.offered_rate = gaps / to_seconds(last_due_ - first_due_);
      }
    }
    judge(self, ttft_p50_ms);
    if (capped_by_us_ && dispatcher_.waited_for_place() > 0) {
      self.valid = false;
      self.reason = fmt::format(
          "{} requests were out at once, and no more file descriptors were left: raise `ulimit -n` "
          "or set a cap in flight",
          most_in_flight_);
    }
    return self;
  }

  void add_remarks(run::PointRecord& out, const std::optional<std::string>& pattern_changed) const {
    if (!gone_.empty()) out.remarks.push_back("the server is gone: " + gone_);
    for (std::string& remark : metrics::remarks(out.summary)) {
      out.remarks.push_back(std::move(remark));
    }
    if (pattern_changed) out.remarks.push_back(*pattern_changed);
    if (cancelled_ > 0 && end_ != PointEnd::Interrupted && end_ != PointEnd::ServerGone) {
      out.remarks.push_back(fmt::format(
          "{} requests were still out {:.0f} s after the last was due and were cancelled",
          cancelled_, to_seconds(options_.drain)));
    }
    if (stopped_early_ > 0) {
      out.remarks.push_back(fmt::format("{} answers were shorter than asked for", stopped_early_));
    }
    const double off = out.tokens.input_counted_mean / out.tokens.input_wanted_mean - 1;
    if (std::abs(off) > kTokensOff) {
      out.remarks.push_back(
          fmt::format("prompts had {:.1f} tokens by the server's count where {:.1f} were wanted "
                      "({:+.1f} %)",
                      out.tokens.input_counted_mean, out.tokens.input_wanted_mean, 100 * off));
    }
    if (spec_.in_flight && spec_.arrivals && dispatcher_.waited_for_place() > 0) {
      out.remarks.push_back(
          fmt::format("{} requests had to wait for a place under the cap of {} in flight; their "
                      "clock ran",
                      dispatcher_.waited_for_place(), *spec_.in_flight));
    }
  }

  struct Mean {
    double sum = 0;
    std::uint64_t values = 0;
    void add(double value) {
      sum += value;
      ++values;
    }
    double mean() const {
      return values == 0 ? metrics::kMissing : sum / static_cast<double>(values);
    }
    double take() {
      const double out = mean();
      *this = {};
      return out;
    }
  };

  http::Loop& loop_;
  http::Client& client_;
  http::StreamChunkDecoder& chunks_;
  RequestWriter& writer_;
  const workload::RunSpec& spec_;
  const PointOptions& options_;
  std::int64_t cap_;
  bool capped_by_us_;
  Dispatcher dispatcher_;
  Fold fold_;
  RequestSeries series_;
  EventSeries events_;
  ErrorTable errors_;
  std::vector<std::unique_ptr<Call>> calls_;
  std::vector<Call*> free_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

  std::string started_at_;
  Time epoch_{};
  Nanos cpu_start_{}, cpu_at_load_end_{}, wall_at_load_end_{};
  http::Loop::TimerId send_timer_ = 0;
  std::vector<http::Loop::TimerId> timers_;
  std::size_t tick_at_ = 0;
  int ticks_ = 0;
  bool load_ended_ = false;
  PointEnd end_ = PointEnd::Complete;
  Nanos load_end_{};
  Time drain_until_{};
  Time pause_until_{};
  Time last_sign_{};
  std::string gone_;
  std::optional<Error> failed_;
  bool warming_ = false;

  std::uint64_t sent_ = 0, completed_ = 0, not_completed_ = 0, cancelled_ = 0, unanswered_ = 0;
  std::int64_t most_in_flight_ = 0;
  Nanos first_due_{}, last_due_{}, last_sent_{}, counted_until_{};
  metrics::Histogram lateness_, read_lag_;
  Time last_stamp_{};
  Mean input_wanted_, input_counted_, output_wanted_, output_counted_;
  std::uint64_t stopped_early_ = 0;
  Mean recent_ttft_, recent_tpot_;
  Nanos reported_at_{};
  std::uint64_t reported_completed_ = 0, reported_events_ = 0;
};

PointRunner::PointRunner(std::unique_ptr<State> state) : state_(std::move(state)) {}
PointRunner::~PointRunner() = default;

Result<std::unique_ptr<PointRunner>> PointRunner::open(
    http::Loop& loop, const Target& target, std::unique_ptr<workload::PromptMaker> prompts,
    std::int64_t most_out) {
  auto writer = RequestWriter::open(target, std::move(prompts));
  if (!writer) return fail(std::move(writer.error()));
  return std::unique_ptr<PointRunner>(
      new PointRunner(std::make_unique<State>(loop, target, std::move(*writer), most_out)));
}

Result<run::PointRecord> PointRunner::run(const workload::RunSpec& spec,
                                          const PointOptions& options) {
  auto generator = workload::Generator::open(spec);
  if (!generator) return fail(std::move(generator.error()));
  Point point(*state_, spec, options, std::move(*generator));
  return point.run();
}

}  // namespace kneepoint::loadgen
