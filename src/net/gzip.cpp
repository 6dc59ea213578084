#include "net/gzip.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>

namespace crossfade::net {

namespace {

class Inflater {
 public:
  Inflater() {
    constexpr int gzip_only = 16 + MAX_WBITS;
    ready_ = inflateInit2(&stream_, gzip_only) == Z_OK;
  }
  ~Inflater() {
    if (ready_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  z_stream& stream() { return stream_; }
  bool ready() const { return ready_; }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

}  // namespace

Result<std::string> gunzip(std::string_view compressed, std::size_t max_bytes) {
  Inflater inflater;
  if (!inflater.ready()) return fail(ErrorCode::internal, "gzip: no memory");
  z_stream& stream = inflater.stream();
  // zlib only reads from it.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());
  std::string content;
  std::array<char, 1 << 16> piece;
  for (;;) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = piece.size();
    const int state = inflate(&stream, Z_NO_FLUSH);
    content.append(piece.data(), piece.size() - stream.avail_out);
    if (content.size() > max_bytes) return fail(ErrorCode::too_large, "gzip: the content is too large");
    if (state == Z_STREAM_END) {
      if (stream.avail_in == 0) return content;
      inflateReset(&stream);
    } else if (state == Z_BUF_ERROR) {
      return fail(ErrorCode::invalid, "gzip: unexpected EOF");
    } else if (state != Z_OK) {
      return fail(ErrorCode::invalid, "gzip: invalid data");
    }
  }
}

}  // namespace crossfade::net
