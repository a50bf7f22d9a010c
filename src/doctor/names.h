#pragma once

#include <string>
#include <string_view>

/// What is wrong with a name, in words that go on after "A name ..."; empty when nothing is.
namespace kneepoint::doctor {

std::string wrong_with_dns_label(std::string_view text);  // RFC 1123, 63 characters
std::string wrong_with_subdomain(std::string_view text);  // RFC 1123 labels with dots, 253
std::string wrong_with_key(std::string_view text);        // of a label: [prefix/]name
std::string wrong_with_label_value(std::string_view text);
std::string wrong_with_config_key(std::string_view text);  // of a ConfigMap or Secret
std::string wrong_with_port_name(std::string_view text);   // IANA service name, 15
std::string wrong_with_env_name(std::string_view text);

}  // namespace kneepoint::doctor
