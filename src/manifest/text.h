#pragma once

#include <string>
#include <string_view>

/// What may be written where: names, label values, shell words, comment lines. Everything a user
/// typed passes through one of these on its way into a manifest.
namespace kneepoint::manifest {

// Checks: true when the whole text is one.
bool is_dns_label(std::string_view text);      // RFC 1123, at most 63 characters
bool is_dns_subdomain(std::string_view text);  // labels joined by dots, at most 253
bool is_label_value(std::string_view text);    // of a Kubernetes label; empty is none
bool is_model_id(std::string_view text);       // Hugging Face "name" or "owner/name"
bool is_image_tag(std::string_view text);
bool is_image_reference(std::string_view text);
bool is_series_name(std::string_view text);  // of Prometheus: letters, digits, '_' and ':'
bool is_http_url(std::string_view text);     // http or https, a host, no user, no query

/// The part of a model id after the slash.
std::string_view model_name(std::string_view model_id);

/// The nearest valid label value: other characters become '-', at most 63 of them; "unnamed" when
/// nothing is left.
std::string label_value(std::string_view text);

/// "<model>-<server>", short enough for the longest suffix we add ("-inference-server") and
/// starting with a letter, as older clusters ask of a Service.
std::string base_name(std::string_view model_id, std::string_view server);

/// One word of a POSIX shell, quoted only when it has to be.
std::string shell_word(std::string_view text);

/// One line for a "# " prefix: line breaks of any alphabet, control characters and bytes that are
/// not UTF-8 are written as escapes, so a value cannot leave the comment.
std::string comment_line(std::string_view text);

/// An argument or variable value that Kubernetes will not expand: "$(" becomes "$$(".
std::string no_expansion(std::string_view text);

/// For an error message: the start of a text that may be long or unprintable, in quotes.
std::string shown(std::string_view text);

}  // namespace kneepoint::manifest
