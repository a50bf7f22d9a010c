#include "scrape/recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace kneepoint::scrape {
namespace {

using metrics::is_missing;
using metrics::kMissing;
using metrics::Window;

// Two days of a scrape a second; 60 MB. Older ones go first.
constexpr std::size_t kMostMoments = 172'800;
constexpr std::size_t kMostFailures = 10'000;

const Part* find(const Found& found, std::uint64_t labels) {
  for (const Part& part : found.parts) {
    if (part.labels == labels) return &part;
  }
  return nullptr;
}

template <class T>
void keep_last(std::vector<T>& items, std::size_t most) {
  if (items.size() <= most) return;
  items.erase(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(most / 4));
}

/// What of a counted signal was added between two pages.
struct Added {
  double value = 0, count = 0;
  bool reset = false;
};

Added added(const Found& before, const Found& now) {
  Added out;
  for (const Part& part : now.parts) {
    const Part* old = find(before, part.labels);
    const bool reset = old != nullptr && (part.value < old->value || part.count < old->count);
    out.reset = out.reset || reset;
    const bool from_zero = old == nullptr || reset;
    out.value += part.value - (from_zero ? 0 : old->value);
    out.count += part.count - (from_zero ? 0 : old->count);
  }
  return out;
}

metrics::GaugeSummary summary_of(const std::vector<metrics::SignalSample>& samples,
                                 double metrics::SignalSample::* gauge) {
  metrics::GaugeSummary out;
  double sum = 0;
  std::size_t count = 0;
  for (const metrics::SignalSample& sample : samples) {
    const double value = sample.*gauge;
    if (is_missing(value)) continue;
    sum += value;
    ++count;
    if (is_missing(out.max) || value > out.max) out.max = value;
  }
  if (count > 0) out.mean = sum / static_cast<double>(count);
  return out;
}

}  // namespace

void Recorder::add(Nanos at_time, const Reading& reading) {
  Moment now;
  if (!moments_.empty()) {
    now.value = moments_.back().value;
    now.count = moments_.back().count;
  }
  for (std::size_t s = 0; s < kSignalCount; ++s) {
    const auto signal = static_cast<Signal>(s);
    const Found& found = reading[s];
    if (found.parts.empty()) continue;
    now.seen.set(s);
    last_found_[s] = Found{.parts = {}, .row = found.row, .has_count = found.has_count};
    if (!is_counted(signal) || !before_) continue;
    const Added more = added((*before_)[s], found);
    now.value[s] += more.value;
    now.count[s] += more.count;
    now.reset = now.reset || more.reset;
  }
  const auto figure = [&](Signal signal) { return combined(signal, reading[at(signal)]); };
  now.sample = {.at = at_time,
                .running = figure(Signal::Running),
                .waiting = figure(Signal::Waiting),
                .kv_use = figure(Signal::KvUse),
                .preemptions = figure(Signal::Preemptions),
                .prompt_tokens = figure(Signal::PromptTokens),
                .generation_tokens = figure(Signal::GenerationTokens)};
  moments_.push_back(now);
  keep_last(moments_, kMostMoments);
  // A page without a series that the one before had (a server that is starting) must not make the
  // next one count from 0.
  if (!before_) before_ = Reading{};
  for (std::size_t s = 0; s < kSignalCount; ++s) {
    if (!reading[s].parts.empty()) (*before_)[s] = reading[s];
  }
}

void Recorder::failed(Nanos at_time, std::string reason) {
  failures_.push_back({at_time, std::move(reason)});
  keep_last(failures_, kMostFailures);
}

std::optional<metrics::SignalSample> Recorder::latest() const {
  if (moments_.empty()) return {};
  return moments_.back().sample;
}

