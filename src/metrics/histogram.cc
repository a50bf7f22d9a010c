#include "metrics/histogram.h"

#include <algorithm>
#include <cmath>

#include "base/hash.h"
#include "metrics/metric.h"

namespace kneepoint::metrics {
namespace {

// The written form: mark, version, bits of a bucket number; then numbers of seven bits a byte, low
// ones first: count, sum (low and high half), least, greatest, how many buckets; for each bucket
// how many it lies after the one before, and its count; last a hash of all before it, eight bytes,
// low ones first. Fixed cells for every bucket would be 28,000 of them, nearly all empty.
constexpr std::string_view kMark = "KPhist";
constexpr char kVersion = 1;
constexpr std::size_t kHashBytes = 8;

void put(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

// One way to write each number: a last byte of 0 after others would be a second one.
std::optional<std::uint64_t> take(std::string_view& in) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (in.empty()) return std::nullopt;
    const auto byte = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    const std::uint64_t part = byte & 0x7f;
    if (shift == 63 && part > 1) return std::nullopt;
    value |= part << shift;
    if (byte < 0x80) {
      if (byte == 0 && shift > 0) return std::nullopt;
      return value;
    }
  }
  return std::nullopt;
}

void put_hash(std::string& out) {
  const std::uint64_t hash = hash64(out);
  for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>(hash >> shift);
}

auto damaged(std::string_view what) {
  return fail(ErrorCode::InvalidArgument,
              "histogram: " + std::string(what) + "; it was cut or changed, measure again");
}

}  // namespace

Histogram::Histogram(const Histogram& other)
    : count_(other.count_), min_(other.min_), max_(other.max_), sum_(other.sum_) {
  for (std::size_t i = 0; i < kOctaves; ++i) {
    if (other.octaves_[i]) octaves_[i] = std::make_unique<Octave>(*other.octaves_[i]);
  }
}

Histogram& Histogram::operator=(const Histogram& other) {
  if (this != &other) *this = Histogram(other);
  return *this;
}

Histogram::Octave& Histogram::open(std::size_t octave) {
  octaves_[octave] = std::make_unique<Octave>();
  return *octaves_[octave];
}

void Histogram::merge(const Histogram& other) {
  for (std::size_t i = 0; i < kOctaves; ++i) {
    if (!other.octaves_[i]) continue;
    Octave& mine = octaves_[i] ? *octaves_[i] : open(i);
    const Octave& theirs = *other.octaves_[i];
    for (std::size_t b = 0; b < kBuckets; ++b) mine[b] += theirs[b];
  }
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  count_ += other.count_;
}

double Histogram::mean() const {
  return empty() ? kMissing : static_cast<double>(sum_) / static_cast<double>(count_);
}

Histogram::Bucket Histogram::bucket_at(std::size_t octave, std::size_t bucket,
                                       std::uint64_t count) {
  const std::size_t shift = octave == 0 ? 0 : octave - 1;
  const std::uint64_t leading = octave == 0 ? 0 : kBuckets;
  const std::uint64_t first = (leading + bucket) << shift;
  const std::uint64_t last = first + (std::uint64_t{1} << shift) - 1;
  return {Nanos(static_cast<std::int64_t>(first)), Nanos(static_cast<std::int64_t>(last)), count};
}

std::vector<Histogram::Bucket> Histogram::buckets() const {
  std::vector<Bucket> out;
  for (std::size_t i = 0; i < kOctaves; ++i) {
    if (!octaves_[i]) continue;
    for (std::size_t b = 0; b < kBuckets; ++b) {
      if (const std::uint64_t n = (*octaves_[i])[b]) out.push_back(bucket_at(i, b, n));
    }
  }
  return out;
}

std::optional<Nanos> Histogram::quantile(double q) const {
  if (empty()) return std::nullopt;
  // The last digits of q * count are noise: 0.07 * 100 must be the 7th value, not the 8th.
  const double exact = std::clamp(q, 0.0, 1.0) * static_cast<double>(count_);
  const double place = std::ceil(exact * (1 - 4 * std::numeric_limits<double>::epsilon()));
  // The two ends are known exactly, and to a double the greatest count may look like one more.
  if (place <= 1) return min();
  if (place >= static_cast<double>(count_)) return max();
  const auto rank = static_cast<std::uint64_t>(place);

  std::uint64_t before = 0;
  for (std::size_t i = 0; i < kOctaves; ++i) {
    if (!octaves_[i]) continue;
    for (std::size_t b = 0; b < kBuckets; ++b) {
      before += (*octaves_[i])[b];
      if (before < rank) continue;
      const Bucket found = bucket_at(i, b, 0);
      return std::clamp(found.first + (found.last - found.first) / 2, min(), max());
    }
  }
  return max();
}

