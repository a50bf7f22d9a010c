#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kneepoint::doctor {

/// Advice with what a line said put in. In braces, N is a group of the pattern, from 1:
///   {N}        its text, or "?" when it took no part
///   {N|words}  its text, else the words
///   {N:key}    what stands before the first ':' or '=' of it
///   {N/M}      the quotient of two numbers, rounded down to two decimals
///   {N*0.5}    the number times a factor, rounded down to a whole one
/// Braces around anything else stay as they are.
std::string fill(std::string_view advice, const std::vector<std::string>& captures);

/// The same for a command: what is put in comes from a log that anybody may have written, so only
/// words that no shell reads anything into are taken over; for others {N} gives VALUE.
std::string fill_command(std::string_view command, const std::vector<std::string>& captures);

}  // namespace kneepoint::doctor
