#pragma once

#include <chrono>
#include <span>
#include <vector>

#include "api/engine.h"
#include "api/jobs.h"
#include "httpd/route.h"
#include "verbs/verb.h"

/// Verbs over HTTP: a query or a JSON body in, JSON out.
namespace kneepoint::api {

inline constexpr std::chrono::seconds kLongestRest{60};  // X-Server-Timeout may ask for less

std::vector<httpd::Route> rest_routes(std::span<const verbs::Verb> verbs, Engine& engine,
                                      Jobs& jobs);

httpd::Answer answer_of(const Failure& failure);
httpd::Answer answer_of(const json::Object& object, int status = 200);

/// What a request asks: body, then query, then the parameters of its path over one another.
Result<json::Object> read_request(const httpd::Request& request);

}  // namespace kneepoint::api
