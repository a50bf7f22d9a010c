/// kneepoint-hpa-scenario: scenarios on standard input, one JSON line each (scenario_json.h); for
/// each one a line with the replicas after every sync, by the model. For tests that hold the model
/// to the controller's own code.
#include <iostream>
#include <string>

#include "autoscale/scenario_json.h"

int main() {
  using namespace kneepoint;
  std::string line;
  for (int number = 1; std::getline(std::cin, line); ++number) {
    const auto parsed = json::parse(line);
    const auto scenario = !parsed ? Result<autoscale::Scenario>(tl::unexpect, parsed.error())
                          : parsed->is_object()
                              ? autoscale::scenario_of(parsed->get_object())
                              : fail(ErrorCode::InvalidArgument, "a scenario is an object");
    if (!scenario) {
      std::cerr << "line " << number << ": " << scenario.error().message << "\n";
      return 2;
    }
    std::cout << json::to_line(autoscale::json_of(autoscale::run(*scenario))) << "\n";
  }
  return 0;
}
