#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace kneepoint::importers {

/// A member of a document, or the absence of one. Reading goes on after something is wrong, so that
/// importers read straight down; the first thing that was wrong is kept with its place and is the
/// error of the file.
///
///     Faults faults;
///     const Place report(value, "result.json", faults);
///     const double ttft = report.at("metrics").at("ttft").figure("mean");
///     if (auto fine = faults.check(); !fine) return fail(fine.error());
class Faults {
 public:
  void add(std::string message) {
    if (!first_) first_ = Error{ErrorCode::InvalidArgument, std::move(message)};
  }
  bool any() const { return first_.has_value(); }
  Result<void> check() const {
    if (first_) return fail(*first_);
    return {};
  }

 private:
  std::optional<Error> first_;
};

class Place {
 public:
  Place(const json::Value& value, std::string name, Faults& faults)
      : value_(&value), name_(std::move(name)), faults_(&faults) {}

  /// Neither absent nor null.
  bool there() const { return value_ != nullptr; }
  bool is_object() const;
  bool is_array() const;
  bool is_text() const;
  bool is_number() const;
  const std::string& name() const { return name_; }
  Faults& faults() const { return *faults_; }

  /// A member of an object; of an absent one, absent. Anything else is wrong.
  Place at(std::string_view key) const;
  /// A path of members.
  Place at(std::initializer_list<std::string_view> keys) const;
  /// Elements of an array; zero of an absent one. Anything else is wrong.
  std::size_t size() const;
  Place item(std::size_t index) const;
  bool has(std::string_view key) const;

  // Of a member. What is absent is NaN, nothing or "", and wrong only where `must` asks for it.
  double number(std::string_view key) const;
  double figure(std::string_view key) const;  // at least 0
  double must_figure(std::string_view key) const;
  std::optional<double> some(std::string_view key) const;  // a figure
  std::string text(std::string_view key) const;
  std::string must_text(std::string_view key) const;

  // Of the value itself.
  double as_number() const;
  std::string as_text() const;

  /// "FILE: PLACE: WHAT"
  void wrong(std::string_view what) const;

 private:
  Place(const json::Value* value, std::string name, Faults* faults)
      : value_(value), name_(std::move(name)), faults_(faults) {}

  const json::Value* value_;
  std::string name_;
  Faults* faults_;
};

}  // namespace kneepoint::importers
