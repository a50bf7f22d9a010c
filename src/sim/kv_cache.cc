#include "sim/kv_cache.h"

#include <algorithm>
#include <bit>

namespace kneepoint::sim {

KvCache::KvCache(std::int64_t blocks, bool caching)
    : total_(blocks), blank_(blocks), caching_(caching), buckets_(1, kNone) {}

/// As many buckets as blocks, but not more than a cache of ordinary size needs: chains of two or
/// three in a huge one cost less than clearing the table for every engine. Most engines of a search
/// need none, as nobody shares anything.
void KvCache::make_buckets() {
  const auto most = static_cast<std::uint64_t>(std::clamp<std::int64_t>(total_, 2, 1 << 18));
  buckets_.assign(std::bit_ceil(most), kNone);
}

std::uint32_t KvCache::new_node() {
  if (unused_ == kNone) {
    nodes_.emplace_back();
    return static_cast<std::uint32_t>(nodes_.size() - 1);
  }
  const std::uint32_t node = unused_;
  unused_ = nodes_[node].next;
  nodes_[node] = Node{};
  return node;
}

void KvCache::free_node(std::uint32_t node) {
  nodes_[node].next = unused_;
  unused_ = node;
}

void KvCache::push_back(std::uint32_t node) {
  nodes_[node].previous = newest_;
  nodes_[node].next = kNone;
  (newest_ == kNone ? oldest_ : nodes_[newest_].next) = node;
  newest_ = node;
}

void KvCache::unlink(std::uint32_t node) {
  const Node& n = nodes_[node];
  (n.previous == kNone ? oldest_ : nodes_[n.previous].next) = n.next;
  (n.next == kNone ? newest_ : nodes_[n.next].previous) = n.previous;
}

void KvCache::forget(std::uint32_t node) {
  std::uint32_t* link = &bucket(nodes_[node].key);
  while (*link != node) link = &nodes_[*link].chain;
  *link = nodes_[node].chain;
}

void KvCache::take(std::int64_t n) {
  const std::int64_t first = std::min(n, blank_);
  blank_ -= first;
  n -= first;
  cached_ -= n;
  while (n > 0) {
    const std::uint32_t node = oldest_;
    Node& victim = nodes_[node];
    const std::int64_t some = std::min(n, victim.count);
    n -= some;
    victim.count -= some;
    if (victim.count > 0) break;
    unlink(node);
    if (victim.keyed) forget(node);
    if (!victim.awaited) free_node(node);  // else its sequence still asks for it
  }
}

KvCache::Block KvCache::find(std::uint64_t key) const {
  std::uint32_t node = buckets_[key & (buckets_.size() - 1)];
  while (node != kNone && nodes_[node].key != key) node = nodes_[node].chain;
  return node;
}

void KvCache::hold(Block block) {
  if (nodes_[block].refs++ > 0) return;
  unlink(block);
  --cached_;
}

KvCache::Block KvCache::publish(std::uint64_t key) {
  if (!caching_ || find(key) != kNone) return kNone;
  if (buckets_.size() == 1) make_buckets();
  const std::uint32_t node = new_node();
  Node& block = nodes_[node];
  block.key = key;
  block.count = 1;
  block.refs = 1;
  block.keyed = true;
  block.chain = bucket(key);
  bucket(key) = node;
  ++published_;
  return node;
}

void KvCache::release(Block block) {
  if (--nodes_[block].refs > 0) return;
  push_back(block);
  ++cached_;
}

void KvCache::park(std::int64_t n) {
  if (n == 0) return;
  if (!caching_) return drop(n);
  cached_ += n;
  if (newest_ != kNone && !nodes_[newest_].keyed && !nodes_[newest_].awaited) {
    nodes_[newest_].count += n;  // nobody will ask for either, so they need not be told apart
    return;
  }
  const std::uint32_t node = new_node();
  nodes_[node].count = n;
  push_back(node);
}

KvCache::Run KvCache::park_for_return(std::int64_t n) {
  if (n == 0) return kNone;
  if (!caching_) {
    drop(n);
    return kNone;
  }
  const std::uint32_t node = new_node();
  nodes_[node].count = n;
  nodes_[node].awaited = true;
  push_back(node);
  cached_ += n;
  return node;
}

void KvCache::take_back(Run run, std::int64_t n) {
  Node& node = nodes_[run];
  cached_ -= n;
  const bool queued = node.count > 0;
  node.count -= n;
  node.awaited = false;
  if (node.count > 0) return;
  if (queued) unlink(run);
  free_node(run);
}

}  // namespace kneepoint::sim
