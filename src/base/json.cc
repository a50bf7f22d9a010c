#include "base/json.h"

#include <fmt/format.h>
#include <simdjson.h>

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

constexpr std::size_t kDeepest = 64;

/// simdjson reads numbers to the last bit (Boost 1.81 may be off by one unit) but does not say
/// where a document is wrong; Boost does.
tl::unexpected<Error> explain(std::string_view text, const char* reason) {
  boost::json::parse_options options;
  options.max_depth = kDeepest;
  boost::json::stream_parser parser({}, options);
  boost::json::error_code error;
  const std::size_t read = parser.write_some(text.data(), text.size(), error);
  if (!error) parser.finish(error);
  const std::string why = error ? error.message() : reason;
  return fail(ErrorCode::InvalidArgument,
              fmt::format("not JSON: {} at {}", why, place_of(text, read)));
}

Value convert(const simdjson::dom::element& from) {
  using simdjson::dom::element_type;
  switch (from.type()) {
    case element_type::ARRAY: {
      Array out;
      for (const auto item : simdjson::dom::array(from)) out.push_back(convert(item));
      return out;
    }
    case element_type::OBJECT: {
      Object out;
      for (const auto& member : simdjson::dom::object(from)) {
        out.insert_or_assign(member.key, convert(member.value));
      }
      return out;
    }
    case element_type::INT64:
      return std::int64_t(from);
    case element_type::UINT64:
      return std::uint64_t(from);
    case element_type::DOUBLE:
      return double(from);
    case element_type::STRING:
      return Value(std::string_view(from));
    case element_type::BOOL:
      return bool(from);
    case element_type::NULL_VALUE:
      break;
  }
  return nullptr;
}

/// Quoted. Boost's own does it by way of two copies, which most texts, free of what must be
/// escaped, can do without.
void write(std::string& out, std::string_view text) {
  const bool plain = std::ranges::none_of(
      text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '"' || c == '\\'; });
  if (!plain) {
    out += boost::json::serialize(boost::json::string_view(text.data(), text.size()));
    return;
  }
  out += '"';
  out += text;
  out += '"';
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
      write(out, std::string_view(value.get_string()));
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
        write(out, std::string_view(member.key()));
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
  simdjson::dom::parser parser;
  if (parser.allocate(std::max<std::size_t>(text.size(), 64), kDeepest) != simdjson::SUCCESS) {
    return fail(ErrorCode::InvalidArgument, "not JSON: the document is too large");
  }
  simdjson::dom::element root;
  if (const auto error = parser.parse(text.data(), text.size()).get(root)) {
    return explain(text, simdjson::error_message(error));
  }
  return convert(root);
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
