#pragma once

#include <cstdint>
#include <vector>

namespace kneepoint::sim {

/// The paged KV cache of one engine, as counts: who holds how many blocks, and which contents can
/// still be found. Every block is in one of three states:
///
///   used    held by a running sequence; a block with a key can be held by several
///   cached  held by nobody, its content still there: in one queue, least recently used first
///   blank   held by nobody, nothing worth keeping in it; taken before any cached one
///
/// Real servers give each block an identity and move it through the queue one by one. Here only
/// blocks that two requests could share have one (a key, the hash of all content up to the end of
/// the block). What belongs to one sequence alone is a number while it is held, and when let go
/// enters the queue as one run of so many blocks. A run is taken from its end, as a server frees a
/// sequence's blocks last one first; what is left of it is what the sequence, if it was preempted,
/// finds again. So a block without a key costs nothing by itself and the order of eviction is the
/// server's. One thread; no allocation once it has been as full as it gets.
class KvCache {
 public:
  using Block = std::uint32_t;  // one with a key
  using Run = std::uint32_t;    // blocks without, let go by a sequence that may come back
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  /// Without `caching` all that is let go is blank.
  KvCache(std::int64_t blocks, bool caching);

  bool caching() const { return caching_; }
  std::int64_t total() const { return total_; }
  std::int64_t used() const { return total_ - blank_ - cached_; }
  std::int64_t cached() const { return cached_; }
  std::int64_t blank() const { return blank_; }
  /// What take() can give.
  std::int64_t available() const { return blank_ + cached_; }
  /// Rises with every key that becomes findable.
  std::uint64_t published() const { return published_; }

  /// Takes n of available() blocks, blank ones first, then evicting the least recently used.
  void take(std::int64_t n);
  /// Gives back n blocks that were taken and hold nothing worth keeping.
  void drop(std::int64_t n) { blank_ += n; }

  /// kNone where no block has that key.
  Block find(std::uint64_t key) const;
  bool is_used(Block block) const { return nodes_[block].refs > 0; }
  /// One more holder. A cached block becomes used.
  void hold(Block block);
  /// Gives one of the taken blocks a key, so that find() finds it; its holder keeps holding it.
  /// kNone, and the block stays without, if another has that key already or nothing is cached here.
  Block publish(std::uint64_t key);
  /// One holder fewer; without any the block is cached, most recently used.
  void release(Block block);

  /// Lets n taken blocks without keys go, content kept: most recently used.
  void park(std::int64_t n);
  /// The same for a sequence that may come back; kNone if nothing is kept.
  Run park_for_return(std::int64_t n);
  /// What has not been evicted, counted from the run's start.
  std::int64_t left(Run run) const { return nodes_[run].count; }
  /// The sequence is back and takes n of what is left; the run is gone, the rest stays cached.
  void take_back(Run run, std::int64_t n);

 private:
  struct Node {
    std::uint64_t key = 0;
    std::int64_t count = 0;                        // blocks: 1 with a key
    std::uint32_t previous = kNone, next = kNone;  // in the queue; next also links unused nodes
    std::uint32_t chain = kNone;                   // the next node in the same bucket
    std::uint32_t refs = 0;                        // holders of a block with a key
    bool keyed = false;
    bool awaited = false;  // a run whose sequence may come back
  };

  void make_buckets();
  std::uint32_t new_node();
  void free_node(std::uint32_t node);
  void push_back(std::uint32_t node);
  void unlink(std::uint32_t node);
  void forget(std::uint32_t node);  // takes a key out of the table
  std::uint32_t& bucket(std::uint64_t key) { return buckets_[key & (buckets_.size() - 1)]; }

  std::int64_t total_, blank_, cached_ = 0;
  bool caching_;
  std::uint64_t published_ = 0;
  std::vector<Node> nodes_;
  std::vector<std::uint32_t> buckets_;  // a power of two, 1 until a key is published; keys are
  // hashes, so their low bits do
  std::uint32_t unused_ = kNone, oldest_ = kNone, newest_ = kNone;
};

}  // namespace kneepoint::sim
