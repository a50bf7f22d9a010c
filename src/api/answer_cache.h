#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace kneepoint::api {

/// Bytes ready to send, shared by whoever sends them.
using Bytes = std::shared_ptr<const std::string>;

/// Whole answers by what was asked, least recently used out first, bounded in bytes. An answer
/// belongs to one state of store, catalog and day: of another state it is none. Any thread.
class AnswerCache {
 public:
  explicit AnswerCache(std::size_t most_bytes) : most_(most_bytes) {}

  /// Null: not there.
  Bytes find(std::string_view key, std::string_view state);
  /// An answer larger than a quarter of the cache is not kept: it would throw out the rest.
  void keep(std::string key, std::string_view state, Bytes answer);

  /// The same answers by the bytes that clients asked with, of which several mean the same key:
  /// nothing need be understood of them. Null is no miss: find() may follow.
  Bytes find_as_sent(std::string_view sent, std::string_view state);
  /// What was sent means `key`. Of each key the last few are known, none of them long.
  void also_sent_as(std::string_view key, std::string sent);
  static constexpr std::size_t kMostSpellings = 4, kLongestSpelling = 4096;

  struct Counts {
    std::uint64_t hits = 0, misses = 0;
    std::size_t entries = 0, bytes = 0;
  };
  Counts counts() const;

 private:
  struct Entry {
    std::string key, state;
    Bytes answer;
    std::list<std::string> sent;
    std::size_t bytes() const { return 2 * key.size() + state.size() + answer->size() + 200; }
  };
  using Entries = std::list<Entry>;
  using Places = std::unordered_map<std::string_view, Entries::iterator>;
  static std::size_t bytes_of(const std::string& sent) { return sent.size() + 150; }
  /// Null, and the entry dropped, when it is of another state.
  Bytes use(Entries::iterator entry, std::string_view state);
  void forget(Entry& entry, std::list<std::string>::iterator sent);
  void drop(Entries::iterator entry);

  const std::size_t most_;
  mutable std::mutex mutex_;
  Entries entries_;          // the last used first
  Places by_key_, by_sent_;  // views of what the entries hold
  Counts counts_;
};

}  // namespace kneepoint::api
