#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "report/plot.h"
#include "report/plot_layout.h"
#include "report/text_width.h"

namespace kneepoint::report {
namespace {

// What a cell of the picture means. The ink decides the colour and who may be drawn over.
enum class Ink : std::uint8_t { Blank, Grid, Target, Curve, Below, At, Past, Point, Mark, Words };

std::string_view escape_code(Ink ink) {
  switch (ink) {
    case Ink::Grid:
      return "\x1b[2m";
    case Ink::Target:
      return "\x1b[36m";
    case Ink::Below:
      return "\x1b[32m";
    case Ink::At:
      return "\x1b[33m";
    case Ink::Past:
      return "\x1b[31m";
    case Ink::Point:
      return "\x1b[1m";
    case Ink::Mark:
      return "\x1b[1;35m";
    default:
      return "";
  }
}

Ink ink_of(curve::Zone zone) {
  switch (zone) {
    case curve::Zone::Below:
      return Ink::Below;
    case curve::Zone::At:
      return Ink::At;
    case curve::Zone::Past:
      return Ink::Past;
    case curve::Zone::Unknown:
      break;
  }
  return Ink::Curve;
}

struct Cell {
  char32_t code = U' ';
  Ink ink = Ink::Blank;
};

/// The characters of one picture, in Unicode or in ASCII.
struct Glyphs {
  char32_t point, past_point, knee, operating, target, vertical, horizontal, corner, x_tick, y_tick;
  char32_t below, at, past;  // the bar on the right that shows the zones
};
constexpr Glyphs kUnicode{U'●', U'○', U'◉', U'◆', U'╌', U'│', U'─',
                          U'└', U'┬', U'┤', U'░', U'▒', U'▓'};
constexpr Glyphs kAscii{U'o', U'x', U'K', U'@', U'-', U'|', U'-',
                        U'+', U'+', U'+', U'.', U'=', U'#'};

char32_t bar(const Glyphs& glyphs, curve::Zone zone) {
  switch (zone) {
    case curve::Zone::Below:
      return glyphs.below;
    case curve::Zone::At:
      return glyphs.at;
    case curve::Zone::Past:
      return glyphs.past;
    case curve::Zone::Unknown:
      break;
  }
  return U' ';
}

/// The frame: `columns` x `rows` cells, each of 2 x 4 dots in braille or one dot in ASCII.
class Canvas {
 public:
  Canvas(int columns, int rows, bool braille)
      : columns_(columns),
        rows_(rows),
        braille_(braille),
        cells_(static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows)),
        dots_(cells_.size(), 0) {}

  int column(double fx) const { return static_cast<int>(std::lround(fx * (columns_ - 1))); }
  int row(double fy) const { return rows_ - 1 - static_cast<int>(std::lround(fy * (rows_ - 1))); }

  bool inside(int column, int row) const {
    return column >= 0 && column < columns_ && row >= 0 && row < rows_;
  }
  Cell& at(int column, int row) { return cells_[index(column, row)]; }

  // Between cell centres, so that the line runs through the markers.
  void line(const Step& from, const Step& to, Ink ink) {
    const int wide = braille_ ? 2 : 1, high = braille_ ? 4 : 1;
    const double x0 = (column(from.fx) + 0.5) * wide, y0 = (row(from.fy) + 0.5) * high;
    const double x1 = (column(to.fx) + 0.5) * wide, y1 = (row(to.fy) + 0.5) * high;
    const int steps = 1 + static_cast<int>(2 * std::max(std::abs(x1 - x0), std::abs(y1 - y0)));
    for (int i = 0; i <= steps; ++i) {
      const double t = static_cast<double>(i) / steps;
      dot(static_cast<int>(x0 + (x1 - x0) * t), static_cast<int>(y0 + (y1 - y0) * t), ink);
    }
  }

  void dot(int x, int y, Ink ink) {
    const int wide = braille_ ? 2 : 1, high = braille_ ? 4 : 1;
    if (!inside(x / wide, y / high)) return;
    const std::size_t i = index(x / wide, y / high);
    if (cells_[i].ink > Ink::Past) return;
    cells_[i].ink = ink;
    if (!braille_) {
      cells_[i].code = U'.';
      return;
    }
    constexpr std::uint8_t kBits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    dots_[i] = static_cast<std::uint8_t>(dots_[i] | kBits[y % 4][x % 2]);
    cells_[i].code = 0x2800 + dots_[i];
  }

