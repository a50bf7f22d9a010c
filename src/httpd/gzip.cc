#include "httpd/gzip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>

#include "base/text.h"

namespace kneepoint::httpd {
namespace {

constexpr int kGzip = 15 + 16;  // zlib's way to say: window of 32 KiB, gzip's own frame

}  // namespace

Result<std::string> gunzip(std::string_view packed, std::size_t most) {
  z_stream stream{};
  if (inflateInit2(&stream, kGzip) != Z_OK) return fail(ErrorCode::Internal, "no memory to unpack");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string text;
  int state = Z_OK;
  while (true) {
    const auto had = text.size();
    if (had > most) break;
    text.resize(std::min(most + 1, std::max<std::size_t>(had * 2, 4096)));
    stream.next_out = reinterpret_cast<Bytef*>(text.data() + had);
    stream.avail_out = static_cast<uInt>(text.size() - had);
    state = inflate(&stream, Z_NO_FLUSH);
    text.resize(text.size() - stream.avail_out);
    if (state == Z_STREAM_END && stream.avail_in > 0)
      state = inflateReset(&stream);
    else if (state == Z_STREAM_END)
      break;
    if (state != Z_OK || (stream.avail_in == 0 && stream.avail_out > 0)) break;
  }
  inflateEnd(&stream);
  if (text.size() > most)
    return fail(ErrorCode::Unsatisfiable,
                fmt::format("unpacked, the body is larger than {} bytes", most));
  if (state != Z_STREAM_END)
    return fail(ErrorCode::InvalidArgument, "the body says it is gzip and is not, or is cut short");
  return text;
}

std::string gzip(std::string_view text, int level) {
  z_stream stream{};
  if (deflateInit2(&stream, level, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) != Z_OK) return {};
  std::string packed(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

bool accepts_encoding(std::string_view accept_encoding, std::string_view coding) {
  bool any = false;
  for (const auto& part : split(accept_encoding, ',')) {
    const auto semicolon = std::min(part.find(';'), part.size());
    const auto token = lower(trim(part.substr(0, semicolon)));
    if (token != coding && token != "*") continue;
    auto weight = part.substr(semicolon);
    const auto q = weight.find("q=");
    const auto value =
        q == std::string_view::npos ? std::optional(1.0) : parse_number(trim(weight.substr(q + 2)));
    const bool wanted = value && *value > 0;
    if (token == coding) return wanted;
    any = wanted;
  }
  return any;
}

bool worth_packing(std::string_view content_type) {
  return content_type.starts_with("text/") || content_type.starts_with("application/json") ||
         content_type.starts_with("application/javascript") ||
         content_type.starts_with("application/yaml") ||
         content_type.starts_with("application/openapi") ||
         content_type.starts_with("application/manifest+json") ||
         content_type.starts_with("image/svg+xml");
}

}  // namespace kneepoint::httpd
