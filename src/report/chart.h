#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/plot_layout.h"

/// Lines over a common horizontal axis, as a figure of an HTML page: drawing, legend with a switch
/// for each line, and the values that the page's script reads out under the pointer. What a figure
/// looks like (colours, dark, print) is said once, in html_style.h.
namespace kneepoint::report {

struct Line {
  std::string name;                    // "TTFT p99"; legend and read-out
  std::string style;                   // class: its colour; "ttft", "ttft dashed"
  std::vector<double> x = {}, y = {};  // NaN in y: a gap in the line
  bool dots = false;                   // a mark at every value, with its tip
  bool on = true;                      // shown until the reader says otherwise
  std::vector<bool> hollow = {};       // marks of values that do not count
  double shade = -1;                   // 0..1: place on the scale of loads, where style is "load"
};

/// Part of the width that means something.
struct Stretch {
  double from, to;    // in units of x
  std::string style;  // class: "zone-below", "outside"
};

struct Chart {
  std::string id;     // unique in the page
  std::string title;  // over the figure
  std::string note;   // under it; may be empty
  std::string y_title;
  std::string y_unit;  // of values read out: "ms"
  Axis x, y;
  std::vector<std::string> x_ticks;  // words for x.ticks; empty: the figures
  std::string x_unit;                // of the place read out: "clients"
  std::vector<std::string> x_names;  // of the values of the longest line; empty: the figures
  std::vector<Stretch> stretches;
  std::optional<double> mark;  // a vertical line
  std::string mark_text;
  std::vector<Line> lines;
  double width = 1040, height = 300;
};

/// A <figure>. Lines without a single value are left out; without any line, words that say so.
std::string chart_html(const Chart& chart);

/// An axis from 0, or a logarithmic one where the values span more than a factor of 20.
Axis axis_for(const std::vector<Line>& lines);

}  // namespace kneepoint::report
