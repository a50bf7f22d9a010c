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

  struct Counts {
    std::uint64_t hits = 0, misses = 0;
    std::size_t entries = 0, bytes = 0;
  };
  Counts counts() const;

 private:
  struct Entry {
    std::string key, state;
    Bytes answer;
    std::size_t bytes() const { return 2 * key.size() + state.size() + answer->size() + 200; }
  };
  using Entries = std::list<Entry>;
  void drop(Entries::iterator entry);

  const std::size_t most_;
  mutable std::mutex mutex_;
  Entries entries_;  // the last used first
  std::unordered_map<std::string_view, Entries::iterator> by_key_;
  Counts counts_;
};

}  // namespace kneepoint::api
