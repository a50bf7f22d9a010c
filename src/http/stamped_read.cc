#include "http/stamped_read.h"

#include <sys/socket.h>

#include <chrono>
#include <cstring>
#include <ctime>

namespace kneepoint::http {

void enable_receive_stamps(int descriptor) {
  const int on = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
}

StampedRead stamped_read(int descriptor, std::span<char> buffer) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(timespec))];
  iovec part{.iov_base = buffer.data(), .iov_len = buffer.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  StampedRead read;
  read.count = recvmsg(descriptor, &message, MSG_DONTWAIT);
  if (read.count <= 0) return read;
  for (cmsghdr* item = CMSG_FIRSTHDR(&message); item != nullptr;
       item = CMSG_NXTHDR(&message, item)) {
    if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_TIMESTAMPNS) continue;
    timespec time{};
    std::memcpy(&time, CMSG_DATA(item), sizeof time);
    if (time.tv_sec != 0) read.realtime = std::chrono::seconds(time.tv_sec) + Nanos(time.tv_nsec);
  }
  return read;
}

}  // namespace kneepoint::http
