// A JSON value that is kept for others and rarely looked into (a pod template above all).
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.hpp"

namespace crossfade::api {

// Compact text, compressed: a thirtieth of the memory of a parsed document. Member order is the one that came in.
// Copies cost as much as the text is long, looking into it a few microseconds.
class Carried {
 public:
  Carried() = default;
  explicit Carried(const json::value& value);
  Carried(const Carried& other);
  Carried(Carried&& other) noexcept
      : packed_(std::move(other.packed_)),
        packed_size_(std::exchange(other.packed_size_, 0)),
        size_(std::exchange(other.size_, 0)) {}
  Carried& operator=(Carried other) noexcept {
    packed_ = std::move(other.packed_);
    packed_size_ = std::exchange(other.packed_size_, 0);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }
  ~Carried() = default;

  bool empty() const { return size_ == 0; }  // absent (or null) in the object
  std::string text() const;
  // Parses; an empty object where the value is absent or no object.
  json::object object() const;
  // Parses; null where absent.
  json::value value() const;
  // Of the texts.
  friend bool operator==(const Carried& a, const Carried& b) { return a.packed() == b.packed() && a.size_ == b.size_; }

 private:
  std::string_view packed() const { return {packed_.get(), packed_size_}; }

  std::unique_ptr<char[]> packed_;  // exactly as long as it has to be: the caches hold tens of thousands of them
  std::uint32_t packed_size_ = 0;
  std::uint32_t size_ = 0;  // of the text; equal to packed_size_ where compression gains nothing
};

}  // namespace crossfade::api
