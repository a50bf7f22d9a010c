#include "report/chart.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/text.h"
#include "report/xml_text.h"

namespace kneepoint::report {
namespace {

constexpr double kLogRatio = 20;
constexpr double kLeft = 62, kRightGap = 18, kTop = 30, kBottomGap = 44;

std::string coordinate(double value) {
  std::string text = fixed(value, 1);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text;
}

bool is_finite(double value) { return std::isfinite(value); }
bool has_values(const Line& line) { return std::ranges::any_of(line.y, is_finite); }

class Figure {
 public:
  explicit Figure(const Chart& chart) : chart_(chart) {
    std::ranges::copy_if(chart.lines, std::back_inserter(lines_), has_values);
  }

  std::string draw() {
    out_ = "<figure class=\"chart\" id=\"" + chart_.id + "\">\n<figcaption>" +
           escaped(chart_.title) + "</figcaption>\n";
    if (lines_.empty()) {
      out_ += "<p class=\"none\">Not measured.</p>\n</figure>\n";
      return std::move(out_);
    }
    // The inputs stand before the drawing, so that style alone can switch lines off.
    if (lines_.size() > 1) legend();
    open();
    stretches();
    axes();
    mark();
    for (std::size_t i = 0; i < lines_.size(); ++i) line(i);
    out_ += "<line class=\"cross\" x1=\"0\" x2=\"0\" y1=\"" + coordinate(kTop) + "\" y2=\"" +
            coordinate(bottom()) + "\"/></svg>\n";
    out_ += "<p class=\"read\" aria-live=\"polite\"></p>\n";
    if (!chart_.note.empty()) out_ += "<p class=\"note\">" + escaped(chart_.note) + "</p>\n";
    out_ += "</figure>\n";
    return std::move(out_);
  }

 private:
  double right() const { return chart_.width - kRightGap; }
  double bottom() const { return chart_.height - kBottomGap; }
  double px(double x) const { return kLeft + (right() - kLeft) * chart_.x.at(x); }
  double py(double y) const { return bottom() - (bottom() - kTop) * chart_.y.at(y); }

  void text(double x, double y, std::string_view style, std::string_view anchor,
            std::string_view words) {
    out_ += "<text x=\"" + coordinate(x) + "\" y=\"" + coordinate(y) + "\" class=\"" +
            std::string(style) + "\"";
    if (anchor != "start") out_ += " text-anchor=\"" + std::string(anchor) + "\"";
    out_ += ">" + escaped(words) + "</text>";
  }
  void rule(double x0, double y0, double x1, double y1, std::string_view style) {
    out_ += "<line x1=\"" + coordinate(x0) + "\" y1=\"" + coordinate(y0) + "\" x2=\"" +
            coordinate(x1) + "\" y2=\"" + coordinate(y1) + "\" class=\"" + std::string(style) +
            "\"/>";
  }
  std::string style_of(const Line& line) const {
    std::string style = "class=\"ln " + line.style + "\"";
    if (line.shade >= 0) {
      style += " style=\"--shade:" + std::to_string(std::lround(line.shade * 100)) + "%\"";
    }
    return style;
  }

  void legend() {
    out_ += "<div class=\"legend\">";
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      out_ += "<label><input type=\"checkbox\" class=\"t" + std::to_string(i) + "\"" +
              (lines_[i].on ? " checked" : "") +
              "><svg class=\"key\" width=\"22\" height=\"10\" aria-hidden=\"true\"><path " +
              style_of(lines_[i]) + " d=\"M1 5L21 5\"/></svg>" + escaped(lines_[i].name) +
              "</label>";
    }
    out_ += "</div>\n";
  }

  std::string description() const {
    std::string words = chart_.title + ". " + chart_.y_title + ".";
    if (!chart_.mark_text.empty()) words += " " + chart_.mark_text + ".";
    for (const Line& line : lines_) {
      double low = HUGE_VAL, high = -HUGE_VAL;
      for (const double y : line.y) {
        if (!std::isfinite(y)) continue;
        low = std::min(low, y);
        high = std::max(high, y);
      }
      words += " " + line.name + ": " + figure(low) + " to " + figure(high) +
               (chart_.y_unit.empty() ? "" : " " + chart_.y_unit) + ".";
    }
    return words;
  }