  // True when `words` fit in free cells from `column` on; `over_lines` lets them cover the curve.
  bool fits(int column, int row, std::size_t width, bool over_lines) {
    for (int i = 0; i < static_cast<int>(width); ++i) {
      if (!inside(column + i, row)) return false;
      const Ink ink = at(column + i, row).ink;
      if (ink >= Ink::Point) return false;
      if (!over_lines && ink != Ink::Blank) return false;
    }
    return true;
  }
  void write(int column, int row, std::string_view words, Ink ink) {
    for (const char c : words) {
      if (inside(column, row)) at(column, row) = {static_cast<unsigned char>(c), ink};
      ++column;
    }
  }

  std::string row_text(int row, bool color) {
    std::string out;
    Ink now = Ink::Blank;
    for (int c = 0; c < columns_; ++c) {
      const Cell& cell = at(c, row);
      if (color && escape_code(cell.ink) != escape_code(now)) {
        if (!escape_code(now).empty()) out += "\x1b[0m";
        out += escape_code(cell.ink);
      }
      now = cell.ink;
      append_utf8(out, cell.code);
    }
    if (color && !escape_code(now).empty()) out += "\x1b[0m";
    return out;
  }

 private:
  std::size_t index(int column, int row) const {
    return static_cast<std::size_t>(row) * static_cast<std::size_t>(columns_) +
           static_cast<std::size_t>(column);
  }

  int columns_, rows_;
  bool braille_;
  std::vector<Cell> cells_;
  std::vector<std::uint8_t> dots_;
};

std::string painted(std::string_view words, Ink ink, bool color) {
  if (!color || escape_code(ink).empty()) return std::string(words);
  return std::string(escape_code(ink)) + std::string(words) + "\x1b[0m";
}

std::string glyph_text(char32_t glyph) {
  std::string text;
  append_utf8(text, glyph);
  return text;
}

// Words over several lines, each at most `width` wide; a word wider than that is cut.
std::string wrapped(std::string_view words, std::size_t width, std::size_t indent) {
  std::string out, line;
  const auto flush = [&] {
    out += line + "\n";
    line.assign(indent, ' ');
  };
  bool fresh = true;
  while (!words.empty()) {
    const std::size_t blank = std::min(words.find(' '), words.size());
    const std::string word = shortened(words.substr(0, blank), width - indent);
    words.remove_prefix(std::min(blank + 1, words.size()));
    if (!fresh && display_width(line) + 1 + display_width(word) > width) {
      flush();
      fresh = true;
    }
    if (!fresh) line += ' ';
    line += word;
    fresh = false;
  }
  flush();
  return out;
}

// What ASCII terminals cannot show, in words they can.
std::string plain_words(std::string_view text, bool unicode) {
  std::string safe = printable(text);
  if (unicode) return safe;
  std::string out;
  std::string_view rest = safe;
  while (!rest.empty()) {
    const Character c = first_character(rest);
    if (c.code < 0x80) {
      out += static_cast<char>(c.code);
    } else {
      out += c.code == U'×' ? 'x' : c.code == U'·' ? '|' : c.code == U'…' ? '~' : '?';
    }
    rest.remove_prefix(c.bytes);
  }
  return out;
}

class TerminalPicture {
 public:
  TerminalPicture(const CurvePlot& plot, const Layout& layout, TerminalStyle style)
      : plot_(plot),
        layout_(layout),
        style_(style),
        glyphs_(style.unicode ? kUnicode : kAscii),
        width_(static_cast<std::size_t>(std::clamp(style.width, 40, 400))),
        rows_(std::clamp(style.height, 6, 200)),
        gutter_(gutter_width()),
        canvas_(static_cast<int>(width_ - gutter_ - 4), rows_, style.unicode) {}

  std::string draw() {
    std::string out = wrapped(words(plot_.title), width_, 0);
    if (!plot_.subtitle.empty()) out += wrapped(words(plot_.subtitle), width_, 0);
    out += wrapped(words(plot_.evidence), width_, 0);
    out += "\n" + wrapped(words(layout_.y.title), width_, 0);
    if (!layout_.empty_text.empty()) return out + wrapped(words(layout_.empty_text), width_, 2);
    target();
    curve();
    marks();
    labels();
    out += frame();
    out += x_axis();
    out += legend();
    return out;
  }

