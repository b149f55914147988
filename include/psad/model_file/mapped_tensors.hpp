/// \file mapped_tensors.hpp
/// A safetensors file seen where it lies: mapped into memory, its numbers read by whoever reads them first.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/model_file/safetensors.hpp"

namespace psad::inline PSAD_ABI::model_file {

/// The header is checked as read_safetensors checks it; the numbers are not, nor is the checksum, for which all of them
/// would have to be read. The file must not change while this lives.
class MappedTensors {
  public:
    /// Throws ModelFileError for a file that cannot be read or whose header is malformed.
    explicit MappedTensors(const std::filesystem::path& path) : source_(path.string()) {
        const int file = ::open(source_.c_str(), O_RDONLY | O_CLOEXEC);
        if (file < 0) throw ModelFileError(source_, "", std::strerror(errno), "a readable file");
        struct stat about {};
        const bool sized = ::fstat(file, &about) == 0 && S_ISREG(about.st_mode);
        size_ = sized ? static_cast<std::size_t>(about.st_size) : 0;
        void* const at = size_ >= 8 ? ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0) : MAP_FAILED;
        ::close(file);
        if (size_ < 8) throw ModelFileError(source_, "header", std::to_string(size_) + " bytes", "at least 8");
        if (at == MAP_FAILED) throw ModelFileError(source_, "", "a file that cannot be mapped", "a readable file");
        bytes_ = static_cast<const char*>(at);
        try {
            read_header();
        } catch (...) {
            ::munmap(at, size_);
            throw;
        }
    }
    MappedTensors(const MappedTensors&) = delete;
    MappedTensors& operator=(const MappedTensors&) = delete;
    ~MappedTensors() { ::munmap(const_cast<char*>(bytes_), size_); }

    const std::string& source() const { return source_; }
    /// Throws ModelFileError where there is none.
    const std::string& metadata(const std::string& key) const {
        const auto found = metadata_.find(key);
        if (found == metadata_.end()) throw ModelFileError(source_, "metadata " + key, "no such key", "it");
        return found->second;
    }
    bool has(const std::string& name) const { return tensors_.contains(name); }
    /// The numbers of a tensor; throws ModelFileError for one that is missing, of another dtype, or not of `count`
    /// numbers.
    template <Element T>
    std::span<const T> values(const std::string& name) const {
        const auto found = tensors_.find(name);
        if (found == tensors_.end()) throw ModelFileError(source_, detail::place(name), "no such tensor", "it");
        const detail::Placed& p = found->second;
        if (p.tensor.dtype != detail::dtype_of<T>())
            throw ModelFileError(source_, detail::place(name), "dtype " + printable(p.tensor.dtype),
                                 "dtype " + std::string(detail::dtype_of<T>()));
        return {reinterpret_cast<const T*>(data_ + p.begin), (p.end - p.begin) / sizeof(T)};
    }
    template <Element T>
    std::span<const T> values(const std::string& name, std::size_t count) const {
        const auto out = values<T>(name);
        if (out.size() != count)
            throw ModelFileError(source_, detail::place(name), std::to_string(out.size()) + " numbers",
                                 std::to_string(count));
        return out;
    }

  private:
    void read_header() {
        std::uint64_t length = 0;
        std::memcpy(&length, bytes_, sizeof length);
        if (length > size_ - 8 || length > detail::longest_header || length % 8 != 0)
            throw ModelFileError(source_, "header", "a length of " + std::to_string(length) + " bytes",
                                 "a multiple of 8 within the file");
        data_ = bytes_ + 8 + length;
        const std::uint64_t data_size = size_ - 8 - length;
        detail::Header header = detail::read_header(source_, std::string(bytes_ + 8, length), data_size).value();
        metadata_ = std::move(header.metadata);
        for (detail::Placed& p : header.tensors) {
            if (p.begin % detail::dtype_size(p.tensor.dtype) != 0)
                throw ModelFileError(source_, detail::place(p.tensor.name), "data that is not aligned",
                                     "tensors of the widest numbers first");
            std::string name = p.tensor.name;
            tensors_.emplace(std::move(name), std::move(p));
        }
    }

    std::string source_;
    const char* bytes_ = nullptr;
    const char* data_ = nullptr;
    std::size_t size_ = 0;
    std::map<std::string, std::string> metadata_;
    std::map<std::string, detail::Placed> tensors_;
};

}  // namespace psad::model_file
