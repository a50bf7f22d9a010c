// Many streams at once, for bench/emulator/run.py: as a reader that opens them and says what came
// when, and as a bare writer, the least that any server could do. Both one epoll thread, no
// parsing.
//
//   streams read PORT PID STREAMS GAP_MS SECONDS     reads from a server, asks the system for its
//   CPU streams write STREAMS GAP_MS                     serves chunks of 262 bytes; prints its
//   port
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>
#include <string>
#include <vector>

namespace {

using Nanos = std::int64_t;

Nanos now() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

void wait_until(int epoll, Nanos when, std::vector<epoll_event>& events, int& count) {
  const Nanos left = std::max<Nanos>(0, when - now());
  const timespec timeout{left / 1'000'000'000, left % 1'000'000'000};
  count = epoll_pwait2(epoll, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
}

/// What the process's first thread was on a processor, in nanoseconds.
Nanos cpu_of(const std::string& pid) {
  std::FILE* file = std::fopen(("/proc/" + pid + "/schedstat").c_str(), "r");
  long long time = 0;
  if (file == nullptr || std::fscanf(file, "%lld", &time) != 1) std::exit(3);
  std::fclose(file);
  return time;
}

Nanos own_cpu() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

struct Stream {
  int socket = -1;
  Nanos last = 0;
};

/// One read; the kernel's time of its last packet, by CLOCK_REALTIME.
ssize_t read_stamped(int socket, char* buffer, std::size_t size, Nanos& stamp) {
  iovec part{buffer, size};
  alignas(cmsghdr) char control[64];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t count = recvmsg(socket, &message, MSG_DONTWAIT);
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_type != SO_TIMESTAMPNS) continue;
    timespec t{};
    std::memcpy(&t, CMSG_DATA(c), sizeof t);
    stamp = t.tv_sec * 1'000'000'000LL + t.tv_nsec;
  }
  return count;
}

std::size_t events_in(const char* text, std::size_t size) {
  std::size_t found = 0;
  for (const char* at = text; (at = static_cast<const char*>(memmem(
                                   at, static_cast<std::size_t>(text + size - at), "data: {", 7)));
       at += 7) {
    ++found;
  }
  return found;
}

