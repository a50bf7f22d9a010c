// The physical limit a load generator is held against: it opens streams, reads their bytes and
// notes when they came. No HTTP, no JSON, no statistics while it runs. Two ways of reading:
//
//   plain    each socket is read as soon as epoll names it; the time is that of the clock
//   batched  sockets are looked at once a millisecond; the time is the kernel's receive stamp
//
// bare_reader --port N --mode plain|batched [--streams N] [--rounds N] [--output-tokens N]
// prints one line of JSON. All streams start at once; with rounds an ended one starts anew.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::int64_t kMillisecond = 1'000'000;

struct Options {
  int port = 0;
  bool batched = false;
  int streams = 512;
  int rounds = 1;
  int output_tokens = 200;
  int input_tokens = 16;
};

struct Stream {
  int descriptor = -1;
  int rounds_left = 0;
  std::int64_t sent = 0;
  std::int64_t last = 0;  // 0: no event yet
};

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

std::int64_t now() {
  timespec t{};
  clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

class Reader {
 public:
  explicit Reader(const Options& options) : options_(options), buffer_(256 * 1024) {
    std::string prompt;
    for (int i = 0; i < options.input_tokens; ++i)
      prompt += (i == 0 ? "" : ",") + std::to_string(i);
    const std::string body = "{\"model\":\"m\",\"prompt\":[" + prompt +
                             "],\"stream\":true,\"ignore_eos\":true,\"max_tokens\":" +
                             std::to_string(options.output_tokens) + "}";
    request_ =
        "POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
        "application/json\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body;
    const auto expected =
        static_cast<std::size_t>(options.streams) * static_cast<std::size_t>(options.rounds);
    ttft_.reserve(expected);
    gaps_.reserve(expected * static_cast<std::size_t>(options.output_tokens));
  }

  void run() {
    poll_ = epoll_create1(0);
    streams_.resize(static_cast<std::size_t>(options_.streams));
    for (Stream& stream : streams_) connect(stream);
    const double cpu = cpu_seconds();
    const std::int64_t started = now();
    for (Stream& stream : streams_) send(stream);
    open_ = streams_.size();
    std::vector<epoll_event> ready(streams_.size());
    std::int64_t look = now();
    while (open_ > 0) {
      if (options_.batched) {
        const std::int64_t wait = look + kMillisecond - now();
        if (wait > 0) {
          const timespec pause{0, wait};
          nanosleep(&pause, nullptr);
        }
        look = now();
      }
      const int count = epoll_wait(poll_, ready.data(), static_cast<int>(ready.size()), 1000);
      for (int i = 0; i < count; ++i) {
        read(streams_[ready[static_cast<std::size_t>(i)].data.u32]);
      }
    }
    print(cpu_seconds() - cpu, 1e-9 * static_cast<double>(now() - started));
  }

 private:
  void connect(Stream& stream) {
    stream.descriptor = socket(AF_INET, SOCK_STREAM, 0);
    if (stream.descriptor < 0) die("socket");
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(options_.port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(stream.descriptor, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
      die("connect");
    const int on = 1;
    setsockopt(stream.descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (options_.batched) setsockopt(stream.descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    fcntl(stream.descriptor, F_SETFL, O_NONBLOCK);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = static_cast<std::uint32_t>(&stream - streams_.data());
    if (epoll_ctl(poll_, EPOLL_CTL_ADD, stream.descriptor, &event) != 0) die("epoll_ctl");
    stream.rounds_left = options_.rounds;
  }

  void send(Stream& stream) {
    --stream.rounds_left;
    stream.last = 0;
    stream.sent = now();
    if (::send(stream.descriptor, request_.data(), request_.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request_.size()))
      die("send");
  }

  ssize_t receive(const Stream& stream, std::int64_t& at) {
    if (!options_.batched) {
      const ssize_t size = ::recv(stream.descriptor, buffer_.data(), buffer_.size(), 0);
      at = now();
      return size;
    }
    iovec part{buffer_.data(), buffer_.size()};
    alignas(cmsghdr) char control[128];
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t size = recvmsg(stream.descriptor, &message, 0);
    at = 0;
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); size > 0 && c != nullptr;
         c = CMSG_NXTHDR(&message, c)) {
      if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
        timespec t{};
        std::memcpy(&t, CMSG_DATA(c), sizeof t);
        at = t.tv_sec * 1'000'000'000LL + t.tv_nsec;
      }
    }
    if (at == 0) at = now();
    return size;
  }

  void read(Stream& stream) {
    std::int64_t at = 0;
    const ssize_t size = receive(stream, at);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size <= 0) {
      close(stream.descriptor);
      --open_;
      ++cut_;
      return;
    }
    ++reads_;
    bytes_ += static_cast<std::uint64_t>(size);
    std::string_view bytes(buffer_.data(), static_cast<std::size_t>(size));
    const bool done =
        bytes.find("[DONE]", bytes.size() > 64 ? bytes.size() - 64 : 0) != std::string_view::npos;
    std::uint64_t events = 0;
    for (const char* from = bytes.data();; ++events) {
      const void* end =
          memmem(from, static_cast<std::size_t>(bytes.data() + size - from), "\n\n", 2);
      if (end == nullptr) break;
      from = static_cast<const char*>(end) + 2;
    }
    if (done && events > 0) --events;
    events_ += events;
    if (events > 0) {
      if (stream.last == 0) {
        ttft_.push_back(static_cast<float>(at - stream.sent));
      } else {
        gaps_.push_back(static_cast<float>(at - stream.last) / static_cast<float>(events));
      }
      stream.last = at;
    }
    if (!done) return;
    if (stream.rounds_left > 0) return send(stream);
    close(stream.descriptor);
    --open_;
  }

  static double quantile(std::vector<float>& values, double q) {
    if (values.empty()) return 0;
    // Nearest rank.
    const auto at = static_cast<std::ptrdiff_t>(
        std::max(0.0, std::ceil(q * static_cast<double>(values.size())) - 1));
    std::nth_element(values.begin(), values.begin() + at, values.end());
    return 1e-6 * static_cast<double>(values[static_cast<std::size_t>(at)]);
  }

  void print(double cpu, double wall) {
    double sum = 0;
    for (const float value : ttft_) sum += 1e-6 * static_cast<double>(value);
    std::printf(
        "{\"mode\": \"%s\", \"streams\": %d, \"events\": %llu, \"reads\": %llu, \"bytes\": %llu, "
        "\"cut\": %d, \"cpu_seconds\": %.4f, \"wall_seconds\": %.3f, \"ttft_ms\": {\"mean\": %.4f, "
        "\"p50\": %.4f, \"p99\": %.4f}, \"itl_ms\": {\"p50\": %.4f, \"p99\": %.4f}}\n",
        options_.batched ? "batched" : "plain", options_.streams,
        static_cast<unsigned long long>(events_), static_cast<unsigned long long>(reads_),
        static_cast<unsigned long long>(bytes_), cut_, cpu, wall,
        ttft_.empty() ? 0 : sum / static_cast<double>(ttft_.size()), quantile(ttft_, 0.5),
        quantile(ttft_, 0.99), quantile(gaps_, 0.5), quantile(gaps_, 0.99));
  }

  Options options_;
  std::string request_;
  std::vector<char> buffer_;
  std::vector<Stream> streams_;
  std::vector<float> ttft_, gaps_;  // nanoseconds
  int poll_ = -1;
  std::size_t open_ = 0;
  std::uint64_t reads_ = 0, bytes_ = 0, events_ = 0;
  int cut_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view flag = argv[i];
    const char* value = argv[i + 1];
    if (flag == "--mode") {
      options.batched = std::string_view(value) == "batched";
    } else if (flag == "--port") {
      options.port = std::atoi(value);
    } else if (flag == "--streams") {
      options.streams = std::atoi(value);
    } else if (flag == "--rounds") {
      options.rounds = std::atoi(value);
    } else if (flag == "--output-tokens") {
      options.output_tokens = std::atoi(value);
    } else {
      std::fprintf(stderr, "unknown flag %s\n", argv[i]);
      return 2;
    }
  }
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  Reader(options).run();
}
