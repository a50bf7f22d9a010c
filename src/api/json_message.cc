#include "api/json_message.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/struct.pb.h>

#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.h"

namespace kneepoint::api {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using json::Array;
using json::Object;
using json::Value;

enum class WellKnown { No, Struct, Any, List };

WellKnown well_known(const Descriptor& type) {
  switch (type.well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_STRUCT:
      return WellKnown::Struct;
    case Descriptor::WELLKNOWNTYPE_VALUE:
      return WellKnown::Any;
    case Descriptor::WELLKNOWNTYPE_LISTVALUE:
      return WellKnown::List;
    default:
      return WellKnown::No;
  }
}

// --- messages to JSON --------------------------------------------------------------------------

Result<Value> message_value(const Message& message, int depth);

Value free_form(const google::protobuf::Value& from);
Object free_form(const google::protobuf::Struct& from) {
  Object out;
  for (const auto& [key, value] : from.fields()) out.insert_or_assign(key, free_form(value));
  return out;
}
Array free_form(const google::protobuf::ListValue& from) {
  Array out;
  for (const auto& value : from.values()) out.push_back(free_form(value));
  return out;
}
Value free_form(const google::protobuf::Value& from) {
  switch (from.kind_case()) {
    case google::protobuf::Value::kBoolValue:
      return from.bool_value();
    case google::protobuf::Value::kNumberValue: {
      const double number = from.number_value();
      if (std::abs(number) < 9e15 && number == std::floor(number)) {
        return static_cast<std::int64_t>(number);
      }
      return number;
    }
    case google::protobuf::Value::kStringValue:
      return Value(std::string_view(from.string_value()));
    case google::protobuf::Value::kStructValue:
      return free_form(from.struct_value());
    case google::protobuf::Value::kListValue:
      return free_form(from.list_value());
    default:
      return nullptr;
  }
}

Value number_of(double number) {
  if (!std::isfinite(number)) return nullptr;
  return number;
}
/// The shortest decimal that is this float, so that 0.1f is 0.1 and no 0.10000000149.
Value number_of(float number) {
  if (!std::isfinite(number)) return nullptr;
  return parse_number(fmt::format("{}", number)).value_or(static_cast<double>(number));
}

/// One value of a field; `index` < 0 for a field that is no list.
Result<Value> field_value(const Message& message, const FieldDescriptor& field, int index,
                          int depth) {
  const Reflection& is = *message.GetReflection();
  const bool list = index >= 0;
  const FieldDescriptor* f = &field;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return Value(
          std::int64_t{list ? is.GetRepeatedInt32(message, f, index) : is.GetInt32(message, f)});
    case FieldDescriptor::CPPTYPE_INT64:
      return Value(
          std::int64_t{list ? is.GetRepeatedInt64(message, f, index) : is.GetInt64(message, f)});
    case FieldDescriptor::CPPTYPE_UINT32:
      return Value(
          std::int64_t{list ? is.GetRepeatedUInt32(message, f, index) : is.GetUInt32(message, f)});
    case FieldDescriptor::CPPTYPE_UINT64:
      return Value(
          std::uint64_t{list ? is.GetRepeatedUInt64(message, f, index) : is.GetUInt64(message, f)});
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return number_of(list ? is.GetRepeatedDouble(message, f, index) : is.GetDouble(message, f));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return number_of(list ? is.GetRepeatedFloat(message, f, index) : is.GetFloat(message, f));
    case FieldDescriptor::CPPTYPE_BOOL:
      return Value(list ? is.GetRepeatedBool(message, f, index) : is.GetBool(message, f));
    case FieldDescriptor::CPPTYPE_ENUM:
      return Value(std::string_view(
          (list ? is.GetRepeatedEnum(message, f, index) : is.GetEnum(message, f))->name()));
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string scratch;
      const std::string& text = list ? is.GetRepeatedStringReference(message, f, index, &scratch)
                                     : is.GetStringReference(message, f, &scratch);
      return Value(std::string_view(text));
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return message_value(
          list ? is.GetRepeatedMessage(message, f, index) : is.GetMessage(message, f), depth - 1);
  }
  __builtin_unreachable();
}

Result<Value> map_value(const Message& message, const FieldDescriptor& field, int depth) {
  const Reflection& is = *message.GetReflection();
  Object out;
  for (int i = 0; i < is.FieldSize(message, &field); ++i) {
    const Message& entry = is.GetRepeatedMessage(message, &field, i);
    auto key = field_value(entry, *entry.GetDescriptor()->map_key(), -1, depth);
    auto value = field_value(entry, *entry.GetDescriptor()->map_value(), -1, depth);
    if (!key) return key;
    if (!value) return value;
    out.insert_or_assign(key->is_string() ? std::string(key->get_string()) : json::to_line(*key),
                         std::move(*value));
  }
  return out;
}

