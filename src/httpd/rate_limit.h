#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace kneepoint::httpd {

/// A bucket of requests for each caller, filled at `rate` per second up to `burst`. Keys that
/// strangers choose stay bounded: past `most_keys` full buckets are forgotten first, then all
/// newcomers share one. Any thread.
class RateLimit {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// A rate of 0 lets everything through.
  RateLimit(double rate, double burst, std::size_t most_keys = 10'000)
      : rate_(rate), burst_(burst), most_keys_(most_keys) {}

  /// 0: taken. Otherwise the seconds until one would be, at least 1; nothing is taken.
  int take(std::string_view key, Time now);
  /// 0 or the same seconds, and takes nothing: is the next one going to be refused?
  int look(std::string_view key, Time now) const;
  std::size_t keys() const;

 private:
  struct Bucket {
    double left;
    Time at;
  };
  double left(const Bucket& bucket, Time now) const;
  void forget_full(Time now);

  const double rate_, burst_;
  const std::size_t most_keys_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Bucket> buckets_;
};

/// The key of a stranger: an IPv4 address, or the /64 that an IPv6 address is in, of which one
/// machine may have all.
std::string address_key(std::string_view address);

}  // namespace kneepoint::httpd
