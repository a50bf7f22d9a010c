#include "api/answer_cache.h"

namespace kneepoint::api {

Bytes AnswerCache::find(std::string_view key, std::string_view state) {
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end() || found->second->state != state) {
    if (found != by_key_.end()) drop(found->second);
    ++counts_.misses;
    return nullptr;
  }
  ++counts_.hits;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->answer;
}

void AnswerCache::keep(std::string key, std::string_view state, Bytes answer) {
  Entry entry{std::move(key), std::string(state), std::move(answer)};
  const std::size_t bytes = entry.bytes();
  if (bytes > most_ / 4) return;
  const std::lock_guard lock(mutex_);
  if (const auto known = by_key_.find(entry.key); known != by_key_.end()) drop(known->second);
  while (!entries_.empty() && counts_.bytes + bytes > most_) drop(std::prev(entries_.end()));
  entries_.push_front(std::move(entry));
  by_key_.emplace(entries_.front().key, entries_.begin());
  counts_.bytes += bytes;
  ++counts_.entries;
}

void AnswerCache::drop(Entries::iterator entry) {
  counts_.bytes -= entry->bytes();
  --counts_.entries;
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

AnswerCache::Counts AnswerCache::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

}  // namespace kneepoint::api
