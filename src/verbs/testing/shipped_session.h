#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "app/session.h"
#include "verbs/verb.h"

/// What tests of verbs share: the shipped catalog over a store of the test program's own.
namespace kneepoint::verbs {

class ShippedSession {
 public:
  ShippedSession() {
    std::string name = std::filesystem::temp_directory_path() / "kp_verbs_test.XXXXXX";
    folder_ = ::mkdtemp(name.data());
    auto opened = app::Session::open(settings());
    if (!opened) throw std::runtime_error(opened.error().message);
    session_ = std::move(*opened);
  }
  ~ShippedSession() {
    session_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  app::Session& operator*() { return *session_; }
  app::Settings settings() const {
    app::Settings out;
    out.shipped_catalog = KP_BINARY_DIR "/kneepoint.catalog";
    out.driver_folder = KP_BINARY_DIR;
    out.store = folder_ / "store.db";
    using namespace std::chrono;
    out.today = sys_days(year_month_day(year(2026), month(11), day(22)));
    return out;
  }

 private:
  std::filesystem::path folder_;
  std::unique_ptr<app::Session> session_;
};

/// Filling a store takes a second: once per program.
inline ShippedSession& shipped_session() {
  static ShippedSession session;
  return session;
}

}  // namespace kneepoint::verbs
