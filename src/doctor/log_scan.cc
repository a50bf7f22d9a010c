#include "doctor/log_scan.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include "doctor/advice.h"

namespace kneepoint::doctor {
namespace {

constexpr std::size_t kBlock = std::size_t{1} << 20;

/// Whole lines of the input, in numbered blocks, handed to whichever thread asks next. A line that
/// fills a block by itself is cut.
class Blocks {
 public:
  explicit Blocks(const ReadBytes& read) : read_(read), carry_(new char[kBlock]) {}

  struct Block {
    std::unique_ptr<char[]> bytes{new char[kBlock]};
    std::size_t size = 0, number = 0;
    std::string_view text() const { return {bytes.get(), size}; }
  };

  /// False at the end, or after a failed read.
  bool next(Block& block) {
    const std::lock_guard lock(mutex_);
    if (done_) return false;
    std::memcpy(block.bytes.get(), carry_.get(), carried_);
    std::size_t have = carried_;
    carried_ = 0;
    while (have < kBlock) {
      const auto got = read_(block.bytes.get() + have, kBlock - have);
      if (!got) {
        error_ = got.error();
        done_ = true;
        return false;
      }
      if (*got == 0) {
        done_ = true;
        break;
      }
      have += *got;
    }
    if (!done_) {
      const void* last = ::memrchr(block.bytes.get(), '\n', have);
      if (last != nullptr) {
        const auto whole =
            static_cast<std::size_t>(static_cast<const char*>(last) - block.bytes.get()) + 1;
        carried_ = have - whole;
        std::memcpy(carry_.get(), block.bytes.get() + whole, carried_);
        have = whole;
      }
    }
    block.size = have;
    block.number = number_++;
    bytes_ += have;
    return have > 0;
  }

  std::uint64_t bytes() const { return bytes_; }
  const std::optional<Error>& error() const { return error_; }

 private:
  const ReadBytes& read_;
  std::mutex mutex_;
  std::unique_ptr<char[]> carry_;
  std::size_t carried_ = 0, number_ = 0;
  std::uint64_t bytes_ = 0;
  bool done_ = false;
  std::optional<Error> error_;
};

/// One thread's share. A place is (block, line within it) until all line counts are known.
struct Share {
  struct Sample {
    std::size_t block = 0, line = 0;
    std::string evidence;
    std::vector<std::string> captures;
  };
  struct Seen {
    std::uint64_t lines = 0;
    std::vector<Sample> samples;
  };
  std::map<std::size_t, Seen> seen;                         // by signature
  std::vector<std::pair<std::size_t, std::size_t>> breaks;  // block, its line breaks
  bool open_end = false;                                    // the last block ends within a line
  std::size_t last_block = 0;
};

bool said_already(const std::vector<Share::Sample>& samples, const Share::Sample& sample) {
  return std::any_of(samples.begin(), samples.end(),
                     [&](const auto& other) { return other.captures == sample.captures; });
}

void scan_block(const SignatureSet& set, const Blocks::Block& block, Share& share,
                std::vector<Literals::Span>& spans, std::vector<SignatureSet::Match>& matches) {
  const std::string_view text = block.text();
  spans.clear();
  set.literals().find_lines(text, spans);
  std::size_t counted = 0, line = 0;
  for (const auto& [begin, end] : spans) {
    line += count_lines(text.substr(counted, begin - counted));
    counted = begin;
    const std::string_view words = text.substr(begin, end - begin);
    set.match(words, matches);
    for (SignatureSet::Match& match : matches) {
      Share::Seen& seen = share.seen[match.signature];
      ++seen.lines;
      if (seen.samples.size() >= Sighting::kMostSamples) continue;
      Share::Sample sample{block.number, line, {}, std::move(match.captures)};
      if (said_already(seen.samples, sample)) continue;
      sample.evidence = evidence_of(words, match.begin, match.end);
      seen.samples.push_back(std::move(sample));
    }
  }
  share.breaks.emplace_back(block.number, line + count_lines(text.substr(counted)));
  share.open_end = text.back() != '\n';
  share.last_block = block.number;
}

LogReport merge(const std::vector<Share>& shares) {
  LogReport out;
  std::vector<std::uint64_t> first_line;  // of a block
  for (const Share& share : shares) {
    for (const auto& [block, breaks] : share.breaks) {
      if (first_line.size() <= block) first_line.resize(block + 1);
      first_line[block] = breaks;
    }
  }
  for (std::uint64_t& line : first_line) line = std::exchange(out.lines, out.lines + line);
  for (const Share& share : shares) {
    if (share.open_end && share.last_block + 1 == first_line.size()) ++out.lines;
  }

  std::map<std::size_t, Sighting> seen;
  for (const Share& share : shares) {
    for (const auto& [signature, mine] : share.seen) {
      Sighting& all = seen[signature];
      all.signature = signature;
      all.lines += mine.lines;
      for (const Share::Sample& sample : mine.samples) {
        all.samples.push_back(
            {first_line[sample.block] + sample.line + 1, sample.evidence, sample.captures});
      }
    }
  }
  for (auto& [signature, sighting] : seen) {
    auto& samples = sighting.samples;
    std::stable_sort(samples.begin(), samples.end(),
                     [](const auto& a, const auto& b) { return a.line < b.line; });
    std::vector<Sighting::Sample> kept;
    for (Sighting::Sample& sample : samples) {
      const bool known = std::any_of(kept.begin(), kept.end(), [&](const auto& other) {
        return other.captures == sample.captures;
      });
      if (!known && kept.size() < Sighting::kMostSamples) kept.push_back(std::move(sample));
    }
    samples = std::move(kept);
    out.sightings.push_back(std::move(sighting));
  }
  return out;
}

}  // namespace

Result<LogReport> scan_log(const SignatureSet& set, const ReadBytes& read, int threads) {
  Blocks blocks(read);
  std::vector<Share> shares(static_cast<std::size_t>(std::max(1, threads)));
  const auto work = [&](Share& share) {
    Blocks::Block block;
    std::vector<Literals::Span> spans;
    std::vector<SignatureSet::Match> matches;
    while (blocks.next(block)) scan_block(set, block, share, spans, matches);
  };
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < shares.size(); ++i) {
    try {
      others.emplace_back(work, std::ref(shares[i]));
    } catch (const std::system_error&) {
      break;  // fewer threads are only slower
    }
  }
  work(shares.front());
  for (std::thread& other : others) other.join();
  if (blocks.error()) return fail(*blocks.error());
  LogReport out = merge(shares);
  out.bytes = blocks.bytes();
  return out;
}

