#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "httpd/route.h"

namespace kneepoint::httpd {

/// The console's files, all read at the start: a request looks a name up and never reaches the
/// disk, so no path leads out of the folder. What text has no .gz beside it is packed once.
class StaticFiles {
 public:
  /// Files and folders whose names start with a dot and links are left out; the error names a
  /// folder without index.html, or one larger than 64 MiB.
  static Result<StaticFiles> read(const std::string& folder);

  /// `path` as "/assets/app-1a2b3c4d.js"; `field` gives a request field by its lower-case name.
  /// A path without a file, that does not look like one, is a view of the console: index.html.
  Answer answer(std::string_view path,
                const std::function<std::string_view(std::string_view)>& field) const;

  std::size_t size() const { return files_.size(); }

 private:
  using Bytes = std::shared_ptr<const std::string>;
  struct File {
    std::string type, tag;  // tag: with its quotes
    Bytes plain, gz, br;
    bool forever = false;  // its name changes when its content does
  };
  std::unordered_map<std::string, File> files_;
};

/// "text/html; charset=utf-8" by the name's ending.
std::string_view content_type(std::string_view path);

}  // namespace kneepoint::httpd
