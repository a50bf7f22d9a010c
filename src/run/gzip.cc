#include "run/gzip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <limits>

namespace kneepoint::run {
namespace {

constexpr int kGzip = 15 + 16;  // the largest window; a gzip head and tail
// Level 1 costs a third of the default's time for a file a quarter larger (timelines_bench).
constexpr int kLevel = 1;

Bytef* bytes_of(std::string_view text) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));  // zlib's next_in is not const
}

}  // namespace

Result<std::string> compress(std::string_view text) {
  if (text.size() > std::numeric_limits<uInt>::max() / 2) {
    return fail(ErrorCode::Internal, "a block too large to compress");
  }
  z_stream stream{};
  if (deflateInit2(&stream, kLevel, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    return fail(ErrorCode::Unavailable, "no memory to compress with");
  }
  std::string out(deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
  stream.next_in = bytes_of(text);
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = bytes_of(out);
  stream.avail_out = static_cast<uInt>(out.size());
  const int ended = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (ended != Z_STREAM_END) return fail(ErrorCode::Internal, "zlib did not finish a block");
  return out;
}

Result<std::string> decompress(std::string_view& bytes, std::size_t most) {
  z_stream stream{};
  if (inflateInit2(&stream, kGzip) != Z_OK) {
    return fail(ErrorCode::Unavailable, "no memory to decompress with");
  }
  const std::size_t given =
      std::min<std::size_t>(bytes.size(), std::numeric_limits<uInt>::max() / 2);
  stream.next_in = bytes_of(bytes);
  stream.avail_in = static_cast<uInt>(given);
  std::string out;
  int state = Z_OK;
  while (state == Z_OK && out.size() <= most) {
    const std::size_t had = out.size();
    out.resize(std::min(most + 1, std::max<std::size_t>(had * 2, 1U << 16U)));
    stream.next_out = bytes_of(out) + had;
    stream.avail_out = static_cast<uInt>(out.size() - had);
    state = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
  }
  const std::size_t used = given - stream.avail_in;
  inflateEnd(&stream);
  if (out.size() > most) {
    return fail(ErrorCode::InvalidArgument, fmt::format("unpacks to more than {} bytes", most));
  }
  if (state != Z_STREAM_END) {
    return fail(ErrorCode::InvalidArgument, state == Z_BUF_ERROR ? "is cut" : "is damaged");
  }
  bytes.remove_prefix(used);
  return out;
}

}  // namespace kneepoint::run
