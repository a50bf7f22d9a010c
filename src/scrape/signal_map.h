#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"

namespace kneepoint::scrape {

/// What is asked of every server, in the words of the catalog's table of series.
enum class Signal {
  Running,
  Waiting,
  KvUse,
  Preemptions,
  PrefixHits,
  PrefixQueries,
  PrefixMisses,
  PromptTokens,
  GenerationTokens,
  Finished,
  Ttft,
  Itl,
  Tpot,
  E2e,
  QueueTime,
};
inline constexpr std::size_t kSignalCount = 15;
constexpr std::size_t at(Signal signal) { return static_cast<std::size_t>(signal); }
std::string_view word(Signal signal);      // "kv_cache_usage": the catalog's
std::string_view in_words(Signal signal);  // "KV cache use": for people
/// Counts up from the start of the server: every signal but running, waiting and KV use.
bool is_counted(Signal signal);

/// Values that one engine, or one label set, told. What a histogram tells are two: the sum of what
/// it saw and how often it saw something.
struct Part {
  std::uint64_t labels = 0;  // tells label sets apart
  double value = 0;          // seconds, tokens, requests or a share: the catalog's scale is in it
  double count = 0;          // of a histogram only
};

/// What one page says of one signal. Empty parts: the page has no such series.
struct Found {
  std::vector<Part> parts;
  std::uint8_t row = 0;  // which of the map's series it was, see SignalMap::describe()
  bool has_count = false;
};
using Reading = std::array<Found, kSignalCount>;

/// Under which names a server of one version tells its signals. Made from the catalog; read-only
/// afterwards. ':' and '_' in names count as the same, because gateways rewrite one as the other,
/// and so do a counter's name with and without _total.
class SignalMap {
 public:
  /// NotFound for a server of which the catalog knows no series. A version that is empty or no
  /// number counts as the newest.
  static Result<SignalMap> of(const catalog::Catalog& catalog, std::string_view server,
                              std::string_view version);

  /// Reads a page. Rows of engines stay apart; shards of one engine (labels tp_rank, pp_rank,
  /// moe_ep_rank, pid) tell the same twice, so only the first of them counts.
  /// An error where the page is no metrics page at all: JSON, HTML.
  Result<Reading> read(std::string_view page) const;

  const std::string& server() const { return server_; }
  const std::string& version() const { return version_; }
  /// Whether the catalog promises the signal for this version.
  bool promises(Signal signal) const;
  /// For a signal that was never seen, or seen under a name of another version: one sentence. Empty
  /// when all is as promised.
  std::string warning(Signal signal, const Found* seen) const;

  struct Row {
    Signal signal;
    std::string series;  // as in the catalog
    std::string since, until;
    std::vector<std::pair<std::string, std::string>> wanted_labels;
    double scale = 1;
    bool histogram = false;
    bool promised = false;  // the name of this version
    bool valid = false;     // one of the names of this version
  };

 private:
  struct Name {
    std::string text;  // ':' as '_', without _total
    std::size_t row;
    enum class Kind { Value, Sum, Count } kind;
  };
  std::string server_, version_, enable_hint_;
  std::vector<Row> rows_;    // of one signal together, the promised one first
  std::vector<Name> names_;  // sorted by text
};

/// Gauges and counters of several engines as one: counts add up, the KV use is the mean over
/// engines: the share of the whole server's cache, as the engines of one server have equal caches.
/// NaN where there is none.
double combined(Signal signal, const Found& found);

}  // namespace kneepoint::scrape