 private:
  std::string words(std::string_view text) const { return plain_words(text, style_.unicode); }
  int columns() const { return static_cast<int>(width_ - gutter_ - 4); }

  std::size_t gutter_width() const {
    std::size_t widest = 1;
    for (const double tick : layout_.y.ticks) widest = std::max(widest, tick_text(tick).size());
    return std::min<std::size_t>(widest, 12);
  }

  void target() {
    if (!layout_.target) return;
    const int row = canvas_.row(*layout_.target);
    for (int c = 0; c < columns(); ++c) canvas_.at(c, row) = {glyphs_.target, Ink::Target};
  }

  void curve() {
    for (std::size_t i = 1; i < layout_.path.size(); ++i) {
      const Step& to = layout_.path[i];
      canvas_.line(layout_.path[i - 1], to, ink_of(layout_.points[to.towards].zone));
    }
  }

  void marks() {
    for (const Drawn& p : layout_.points) {
      const char32_t glyph = p.zone == curve::Zone::Past ? glyphs_.past_point : glyphs_.point;
      Cell& cell = canvas_.at(canvas_.column(p.fx), canvas_.row(p.fy));
      if (cell.ink < Ink::Point) cell = {glyph, Ink::Point};
    }
    for (const Drawn& p : layout_.points) {
      if (p.is_knee)
        canvas_.at(canvas_.column(p.fx), canvas_.row(p.fy)) = {glyphs_.knee, Ink::Mark};
    }
    if (layout_.operating_point) {
      const Drawn& p = *layout_.operating_point;
      canvas_.at(canvas_.column(p.fx), canvas_.row(p.fy)) = {glyphs_.operating, Ink::Mark};
    }
  }

  void labels() {
    std::vector<const Drawn*> order;
    for (const Drawn& p : layout_.points) order.push_back(&p);
    std::stable_sort(order.begin(), order.end(),
                     [this](const Drawn* a, const Drawn* b) { return rank(*a) < rank(*b); });
    for (const Drawn* p : order) label(*p);
  }
  int rank(const Drawn& p) const {
    if (p.is_knee) return 0;
    return &p == &layout_.points.back() ? 1 : &p == &layout_.points.front() ? 2 : 3;
  }
  void label(const Drawn& p) {
    const std::string text = p.is_knee ? p.load + " knee" : p.load;
    const int width = static_cast<int>(text.size());
    const int column = canvas_.column(p.fx), row = canvas_.row(p.fy);
    const int middle = column - (width - 1) / 2;
    struct Place {
      int column, row;
    };
    for (const bool over_lines : {false, true}) {
      for (const Place place :
           {Place{middle, row - 1}, Place{column + 2, row}, Place{column - width - 1, row},
            Place{middle, row + 1}, Place{column - width, row - 1}, Place{column + 1, row - 1},
            Place{column + 1, row + 1}, Place{column - width, row + 1}}) {
        if (!canvas_.fits(place.column, place.row, text.size(), over_lines)) continue;
        if (beside_another(p, place.column, place.row, width)) continue;
        canvas_.write(place.column, place.row, text, p.is_knee ? Ink::Mark : Ink::Words);
        return;
      }
    }
  }
  // Two labels side by side without a blank would read as one number, and a label beside the mark
  // of another point would be taken for that point's.
  bool beside_another(const Drawn& p, int column, int row, int width) {
    const int own_column = canvas_.column(p.fx), own_row = canvas_.row(p.fy);
    for (int c = column - 1; c <= column + width; ++c) {
      for (int r = row - 1; r <= row + 1; ++r) {
        const bool corner = r != row && (c < column || c >= column + width);
        if (corner || !canvas_.inside(c, r) || (c == own_column && r == own_row)) continue;
        const Ink ink = canvas_.at(c, r).ink;
        if (r == row && ink == Ink::Words) return true;
        const bool own_side =
            r != row && own_row == r && own_column >= column && own_column < column + width;
        if ((ink == Ink::Point || ink == Ink::Mark) && !own_side) return true;
      }
    }
    return false;
  }