  void open() {
    const std::string title = chart_.id + "-t", description_id = chart_.id + "-d";
    out_ += "<svg class=\"plot\" viewBox=\"0 0 " + coordinate(chart_.width) + " " +
            coordinate(chart_.height) + "\" role=\"img\" tabindex=\"0\" aria-labelledby=\"" +
            title + " " + description_id + "\" data-unit=\"" + escaped(chart_.y_unit) +
            "\" data-at=\"" + escaped(chart_.x_unit) + "\"";
    // Read-outs step along the line with the most values.
    const auto lead = std::ranges::max_element(
        lines_, {}, [](const Line& line) { return std::ranges::count_if(line.y, is_finite); });
    out_ += " data-lead=\"" + std::to_string(lead - lines_.begin()) + "\" data-x=\"";
    bool first = true;
    for (std::size_t i = 0; i < lead->x.size(); ++i) {
      if (!std::isfinite(lead->y[i])) continue;
      if (!std::exchange(first, false)) out_ += '|';
      out_ += i < chart_.x_names.size() ? escaped(chart_.x_names[i]) : figure(lead->x[i]);
    }
    out_ += "\">\n<title id=\"" + title + "\">" + escaped(chart_.title) + "</title><desc id=\"" +
            description_id + "\">" + escaped(description()) + "</desc>\n";
  }

  void stretches() {
    for (const Stretch& stretch : chart_.stretches) {
      const double from = px(stretch.from), to = px(stretch.to);
      if (to - from < 0.1) continue;
      out_ += "<rect x=\"" + coordinate(from) + "\" y=\"" + coordinate(kTop) + "\" width=\"" +
              coordinate(to - from) + "\" height=\"" + coordinate(bottom() - kTop) + "\" class=\"" +
              stretch.style + "\"/>";
    }
  }

  void axes() {
    for (const double tick : chart_.y.ticks) {
      const double y = py(tick);
      rule(kLeft, y, right(), y, "grid");
      text(kLeft - 8, y + 4, "soft", "end", tick_text(tick));
    }
    text(kLeft, 16, "soft", "start", chart_.y_title);
    rule(kLeft, bottom(), right(), bottom(), "axis");
    for (std::size_t i = 0; i < chart_.x.ticks.size(); ++i) {
      const double x = px(chart_.x.ticks[i]);
      rule(x, bottom(), x, bottom() + 4, "axis");
      text(x, bottom() + 19, "soft", "middle",
           i < chart_.x_ticks.size() ? chart_.x_ticks[i] : tick_text(chart_.x.ticks[i]));
    }
    text((kLeft + right()) / 2, bottom() + 38, "soft", "middle", chart_.x.title);
    out_ += '\n';
  }

  void mark() {
    if (!chart_.mark) return;
    const double x = px(*chart_.mark);
    rule(x, kTop - 4, x, bottom(), "knee");
    const bool to_the_left = x > (kLeft + right()) / 2;
    text(to_the_left ? x - 6 : x + 6, kTop + 8, "knee-text", to_the_left ? "end" : "start",
         chart_.mark_text);
  }

  void line(std::size_t number) {
    const Line& line = lines_[number];
    std::string path, values, marks;
    bool pen_down = false;
    for (std::size_t i = 0; i < line.x.size() && i < line.y.size(); ++i) {
      if (!std::isfinite(line.x[i]) || !std::isfinite(line.y[i])) {
        pen_down = false;
        continue;
      }
      const std::string x = coordinate(px(line.x[i])), y = coordinate(py(line.y[i]));
      path += (pen_down ? "L" : "M") + x + " " + y;
      pen_down = true;
      values += (values.empty() ? "" : "|") + figure(line.y[i]);
      // A value with nothing on either side of it would not be seen as a line.
      const bool alone = (i == 0 || !std::isfinite(line.y[i - 1])) &&
                         (i + 1 >= line.y.size() || !std::isfinite(line.y[i + 1]));
      if (!line.dots && !alone) continue;
      const bool hollow = i < line.hollow.size() && line.hollow[i];
      marks += "<circle cx=\"" + x + "\" cy=\"" + y + "\" r=\"" + (line.dots ? "3.5" : "2.5") +
               "\" class=\"dot" + (hollow ? " hollow" : "") + "\"/>";
    }
    out_ += "<g " + style_of(line) + " data-t=\"" + std::to_string(number) + "\" data-n=\"" +
            escaped(line.name) + "\" data-v=\"" + values + "\"><path d=\"" + path + "\"/>" + marks +
            "</g>\n";
  }

  const Chart& chart_;
  std::vector<Line> lines_;
  std::string out_;
};

}  // namespace

std::string chart_html(const Chart& chart) { return Figure(chart).draw(); }

Axis axis_for(const std::vector<Line>& lines) {
  double low = HUGE_VAL, high = 0;
  for (const Line& line : lines) {
    for (const double y : line.y) {
      if (!std::isfinite(y)) continue;
      high = std::max(high, y);
      if (y > 0) low = std::min(low, y);
    }
  }
  if (!(low < high) || high / low <= kLogRatio) return linear_axis(high);
  Axis axis = log_axis(low, high);
  // Over many decades its marks are whole ones; the curve need not leave most of one empty.
  if (axis.max / axis.min < 1e3) return axis;
  axis.min = std::max(axis.min, low / 1.5);
  axis.max = std::min(axis.max, high * 1.5);
  std::erase_if(axis.ticks, [&axis](double tick) { return tick < axis.min || tick > axis.max; });
  return axis;
}

}  // namespace kneepoint::report
