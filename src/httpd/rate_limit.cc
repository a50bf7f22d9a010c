#include "httpd/rate_limit.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cmath>

namespace kneepoint::httpd {

double RateLimit::left(const Bucket& bucket, Time now) const {
  const std::chrono::duration<double> gone = now - bucket.at;
  return std::min(burst_, bucket.left + std::max(0.0, gone.count()) * rate_);
}

void RateLimit::forget_full(Time now) {
  std::erase_if(buckets_, [&](const auto& each) { return left(each.second, now) >= burst_; });
}

int RateLimit::take(std::string_view key, Time now) {
  if (rate_ <= 0) return 0;
  const std::scoped_lock lock(mutex_);
  auto found = buckets_.find(std::string(key));
  if (found == buckets_.end()) {
    if (buckets_.size() >= most_keys_) forget_full(now);
    // The shared one has a name that no address and no token has.
    const auto name = buckets_.size() >= most_keys_ ? std::string(" ") : std::string(key);
    found = buckets_.try_emplace(name, Bucket{burst_, now}).first;
  }
  auto& bucket = found->second;
  bucket.left = left(bucket, now);
  bucket.at = now;
  if (bucket.left < 1) return std::max(1, static_cast<int>(std::ceil((1 - bucket.left) / rate_)));
  bucket.left -= 1;
  return 0;
}

int RateLimit::look(std::string_view key, Time now) const {
  if (rate_ <= 0) return 0;
  const std::scoped_lock lock(mutex_);
  auto found = buckets_.find(std::string(key));
  if (found == buckets_.end()) return 0;
  const auto has = left(found->second, now);
  return has >= 1 ? 0 : std::max(1, static_cast<int>(std::ceil((1 - has) / rate_)));
}

std::size_t RateLimit::keys() const {
  const std::scoped_lock lock(mutex_);
  return buckets_.size();
}

std::string address_key(std::string_view address) {
  in6_addr v6;
  if (inet_pton(AF_INET6, std::string(address).c_str(), &v6) != 1 || IN6_IS_ADDR_V4MAPPED(&v6))
    return std::string(address);
  std::fill(v6.s6_addr + 8, v6.s6_addr + 16, 0);
  char text[INET6_ADDRSTRLEN];
  inet_ntop(AF_INET6, &v6, text, sizeof text);
  return std::string(text) + "/64";
}

}  // namespace kneepoint::httpd
