#pragma once

namespace kneepoint {

/// Natural logarithm and exponential from additions, multiplications and divisions alone, which
/// IEEE 754 fixes to the last bit. The C library's own are a little more exact but differ in the
/// last bit from one library, processor and version to the next, and where a seed has to mean the
/// same requests everywhere that one bit can move a request. Within 4 units in the last place.
double portable_log(double x);  // x above zero and finite
double portable_exp(double x);  // overflows to infinity, underflows to zero

}  // namespace kneepoint
