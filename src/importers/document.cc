#include "importers/document.h"

#include <fmt/format.h>

#include "base/text.h"
#include "importers/yaml.h"

namespace kneepoint::importers {
namespace {

/// Python's json module writes what JSON has no word for. Outside of strings these words can be
/// nothing else.
std::string without_python_numbers(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      out += c;
      if (c == '\\' && i + 1 < text.size()) {
        out += text[++i];
      } else if (c == '"') {
        in_string = false;
      }
      continue;
    }
    const std::string_view rest = text.substr(i);
    std::size_t length = 0;
    for (const std::string_view word : {"NaN", "Infinity", "-Infinity"}) {
      if (rest.starts_with(word)) length = word.size();
    }
    if (length > 0) {
      out += "null";
      i += length - 1;
    } else {
      in_string = c == '"';
      out += c;
    }
  }
  return out;
}

Result<json::Value> parse_python_json(std::string_view text) {
  const bool plain =
      text.find("NaN") == std::string_view::npos && text.find("Infinity") == std::string_view::npos;
  return plain ? json::parse(text) : json::parse(without_python_numbers(text));
}

Result<Document> parse_lines(std::string_view name, std::string_view text) {
  Document out{std::string(name), {}, true};
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trim(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    ++number;
    if (line.empty()) continue;
    if (out.values.size() == kMostLines) {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("{}: has more than {} lines; give the summary of the run, not its "
                              "records of single requests",
                              name, kMostLines));
    }
    auto value = parse_python_json(line);
    if (!value) {
      return fail(std::move(value).error().during(fmt::format("{}: line {}", name, number)));
    }
    out.values.push_back(std::move(*value));
  }
  out.lines = out.values.size() > 1;
  return out;
}

/// Whether the first line is a whole object by itself and more follow.
bool looks_like_lines(std::string_view text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos || trim(text.substr(end)).empty()) return false;
  const std::string_view first = trim(text.substr(0, end));
  return first.size() > 1 && first.front() == '{' && first.back() == '}';
}

}  // namespace

Result<Document> parse_document(std::string_view name, std::string_view text) {
  if (text.size() > kMostBytes) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("{}: is {}, and at most {} are read; write the report again without a "
                            "record for every request",
                            name, human_bytes(static_cast<double>(text.size())),
                            human_bytes(static_cast<double>(kMostBytes))));
  }
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  const std::string_view body = trim(text);
  if (body.empty()) {
    return fail(ErrorCode::InvalidArgument, fmt::format("{}: is empty", name));
  }
  if (body.front() == '{' || body.front() == '[') {
    if (looks_like_lines(body)) return parse_lines(name, text);
    auto value = parse_python_json(text);
    if (!value) return fail(std::move(value).error().during(name));
    Document out{std::string(name), {}, false};
    out.values.push_back(std::move(*value));
    return out;
  }
  auto value = parse_yaml(text);
  if (!value) return fail(std::move(value).error().during(name));
  Document out{std::string(name), {}, false};
  out.values.push_back(std::move(*value));
  return out;
}

}  // namespace kneepoint::importers
