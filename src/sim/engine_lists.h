#pragma once

#include <cstdint>

#include "sim/engine.h"

/// The engine's own: lists of slots, linked through the sequences themselves, and what follows from
/// the tick for a sequence that decodes.
namespace kneepoint::sim {

template <Engine::Links Engine::Sequence::* links>
void Engine::link_back(List& list, std::uint32_t slot) {
  sequences_[slot].*links = {list.tail, kNone};
  (list.tail == kNone ? list.head : (sequences_[list.tail].*links).next) = slot;
  list.tail = slot;
  ++list.size;
}

template <Engine::Links Engine::Sequence::* links>
void Engine::link_front(List& list, std::uint32_t slot) {
  sequences_[slot].*links = {kNone, list.head};
  (list.head == kNone ? list.tail : (sequences_[list.head].*links).previous) = slot;
  list.head = slot;
  ++list.size;
}

/// After `before`, or first.
template <Engine::Links Engine::Sequence::* links>
void Engine::link_after(List& list, std::uint32_t before, std::uint32_t slot) {
  if (before == kNone) return link_front<links>(list, slot);
  const std::uint32_t next = (sequences_[before].*links).next;
  if (next == kNone) return link_back<links>(list, slot);
  sequences_[slot].*links = {before, next};
  (sequences_[before].*links).next = slot;
  (sequences_[next].*links).previous = slot;
  ++list.size;
}

template <Engine::Links Engine::Sequence::* links>
void Engine::unlink(List& list, std::uint32_t slot) {
  const Links at = sequences_[slot].*links;
  (at.previous == kNone ? list.head : (sequences_[at.previous].*links).next) = at.next;
  (at.next == kNone ? list.tail : (sequences_[at.next].*links).previous) = at.previous;
  --list.size;
}

/// A sequence with `context` tokens at this tick needs a block at the ticks whose number leaves
/// this remainder: those at which all of its blocks are full.
inline std::size_t Engine::crossing(std::int64_t context) const {
  const std::int64_t phase = phase_ - block_size_.rest(context);
  return static_cast<std::size_t>(phase < 0 ? phase + config_.block_size : phase);
}

inline std::int64_t Engine::context_of(const Sequence& s) const {
  return s.phase == Phase::Decoding ? s.context + (tick_ - s.since) : s.context;
}

inline std::int64_t Engine::emitted_of(const Sequence& s) const {
  return s.phase == Phase::Decoding ? s.emitted + (tick_ - s.since) : s.emitted;
}

}  // namespace kneepoint::sim
