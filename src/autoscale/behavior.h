#pragma once

#include "autoscale/hpa.h"

namespace kneepoint::autoscale {

/// `behavior` for pods that take `startup` to serve and are seen `metric_delay` later. Work piles
/// up while new pods start, and asks for ever more pods, none of which helps before it is ready:
///
/// up, per period (start-up and metric delay, rounded up to 15 s, at most 1800 s): at most a
/// doubling; in three periods at most 2.5 times. So a load that doubles is met at once, and what
/// piled up meanwhile adds a quarter at most.
/// down: after the longer of five minutes and the start-up time, a pod or a fifth in two minutes:
/// a pod that goes is as long in coming back.
Behavior behavior_for(Time startup, Time metric_delay);

/// The share taken off the operating point, so that the replicas there hold out while new ones
/// start: 0.10, which is the controller's tolerance, for pods that serve at once, up to 0.20 for
/// those that take ten minutes or more.
double buffer_for(Time startup, Time metric_delay);

}  // namespace kneepoint::autoscale