std::size_t Histogram::memory_bytes() const {
  const auto open = std::ranges::count_if(octaves_, [](const auto& o) { return o != nullptr; });
  return sizeof(*this) + static_cast<std::size_t>(open) * sizeof(Octave);
}

bool operator==(const Histogram& a, const Histogram& b) {
  return a.count_ == b.count_ && a.sum_ == b.sum_ && a.min_ == b.min_ && a.max_ == b.max_ &&
         a.buckets() == b.buckets();
}

std::string Histogram::to_bytes() const {
  std::string out(kMark);
  out += kVersion;
  out += static_cast<char>(kBits);
  const std::vector<Bucket> filled = buckets();
  put(out, count_);
  put(out, static_cast<std::uint64_t>(sum_));
  put(out, static_cast<std::uint64_t>(sum_ >> 64));
  put(out, static_cast<std::uint64_t>(min().count()));
  put(out, max_);
  put(out, filled.size());
  std::uint64_t next = 0;
  for (const Bucket& bucket : filled) {
    const Place place = place_of(static_cast<std::uint64_t>(bucket.first.count()));
    const std::uint64_t number = place.octave * kBuckets + place.bucket;
    put(out, number - next);
    put(out, bucket.count);
    next = number + 1;
  }
  put_hash(out);
  return out;
}

Result<Histogram> Histogram::from_bytes(std::string_view bytes) {
  if (!bytes.starts_with(kMark)) {
    return fail(ErrorCode::InvalidArgument, "histogram: these bytes are not one");
  }
  if (bytes.size() < kMark.size() + 2 + kHashBytes) return damaged("too short");
  if (bytes[kMark.size()] != kVersion || bytes[kMark.size() + 1] != static_cast<char>(kBits)) {
    return fail(ErrorCode::Incompatible,
                "histogram: written by another version of kneepoint; read it with that one");
  }
  std::string told(bytes.substr(0, bytes.size() - kHashBytes));
  put_hash(told);
  if (told != bytes) return damaged("its hash does not match");

  std::string_view in = bytes.substr(0, bytes.size() - kHashBytes);
  in.remove_prefix(kMark.size() + 2);
  const auto count = take(in), low = take(in), high = take(in), min = take(in), max = take(in),
             filled = take(in);
  if (!count || !low || !high || !min || !max || !filled) return damaged("a number is missing");

  Histogram out;
  Wide least = 0, most = 0, next = 0, counted = 0;
  for (std::uint64_t i = 0; i < *filled; ++i) {
    const auto skip = take(in), n = take(in);
    if (!skip || !n) return damaged("a bucket is missing");
    const Wide number = next + *skip;
    if (number >= Wide{kOctaves} * kBuckets || *n == 0) return damaged("a bucket is out of place");
    next = number + 1;
    const auto octave = static_cast<std::size_t>(number / kBuckets);
    const auto bucket = static_cast<std::size_t>(number % kBuckets);
    (out.octaves_[octave] ? *out.octaves_[octave] : out.open(octave))[bucket] = *n;
    const Bucket range = bucket_at(octave, bucket, *n);
    counted += *n;
    if (counted > *count) return damaged("its buckets do not add up");  // so the sums below fit
    least += Wide{static_cast<std::uint64_t>(range.first.count())} * *n;
    most += Wide{static_cast<std::uint64_t>(range.last.count())} * *n;
  }
  if (!in.empty()) return damaged("bytes after its end");

  out.count_ = *count;
  out.sum_ = (Wide{*high} << 64) | *low;
  if (counted != *count || out.sum_ < least || out.sum_ > most) {
    return damaged("its buckets do not add up");
  }
  if (*count == 0) {
    if (*min != 0 || *max != 0) return damaged("empty, yet it has a least or a greatest value");
    return out;
  }
  // Least and greatest must lie in the first and the last bucket.
  const std::vector<Bucket> ranges = out.buckets();
  const auto inside = [](std::uint64_t ns, const Bucket& range) {
    return ns >= static_cast<std::uint64_t>(range.first.count()) &&
           ns <= static_cast<std::uint64_t>(range.last.count());
  };
  if (*min > *max || !inside(*min, ranges.front()) || !inside(*max, ranges.back())) {
    return damaged("its least or greatest value is in no bucket of it");
  }
  out.min_ = *min;
  out.max_ = *max;
  return out;
}

}  // namespace kneepoint::metrics