ReadBytes read_from(int descriptor) {
  return [descriptor](char* to, std::size_t room) -> Result<std::size_t> {
    for (;;) {
      const ssize_t got = ::read(descriptor, to, room);
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) {
        return fail(ErrorCode::Unavailable, std::string("cannot read: ") + std::strerror(errno));
      }
    }
  };
}

ReadBytes read_from(std::string_view text) {
  auto left = std::make_shared<std::string_view>(text);
  return [left](char* to, std::size_t room) -> Result<std::size_t> {
    const std::size_t size = std::min(room, left->size());
    std::memcpy(to, left->data(), size);
    left->remove_prefix(size);
    return size;
  };
}

std::vector<Finding> findings(const SignatureSet& set, const LogReport& report,
                              const std::string& file) {
  using Role = Signature::Role;
  bool explained = false;
  for (const Sighting& each : report.sightings) {
    const Signature& signature = set.signatures()[each.signature];
    explained |= signature.role != Role::Umbrella && signature.severity == Severity::Error;
  }
  std::vector<Finding> causes, rest;
  for (const Sighting& each : report.sightings) {
    const Signature& signature = set.signatures()[each.signature];
    if (signature.role == Role::Umbrella && explained) continue;
    const Sighting::Sample& first = each.samples.front();
    Finding out{.severity = signature.severity,
                .id = signature.id,
                .file = file,
                .line = static_cast<std::size_t>(first.line),
                .count = each.lines,
                .object = {},
                .path = {},
                .evidence = first.evidence,
                .also = {},
                .cause = fill(signature.cause, first.captures),
                .fix = fill(signature.fix, first.captures),
                .patch = fill_command(signature.command, first.captures),
                .source = signature.source};
    for (std::size_t i = 1; i < each.samples.size(); ++i) {
      out.also.push_back("line " + std::to_string(each.samples[i].line) + ": " +
                         each.samples[i].evidence);
    }
    (signature.role == Role::Cause ? causes : rest).push_back(std::move(out));
  }
  causes.insert(causes.end(), std::make_move_iterator(rest.begin()),
                std::make_move_iterator(rest.end()));
  sort_by_severity(causes);
  return causes;
}

}  // namespace kneepoint::doctor
