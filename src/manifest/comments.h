#pragma once

#include <string>
#include <vector>

#include "manifest/args.h"
#include "manifest/facts.h"
#include "manifest/plan.h"
#include "manifest/request.h"

namespace kneepoint::manifest {

/// Whose resource says what is scraped.
enum class Scrape { ManagedPrometheus, PrometheusOperator };

/// What a reader of the manifest needs beside the objects: what was checked and what was not, the
/// assumptions behind each number, and the commands to type. Lines may hold anything; they are made
/// safe where they are written out.
std::vector<std::string> comments(const Request& request, const Facts& facts, const Plan& plan,
                                  const StartCommand& start, const std::string& base,
                                  Scrape scrape);

}  // namespace kneepoint::manifest
