#include "doctor/literals.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <numeric>

namespace kneepoint::doctor {
namespace {

/// The automaton while it is built: a trie with its failure links.
struct Trie {
  explicit Trie(std::size_t classes) : width(classes) { add_state(); }
  std::size_t add_state() {
    to.insert(to.end(), width, -1);
    ends.emplace_back();
    return ends.size() - 1;
  }
  int& at(std::size_t state, std::size_t letter) { return to[state * width + letter]; }

  std::size_t width;
  std::vector<int> to;
  std::vector<std::vector<int>> ends;
};

/// Fills every missing transition from the failure links, breadth first.
void close_over(Trie& trie) {
  std::vector<int> failure(trie.ends.size(), 0);
  std::deque<int> queue;
  for (std::size_t letter = 0; letter < trie.width; ++letter) {
    int& child = trie.at(0, letter);
    if (child < 0) {
      child = 0;
    } else {
      queue.push_back(child);
    }
  }
  while (!queue.empty()) {
    const auto state = static_cast<std::size_t>(queue.front());
    queue.pop_front();
    const auto fall = static_cast<std::size_t>(failure[state]);
    trie.ends[state].insert(trie.ends[state].end(), trie.ends[fall].begin(), trie.ends[fall].end());
    for (std::size_t letter = 0; letter < trie.width; ++letter) {
      int& child = trie.at(state, letter);
      if (child < 0) {
        child = trie.at(fall, letter);
      } else {
        failure[static_cast<std::size_t>(child)] = trie.at(fall, letter);
        queue.push_back(child);
      }
    }
  }
}

}  // namespace

Literals::Literals(const std::vector<std::string>& texts) {
  std::uint8_t classes = 0;
  for (const std::string& text : texts) {
    for (const char c : text) {
      std::uint8_t& known = class_[static_cast<unsigned char>(c)];
      if (known == 0) known = ++classes;
    }
  }
  for (int upper = 'A'; upper <= 'Z'; ++upper) class_[upper] = class_[upper - 'A' + 'a'];
  stride_ = classes + 1U;

  Trie trie(stride_);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    std::size_t state = 0;
    for (const char c : texts[i]) {
      const std::size_t letter = class_[static_cast<unsigned char>(c)];
      if (trie.at(state, letter) < 0) {
        const auto made = static_cast<int>(trie.add_state());
        trie.at(state, letter) = made;
      }
      state = static_cast<std::size_t>(trie.at(state, letter));
    }
    trie.ends[state].push_back(static_cast<int>(i));
  }
  close_over(trie);

  // States that end a text go last, so that one comparison tells them.
  std::vector<std::size_t> order(trie.ends.size());
  std::iota(order.begin(), order.end(), 0);
  const auto found = std::stable_partition(order.begin(), order.end(),
                                           [&](std::size_t s) { return trie.ends[s].empty(); });
  first_found_ = static_cast<std::uint32_t>(found - order.begin()) * stride_;
  std::vector<std::uint32_t> row(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    row[order[i]] = static_cast<std::uint32_t>(i) * stride_;
  }
  next_.resize(trie.to.size());
  ends_.resize(static_cast<std::size_t>(order.end() - found));
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (std::size_t letter = 0; letter < stride_; ++letter) {
      next_[i * stride_ + letter] = row[static_cast<std::size_t>(trie.at(order[i], letter))];
    }
    if (i * stride_ >= first_found_) ends_[i - first_found_ / stride_] = trie.ends[order[i]];
  }
}

void Literals::find(std::string_view line, std::vector<int>& out) const {
  std::uint32_t state = 0;
  for (const char c : line) {
    state = step(state, c);
    if (state < first_found_) continue;
    for (const int text : ends_[(state - first_found_) / stride_]) {
      if (std::find(out.begin(), out.end(), text) == out.end()) out.push_back(text);
    }
  }
}

// A step waits for the load of the step before it. Four places of the block advance in turn, so
// that four loads are under way at a time.
void Literals::find_lines(std::string_view block, std::vector<Span>& out) const {
  constexpr std::size_t kLanes = 4;
  std::array<std::size_t, kLanes + 1> begin{};
  begin[kLanes] = block.size();
  for (std::size_t lane = 1; lane < kLanes; ++lane) {
    const std::size_t cut = std::max(begin[lane - 1], block.size() / kLanes * lane);
    const auto line_end = block.find('\n', cut);
    begin[lane] = line_end == std::string_view::npos ? block.size() : line_end + 1;
  }
  std::array<std::vector<Span>, kLanes> found;
  std::array<std::size_t, kLanes> at{};
  std::array<std::uint32_t, kLanes> state{};
  std::copy_n(begin.begin(), kLanes, at.begin());

  const auto take = [&](std::size_t lane) {
    const std::size_t from = begin[lane], to = begin[lane + 1];
    const std::size_t here = at[lane];  // one past the occurrence
    const std::size_t half = kLongestLine / 2;
    const std::size_t low = std::max(from, here > half ? here - half : 0);
    const auto before = static_cast<const char*>(::memrchr(block.data() + low, '\n', here - low));
    std::size_t first =
        before != nullptr ? static_cast<std::size_t>(before - block.data()) + 1 : low;
    if (!found[lane].empty()) first = std::max(first, found[lane].back().end);
    const std::size_t high = std::min(to, here + half);
    const auto after =
        static_cast<const char*>(std::memchr(block.data() + here, '\n', high - here));
    const std::size_t last =
        after != nullptr ? static_cast<std::size_t>(after - block.data()) : high;
    found[lane].push_back({first, last});
    at[lane] = std::min(to, last + (after != nullptr ? 1 : 0));
    state[lane] = 0;
  };

  const char* data = block.data();
  for (;;) {
    std::size_t steps = block.size();
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      steps = std::min(steps, begin[lane + 1] - at[lane]);
    }
    if (steps == 0) break;
    std::uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    const char *pa = data + at[0], *pb = data + at[1], *pc = data + at[2], *pd = data + at[3];
    std::size_t i = 0;
    while (i < steps) {
      a = step(a, pa[i]);
      b = step(b, pb[i]);
      c = step(c, pc[i]);
      d = step(d, pd[i]);
      ++i;
      if (std::max(std::max(a, b), std::max(c, d)) >= first_found_) break;
    }
    state = {a, b, c, d};
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      at[lane] += i;
      if (state[lane] >= first_found_) take(lane);
    }
  }
  // What is left of the longer lanes, one after the other.
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    while (at[lane] < begin[lane + 1]) {
      state[lane] = step(state[lane], data[at[lane]++]);
      if (state[lane] >= first_found_) take(lane);
    }
    out.insert(out.end(), found[lane].begin(), found[lane].end());
  }
}

std::size_t count_lines(std::string_view text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace kneepoint::doctor
