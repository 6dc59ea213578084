#include "local/persistence.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/crc.hpp>
#include <cstring>

#include "base/log.hpp"
#include "local/object_facts.hpp"

namespace crossfade::local {

namespace {

// The file: this line, then records. A record: the length of its payload and the payload's CRC-32 (both 32 bit, little
// endian), and the payload, a JSON object:
//   {"v":7}                                             the resource version so far; the first record of a fresh file
//   {"v":8,"g":"apps","p":"deployments","o":{...}}      an object as it became
//   {"v":9,"g":"","p":"pods","d":"default/web"}         an object that went
constexpr std::string_view magic = "crossfade journal 1\n";
constexpr std::size_t header_bytes = 8;
constexpr std::size_t max_payload_bytes = 64 << 20;
// Compacted when the file has outgrown this, and what it would shrink to by this factor.
constexpr std::size_t compact_above_bytes = 4 << 20;
constexpr std::size_t compact_factor = 4;

std::string record(const json::object& payload) {
  const std::string text = json::serialize(payload);
  boost::crc_32_type crc;
  crc.process_bytes(text.data(), text.size());
  std::string bytes(header_bytes, '\0');
  for (std::size_t i = 0; i < 4; ++i) {
    bytes[i] = static_cast<char>(text.size() >> (8 * i) & 0xFF);
    bytes[4 + i] = static_cast<char>(crc.checksum() >> (8 * i) & 0xFF);
  }
  return bytes + text;
}

std::uint32_t number(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i)
    value |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  return value;
}

std::string putRecord(const ResourceType& type, const json::object& object, std::uint64_t version) {
  return record({{"v", version}, {"g", type.group}, {"p", type.plural}, {"o", object}});
}

std::string systemError() { return std::strerror(errno); }

// An open file. Closes it.
class File {
 public:
  File() = default;
  explicit File(int descriptor) : descriptor_(descriptor) {}
  File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  bool open() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }
  bool lock() const { return flock(descriptor_, LOCK_EX | LOCK_NB) == 0; }
  bool write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
  }
  std::optional<std::string> read() const {
    std::string bytes;
    char buffer[1 << 16];
    while (true) {
      const ssize_t got = ::read(descriptor_, buffer, sizeof buffer);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return std::nullopt;
      if (got == 0) return bytes;
      bytes.append(buffer, static_cast<std::size_t>(got));
    }
  }

 private:
  int descriptor_ = -1;
};

// What a file says, put together.
struct Contents {
  std::uint64_t version = 0;
  // By group and plural, then by key.
  std::map<std::pair<std::string, std::string>, std::map<std::string, json::object>> objects;
  std::size_t bytes = 0;  // up to the end of the last whole record
};

void replay(json::object payload, Contents& contents) {
  contents.version = std::max(contents.version, static_cast<std::uint64_t>(getInt(payload, {"v"})));
  if (!payload.contains("p")) return;
  auto& store = contents.objects[{std::string(getString(payload, {"g"})), std::string(getString(payload, {"p"}))}];
  if (auto* object = find(payload, {"o"}); object != nullptr && object->is_object()) {
    const std::string key = keyOf(object->get_object());
    store[key] = std::move(object->get_object());
  } else {
    store.erase(std::string(getString(payload, {"d"})));
  }
}

// Fails on damage anywhere but at the end. A record that the end of the process tore is left out.
Result<Contents> parse(std::string_view bytes, const std::string& path) {
  Contents contents;
  const auto damaged = [&](std::string_view what) {
    return fail(ErrorCode::invalid, fmt::format("{}: byte {}: {}", path, contents.bytes, what));
  };
  if (!bytes.starts_with(magic)) {
    if (magic.starts_with(bytes)) return contents;  // not even the first line was written
    return damaged("this is no journal of crossfade");
  }
  contents.bytes = magic.size();
  while (contents.bytes < bytes.size()) {
    const std::string_view rest = bytes.substr(contents.bytes);
    if (rest.size() < header_bytes) break;
    const std::size_t length = number(rest);
    if (rest.size() - header_bytes < length) break;
    const std::string_view payload = rest.substr(header_bytes, length);
    boost::crc_32_type crc;
    crc.process_bytes(payload.data(), payload.size());
    const bool last = header_bytes + length == rest.size();
    if (length > max_payload_bytes || crc.checksum() != number(rest.substr(4))) {
      if (last) break;
      return damaged("the record is damaged");
    }
    auto value = parseJson(payload);
    if (!value || !value->is_object()) return damaged("the record is no JSON object");
    replay(std::move(value->get_object()), contents);
    contents.bytes += header_bytes + length;
  }
  return contents;
}

