#include "importers/place.h"

#include <fmt/format.h>

#include <cmath>

#include "metrics/metric.h"

namespace kneepoint::importers {
namespace {

std::string_view kind(const json::Value& value) {
  switch (value.kind()) {
    case boost::json::kind::null:
      return "null";
    case boost::json::kind::bool_:
      return "true or false";
    case boost::json::kind::int64:
    case boost::json::kind::uint64:
    case boost::json::kind::double_:
      return "a number";
    case boost::json::kind::string:
      return "a text";
    case boost::json::kind::array:
      return "an array";
    case boost::json::kind::object:
      return "an object";
  }
  return "";
}

}  // namespace

void Place::wrong(std::string_view what) const { faults_->add(fmt::format("{}: {}", name_, what)); }

bool Place::is_object() const { return there() && value_->is_object(); }
bool Place::is_array() const { return there() && value_->is_array(); }
bool Place::is_text() const { return there() && value_->is_string(); }
bool Place::is_number() const { return there() && value_->is_number(); }

Place Place::at(std::string_view key) const {
  std::string name =
      name_.ends_with(':') ? fmt::format("{} {}", name_, key) : fmt::format("{}.{}", name_, key);
  if (!there()) return {nullptr, std::move(name), faults_};
  const json::Object* object = value_->if_object();
  if (object == nullptr) {
    wrong(fmt::format("must be an object, and is {}", kind(*value_)));
    return {nullptr, std::move(name), faults_};
  }
  const json::Value* member = object->if_contains(key);
  if (member != nullptr && member->is_null()) member = nullptr;
  return {member, std::move(name), faults_};
}

Place Place::at(std::initializer_list<std::string_view> keys) const {
  Place out = *this;
  for (const std::string_view key : keys) out = out.at(key);
  return out;
}

bool Place::has(std::string_view key) const { return is_object() && at(key).there(); }

std::size_t Place::size() const {
  if (!there()) return 0;
  const json::Array* array = value_->if_array();
  if (array == nullptr) {
    wrong(fmt::format("must be an array, and is {}", kind(*value_)));
    return 0;
  }
  return array->size();
}

Place Place::item(std::size_t index) const {
  const json::Value& item = value_->get_array()[index];
  return {item.is_null() ? nullptr : &item, fmt::format("{}[{}]", name_, index), faults_};
}

double Place::as_number() const {
  if (!there()) return metrics::kMissing;
  if (!value_->is_number()) {
    wrong(fmt::format("must be a number, and is {}", kind(*value_)));
    return metrics::kMissing;
  }
  const double number = value_->to_number<double>();
  if (!std::isfinite(number)) {
    wrong("must be a finite number");
    return metrics::kMissing;
  }
  return number;
}

std::string Place::as_text() const {
  if (!there()) return "";
  const auto* text = value_->if_string();
  if (text == nullptr) {
    wrong(fmt::format("must be a text, and is {}", kind(*value_)));
    return "";
  }
  if (text->size() > 4096 || std::string_view(*text).find('\0') != std::string_view::npos) {
    wrong("must be a text of at most 4096 bytes without a NUL");
    return "";
  }
  return std::string(*text);
}

double Place::number(std::string_view key) const { return at(key).as_number(); }

double Place::figure(std::string_view key) const {
  const Place member = at(key);
  const double number = member.as_number();
  if (number < 0) {
    member.wrong(fmt::format("must be at least 0, and is {}", number));
    return metrics::kMissing;
  }
  return number;
}

double Place::must_figure(std::string_view key) const {
  if (there() && !at(key).there()) at(key).wrong("is missing; expected a number");
  return figure(key);
}

std::optional<double> Place::some(std::string_view key) const {
  const double number = figure(key);
  if (metrics::is_missing(number)) return std::nullopt;
  return number;
}

std::string Place::text(std::string_view key) const { return at(key).as_text(); }

std::string Place::must_text(std::string_view key) const {
  const Place member = at(key);
  if (there() && !member.there()) member.wrong("is missing; expected a text");
  return member.as_text();
}

}  // namespace kneepoint::importers
