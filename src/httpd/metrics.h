#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "httpd/route.h"

namespace kneepoint::httpd {

/// What /metrics tells about the server itself. Routes are named by their template, so that no
/// stranger makes a new series. Any thread.
class Metrics {
 public:
  explicit Metrics(const std::vector<Route>& routes);
  ~Metrics();

  struct Done {
    const Route* route = nullptr;  // none: the console's files, or nothing was there
    bool console = false;
    int status = 0;
    double seconds = 0;
    std::size_t bytes_in = 0, bytes_out = 0;  // of bodies
  };
  void done(const Done& request);
  void refused(std::string_view reason);        // before it was a request: timeout, tls, full ...
  void reread(std::string_view what, bool ok);  // certificates, tokens
  void connections(std::ptrdiff_t change);
  void streams(std::ptrdiff_t change);

  std::string text() const;

 private:
  struct Series;
  struct PerRoute;
  std::unique_ptr<Series> series_;
};

}  // namespace kneepoint::httpd