Result<Object> message_object(const Message& message, int depth) {
  if (depth < 0) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("messages lie more than {} deep in one another", kDeepestMessage));
  }
  const Reflection& is = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  is.ListFields(message, &fields);
  Object out;
  out.reserve(fields.size());
  for (const FieldDescriptor* field : fields) {
    Result<Value> value = Value();
    if (field->is_map()) {
      value = map_value(message, *field, depth);
    } else if (field->is_repeated()) {
      Array items;
      const int size = is.FieldSize(message, field);
      items.reserve(static_cast<std::size_t>(size));
      for (int i = 0; i < size; ++i) {
        auto item = field_value(message, *field, i, depth);
        if (!item) return fail(std::move(item).error());
        items.push_back(std::move(*item));
      }
      value = Value(std::move(items));
    } else {
      value = field_value(message, *field, -1, depth);
    }
    if (!value) return fail(std::move(value).error());
    const bool empty = value->is_string() && value->get_string().empty();
    if (!empty && !value->is_null()) out.emplace(field->json_name(), std::move(*value));
  }
  return out;
}

Result<Value> message_value(const Message& message, int depth) {
  switch (well_known(*message.GetDescriptor())) {
    case WellKnown::Struct:
      return free_form(dynamic_cast<const google::protobuf::Struct&>(message));
    case WellKnown::Any:
      return free_form(dynamic_cast<const google::protobuf::Value&>(message));
    case WellKnown::List:
      return free_form(dynamic_cast<const google::protobuf::ListValue&>(message));
    case WellKnown::No:
      break;
  }
  auto out = message_object(message, depth);
  if (!out) return fail(std::move(out).error());
  return Value(std::move(*out));
}

// --- JSON to messages --------------------------------------------------------------------------

void put_free_form(const Value& from, google::protobuf::Value& into);
void put_free_form(const Object& from, google::protobuf::Struct& into) {
  auto& fields = *into.mutable_fields();
  for (const auto& member : from) put_free_form(member.value(), fields[std::string(member.key())]);
}
void put_free_form(const Array& from, google::protobuf::ListValue& into) {
  for (const Value& item : from) put_free_form(item, *into.add_values());
}
void put_free_form(const Value& from, google::protobuf::Value& into) {
  if (from.is_object()) {
    put_free_form(from.get_object(), *into.mutable_struct_value());
  } else if (from.is_array()) {
    put_free_form(from.get_array(), *into.mutable_list_value());
  } else if (from.is_string()) {
    into.set_string_value(std::string(from.get_string()));
  } else if (from.is_bool()) {
    into.set_bool_value(from.get_bool());
  } else if (from.is_int64()) {
    into.set_number_value(static_cast<double>(from.get_int64()));
  } else if (from.is_uint64()) {
    into.set_number_value(static_cast<double>(from.get_uint64()));
  } else if (from.is_double()) {
    into.set_number_value(from.get_double());
  } else {
    into.set_null_value(google::protobuf::NULL_VALUE);
  }
}

tl::unexpected<Error> wrong(const FieldDescriptor& field, const Value& value) {
  std::string line = json::to_line(value);
  if (line.size() > 60) line = line.substr(0, 57) + "...";
  return fail(ErrorCode::Internal,
              fmt::format("{}: {} is no {}", field.full_name(), line, field.cpp_type_name()));
}

std::optional<double> real(const Value& value) {
  if (value.is_double()) return value.get_double();
  if (value.is_int64()) return static_cast<double>(value.get_int64());
  if (value.is_uint64()) return static_cast<double>(value.get_uint64());
  if (value.is_string()) return parse_number(value.get_string());
  return {};
}
template <class Whole>
std::optional<Whole> whole(const Value& value) {
  std::optional<std::int64_t> out;
  if (value.is_int64()) {
    out = value.get_int64();
  } else if (value.is_uint64()) {
    if constexpr (std::is_same_v<Whole, std::uint64_t>) return value.get_uint64();
  } else if (value.is_string()) {
    if (const auto number = parse_integer(value.get_string())) out = *number;
  } else if (value.is_double()) {
    const double number = value.get_double();
    if (std::abs(number) < 9e15 && number == std::floor(number)) {
      out = static_cast<std::int64_t>(number);
    }
  }
  if (!out || !std::in_range<Whole>(*out)) return {};
  return static_cast<Whole>(*out);
}

