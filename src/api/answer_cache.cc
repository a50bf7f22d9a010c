#include "api/answer_cache.h"

namespace kneepoint::api {

Bytes AnswerCache::use(Entries::iterator entry, std::string_view state) {
  if (entry->state != state) {
    drop(entry);
    return nullptr;
  }
  ++counts_.hits;
  entries_.splice(entries_.begin(), entries_, entry);
  return entry->answer;
}

Bytes AnswerCache::find(std::string_view key, std::string_view state) {
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  Bytes answer = found == by_key_.end() ? nullptr : use(found->second, state);
  if (answer == nullptr) ++counts_.misses;
  return answer;
}

Bytes AnswerCache::find_as_sent(std::string_view sent, std::string_view state) {
  const std::lock_guard lock(mutex_);
  const auto found = by_sent_.find(sent);
  return found == by_sent_.end() ? nullptr : use(found->second, state);
}

void AnswerCache::also_sent_as(std::string_view key, std::string sent) {
  if (sent.empty() || sent.size() > kLongestSpelling) return;
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end() || by_sent_.contains(sent)) return;
  if (counts_.bytes + bytes_of(sent) > most_) return;
  Entry& entry = *found->second;
  if (entry.sent.size() == kMostSpellings) forget(entry, std::prev(entry.sent.end()));
  entry.sent.push_front(std::move(sent));
  counts_.bytes += bytes_of(entry.sent.front());
  by_sent_.emplace(entry.sent.front(), found->second);
}

void AnswerCache::forget(Entry& entry, std::list<std::string>::iterator sent) {
  counts_.bytes -= bytes_of(*sent);
  by_sent_.erase(*sent);
  entry.sent.erase(sent);
}

void AnswerCache::keep(std::string key, std::string_view state, Bytes answer) {
  Entry entry{std::move(key), std::string(state), std::move(answer), {}};
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
  while (!entry->sent.empty()) forget(*entry, entry->sent.begin());
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
