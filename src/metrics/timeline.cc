#include "metrics/timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

namespace kneepoint::metrics {
namespace {

constexpr std::array<std::string_view, kOutcomes.size()> kOutcomeNames{
    "completed", "rejected", "failed", "timed-out", "cancelled"};

constexpr double kAgreement = 0.95;
// Past this many tokens per event a stream is one in name only, and no n is looked for.
constexpr std::int64_t kMostPerEvent = 1024;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

bool events_say_tokens(const Timeline& timeline) {
  return std::ranges::any_of(timeline.events, [](const TokenEvent& e) { return e.tokens() > 0; });
}

std::int64_t tokens_of_events(const Timeline& timeline) {
  if (!events_say_tokens(timeline)) return static_cast<std::int64_t>(timeline.events.size());
  std::int64_t sum = 0;
  for (const TokenEvent& event : timeline.events) sum += event.tokens();
  return sum;
}

/// How many events a server makes of an answer that sends n tokens at a time.
std::int64_t events_of(std::int64_t tokens, std::int64_t n, bool first_alone) {
  return first_alone ? 1 + ceil_div(tokens - 1, n) : ceil_div(tokens, n);
}

/// One answer as evidence of how its server streams.
struct Answer {
  std::int64_t tokens;
  std::int64_t events;
  const Timeline* sizes;  // null where events do not say what they carry
};

bool sizes_agree(const Timeline& timeline, std::int64_t n, bool first_alone) {
  const TokenEvent* previous = nullptr;
  bool first = true;
  for (const TokenEvent& event : timeline.events) {
    if (event.tokens() == 0) continue;
    // Every event but the last is full, and the last is known by having none after it.
    if (previous != nullptr) {
      if (previous->tokens() != (first && first_alone ? 1 : n)) return false;
      first = false;
    }
    previous = &event;
  }
  return previous == nullptr || previous->tokens() <= n;
}

enum class Agreement { None, Nearly, Exactly };

Agreement agreement(const Answer& answer, std::int64_t n, bool first_alone) {
  using enum Agreement;
  if (answer.sizes != nullptr) {
    return sizes_agree(*answer.sizes, n, first_alone) ? Exactly : None;
  }
  if (answer.events == events_of(answer.tokens, n, first_alone)) return Exactly;
  if (n == 1) {
    const std::int64_t slack = std::max<std::int64_t>(1, answer.tokens / 50);
    return std::abs(answer.tokens - answer.events) <= slack ? Nearly : None;
  }
  // Without the end token, which is counted but has no text.
  return answer.events == events_of(answer.tokens - 1, n, first_alone) ? Nearly : None;
}

bool agrees(const Answer& answer, std::int64_t n, bool first_alone) {
  return agreement(answer, n, first_alone) != Agreement::None;
}

std::vector<Answer> answers_of(std::span<const Timeline> timelines) {
  std::vector<Answer> out;
  for (const Timeline& timeline : timelines) {
    if (timeline.outcome != Outcome::Completed || !timeline.streamed) continue;
    if (events_say_tokens(timeline)) {
      const auto events = std::ranges::count_if(timeline.events,
                                                [](const TokenEvent& e) { return e.tokens() > 0; });
      out.push_back({tokens_of_events(timeline), events, &timeline});
    } else if (timeline.usage && !timeline.events.empty()) {
      const auto events = static_cast<std::int64_t>(timeline.events.size());
      out.push_back({timeline.usage->output.count(), events, nullptr});
    }
    // An answer of one token looks the same under every pattern.
    if (!out.empty() && out.back().tokens < 2) out.pop_back();
  }
  return out;
}

/// Calls `gap(time per token, how many tokens)` for the gaps of one request.
template <class Gap>
void each_gap(const Timeline& timeline, const StreamingPattern& pattern, Gap gap) {
  const auto& events = timeline.events;
  if (!timeline.streamed || events.size() < 2) return;

  if (events_say_tokens(timeline)) {
    const TokenEvent* before = nullptr;
    for (const TokenEvent& event : events) {
      if (event.tokens() == 0) continue;
      if (before != nullptr) {
        gap((event.after_due() - before->after_due()) / event.tokens(), event.tokens());
      }
      before = &event;
    }
    return;
  }

  using Kind = StreamingPattern::Kind;
  const auto gaps = static_cast<std::int64_t>(events.size()) - 1;
  const auto time = [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    return events[at + 1].after_due() - events[at].after_due();
  };
  const std::int64_t tokens = output_tokens(timeline).count();
  const Answer answer{tokens, gaps + 1, nullptr};
  if (!timeline.usage || pattern.kind == Kind::Unknown ||
      (pattern.kind == Kind::One && agrees(answer, 1, true))) {
    for (std::int64_t i = 0; i < gaps; ++i) gap(time(i), 1);
    return;
  }
  const auto n = static_cast<std::int64_t>(pattern.tokens_per_event);
  if (pattern.kind == Kind::EveryN && agrees(answer, n, pattern.first_alone)) {
    const std::int64_t first = pattern.first_alone ? 1 : n;
    const std::int64_t last = std::clamp<std::int64_t>(tokens - first - (gaps - 1) * n, 1, n);
    for (std::int64_t i = 0; i < gaps; ++i) {
      const std::int64_t carried = i + 1 < gaps ? n : last;
      gap(time(i) / carried, carried);
    }
    return;
  }
  // Only the total is known. Whole numbers of tokens, as even as they go, add up to it.
  const std::int64_t after_first = tokens - 1;
  if (after_first < 1) return;
  for (std::int64_t i = 0; i < gaps; ++i) {
    const std::int64_t carried = (i + 1) * after_first / gaps - i * after_first / gaps;
    if (carried > 0) gap(time(i) * gaps / after_first, carried);
  }
}

}  // namespace

std::string_view name(Outcome outcome) { return kOutcomeNames[static_cast<std::size_t>(outcome)]; }
std::string_view name(TokenSource source) {
  return source == TokenSource::Usage ? "usage" : "events";
}

TokenEvent::TokenEvent(Nanos after_due, std::int64_t tokens)
    : after_due_(static_cast<std::uint64_t>(std::clamp(after_due, Nanos(0), kLatest).count()) &
                 ((std::uint64_t{1} << 44) - 1)),
      tokens_(static_cast<std::uint64_t>(std::clamp<std::int64_t>(tokens, 0, kMostTokens)) &
              ((std::uint64_t{1} << 20) - 1)) {}

TokenSource token_source(const Timeline& timeline) {
  return timeline.usage ? TokenSource::Usage : TokenSource::Events;
}

Tokens output_tokens(const Timeline& timeline) {
  return timeline.usage ? timeline.usage->output : Tokens(tokens_of_events(timeline));
}

bool token_counts_disagree(const Timeline& timeline) {
  return timeline.usage && events_say_tokens(timeline) &&
         timeline.usage->output.count() != tokens_of_events(timeline);
}

std::optional<Nanos> ttft(const Timeline& timeline) {
  if (!timeline.streamed || timeline.events.empty()) return std::nullopt;
  return timeline.events.front().after_due();
}

std::optional<Nanos> e2e(const Timeline& timeline) {
  if (timeline.events.empty()) return std::nullopt;
  return timeline.events.back().after_due();
}

std::optional<Nanos> tpot(const Timeline& timeline) {
  const std::int64_t tokens = output_tokens(timeline).count();
  if (!timeline.streamed || timeline.events.size() < 2 || tokens < 2) return std::nullopt;
  return (timeline.events.back().after_due() - timeline.events.front().after_due()) / (tokens - 1);
}

std::optional<Nanos> ntpot(const Timeline& timeline) {
  const auto whole = e2e(timeline);
  const std::int64_t tokens = output_tokens(timeline).count();
  if (!whole || tokens < 1) return std::nullopt;
  return *whole / tokens;
}

std::optional<Nanos> send_delay(const Timeline& timeline) {
  if (!timeline.sent) return std::nullopt;
  return *timeline.sent - timeline.due;
}

std::string describe(const StreamingPattern& pattern) {
  switch (pattern.kind) {
    case StreamingPattern::Kind::Unknown:
      return "tokens per event unknown";
    case StreamingPattern::Kind::One:
      return "one token per event";
    case StreamingPattern::Kind::EveryN:
      return fmt::format("{:.0f} tokens per event", pattern.tokens_per_event);
    case StreamingPattern::Kind::Mixed:
      return fmt::format("{:.1f} tokens per event, mixed", pattern.tokens_per_event);
  }
  return {};
}

StreamingPattern streaming_pattern(std::span<const Timeline> timelines) {
  using Kind = StreamingPattern::Kind;
  const std::vector<Answer> answers = answers_of(timelines);
  if (answers.empty()) return {};

  std::int64_t tokens = 0, events = 0, after_first = 0, gaps = 0;
  for (const Answer& answer : answers) {
    tokens += answer.tokens;
    events += answer.events;
    after_first += answer.tokens - 1;
    gaps += answer.events - 1;
  }
  const double mean = gaps > 0 ? static_cast<double>(after_first) / static_cast<double>(gaps)
                               : static_cast<double>(tokens) / static_cast<double>(events);

  // A last event is seldom full, so n lies above the mean, far above it where answers are short.
  const auto most = std::min(kMostPerEvent, static_cast<std::int64_t>(4 * mean) + 2);
  struct Candidate {
    std::size_t agree = 0;
    std::size_t exactly = 0;  // tells two at a time from one, then two, with an end token unseen
    std::int64_t n = 1;
    bool first_alone = true;
  };
  Candidate best;
  for (std::int64_t n = 1; gaps > 0 && n <= most; ++n) {
    for (const bool alone : {true, false}) {
      Candidate candidate{.n = n, .first_alone = alone};
      for (const Answer& answer : answers) {
        const Agreement how = agreement(answer, n, alone);
        candidate.agree += how != Agreement::None;
        candidate.exactly += how == Agreement::Exactly;
      }
      if (std::tie(candidate.agree, candidate.exactly) > std::tie(best.agree, best.exactly)) {
        best = candidate;
      }
    }
  }
  if (static_cast<double>(best.agree) < kAgreement * static_cast<double>(answers.size())) {
    return {Kind::Mixed, mean, false};
  }
  if (best.n == 1) return {Kind::One, 1, true};
  return {Kind::EveryN, static_cast<double>(best.n), best.first_alone};
}

void add_itl(const Timeline& timeline, const StreamingPattern& pattern, Histogram& itl) {
  each_gap(timeline, pattern, [&](Nanos per_token, std::int64_t tokens) {
    itl.record(per_token, static_cast<std::uint64_t>(tokens));
  });
}

void add_itl(const Timeline& timeline, const StreamingPattern& pattern, CoarseHistogram& itl) {
  each_gap(timeline, pattern, [&](Nanos per_token, std::int64_t tokens) {
    itl.record(per_token, static_cast<std::uint64_t>(tokens));
  });
}

std::optional<Nanos> longest_itl(const Timeline& timeline, const StreamingPattern& pattern) {
  std::optional<Nanos> longest;
  each_gap(timeline, pattern, [&](Nanos per_token, std::int64_t) {
    if (!longest || per_token > *longest) longest = per_token;
  });
  return longest;
}

}  // namespace kneepoint::metrics
