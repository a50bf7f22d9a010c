#include "http/proxy.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "base/text.h"

namespace kneepoint::http {
namespace {

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group =
          group << 8U | (at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      out += at + i > bytes.size() ? '=' : kDigits[group >> (18 - 6 * i) & 63U];
    }
  }
  return out;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// "%40" is '@'; nothing when a '%' is followed by something else.
std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return {};
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return {};
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

/// The bytes of an address, an IPv4 one in its IPv6 form.
using AddressBytes = std::array<unsigned char, 16>;
std::optional<AddressBytes> address_of(std::string_view host, bool* is_v4 = nullptr) {
  const std::string text(host.substr(0, host.find('%')));
  AddressBytes bytes{};
  bytes[10] = bytes[11] = 0xff;
  const bool v4 = inet_pton(AF_INET, text.c_str(), bytes.data() + 12) == 1;
  if (is_v4 != nullptr) *is_v4 = v4;
  if (v4 || inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return bytes;
  return {};
}

bool same_bits(const AddressBytes& a, const AddressBytes& b, std::size_t bits) {
  for (std::size_t bit = 0; bit < bits; ++bit) {
    const auto mask = static_cast<unsigned char>(0x80U >> bit % 8);
    if ((a[bit / 8] & mask) != (b[bit / 8] & mask)) return false;
  }
  return true;
}

bool in_network(std::string_view host, std::string_view network) {
  const std::size_t slash = network.find('/');
  bool is_v4 = false;
  const auto base = address_of(network.substr(0, slash), &is_v4);
  const auto address = address_of(host);
  const auto bits = parse_integer(network.substr(slash + 1));
  if (!base || !address || !bits || *bits < 0 || *bits > (is_v4 ? 32 : 128)) return false;
  return same_bits(*address, *base, static_cast<std::size_t>(*bits) + (is_v4 ? 96U : 0U));
}

bool is_this_machine(std::string_view host) {
  const std::string name = lower(host);
  if (name == "localhost" || name.ends_with(".localhost")) return true;
  return in_network(host, "127.0.0.0/8") || in_network(host, "::1/128");
}

/// "host", "host:8080", "[::1]:8080", "::1".
struct Place {
  std::string_view host;
  std::string_view port;
};
Place place_of(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t end = std::min(text.find(']'), text.size());
    const std::string_view rest = text.substr(std::min(end + 1, text.size()));
    return {text.substr(1, end - 1), rest.starts_with(':') ? rest.substr(1) : std::string_view()};
  }
  if (std::count(text.begin(), text.end(), ':') != 1) return {text, {}};
  const std::size_t colon = text.find(':');
  return {text.substr(0, colon), text.substr(colon + 1)};
}

bool is_exempt(const Url& url, std::string_view entry) {
  if (entry == "*") return true;
  if (entry.find('/') != std::string_view::npos) return in_network(url.host, entry);
  const Place place = place_of(entry);
  if (!place.port.empty() && place.port != std::to_string(url.port)) return false;
  const auto wanted = address_of(place.host);
  const auto given = address_of(url.host);
  if (wanted || given) return wanted == given;
  std::string host = lower(url.host);
  std::string name = lower(place.host);
  if (name.starts_with("*.")) name.erase(0, 1);
  if (name.starts_with('.')) name.erase(0, 1);
  if (name.ends_with('.')) name.pop_back();
  if (host.ends_with('.')) host.pop_back();
  return !name.empty() && (host == name || host.ends_with("." + name));
}

}  // namespace

std::string Proxy::authorization() const {
  return user_and_password.empty() ? "" : "Basic " + base64(user_and_password);
}

Result<Proxy> parse_proxy(std::string_view text) {
  Proxy proxy;
  const std::size_t colon = text.find("://");
  const std::string scheme =
      colon == std::string_view::npos ? "http" : lower(text.substr(0, colon));
  std::string_view rest = colon == std::string_view::npos ? text : text.substr(colon + 3);
  // Shown in errors: without what may be secret.
  const std::size_t at = rest.substr(0, rest.find_first_of("/?#")).rfind('@');
  const std::string_view place = at == std::string_view::npos ? rest : rest.substr(at + 1);
  const auto refuse = [&](std::string_view why) {
    return fail(ErrorCode::InvalidArgument, fmt::format("proxy '{}': {}", place, why));
  };
  if (scheme != "http") {
    return refuse("only proxies spoken to by http are known: write http://host:port");
  }
  if (at != std::string_view::npos) {
    auto secret = percent_decoded(rest.substr(0, at));
    if (!secret) return refuse("a '%' in user or password is not followed by two hex digits");
    if (secret->find(':') == std::string::npos) *secret += ':';
    proxy.user_and_password = std::move(*secret);
  }
  auto url = parse_url("http://" + std::string(place));
  if (!url) return fail(std::move(url.error()).during("proxy"));
  if (!url->base.empty()) return refuse("leave out the path");
  proxy.url = std::move(*url);
  return proxy;
}

Result<std::optional<Proxy>> pick_proxy(const Url& url, const ProxySettings& settings) {
  const std::string_view text = trim(url.tls ? settings.https_proxy : settings.http_proxy);
  if (text.empty() || is_this_machine(url.host)) return std::nullopt;
  for (const std::string_view entry : split(settings.no_proxy, ',')) {
    if (is_exempt(url, entry)) return std::nullopt;
  }
  auto proxy = parse_proxy(text);
  if (!proxy) return fail(std::move(proxy.error()));
  return std::move(*proxy);
}

}  // namespace kneepoint::http
