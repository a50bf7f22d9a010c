#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "base/text.h"
#include "report/plot.h"
#include "report/plot_layout.h"
#include "report/text_width.h"
#include "report/xml_text.h"

namespace kneepoint::report {
namespace {

// The height follows from the legend.
constexpr double kWidth = 860;
constexpr double kLeft = 72, kRight = 822, kTop = 128, kBottom = 448;

// Fill and stroke are set per class, so that one media query turns the whole picture dark. Plain
// values, no CSS variables: converters such as librsvg do not read those.
constexpr std::string_view kStyle = R"(<style>
.kp-bg{fill:#ffffff}.kp-ink{fill:#111827}.kp-soft{fill:#5b6472}
.kp-grid{stroke:#e5e7eb;stroke-width:1}.kp-axis{stroke:#9aa3b0;stroke-width:1}
.kp-line{stroke:#2563eb;stroke-width:2.25;fill:none;stroke-linejoin:round;stroke-linecap:round}
.kp-dot{fill:#2563eb;stroke:#ffffff;stroke-width:1.5}.kp-past{fill:#ffffff;stroke:#2563eb;stroke-width:2}
.kp-knee{fill:none;stroke:#c2410c;stroke-width:2.5}.kp-knee-text{fill:#c2410c}
.kp-op{fill:#7c3aed;stroke:#ffffff;stroke-width:1.5}
.kp-target{stroke:#0f766e;stroke-width:1.75;stroke-dasharray:7 5}.kp-target-text{fill:#0f766e}
.kp-zone-below{fill:#16a34a;fill-opacity:.08}.kp-zone-at{fill:#f59e0b;fill-opacity:.14}
.kp-zone-past{fill:#dc2626;fill-opacity:.07}.kp-halo{stroke:#ffffff;stroke-width:3.5;stroke-linejoin:round;paint-order:stroke}
@media (prefers-color-scheme:dark){
.kp-bg{fill:#0f172a}.kp-ink{fill:#e5e7eb}.kp-soft{fill:#a3adbd}
.kp-grid{stroke:#263248}.kp-axis{stroke:#64748b}
.kp-line{stroke:#60a5fa}.kp-dot{fill:#60a5fa;stroke:#0f172a}.kp-past{fill:#0f172a;stroke:#60a5fa}
.kp-knee{stroke:#fb923c}.kp-knee-text{fill:#fb923c}.kp-op{fill:#a78bfa;stroke:#0f172a}
.kp-target{stroke:#2dd4bf}.kp-target-text{fill:#2dd4bf}
.kp-zone-below{fill-opacity:.12}.kp-zone-at{fill-opacity:.16}.kp-zone-past{fill-opacity:.13}
.kp-halo{stroke:#0f172a}
}
</style>
)";

std::string coordinate(double value) {
  std::string text = fixed(value, 1);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text;
}

struct Box {
  double left, top, right, bottom;

  bool overlaps(const Box& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
  bool inside_frame() const {
    return left >= kLeft + 2 && right <= kRight - 2 && top >= kTop + 2 && bottom <= kBottom - 2;
  }
};

// Sans-serif text is a little over half as wide per character as it is high.
double text_width(std::string_view text, double size) {
  return 0.55 * size * static_cast<double>(display_width(text));
}

bool crosses(const Box& box, double x0, double y0, double x1, double y1) {
  constexpr int kSteps = 24;
  for (int i = 0; i <= kSteps; ++i) {
    const double t = static_cast<double>(i) / kSteps;
    const double x = x0 + (x1 - x0) * t, y = y0 + (y1 - y0) * t;
    if (x > box.left && x < box.right && y > box.top && y < box.bottom) return true;
  }
  return false;
}

class SvgPicture {
 public:
  SvgPicture(const CurvePlot& plot, const Layout& layout) : plot_(plot), layout_(layout) {}

  std::string draw() {
    zones();
    axes();
    target();
    curve();
    operating_point();
    labels();
    const double height = legend() + 26;
    return head(height) + "</svg>\n";
  }

 private:
  static double px(double fraction) { return kLeft + (kRight - kLeft) * fraction; }
  static double py(double fraction) { return kBottom - (kBottom - kTop) * fraction; }

  void text(double x, double y, double size, std::string_view style, std::string_view anchor,
            std::string_view words, std::string_view extra = {}) {
    out_ += "<text x=\"" + coordinate(x) + "\" y=\"" + coordinate(y) + "\" class=\"" +
            std::string(style) + "\" font-size=\"" + coordinate(size) + "\"";
    if (anchor != "start") out_ += " text-anchor=\"" + std::string(anchor) + "\"";
    out_ += std::string(extra) + ">" + escaped(words) + "</text>\n";
  }
  void line(double x0, double y0, double x1, double y1, std::string_view style) {
    out_ += "<line x1=\"" + coordinate(x0) + "\" y1=\"" + coordinate(y0) + "\" x2=\"" +
            coordinate(x1) + "\" y2=\"" + coordinate(y1) + "\" class=\"" + std::string(style) +
            "\"/>\n";
  }
  void rectangle(double x, double y, double width, double height, std::string_view style,
                 std::string_view extra = {}) {
    out_ += "<rect x=\"" + coordinate(x) + "\" y=\"" + coordinate(y) + "\" width=\"" +
            coordinate(width) + "\" height=\"" + coordinate(height) + "\" class=\"" +
            std::string(style) + "\"" + std::string(extra) + "/>\n";
  }
  void circle(double x, double y, double radius, std::string_view style,
              std::string_view tip = {}) {
    out_ += "<circle cx=\"" + coordinate(x) + "\" cy=\"" + coordinate(y) + "\" r=\"" +
            coordinate(radius) + "\" class=\"" + std::string(style) + "\"";
    out_ += tip.empty() ? "/>\n" : "><title>" + escaped(tip) + "</title></circle>\n";
  }
  void diamond(double x, double y) {
    constexpr double r = 7.5;
    out_ += "<path d=\"M" + coordinate(x) + " " + coordinate(y - r) + "L" + coordinate(x + r) +
            " " + coordinate(y) + "L" + coordinate(x) + " " + coordinate(y + r) + "L" +
            coordinate(x - r) + " " + coordinate(y) + "Z\" class=\"kp-op\"/>\n";
  }

  std::string description() const {
    std::string words = "Throughput in output tokens/s (horizontal) against " + layout_.y.title +
                        " (vertical). " + plot_.evidence + ".";
    for (const std::string& part :
         {layout_.knee_text, layout_.target_text, layout_.operating_text, layout_.empty_text}) {
      if (!part.empty()) words += " " + part + ".";
    }
    for (const Drawn& p : layout_.points) words += " " + tip(p) + ".";
    return words;
  }
  std::string tip(const Drawn& p) const {
    return p.load + " " + std::string(unit(plot_.load_kind)) + ": " + figure(p.x) + " tokens/s, " +
           figure(p.y) + " ms" +
           (p.zone == curve::Zone::Unknown ? "" : ", " + std::string(zone_words(p.zone)));
  }

  // Comes first in the file and last in time: the height is known once the legend is drawn.
  std::string head(double height) {
    const std::string body = std::move(out_);
    const std::string size = coordinate(kWidth) + " " + coordinate(height);
    out_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + size + "\" width=\"" +
           coordinate(kWidth) + "\" height=\"" + coordinate(height) +
           "\" role=\"img\" aria-labelledby=\"kp-title kp-desc\" font-family=\"system-ui, "
           "-apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', sans-serif\">\n";
    out_ += "<title id=\"kp-title\">" + escaped(plot_.title) + "</title>\n";
    out_ += "<desc id=\"kp-desc\">" + escaped(description()) + "</desc>\n";
    out_ += kStyle;
    rectangle(0, 0, kWidth, height, "kp-bg");
    text(24, 38, 18, "kp-ink", "start", shortened(plot_.title, 72), " font-weight=\"600\"");
    text(24, 61, 13, "kp-ink", "start", shortened(plot_.subtitle, 108));
    text(24, 81, 12, "kp-soft", "start", shortened(plot_.evidence, 118));
    text(24, kTop - 14, 12, "kp-soft", "start", layout_.y.title);
    out_ += body;
    return std::exchange(out_, {});
  }

  void zones() {
    for (const Band& band : layout_.bands) {
      rectangle(kLeft, py(band.to), kRight - kLeft, py(band.from) - py(band.to),
                "kp-zone-" + std::string(curve::name(band.zone)));
    }
  }

  void axes() {
    for (const double tick : layout_.y.ticks) {
      const double y = py(layout_.y.at(tick));
      line(kLeft, y, kRight, y, "kp-grid");
      text(kLeft - 10, y + 4, 12, "kp-soft", "end", tick_text(tick));
    }
    for (const double tick : layout_.x.ticks) {
      const double x = px(layout_.x.at(tick));
      line(x, kBottom, x, kBottom + 5, "kp-axis");
      text(x, kBottom + 21, 12, "kp-soft", "middle", tick_text(tick));
    }
    line(kLeft, kBottom, kRight, kBottom, "kp-axis");
    text((kLeft + kRight) / 2, kBottom + 43, 12, "kp-soft", "middle", layout_.x.title);
    if (!layout_.empty_text.empty()) {
      text((kLeft + kRight) / 2, (kTop + kBottom) / 2, 14, "kp-soft", "middle", layout_.empty_text);
    }
  }

  void target() {
    if (!layout_.target) return;
    const double y = py(*layout_.target);
    line(kLeft, y, kRight, y, "kp-target");
    const std::string words = "target " + figure(plot_.target_ms.value_or(0)) + " ms";
    const double base = y - 7 < kTop + 12 ? y + 16 : y - 7;
    const double width = text_width(words, 12);
    taken_.push_back({kLeft + 8, base - 11, kLeft + 8 + width, base + 3});
    text(kLeft + 8, base, 12, "kp-target-text kp-halo", "start", words, " font-weight=\"600\"");
  }

  void curve() {
    if (layout_.points.empty()) return;
    if (layout_.points.size() > 1) {
      out_ += "<polyline class=\"kp-line\" points=\"";
      for (const Step& step : layout_.path) {
        if (out_.back() != '"') out_ += ' ';
        out_ += coordinate(px(step.fx)) + "," + coordinate(py(step.fy));
      }
      out_ += "\"/>\n";
    }
    for (const Drawn& p : layout_.points) {
      const double x = px(p.fx), y = py(p.fy);
      circle(x, y, 4.5, p.zone == curve::Zone::Past ? "kp-past" : "kp-dot", tip(p));
      if (p.is_knee) circle(x, y, 9.5, "kp-knee");
      const double reach = p.is_knee ? 11 : 6;
      taken_.push_back({x - reach, y - reach, x + reach, y + reach});
    }
  }

  void operating_point() {
    if (!layout_.operating_point) return;
    const double x = px(layout_.operating_point->fx), y = py(layout_.operating_point->fy);
    diamond(x, y);
    taken_.push_back({x - 8, y - 8, x + 8, y + 8});
  }

  // Each load beside its point where nothing else is: the knee first, then the ends, then the rest.
  // What finds no room keeps its tip.
  void labels() {
    std::vector<const Drawn*> order;
    for (const Drawn& p : layout_.points) {
      if (p.is_knee) order.push_back(&p);
    }
    if (!layout_.points.empty()) {
      for (const Drawn* end : {&layout_.points.back(), &layout_.points.front()}) {
        if (std::find(order.begin(), order.end(), end) == order.end()) order.push_back(end);
      }
    }
    for (const Drawn& p : layout_.points) {
      if (std::find(order.begin(), order.end(), &p) == order.end()) order.push_back(&p);
    }
    for (const Drawn* p : order) label(*p);
  }

  void label(const Drawn& p) {
    const std::string words =
        p.is_knee ? "knee: " + p.load + " " + std::string(unit(plot_.load_kind)) : p.load;
    const double size = p.is_knee ? 13 : 11.5;
    const double width = text_width(words, size), gap = p.is_knee ? 14 : 9;
    const double x = px(p.fx), y = py(p.fy), rise = size * 0.36;
    struct Place {
      double x, base;
      std::string_view anchor;
    };
    const std::array<Place, 8> places{{{x, y - gap, "middle"},
                                       {x - gap, y + rise, "end"},
                                       {x + gap, y + rise, "start"},
                                       {x, y + gap + size * 0.75, "middle"},
                                       {x - gap * 0.8, y - gap * 0.8, "end"},
                                       {x + gap * 0.8, y - gap * 0.8, "start"},
                                       {x - gap * 0.8, y + gap * 0.8 + size * 0.7, "end"},
                                       {x + gap * 0.8, y + gap * 0.8 + size * 0.7, "start"}}};
    for (const bool over_the_line : {false, true}) {
      for (const Place& place : places) {
        const double left = place.anchor == "middle" ? place.x - width / 2
                            : place.anchor == "end"  ? place.x - width
                                                     : place.x;
        const Box box{left, place.base - size * 0.82, left + width, place.base + size * 0.22};
        if (!box.inside_frame() || (!over_the_line && on_the_line(box))) continue;
        if (std::any_of(taken_.begin(), taken_.end(),
                        [&box](const Box& other) { return box.overlaps(other); })) {
          continue;
        }
        taken_.push_back(box);
        text(place.x, place.base, size, p.is_knee ? "kp-knee-text kp-halo" : "kp-ink kp-halo",
             place.anchor, words, p.is_knee ? " font-weight=\"600\"" : "");
        return;
      }
    }
  }

  bool on_the_line(const Box& box) const {
    if (layout_.target &&
        crosses(box, box.left, py(*layout_.target), box.right, py(*layout_.target))) {
      return true;
    }
    for (std::size_t i = 1; i < layout_.path.size(); ++i) {
      const Step &a = layout_.path[i - 1], &b = layout_.path[i];
      if (crosses(box, px(a.fx), py(a.fy), px(b.fx), py(b.fy))) return true;
    }
    return false;
  }

  // Items flow into rows; each is a mark and its words.
  double legend() {
    double x = 24, y = kBottom + 78;
    const auto item = [&](double mark_width, std::string_view words, auto draw_mark) {
      const std::string shown = shortened(words, 110);
      const double width = mark_width + 8 + text_width(shown, 12) + 26;
      if (x > 24 && x + width > kWidth - 12) {
        x = 24;
        y += 23;
      }
      draw_mark(x, y);
      text(x + mark_width + 8, y + 4, 12, "kp-ink", "start", shown);
      x += width;
    };
    if (!layout_.points.empty()) {
      item(10, layout_.points_text,
           [&](double at, double base) { circle(at + 5, base, 4.5, "kp-dot"); });
    }
    if (!layout_.knee_text.empty()) {
      if (plot_.knee.state == curve::KneeState::Found) {
        item(20, layout_.knee_text, [&](double at, double base) {
          circle(at + 10, base, 4.5, "kp-dot");
          circle(at + 10, base, 9, "kp-knee");
        });
      } else {
        item(0, "knee " + layout_.knee_text, [](double, double) {});
      }
    }
    if (!layout_.target_text.empty()) {
      item(26, layout_.target_text,
           [&](double at, double base) { line(at, base, at + 26, base, "kp-target"); });
    }
    if (layout_.operating_point) {
      item(16, layout_.operating_text, [&](double at, double base) { diamond(at + 8, base); });
    }
    double zones_width = 0;
    for (const Band& band : layout_.bands) {
      zones_width += 16 + 8 + text_width(zone_words(band.zone), 12) + 26;
    }
    if (x > 24 && x + zones_width > kWidth - 12) {
      x = 24;
      y += 23;
    }
    for (const Band& band : layout_.bands) {
      item(16, zone_words(band.zone), [&](double at, double base) {
        const std::string style = "kp-zone-" + std::string(curve::name(band.zone));
        rectangle(at, base - 7, 16, 14, style, " stroke=\"#9aa3b0\" stroke-width=\"1\" rx=\"2\"");
        rectangle(at, base - 7, 16, 14, style, " rx=\"2\"");
      });
    }
    if (layout_.left_out > 0) {
      item(0,
           std::to_string(layout_.left_out) + " of " + std::to_string(plot_.points.size()) +
               " loads lack a figure and are not drawn",
           [](double, double) {});
    }
    return y;
  }

  const CurvePlot& plot_;
  const Layout& layout_;
  std::string out_;
  std::vector<Box> taken_;
};

}  // namespace

std::string svg_plot(const CurvePlot& plot) {
  const Layout layout = lay_out(plot);
  return SvgPicture(plot, layout).draw();
}

}  // namespace kneepoint::report
