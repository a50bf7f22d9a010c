#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "store/sql_session.h"

/// What a database driver (a shared module) offers to the program that loads it. Both must come
/// from the same build, since C++ types cross the line: `build` is compared before anything else.
namespace kneepoint::store {

struct OpenOptions;

struct Driver {
  const char* build;
  Result<std::unique_ptr<SqlSession>> (*open)(const std::string& where, const OpenOptions& options);
};

inline constexpr const char* kDriverSymbol = "kneepoint_store_driver";
/// Raised whenever an interface in sql_session.h changes.
inline constexpr const char* kDriverBuild = "kneepoint-store-1 " __VERSION__;

/// The session behind a store, for those who know which database it is (tests, open.cc).
Result<std::unique_ptr<SqlSession>> open_session(const std::string& where,
                                                 const OpenOptions& options);

}  // namespace kneepoint::store

#define KNEEPOINT_STORE_DRIVER(open_function)                                                  \
  extern "C" __attribute__((visibility("default")))                                            \
  const ::kneepoint::store::Driver kneepoint_store_driver;                                     \
  const ::kneepoint::store::Driver kneepoint_store_driver = {::kneepoint::store::kDriverBuild, \
                                                             open_function}
