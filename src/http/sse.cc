#include "http/sse.h"

#include <fmt/format.h>

#include <algorithm>

namespace kneepoint::http {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::size_t kNone = std::string_view::npos;

}  // namespace

void SseDecoder::feed(std::string_view bytes) {
  input_ = bytes;
  lf_ = input_.find('\n');
}

void SseDecoder::reset() {
  input_ = {};
  lf_ = kNone;
  line_.clear();
  joined_.clear();
  type_.clear();
  data_ = {};
  has_data_ = data_is_kept_ = skip_lf_ = false;
  first_line_ = true;
  failed_.reset();
}

/// The next line without its end; nothing when the bytes end inside it, which are then kept. Where
/// the next LF lies is remembered, so that a stream of lines ending in CR is not searched over and
/// over.
std::optional<std::string_view> SseDecoder::take_line() {
  if (skip_lf_ && !input_.empty()) {
    skip_lf_ = false;
    if (input_.front() == '\n') {
      input_.remove_prefix(1);
      lf_ = input_.find('\n');
    }
  }
  const std::size_t end = std::min(lf_, input_.size());
  const std::size_t cr = input_.substr(0, end).find('\r');
  const std::size_t length = std::min(cr, end);
  if (line_.size() + length > limits_.line) {
    failed_ = Error{ErrorCode::InvalidArgument,
                    fmt::format("event stream: a line is longer than {} bytes", limits_.line)};
    return std::nullopt;
  }
  const std::string_view part = input_.substr(0, length);
  if (length == input_.size()) {
    line_ += part;
    input_ = {};
    lf_ = kNone;
    return std::nullopt;
  }
  input_.remove_prefix(length + 1);
  if (cr != kNone) {
    skip_lf_ = true;
    if (lf_ != kNone) lf_ -= length + 1;
  } else {
    lf_ = input_.find('\n');
  }
  line_was_cut_ = !line_.empty();
  if (!line_was_cut_) return part;
  line_ += part;
  whole_line_.swap(line_);
  line_.clear();
  return whole_line_;
}

/// Moves the data out of bytes that are about to go away.
void SseDecoder::keep_data() {
  if (data_is_kept_) return;
  joined_ = data_;
  data_is_kept_ = true;
}

/// False when the event has grown past its limit.
bool SseDecoder::take_field(std::string_view line) {
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  std::string_view value = colon == kNone ? std::string_view{} : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "event") {
    type_ = value;
  } else if (name == "data") {
    if (!has_data_) {
      data_ = value;
      has_data_ = true;
      data_is_kept_ = false;
      if (line_was_cut_) keep_data();
    } else {
      keep_data();
      joined_ += '\n';
      joined_ += value;
    }
    if (data().size() > limits_.event) {
      failed_ = Error{
          ErrorCode::InvalidArgument,
          fmt::format("event stream: an event holds more than {} bytes of data", limits_.event)};
      return false;
    }
  }
  return true;
}

Result<std::optional<SseEvent>> SseDecoder::next() {
  if (failed_) return fail(*failed_);
  while (auto taken = take_line()) {
    std::string_view line = *taken;
    if (first_line_) {
      first_line_ = false;
      if (line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
    }
    if (!line.empty()) {
      if (line.front() != ':' && !take_field(line)) return fail(*failed_);
      continue;
    }
    told_type_.swap(type_);
    type_.clear();
    if (!has_data_) continue;  // a type alone is no event
    has_data_ = false;
    return SseEvent{data(), told_type_};
  }
  if (failed_) return fail(*failed_);
  if (has_data_) keep_data();
  return std::nullopt;
}

}  // namespace kneepoint::http
