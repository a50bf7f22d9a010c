#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "base/units.h"

namespace kneepoint::http {

/// Asks the kernel to note when packets for this socket come in. Works on Linux for TCP; where it
/// does not, stamped_read() gives no time.
void enable_receive_stamps(int descriptor);

struct StampedRead {
  long count = 0;                 // bytes; 0 the other side closed; -1 see errno
  std::optional<Nanos> realtime;  // when the last packet read came in, by CLOCK_REALTIME
};
StampedRead stamped_read(int descriptor, std::span<char> buffer);

}  // namespace kneepoint::http
