// What all fuzz targets share. A target is a function void NAME(std::string_view bytes) that ends the program where a
// promise does not hold, and a function Seeds NAME_seeds() with inputs to begin with.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "psad/backend/cpu/cpu.hpp"
#include "psad/core/error.hpp"
#include "psad/core/text.hpp"
#include "psad/serve/reranker.hpp"
#include "support/small_model.hpp"

namespace psad::fuzz {

using Seeds = std::vector<std::string>;
using Network = StudentOf<Psad<test::small>>;
using Cpu = backend::Cpu<float>;

inline void must(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "must hold: %s\n", what);
    std::abort();
}

/// A message is one line of text, and not long.
inline void must_be_a_line(const Error& e) {
    const std::string_view words = e.what();
    must(words.size() < 2000, "a message is short");
    must(is_text(words), "a message is one line of UTF-8");
}

/// Every candidate at most once, as many as wanted, by finite scores.
inline void must_be_an_answer(const serve::Reranked& out, std::size_t candidates, std::size_t wanted) {
    must(out.order.size() == wanted && out.scores.size() == wanted, "as many positions as wanted");
    std::vector<char> seen(candidates);
    for (const int i : out.order) {
        must(i >= 0 && static_cast<std::size_t>(i) < candidates && !seen[static_cast<std::size_t>(i)],
             "each candidate once");
        seen[static_cast<std::size_t>(i)] = 1;
    }
}
inline bool all_finite(const serve::Reranked& out) {
    return std::ranges::all_of(out.scores, [](float x) { return std::isfinite(x); });
}

/// A file in memory.
class MemoryFile {
  public:
    explicit MemoryFile(const std::string& ending = "") {
        file_ = memfd_create("fuzz", 0);
        path_ = "/proc/self/fd/" + std::to_string(file_);
        static_cast<void>(ending);
    }
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;
    ~MemoryFile() { close(file_); }

    void put(std::string_view bytes) const {
        must(ftruncate(file_, 0) == 0 &&
                 pwrite(file_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()),
             "the file takes its bytes");
    }
    const std::string& path() const { return path_; }

  private:
    int file_ = -1;
    std::string path_;
};

/// A folder in memory, emptied before each use.
class MemoryFolder {
  public:
    MemoryFolder() : path_("/dev/shm/psad-fuzz-" + std::to_string(getpid())) {
        std::filesystem::create_directories(path_);
    }
    ~MemoryFolder() { std::filesystem::remove_all(path_); }
    void clear() const {
        for (const auto& entry : std::filesystem::directory_iterator(path_)) std::filesystem::remove_all(entry.path());
    }
    void put(const std::string& name, std::string_view bytes) const {
        std::FILE* const file = std::fopen((path_ / name).c_str(), "wb");
        must(file != nullptr && std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size(), "a file can be made");
        std::fclose(file);
    }
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

inline std::vector<std::string_view> parts(std::string_view bytes, char separator) {
    std::vector<std::string_view> out;
    for (;;) {
        const std::size_t stop = bytes.find(separator);
        out.push_back(bytes.substr(0, stop));
        if (stop == std::string_view::npos) return out;
        bytes.remove_prefix(stop + 1);
    }
}
inline std::string joined(const std::vector<std::string>& all, char separator) {
    std::string out;
    for (const std::string& part : all)
        out += (out.empty() && &part == &all.front() ? "" : std::string(1, separator)) + part;
    return out;
}

/// Numbers drawn from bytes; zeros behind their end.
class Draw {
  public:
    explicit Draw(std::string_view bytes) : bytes_(bytes) {}
    std::uint8_t byte() {
        if (bytes_.empty()) return 0;
        const auto b = static_cast<std::uint8_t>(bytes_.front());
        bytes_.remove_prefix(1);
        return b;
    }
    template <class T>
    T bits() {
        std::uint64_t x = 0;
        for (std::size_t i = 0; i < sizeof(T); ++i) x = x << 8 | byte();
        T out;
        std::memcpy(&out, &x, sizeof out);
        return out;
    }
    int below(int end) { return byte() % end; }
    /// Mostly small, sometimes at an edge.
    std::int32_t id() {
        switch (byte() % 8) {
            case 0:
                return bits<std::int32_t>();
            case 1:
                return INT32_MAX;
            case 2:
                return -1;
            case 3:
                return 59 + below(3);
            default:
                return below(9);
        }
    }
    std::int64_t time() {
        switch (byte() % 6) {
            case 0:
                return bits<std::int64_t>();
            case 1:
                return 99'999'999'999;
            case 2:
                return INT64_MIN;
            default:
                return bits<std::uint16_t>();
        }
    }
    float number() {
        switch (byte() % 10) {
            case 0:
                return bits<float>();
            case 1:
                return 1e15f;
            case 2:
                return -1e15f;
            case 3:
                return 1e-45f;
            case 4:
                return -0.0f;
            case 5:
                return INFINITY;
            case 6:
                return NAN;
            default:
                return static_cast<float>(byte()) / 7.0f;
        }
    }

  private:
    std::string_view bytes_;
};

/// A request that fits any schema of psad's own.
struct AnyRequest {
    std::vector<std::int32_t> user, context, items, history_items, history_feedback;
    std::vector<std::int64_t> history_times;
    AnyRequest(const Schema& schema, std::size_t known_items, int candidates, int events) {
        for (const FieldSchema& f : schema.user_fields) user.push_back(f.vocabulary - 1);
        for (const FieldSchema& f : schema.context_fields) context.push_back(f.vocabulary - 1);
        for (int i = 0; i < candidates; ++i)
            items.push_back(i % 2 == 0 ? i : static_cast<std::int32_t>(known_items % 1'000'000'000) + i);
        for (int h = 0; h < events; ++h) {
            history_items.push_back(items[static_cast<std::size_t>(h % candidates)]);
            history_times.push_back(h);
            history_feedback.push_back(h * 3);
        }
    }
    Request view() const {
        return {.user_fields = user,
                .context = context,
                .time = 1'000'000,
                .history_items = history_items,
                .history_times = history_times,
                .history_feedback = history_feedback,
                .items = items};
    }
};

/// A model that loaded answers, or says what is wrong with the request or with its numbers.
inline void must_serve(const Model<Network>& model) {
    static const Cpu cpu;
    const serve::Reranker reranker(cpu, model);
    serve::Workspace<Cpu> workspace;
    const AnyRequest any(model.encoder.schema(), model.encoder.catalog().items, 7, 9);
    try {
        model.encoder.check(any.view(), {.take_missing_columns = true});
    } catch (const RequestError& e) {  // it lacks fields of candidates or of events
        return must_be_a_line(e);
    }
    must_be_an_answer(serve::Reranker(cpu, model, serve::already_checked)(any.view(), workspace), 7, 7);
}

}  // namespace psad::fuzz