metrics::ServerSignals Recorder::summarize(const Window& window) const {
  metrics::ServerSignals out;
  out.server = map_.server();
  out.version = map_.version();
  for (const Moment& moment : moments_) {
    if (window.holds(moment.sample.at)) out.samples.push_back(moment.sample);
  }
  out.running = summary_of(out.samples, &metrics::SignalSample::running);
  out.waiting = summary_of(out.samples, &metrics::SignalSample::waiting);
  out.kv_use = summary_of(out.samples, &metrics::SignalSample::kv_use);
  warn_of_gaps(window, out);
  if (moments_.empty()) return out;

  const auto nearest = [&](Nanos time) {
    return std::min_element(
        moments_.begin(), moments_.end(), [&](const Moment& a, const Moment& b) {
          return std::chrono::abs(a.sample.at - time) < std::chrono::abs(b.sample.at - time);
        });
  };
  const auto first = nearest(window.from), last = nearest(window.to);
  warn_of_series(window, out);
  if (last <= first) return out;
  const double seconds = std::chrono::duration<double>(last->sample.at - first->sample.at).count();
  const auto seen = [&](Signal signal) { return last->seen.test(at(signal)); };
  const auto more = [&](Signal signal) {
    return seen(signal) ? last->value[at(signal)] - first->value[at(signal)] : kMissing;
  };

  out.preemptions = more(Signal::Preemptions);
  out.prompt_tokens_per_second = more(Signal::PromptTokens) / seconds;
  out.generation_tokens_per_second = more(Signal::GenerationTokens) / seconds;

  const double hits = more(Signal::PrefixHits);
  const double asked =
      seen(Signal::PrefixQueries) ? more(Signal::PrefixQueries) : hits + more(Signal::PrefixMisses);
  if (asked > 0 && !is_missing(hits)) out.prefix_hit_share = std::min(1.0, hits / asked);

  const auto mean_ms = [&](Signal signal) {
    const std::size_t s = at(signal);
    if (!seen(signal) || !last_found_[s]) return kMissing;
    // A plain counter of seconds has its number elsewhere: tokens for what is per token.
    const bool per_token = signal == Signal::Tpot || signal == Signal::Itl;
    const double number = last_found_[s]->has_count ? last->count[s] - first->count[s]
                          : per_token               ? more(Signal::GenerationTokens)
                                                    : more(Signal::Finished);
    return number > 0 ? more(signal) / number * 1000 : kMissing;
  };
  out.ttft_mean_ms = mean_ms(Signal::Ttft);
  out.tpot_mean_ms = mean_ms(Signal::Tpot);
  out.itl_mean_ms = mean_ms(Signal::Itl);
  out.e2e_mean_ms = mean_ms(Signal::E2e);
  out.queue_mean_ms = mean_ms(Signal::QueueTime);

  const bool reset = std::any_of(first + 1, last + 1, [](const Moment& m) { return m.reset; });
  if (reset) {
    out.warnings.push_back(
        "counters of the server fell in mid-run: it, or one of its engines, was started anew; "
        "what was counted between the last scrape and the restart is lost");
  }
  return out;
}

void Recorder::warn_of_gaps(const Window& window, metrics::ServerSignals& out) const {
  std::size_t failures = 0;
  const Failure* last = nullptr;
  for (const Failure& failure : failures_) {
    if (!window.holds(failure.at)) continue;
    ++failures;
    last = &failure;
  }
  if (last != nullptr) {
    out.warnings.push_back(
        fmt::format("{} of {} scrapes of the server's metrics failed, the last: {}", failures,
                    failures + out.samples.size(), last->reason));
  } else if (out.samples.empty()) {
    out.warnings.push_back("no scrape of the server's metrics fell into this part of the run");
  }
}

void Recorder::warn_of_series(const Window& window, metrics::ServerSignals& out) const {
  if (out.samples.empty()) return;
  std::bitset<kSignalCount> seen;
  for (const Moment& moment : moments_) {
    if (window.holds(moment.sample.at)) seen |= moment.seen;
  }
  for (std::size_t s = 0; s < kSignalCount; ++s) {
    const auto signal = static_cast<Signal>(s);
    if (signal == Signal::Finished) continue;  // no figure of its own
    const bool there = seen.test(s) && last_found_[s].has_value();
    std::string warning = map_.warning(signal, there ? &*last_found_[s] : nullptr);
    if (!warning.empty()) out.warnings.push_back(std::move(warning));
  }
}

}  // namespace kneepoint::scrape
