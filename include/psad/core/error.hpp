/// \file error.hpp
/// The one exception family: bad input from outside, worded so that a person can fix it.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI {

/// Something from outside (a file, a request, a setting) is not what psad can read.
/// what() reads "SOURCE, PLACE: found FOUND, wanted WANTED"; an empty place is left out.
class Error : public std::runtime_error {
  public:
    Error(std::string source, std::string place, std::string found, std::string wanted)
        : std::runtime_error(source + (place.empty() ? "" : ", " + place) + ": found " + found + ", wanted " + wanted),
          source_(std::move(source)),
          place_(std::move(place)),
          found_(std::move(found)),
          wanted_(std::move(wanted)) {}

    const std::string& source() const noexcept { return source_; }  ///< the file, stream or setting
    const std::string& place() const noexcept { return place_; }    ///< line, column, tensor or key
    const std::string& found() const noexcept { return found_; }
    const std::string& wanted() const noexcept { return wanted_; }

  private:
    std::string source_, place_, found_, wanted_;
};

/// A data folder or one of its files is malformed.
struct DataError : Error {
    using Error::Error;
};

/// A model file is malformed, of another version, or made for another variant.
struct ModelFileError : Error {
    using Error::Error;
};

/// A file or a folder can't be made, written or put in place.
struct FileError : Error {
    using Error::Error;
};

/// A request to rerank is malformed.
struct RequestError : Error {
    using Error::Error;
};

/// Training diverged: a loss, a gradient or a parameter is not finite.
struct TrainingError : Error {
    using Error::Error;
};

/// A device is missing or failed.
struct DeviceError : Error {
    using Error::Error;
};

/// A setting is out of its range.
struct SettingError : Error {
    using Error::Error;
};

/// Throws the error. Programs that are compiled without exceptions end; what may fail by its input has a form for them
/// that returns the error (model_file::try_load, Reranker::try_rerank, Encoder::find_fault).
template <class E>
[[noreturn]] void raise(const E& error) {
#if defined(__cpp_exceptions)
    throw error;
#else
    std::fprintf(stderr, "psad: %s\n", error.what());
    std::abort();
#endif
}

/// Calls f(), and handle(e) with the exception that leaves it, if any. Compiled without exceptions, none can.
template <class F, class Handle>
void catching(F f, [[maybe_unused]] Handle handle) {
#if defined(__cpp_exceptions)
    try {
        f();
    } catch (const std::exception& e) {
        handle(e);
    }
#else
    f();
#endif
}

}  // namespace psad