void restore(Registry& registry, Contents& contents, const std::string& path) {
  const std::pair<std::string, std::string> definitions{"apiextensions.k8s.io", "customresourcedefinitions"};
  const auto load = [&](const std::pair<std::string, std::string>& resource,
                        std::map<std::string, json::object>& objects) {
    for (auto& [key, object] : objects) {
      if (!registry.restore(resource.first, resource.second, std::move(object))) {
        log::warn("{}: nothing serves {} \"{}\"; it is left out", path, resource.second, key);
      }
    }
  };
  // They say what can be restored at all.
  if (auto found = contents.objects.extract(definitions)) load(definitions, found.mapped());
  for (auto& [resource, objects] : contents.objects) load(resource, objects);
  registry.restoreResourceVersion(contents.version);
}

class FileJournal : public Journal {
 public:
  FileJournal(Registry& registry, std::string path) : registry_(registry), path_(std::move(path)) {}
  ~FileJournal() override { registry_.setJournal(nullptr); }

  Result<void> open();
  void committed(const ResourceType& type, const Event& event) override;

 private:
  // Writes everything into a new file and puts it in the place of the old one.
  Result<void> compact();

  Registry& registry_;
  std::string path_;
  File file_;
  std::size_t bytes_ = 0;            // of the file
  std::size_t compacted_bytes_ = 0;  // of the file when it was fresh
  bool broken_ = false;              // the file misses a commit
};

Result<void> FileJournal::open() {
  File file(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.open()) return fail(ErrorCode::unavailable, fmt::format("{}: {}", path_, systemError()));
  if (!file.lock()) return fail(ErrorCode::unavailable, fmt::format("{}: another process uses it", path_));
  const auto bytes = file.read();
  if (!bytes) return fail(ErrorCode::unavailable, fmt::format("{}: {}", path_, systemError()));
  auto contents = parse(*bytes, path_);
  if (!contents) return fail(contents.error());
  if (contents->bytes < bytes->size()) {
    log::warn("{}: the last record is incomplete ({} bytes); it was never acknowledged and is dropped", path_,
              bytes->size() - contents->bytes);
  }
  if (contents->bytes > 0) restore(registry_, *contents, path_);
  file_ = std::move(file);
  if (auto ok = compact(); !ok) return ok;
  registry_.setJournal(this);
  return {};
}

Result<void> FileJournal::compact() {
  const std::string temporary = path_ + ".new";
  const auto failed = [&] { return fail(ErrorCode::unavailable, fmt::format("{}: {}", temporary, systemError())); };
  File file(::open(temporary.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600));
  if (!file.open() || !file.lock()) return failed();
  std::string bytes(magic);
  std::size_t written = 0;
  bytes += record({{"v", registry_.resourceVersion()}});
  for (const ResourceType* type : registry_.resources()) {
    for (const Object& object : registry_.list(*type)) {
      bytes += putRecord(*type, *object, 0);
      if (bytes.size() < (1 << 20)) continue;
      if (!file.write(bytes)) return failed();
      written += bytes.size();
      bytes.clear();
    }
  }
  if (!file.write(bytes) || fsync(file.descriptor()) != 0) return failed();
  if (rename(temporary.c_str(), path_.c_str()) != 0) return failed();
  file_ = std::move(file);
  bytes_ = compacted_bytes_ = written + bytes.size();
  broken_ = false;
  return {};
}

void FileJournal::committed(const ResourceType& type, const Event& event) {
  const std::string bytes =
      event.type == Event::Type::deleted
          ? record({{"v", event.resource_version}, {"g", type.group}, {"p", type.plural}, {"d", keyOf(*event.object)}})
          : putRecord(type, *event.object, event.resource_version);
  if (!broken_ && !file_.write(bytes)) {
    log::error("{}: {}; what happens from now on is not saved until it can be written again", path_, systemError());
    broken_ = true;
  }
  bytes_ += bytes.size();
  if (!broken_ && (bytes_ < compact_above_bytes || bytes_ < compact_factor * compacted_bytes_)) return;
  const bool was_broken = broken_;
  if (auto ok = compact(); !ok) {
    if (!was_broken) log::error("can't compact: {}", ok.error().message);
    compacted_bytes_ = bytes_;  // not again before it has grown as much once more
  } else if (was_broken) {
    log::info("{}: everything is saved again", path_);
  }
}

}  // namespace

Result<std::unique_ptr<Journal>> openJournal(Registry& registry, Clock&, const std::string& path) {
  auto journal = std::make_unique<FileJournal>(registry, path);
  if (auto ok = journal->open(); !ok) return fail(ok.error());
  return journal;
}

}  // namespace crossfade::local