  std::string frame() {
    std::vector<std::string> tick_at(static_cast<std::size_t>(rows_));
    for (const double tick : layout_.y.ticks) {
      tick_at[static_cast<std::size_t>(canvas_.row(layout_.y.at(tick)))] = tick_text(tick);
    }
    std::string out;
    for (int row = 0; row < rows_; ++row) {
      const std::string& tick = tick_at[static_cast<std::size_t>(row)];
      std::string line(gutter_ - std::min(gutter_, tick.size()), ' ');
      line += tick + " ";
      line += painted(glyph_text(tick.empty() ? glyphs_.vertical : glyphs_.y_tick), Ink::Grid,
                      style_.color);
      line += canvas_.row_text(row, style_.color);
      const double fy = static_cast<double>(rows_ - 1 - row) / (rows_ - 1);
      for (const Band& band : layout_.bands) {
        if (fy < band.from || (fy >= band.to && band.to < 1)) continue;
        line += " " + painted(glyph_text(bar(glyphs_, band.zone)), ink_of(band.zone), style_.color);
        break;
      }
      while (line.back() == ' ') line.pop_back();
      out += line + "\n";
    }
    return out;
  }

  std::string x_axis() {
    std::string rule = glyph_text(glyphs_.corner);
    std::vector<char32_t> marks(static_cast<std::size_t>(columns()), glyphs_.horizontal);
    std::string names(width_ + 12, ' ');
    std::size_t free_from = 0, end = 0;
    for (const double tick : layout_.x.ticks) {
      const int column = canvas_.column(layout_.x.at(tick));
      marks[static_cast<std::size_t>(column)] = glyphs_.x_tick;
      const std::string text = tick_text(tick);
      const std::size_t center = gutter_ + 2 + static_cast<std::size_t>(column);
      std::size_t begin = center - std::min(center, text.size() / 2);
      if (begin + text.size() > width_) begin = width_ - text.size();
      if (begin < free_from) continue;
      names.replace(begin, text.size(), text);
      end = begin + text.size();
      free_from = end + 1;
    }
    names.resize(end);
    for (const char32_t mark : marks) append_utf8(rule, mark);
    std::string out(gutter_ + 1, ' ');
    out += painted(rule, Ink::Grid, style_.color) + "\n" + names + "\n";
    return out + wrapped(std::string(gutter_ + 2, ' ') + layout_.x.title, width_, gutter_ + 2);
  }

  std::string legend() {
    std::string out = "\n";
    const auto item = [&](char32_t glyph, Ink ink, std::string_view text) {
      const std::string lines = wrapped("  " + words(text), width_ - 1, 2);
      out += painted(glyph_text(glyph), ink, style_.color) + lines.substr(1);
    };
    item(glyphs_.point, Ink::Point, "  " + layout_.points_text);
    if (plot_.knee.state == curve::KneeState::Found) {
      item(glyphs_.knee, Ink::Mark, "  " + layout_.knee_text);
    } else {
      item(U' ', Ink::Blank, "  knee " + layout_.knee_text);
    }
    if (!layout_.target_text.empty()) item(glyphs_.target, Ink::Target, "  " + layout_.target_text);
    if (layout_.operating_point) item(glyphs_.operating, Ink::Mark, "  " + layout_.operating_text);
    for (const Band& band : layout_.bands) {
      item(bar(glyphs_, band.zone), ink_of(band.zone), "  " + std::string(zone_words(band.zone)));
    }
    if (layout_.left_out > 0) {
      item(U' ', Ink::Blank,
           "  " + std::to_string(layout_.left_out) + " of " + std::to_string(plot_.points.size()) +
               " loads lack a figure and are not drawn");
    }
    return out;
  }

  const CurvePlot& plot_;
  const Layout& layout_;
  TerminalStyle style_;
  const Glyphs& glyphs_;
  std::size_t width_;
  int rows_;
  std::size_t gutter_;
  Canvas canvas_;
};

}  // namespace

std::string terminal_plot(const CurvePlot& plot, TerminalStyle style) {
  const Layout layout = lay_out(plot);
  return TerminalPicture(plot, layout, style).draw();
}

}  // namespace kneepoint::report
