#include <yaml-cpp/yaml.h>

#include <cmath>

#include "base/json.h"
#include "base/text.h"

namespace kneepoint::json {
namespace {

/// Plain style is allowed only where no YAML reader, 1.1 or 1.2, can see anything but this string:
/// it starts with a letter, holds word characters only, and is no word with a meaning of its own.
bool plain(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.empty() || text.size() > 200 || !letter(text.front())) return false;
  for (const char c : text) {
    if (!letter(c) && !digit(c) && c != '-' && c != '_' && c != '.' && c != '/') return false;
  }
  static constexpr std::string_view kWords[] = {"true", "false", "yes", "no",  "on",  "off",
                                                "null", "y",     "n",   "nan", "inf", "infinity"};
  const std::string word = lower(text);
  for (const std::string_view special : kWords) {
    if (word == special) return false;
  }
  return true;
}

void emit_text(YAML::Emitter& out, std::string_view text) {
  if (!plain(text)) out << YAML::DoubleQuoted;
  out << std::string(text);
}

void emit(YAML::Emitter& out, const Value& value) {
  switch (value.kind()) {
    case boost::json::kind::null:
      out << YAML::Null;
      break;
    case boost::json::kind::bool_:
      out << value.get_bool();
      break;
    case boost::json::kind::int64:
      out << value.get_int64();
      break;
    case boost::json::kind::uint64:
      out << value.get_uint64();
      break;
    case boost::json::kind::double_:
      if (std::isfinite(value.get_double())) {
        out << shortest(value.get_double());  // plain: a number, not a string
      } else {
        out << YAML::Null;
      }
      break;
    case boost::json::kind::string:
      emit_text(out, value.get_string());
      break;
    case boost::json::kind::array: {
      const Array& array = value.get_array();
      if (array.empty()) out << YAML::Flow;
      out << YAML::BeginSeq;
      for (const Value& item : array) emit(out, item);
      out << YAML::EndSeq;
      break;
    }
    case boost::json::kind::object: {
      const Object& object = value.get_object();
      if (object.empty()) out << YAML::Flow;
      out << YAML::BeginMap;
      for (const auto& member : object) {
        out << YAML::Key;
        emit_text(out, member.key());
        out << YAML::Value;
        emit(out, member.value());
      }
      out << YAML::EndMap;
      break;
    }
  }
}

}  // namespace

std::string to_yaml(const Value& value) {
  YAML::Emitter out;
  out.SetIndent(2);
  emit(out, value);
  return std::string(out.c_str()) + "\n";
}

}  // namespace kneepoint::json