Result<void> put(const Value& value, const FieldDescriptor& field, bool list, Message& into) {
  const Reflection& is = *into.GetReflection();
  const FieldDescriptor* f = &field;
  const auto set = [&](auto number, auto set_one, auto add_one) -> Result<void> {
    if (!number) return wrong(field, value);
    if (list) {
      (is.*add_one)(&into, f, *number);
    } else {
      (is.*set_one)(&into, f, *number);
    }
    return {};
  };
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return set(whole<std::int32_t>(value), &Reflection::SetInt32, &Reflection::AddInt32);
    case FieldDescriptor::CPPTYPE_INT64:
      return set(whole<std::int64_t>(value), &Reflection::SetInt64, &Reflection::AddInt64);
    case FieldDescriptor::CPPTYPE_UINT32:
      return set(whole<std::uint32_t>(value), &Reflection::SetUInt32, &Reflection::AddUInt32);
    case FieldDescriptor::CPPTYPE_UINT64:
      return set(whole<std::uint64_t>(value), &Reflection::SetUInt64, &Reflection::AddUInt64);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return set(real(value), &Reflection::SetDouble, &Reflection::AddDouble);
    case FieldDescriptor::CPPTYPE_FLOAT: {
      const auto number = real(value);
      return set(number ? std::optional(static_cast<float>(*number)) : std::nullopt,
                 &Reflection::SetFloat, &Reflection::AddFloat);
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      return set(value.is_bool() ? std::optional(value.get_bool()) : std::nullopt,
                 &Reflection::SetBool, &Reflection::AddBool);
    case FieldDescriptor::CPPTYPE_ENUM: {
      if (!value.is_string()) return wrong(field, value);
      const auto* one = field.enum_type()->FindValueByName(std::string(value.get_string()));
      return set(one != nullptr ? std::optional(one) : std::nullopt, &Reflection::SetEnum,
                 &Reflection::AddEnum);
    }
    case FieldDescriptor::CPPTYPE_STRING: {
      if (!value.is_string()) return wrong(field, value);
      std::string text(value.get_string());
      if (list) {
        is.AddString(&into, f, std::move(text));
      } else {
        is.SetString(&into, f, std::move(text));
      }
      return {};
    }
    case FieldDescriptor::CPPTYPE_MESSAGE: {
      Message& inner = list ? *is.AddMessage(&into, f) : *is.MutableMessage(&into, f);
      switch (well_known(*inner.GetDescriptor())) {
        case WellKnown::Any:
          put_free_form(value, dynamic_cast<google::protobuf::Value&>(inner));
          return {};
        case WellKnown::Struct:
          if (!value.is_object()) return wrong(field, value);
          put_free_form(value.get_object(), dynamic_cast<google::protobuf::Struct&>(inner));
          return {};
        case WellKnown::List:
          if (!value.is_array()) return wrong(field, value);
          put_free_form(value.get_array(), dynamic_cast<google::protobuf::ListValue&>(inner));
          return {};
        case WellKnown::No:
          break;
      }
      if (!value.is_object()) return wrong(field, value);
      return to_message(value.get_object(), inner);
    }
  }
  __builtin_unreachable();
}

Result<void> put_map(const Object& from, const FieldDescriptor& field, Message& into) {
  for (const auto& member : from) {
    Message& entry = *into.GetReflection()->AddMessage(&into, &field);
    const Value key{member.key()};
    if (auto done = put(key, *entry.GetDescriptor()->map_key(), false, entry); !done) return done;
    auto done = put(member.value(), *entry.GetDescriptor()->map_value(), false, entry);
    if (!done) return done;
  }
  return {};
}

}  // namespace

Result<Object> to_json(const Message& message) { return message_object(message, kDeepestMessage); }

Result<void> to_message(const Object& from, Message& into) {
  const Descriptor& type = *into.GetDescriptor();
  for (const auto& member : from) {
    const Value& value = member.value();
    if (value.is_null()) continue;
    const FieldDescriptor* field = type.FindFieldByCamelcaseName(std::string(member.key()));
    if (field == nullptr) continue;
    if (field->is_map()) {
      if (!value.is_object()) return wrong(*field, value);
      if (auto done = put_map(value.get_object(), *field, into); !done) return done;
    } else if (field->is_repeated()) {
      if (!value.is_array()) return wrong(*field, value);
      for (const Value& item : value.get_array()) {
        if (auto done = put(item, *field, true, into); !done) return done;
      }
    } else if (auto done = put(value, *field, false, into); !done) {
      return done;
    }
  }
  return {};
}

}  // namespace kneepoint::api