int read_streams(int port, const std::string& pid, int streams, double gap_ms, double seconds) {
  const int epoll = epoll_create1(0);
  std::vector<Stream> all(static_cast<std::size_t>(streams));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].socket = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(all[i].socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      std::perror("connect");
      return 2;
    }
    const int on = 1;
    setsockopt(all[i].socket, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    setsockopt(all[i].socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = i;
    epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].socket, &event);
  }
  // More than there is time for.
  const auto most = static_cast<long>((seconds + 10) * 1000 / gap_ms) + 100;
  const std::string body = R"({"prompt":[1,2,3],"max_tokens":)" + std::to_string(most) +
                           R"(,"ignore_eos":true,"stream":true})";
  const std::string request =
      "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n\r\n" + body;

  // Requests leave spread over a second, so that the tokens are.
  constexpr Nanos kSpread = 1'000'000'000;
  const Nanos begun = now();
  const Nanos from = begun + kSpread + static_cast<Nanos>(2 * gap_ms * 1e6) + 500'000'000;
  const Nanos until = from + static_cast<Nanos>(seconds * 1e9);
  const auto gap = static_cast<Nanos>(gap_ms * 1e6);
  std::vector<std::uint64_t> errors(1'000'000);  // by microsecond
  std::vector<epoll_event> events(16'384);
  std::vector<char> buffer(1 << 16);
  std::size_t sent = 0;
  bool counting = false;
  std::uint64_t tokens = 0, gaps = 0;
  Nanos cpu = 0, own = 0, started = 0;
  while (true) {
    const Nanos at = now();
    while (sent < all.size() &&
           at >= begun + kSpread * static_cast<Nanos>(sent) / static_cast<Nanos>(all.size())) {
      if (send(all[sent++].socket, request.data(), request.size(), MSG_NOSIGNAL) < 0) return 2;
    }
    if (!counting && at >= from) {
      counting = true;
      cpu = cpu_of(pid);
      own = own_cpu();
      started = at;
    }
    if (at >= until) break;
    int count = 0;
    wait_until(epoll, at + 1'000'000, events, count);
    for (int i = 0; i < count; ++i) {
      Stream& stream = all[events[static_cast<std::size_t>(i)].data.u64];
      Nanos stamp = 0;
      const ssize_t size = read_stamped(stream.socket, buffer.data(), buffer.size(), stamp);
      if (size <= 0) {
        std::fprintf(stderr, "a stream ended\n");
        return 2;
      }
      const std::size_t found = events_in(buffer.data(), static_cast<std::size_t>(size));
      if (found == 0) continue;
      if (counting) {
        tokens += found;
        if (stream.last != 0 && found == 1) {
          const Nanos error = std::llabs(stamp - stream.last - gap) / 1000;
          ++errors[static_cast<std::size_t>(std::min<Nanos>(error, 999'999))];
          ++gaps;
        }
      }
      stream.last = stamp;
    }
    const Nanos rest = at + 1'000'000 - now();
    if (rest > 0 && sent == all.size()) {
      const timespec pause{0, rest};
      nanosleep(&pause, nullptr);
    }
  }
  const double wall = static_cast<double>(now() - started) / 1e9;
  const double used = static_cast<double>(cpu_of(pid) - cpu) / 1e9;
  const auto quantile = [&](double q) {
    std::uint64_t left = static_cast<std::uint64_t>(q * static_cast<double>(gaps));
    std::size_t i = 0;
    while (i + 1 < errors.size() && left >= errors[i]) left -= errors[i++];
    return static_cast<double>(i) / 1000;
  };
  std::printf(
      "{\"streams\":%d,\"gap_ms\":%g,\"tokens_per_second\":%.0f,\"server_cores\":%.3f,"
      "\"tokens_per_cpu_second\":%.0f,\"gap_error_p50_ms\":%.3f,\"gap_error_p99_ms\":%.3f,"
      "\"gap_error_p999_ms\":%.3f,\"gaps\":%llu,\"reader_cores\":%.3f}\n",
      streams, gap_ms, static_cast<double>(tokens) / wall, used / wall,
      static_cast<double>(tokens) / used, quantile(.5), quantile(.99), quantile(.999),
      static_cast<unsigned long long>(gaps), static_cast<double>(own_cpu() - own) / 1e9 / wall);
  return 0;
}

int write_streams(int streams, double gap_ms) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  bind(listener, reinterpret_cast<sockaddr*>(&address), size);
  listen(listener, 4096);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  const int epoll = epoll_create1(0);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = listener;
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  std::string chunk = "data: {\"x\":\"";
  chunk.resize(252, 'x');
  chunk = "fe\r\n" + chunk + "\n\n\r\n";
  const auto gap = static_cast<Nanos>(gap_ms * 1e6);
  constexpr Nanos kTick = 1 << 18;  // as the emulator's
  struct Due {
    Nanos when;
    int socket;
  };
  std::deque<Due> due;  // one gap for all: first in, first out
  std::vector<epoll_event> events(1024);
  std::vector<char> buffer(1 << 16);
  (void)streams;
  while (true) {
    int count = 0;
    const Nanos next = due.empty() ? now() + 1'000'000'000 : due.front().when;
    wait_until(epoll, (next + kTick - 1) / kTick * kTick, events, count);
    for (int i = 0; i < count; ++i) {
      const int ready = events[static_cast<std::size_t>(i)].data.fd;
      if (ready == listener) {
        for (int s = 0; (s = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
          const int on = 1;
          setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
          event.data.fd = s;
          epoll_ctl(epoll, EPOLL_CTL_ADD, s, &event);
        }
      } else if (recv(ready, buffer.data(), buffer.size(), 0) <= 0) {
        return 0;
      } else {
        due.push_back({now() + gap, ready});
      }
    }
    const Nanos at = now();
    while (!due.empty() && due.front().when <= at) {
      Due one = due.front();
      due.pop_front();
      if (send(one.socket, chunk.data(), chunk.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) continue;
      one.when += gap;
      due.push_back(one);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  prctl(PR_SET_TIMERSLACK, 1);
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const std::string verb = argc > 1 ? argv[1] : "";
  if (verb == "read" && argc == 7) {
    return read_streams(std::atoi(argv[2]), argv[3], std::atoi(argv[4]), std::atof(argv[5]),
                        std::atof(argv[6]));
  }
  if (verb == "write" && argc == 4) return write_streams(std::atoi(argv[2]), std::atof(argv[3]));
  std::fputs("usage: streams read PORT PID STREAMS GAP_MS SECONDS | streams write STREAMS GAP_MS\n",
             stderr);
  return 1;
}
