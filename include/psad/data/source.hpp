/// \file source.hpp
/// The requests of a data set, whatever its form.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/features/request.hpp"

namespace psad::inline PSAD_ABI::data {

/// Requests by number, with the name and the place of each. It owns what they look into.
class Source {
  public:
    Source() = default;
    Source(const Source&) = delete;
    Source& operator=(const Source&) = delete;
    Source(Source&&) = default;
    Source& operator=(Source&&) = default;

    std::size_t size() const noexcept {
        return chunks_.empty() ? 0 : (chunks_.size() - 1) * of_chunk + chunks_.back().size();
    }
    const Request& operator[](std::size_t i) const { return chunks_[i / of_chunk][i % of_chunk]; }
    /// For loops over all requests.
    class Iterator {
      public:
        Iterator(const Source& source, std::size_t at) : source_(&source), at_(at) {}
        const Request& operator*() const { return (*source_)[at_]; }
        Iterator& operator++() { return ++at_, *this; }
        bool operator==(const Iterator& other) const { return at_ == other.at_; }

      private:
        const Source* source_;
        std::size_t at_;
    };
    Iterator begin() const { return {*this, 0}; }
    Iterator end() const { return {*this, size()}; }
    /// What the data calls a request; empty where it does not say.
    std::string_view id(std::size_t i) const {
        const std::size_t begin = i == 0 ? 0 : id_ends_[i - 1];
        return std::string_view(ids_).substr(begin, id_ends_[i] - begin);
    }
    /// "FILE, line 7"
    std::string place(std::size_t i) const { return file(i) + ", line " + std::to_string(line(i)); }
    const std::string& file(std::size_t i) const { return files_[file_of_[i]]; }
    std::size_t line(std::size_t i) const { return line_of_[i]; }

    /// Throws DataError, naming file and line, for a request that `check` refuses with a RequestError.
    template <class Check>
    void check(Check check) const {
        for (std::size_t i = 0; i < size(); ++i) {
            try {
                check((*this)[i]);
            } catch (const RequestError& e) {
                throw DataError(file(i), "line " + std::to_string(line(i)) + ", " + e.place(), e.found(), e.wanted());
            }
        }
    }

    /// Gives the requests away, a copy of which may be a fifth of all memory. What they look into stays here, and here
    /// is no request any more.
    std::vector<Request> take_requests() {
        std::vector<Request> out;
        out.reserve(size());
        for (std::vector<Request>& chunk : std::exchange(chunks_, {})) {  // never all of them twice
            out.insert(out.end(), chunk.begin(), chunk.end());
            std::vector<Request>().swap(chunk);
        }
        return out;
    }

    // What fills it.

    /// Returns the number of the file.
    std::uint32_t add_file(const std::string& name) {
        files_.push_back(name);
        return static_cast<std::uint32_t>(files_.size() - 1);
    }
    void add(const Request& request, std::string_view id, std::uint32_t file, std::size_t line) {
        if (chunks_.empty() || chunks_.back().size() == of_chunk) chunks_.emplace_back();
        if (chunks_.size() > 1) chunks_.back().reserve(of_chunk);
        chunks_.back().push_back(request);
        ids_ += id;
        id_ends_.push_back(ids_.size());
        file_of_.push_back(file);
        line_of_.push_back(static_cast<std::uint32_t>(line));
    }
    /// Keeps what requests look into.
    void keep(std::shared_ptr<const void> owned) { owned_.push_back(std::move(owned)); }

  private:
    /// So many that malloc gives their memory back to the system.
    static constexpr std::size_t of_chunk = 512;

    std::vector<std::vector<Request>> chunks_;
    std::string ids_;
    std::vector<std::size_t> id_ends_;
    std::vector<std::string> files_;
    std::vector<std::uint32_t> file_of_, line_of_;
    std::vector<std::shared_ptr<const void>> owned_;
};

}  // namespace psad::data
