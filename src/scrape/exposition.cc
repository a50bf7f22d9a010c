#include "scrape/exposition.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace kneepoint::scrape {
namespace {

constexpr std::string_view kBlanks = " \t";

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
}
bool is_name_part(char c) { return is_name_start(c) || (c >= '0' && c <= '9') || c == '.'; }

void skip_blanks(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
}

/// Where the quoted text that starts at the front ends: just past its closing quote. npos when it
/// does not.
std::size_t end_of_quoted(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

std::optional<double> parse_value(std::string_view word) {
  if (!word.empty() && word.front() == '+') word.remove_prefix(1);
  if (word.empty() || word.front() == '+') return {};
  double value = 0;
  // Reads "nan", "inf" and "infinity" in any case too, as the format has them.
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (end != word.data() + word.size()) return {};
  if (error == std::errc::result_out_of_range) {
    return word.find("e-") == std::string_view::npos && word.find("E-") == std::string_view::npos
               ? std::numeric_limits<double>::infinity()
               : 0.0;
  }
  if (error != std::errc()) return {};
  return value;
}

}  // namespace

std::optional<std::string_view> ExpositionReader::next(bool buckets) {
  while (!left_.empty()) {
    const std::size_t end = std::min(left_.find('\n'), left_.size());
    line_ = left_.substr(0, end);
    left_.remove_prefix(std::min(end + 1, left_.size()));
    if (!line_.empty() && line_.back() == '\r') line_.remove_suffix(1);
    skip_blanks(line_);
    if (line_.empty() || line_.front() == '#') continue;
    name_size_ = 0;
    if (is_name_start(line_.front())) {
      while (name_size_ < line_.size() && is_name_part(line_[name_size_])) ++name_size_;
    }
    const bool is_sample =
        name_size_ > 0 && name_size_ < line_.size() &&
        (line_[name_size_] == '{' || line_[name_size_] == ' ' || line_[name_size_] == '\t');
    if (!is_sample) {
      if (bad_lines_++ == 0) first_bad_ = line_;
      continue;
    }
    const std::string_view name = line_.substr(0, name_size_);
    if (!buckets && name.ends_with("_bucket")) continue;
    return name;
  }
  return {};
}

std::optional<Sample> ExpositionReader::parse() {
  const auto bad = [&]() -> std::optional<Sample> {
    if (bad_lines_++ == 0) first_bad_ = line_;
    return {};
  };
  Sample out;
  out.name = line_.substr(0, name_size_);
  std::string_view rest = line_.substr(name_size_);
  skip_blanks(rest);
  if (rest.starts_with('{')) {
    rest.remove_prefix(1);
    const std::string_view from = rest;
    while (!rest.empty() && rest.front() != '}') {
      if (rest.front() == '"') {
        const std::size_t end = end_of_quoted(rest);
        if (end == std::string_view::npos) return bad();
        rest.remove_prefix(end);
      } else {
        rest.remove_prefix(1);
      }
    }
    if (rest.empty()) return bad();
    out.labels = from.substr(0, from.size() - rest.size());
    rest.remove_prefix(1);
    LabelReader labels(out.labels);
    while (labels.next()) {
    }
    if (!labels.well_formed()) return bad();
  }
  skip_blanks(rest);
  // A timestamp or an exemplar may follow; neither is wanted.
  const auto value = parse_value(rest.substr(0, rest.find_first_of(kBlanks)));
  if (!value) return bad();
  out.value = *value;
  return out;
}

std::optional<LabelReader::Label> LabelReader::next() {
  skip_blanks(left_);
  if (left_.empty()) return {};
  const auto bad = [&]() -> std::optional<Label> {
    well_formed_ = false;
    left_ = {};
    return {};
  };
  Label label;
  const std::size_t equals = left_.find('=');
  if (equals == std::string_view::npos) return bad();
  label.name = left_.substr(0, equals);
  while (!label.name.empty() && kBlanks.find(label.name.back()) != std::string_view::npos) {
    label.name.remove_suffix(1);
  }
  if (label.name.empty() || label.name.find_first_of("\",{}") != std::string_view::npos) {
    return bad();
  }
  left_.remove_prefix(equals + 1);
  skip_blanks(left_);
  if (!left_.starts_with('"')) return bad();
  const std::size_t end = end_of_quoted(left_);
  if (end == std::string_view::npos) return bad();
  label.raw = left_.substr(1, end - 2);
  left_.remove_prefix(end);
  skip_blanks(left_);
  if (!left_.empty()) {
    if (left_.front() != ',') return bad();
    left_.remove_prefix(1);  // one may stand after the last
  }
  return label;
}

std::string unescape(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\' || i + 1 == raw.size()) {
      out += raw[i];
      continue;
    }
    ++i;
    if (raw[i] == 'n') {
      out += '\n';
    } else {
      if (raw[i] != '\\' && raw[i] != '"') out += '\\';  // no escape: both stay
      out += raw[i];
    }
  }
  return out;
}

std::optional<std::string> find_label(std::string_view labels, std::string_view name) {
  LabelReader reader(labels);
  while (const auto label = reader.next()) {
    if (label->name == name) return unescape(label->raw);
  }
  return {};
}

}  // namespace kneepoint::scrape
