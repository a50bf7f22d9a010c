#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace kneepoint::scrape {

/// One line of a metrics page. The views point into the page.
struct Sample {
  std::string_view name;
  std::string_view labels;  // what is between the braces, as it came; empty without
  double value = 0;         // NaN and infinities too
};

/// The samples of a page in Prometheus' text format 0.0.4, or OpenMetrics 1.0 as far as the two
/// agree: comments of any kind (HELP, TYPE, UNIT, EOF), timestamps and exemplars are skipped, lines
/// end in LF or CRLF. A page is some hundred kilobytes of which a dozen lines are wanted, so a line
/// is first only found and named; its labels and value are read by parse().
class ExpositionReader {
 public:
  explicit ExpositionReader(std::string_view page) : left_(page) {}

  /// The name on the next line that is a sample's; nothing at the end. Lines of buckets are passed
  /// over when not wanted: they are nine tenths of a page.
  std::optional<std::string_view> next(bool buckets = false);
  /// That line in full; nothing when it is no sample after all (counted in bad_lines()).
  std::optional<Sample> parse();

  std::size_t bad_lines() const { return bad_lines_; }
  std::string_view first_bad_line() const { return first_bad_; }

 private:
  std::string_view left_;
  std::string_view line_;
  std::size_t name_size_ = 0;
  std::size_t bad_lines_ = 0;
  std::string_view first_bad_;
};

/// Label by label; ends early where the text is no list of labels (well_formed() is false then).
class LabelReader {
 public:
  struct Label {
    std::string_view name;
    std::string_view raw;  // escapes as they came
  };
  explicit LabelReader(std::string_view labels) : left_(labels) {}
  std::optional<Label> next();
  bool well_formed() const { return well_formed_; }

 private:
  std::string_view left_;
  bool well_formed_ = true;
};

/// \\, \" and \n as what they stand for.
std::string unescape(std::string_view raw);
std::optional<std::string> find_label(std::string_view labels, std::string_view name);

}  // namespace kneepoint::scrape
