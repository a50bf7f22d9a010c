#include "base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace kneepoint::json {
namespace {

std::string place_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const auto start = before.rfind('\n');
  const auto column = before.size() - (start == std::string_view::npos ? 0 : start + 1) + 1;
  return fmt::format("line {}, column {}", line, column);
}

void write(std::string& out, const Value& value, int indent, bool lines) {
  const auto new_line = [&](int depth) {
    if (!lines) return;
    out += '\n';
    out.append(static_cast<std::size_t>(depth) * 2, ' ');
  };
  switch (value.kind()) {
    case boost::json::kind::null:
      out += "null";
      break;
    case boost::json::kind::bool_:
      out += value.get_bool() ? "true" : "false";
      break;
    case boost::json::kind::int64:
      out += std::to_string(value.get_int64());
      break;
    case boost::json::kind::uint64:
      out += std::to_string(value.get_uint64());
      break;
    case boost::json::kind::double_:
      out += std::isfinite(value.get_double()) ? shortest(value.get_double()) : "null";
      break;
    case boost::json::kind::string:
      out += boost::json::serialize(value.get_string());
      break;
    case boost::json::kind::array: {
      const Array& array = value.get_array();
      out += '[';
      for (std::size_t i = 0; i < array.size(); ++i) {
        if (i != 0) out += ',';
        new_line(indent + 1);
        write(out, array[i], indent + 1, lines);
      }
      if (!array.empty()) new_line(indent);
      out += ']';
      break;
    }
    case boost::json::kind::object: {
      const Object& object = value.get_object();
      out += '{';
      bool first = true;
      for (const auto& member : object) {
        if (!first) out += ',';
        first = false;
        new_line(indent + 1);
        out += boost::json::serialize(member.key());
        out += lines ? ": " : ":";
        write(out, member.value(), indent + 1, lines);
      }
      if (!object.empty()) new_line(indent);
      out += '}';
      break;
    }
  }
}

}  // namespace

Result<Value> parse(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = 64;
  boost::json::stream_parser parser({}, options);
  boost::json::error_code error;
  const std::size_t read = parser.write_some(text.data(), text.size(), error);
  if (!error && read < text.size()) {
    const auto rest = text.find_first_not_of(" \t\r\n", read);
    if (rest != std::string_view::npos) {
      return fail(ErrorCode::InvalidArgument,
                  "not JSON: text after the document at " + place_of(text, rest));
    }
  }
  if (!error) parser.finish(error);
  if (error) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("not JSON: {} at {}", error.message(), place_of(text, read)));
  }
  return parser.release();
}

std::string to_line(const Value& value) {
  std::string out;
  write(out, value, 0, false);
  return out;
}

std::string to_text(const Value& value) {
  std::string out;
  write(out, value, 0, true);
  out += '\n';
  return out;
}

}  // namespace kneepoint::json
