#include "report/xml_text.h"

#include "report/text_width.h"

namespace kneepoint::report {

std::string escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Character c = first_character(text);
    switch (c.code) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '\n':
      case '\r':
      case '\t':
        out += ' ';
        break;
      default: {
        const bool allowed = c.code >= 0x20 && c.code != 0xFFFE && c.code != 0xFFFF &&
                             !(c.code >= 0x7F && c.code < 0xA0);
        append_utf8(out, allowed ? c.code : 0xFFFD);
      }
    }
    text.remove_prefix(c.bytes);
  }
  return out;
}

}  // namespace kneepoint::report
