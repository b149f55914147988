/// \file npy_reader.hpp
/// A folder of NumPy arrays: `offsets.npy` [lists + 1] says where the candidates of each list begin, and each other
/// array, named like its column, has a row per list or per candidate.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <limits>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>
#if __has_include(<xtensor/containers/xarray.hpp>)  // from xtensor 0.26 on
#include <xtensor/containers/xarray.hpp>
#include <xtensor/io/xnpy.hpp>
#else
#include <xtensor/xarray.hpp>
#include <xtensor/xnpy.hpp>
#endif

#include "psad/core/folder_names.hpp"
#include "psad/core/limits.hpp"
#include "psad/core/text.hpp"
#include "psad/data/parse_number.hpp"
#include "psad/data/record_sink.hpp"
#include "psad/features/check_request.hpp"

namespace psad::inline PSAD_ABI::data {

/// Reads one folder. Arrays hold integers, floats or booleans; one of two axes is read as columns named NAME.0, NAME.1
/// and so on. NaN is a missing number.
class NpyReader final : public Where {
  public:
    explicit NpyReader(std::filesystem::path folder, InputSize before = {})
        : folder_(std::move(folder)), source_(folder_.string()), before_(before) {}

    static bool is_folder(const std::filesystem::path& path) {
        std::error_code ignored;
        return std::filesystem::exists(path / "offsets.npy", ignored) ||
               std::filesystem::exists(path / "offsets.npy.gz", ignored);
    }

    /// `candidates`: the name of the list that candidates stand in. \throws DataError
    InputSize read(RecordSink& sink, const std::string& candidates) {
        sink.begin_file(*this, std::numeric_limits<double>::quiet_NaN());
        const std::vector<std::string> arrays = names();
        const Column offsets = load("offsets");
        const auto is_whole = [](double x) { return x == std::floor(x) && x <= 9007199254740992.0; };
        if (offsets.width != 1 || offsets.rows == 0 || offsets.numbers[0] != 0 ||
            !std::ranges::all_of(offsets.numbers, is_whole) || !std::ranges::is_sorted(offsets.numbers))
            fail("offsets", "numbers that do not rise from 0", "where the candidates of each list begin");
        const std::size_t lists = offsets.rows - 1, rows = static_cast<std::size_t>(offsets.numbers.back());
        for (std::size_t l = 0; l < lists; ++l) {
            const double n = offsets.numbers[l + 1] - offsets.numbers[l];
            if (n > max_candidates)
                fail("offsets", number_text(n) + " candidates in list " + std::to_string(l + 1),
                     "at most " + std::to_string(max_candidates));
        }
        const int level = sink.list(candidates);
        std::vector<Column> of_lists, of_candidates;
        std::set<std::string> columns;
        for (const std::string& name : arrays) {
            Column c = load(name);
            const bool by_candidate = c.rows == rows;
            if (!by_candidate && c.rows != lists)
                fail(name, std::to_string(c.rows) + " rows",
                     std::to_string(rows) + ", one per candidate, or " + std::to_string(lists) + ", one per list");
            for (std::size_t i = 0; i < c.width; ++i) {
                const std::string column = c.width == 1 && !c.is_table ? name : name + "." + std::to_string(i);
                if (!columns.insert(column).second)
                    fail(name, "the column " + in_quotes(column) + " of another array", "each column once");
                if (columns.size() > static_cast<std::size_t>(limits().columns))
                    fail(name, "more than " + std::to_string(limits().columns) + " columns so far",
                         "fewer, or a larger limit: --max-columns");
                c.columns.push_back(sink.column(by_candidate ? level : 0, column));
            }
            (by_candidate ? of_candidates : of_lists).push_back(std::move(c));
        }
        if (of_candidates.empty() && rows > 0)
            fail("offsets", "no array with a row for each of " + std::to_string(rows) + " candidates", "at least one");
        for (row_ = 1; row_ <= lists && sink.wants_more(); ++row_) {
            if (!sink.wants_row()) continue;
            sink.begin_row(0);
            for (const Column& c : of_lists) take(c, row_ - 1, sink);
            const auto end = static_cast<std::size_t>(offsets.numbers[row_]);
            for (auto i = static_cast<std::size_t>(offsets.numbers[row_ - 1]); i < end && level >= 0; ++i) {
                sink.begin_row(level);
                for (const Column& c : of_candidates) take(c, i, sink);
                sink.end_row(level);
            }
            sink.end_row(0);
        }
        sink.end_file();
        return before_ + InputSize{.plain = bytes_};
    }

    const std::string& source() const override { return source_; }
    InputLimits most() const override { return limits().of(before_ + InputSize{.plain = bytes_}); }
    std::size_t row() const override { return row_; }
    std::string place_of(std::size_t row, std::string_view column) const override {
        if (row == 0) return std::string(column) + (column.empty() ? "" : ".npy");
        return "list " + std::to_string(row) + (column.empty() ? "" : ", column " + printable(column));
    }

  private:
    struct Column {
        std::vector<double> numbers;
        std::size_t rows = 0, width = 1;
        bool is_table = false;
        std::vector<int> columns = {};
    };

    std::vector<std::string> names() const {
        std::vector<std::string> out;
        for_each_name(folder_, [&](std::string_view file) {
            if (!is_text(file)) return;
            if (file.ends_with(".npy.gz"))
                throw DataError(source_, std::string(file), "a gzip file", "a plain NumPy array");
            if (file.ends_with(".npy") && file != "offsets.npy") out.emplace_back(file.substr(0, file.size() - 4));
        });
        std::ranges::sort(out);
        return out;
    }

    static void take(const Column& c, std::size_t row, RecordSink& sink) {
        for (std::size_t i = 0; i < c.width; ++i) {
            const double x = c.numbers[row * c.width + i];
            if (c.columns[i] < 0) continue;
            if (x != x)
                sink.take_missing(c.columns[i]);
            else
                sink.take_number(c.columns[i], x);
        }
    }

    Column load(const std::string& name) {
        const std::filesystem::path file = folder_ / (name + ".npy");
        const NumberType& type = checked_type(file, name);
        bytes_ += static_cast<long long>(std::filesystem::file_size(file));
        try {
            return (this->*type.read)(file);
        } catch (const DataError&) {
            throw;
        } catch (const std::exception& e) {
            fail(name, "an array that cannot be read (" + printable(e.what()) + ")", "a NumPy array");
        }
    }

    /// Types of numbers, as NumPy calls them.
    struct NumberType {
        std::string_view name;
        Column (NpyReader::*read)(const std::filesystem::path&) const;
    };
    static std::span<const NumberType> number_types() {
        static constexpr NumberType all[]{
            {"f4", &NpyReader::as_column<float>},        {"f8", &NpyReader::as_column<double>},
            {"i1", &NpyReader::as_column<std::int8_t>},  {"i2", &NpyReader::as_column<std::int16_t>},
            {"i4", &NpyReader::as_column<std::int32_t>}, {"i8", &NpyReader::as_column<std::int64_t>},
            {"u1", &NpyReader::as_column<std::uint8_t>}, {"b1", &NpyReader::as_column<bool>}};
        return all;
    }

    /// f8 of a header with 'descr': '<f8', if the file is as long as its shape says and lies row after row.
    const NumberType& checked_type(const std::filesystem::path& file, const std::string& name) const {
        std::ifstream in(file, std::ios::binary);
        std::string head(4096, '\0');
        in.read(head.data(), static_cast<std::streamsize>(head.size()));
        head.resize(static_cast<std::size_t>(in.gcount()));
        if (!head.starts_with("\x93NUMPY") || head.size() < 12) fail(name, "another file", "a NumPy array");
        const auto byte = [&](std::size_t i) { return std::size_t{static_cast<unsigned char>(head[i])}; };
        const bool is_first = head[6] == 1;  // the version of the format
        const std::size_t start = is_first ? 10 : 12, length = byte(8) + 256 * byte(9);
        const std::string text = head.substr(start, length);
        const auto behind = [&](const std::string& key, char end) {
            const std::size_t at = text.find(key);
            if (at == std::string::npos) fail(name, "a header without " + key, "a NumPy array");
            return text.substr(at + key.size(), text.find(end, at + key.size()) - (at + key.size()));
        };
        const std::string kind = behind("'descr': '", '\'');
        if (behind("'fortran_order': ", ',') != "False")
            fail(name, "an array in Fortran order", "rows end to end: numpy.ascontiguousarray");
        const bool has_order = kind.size() == 3 && kind[0] == (kind[2] == '1' ? '|' : '<');
        const auto type = std::ranges::find(number_types(), has_order ? kind.substr(1) : "", &NumberType::name);
        if (type == number_types().end())
            fail(name, "the type " + in_quotes(kind), "f4, f8, i1, i2, i4, i8, u1 or b1; names stand in other formats");
        double bytes = static_cast<double>(kind.back() - '0');
        std::string extents = behind("'shape': (", ')');
        for (char& c : extents) c = c == ',' ? ' ' : c;
        std::istringstream numbers(extents);
        for (std::string extent; numbers >> extent;) {
            std::uint32_t size = 0;
            if (!parse_integer(extent, size)) fail(name, "the shape " + in_quotes(extents), "whole numbers");
            bytes *= static_cast<double>(size);
        }
        const auto found = static_cast<double>(std::filesystem::file_size(file)) - static_cast<double>(start + length);
        if (found != bytes)
            fail(name, number_text(found) + " bytes of numbers", number_text(bytes) + ", as the header says");
        return *type;
    }

    template <class T>
    Column as_column(const std::filesystem::path& file) const {
        const xt::xarray<T, xt::layout_type::row_major> array =
            xt::load_npy<T, xt::layout_type::row_major>(file.string());
        if (array.dimension() < 1 || array.dimension() > 2)
            fail(file.stem().string(), std::to_string(array.dimension()) + " axes", "one or two");
        Column out;
        out.rows = array.shape()[0];
        out.is_table = array.dimension() == 2;
        out.width = out.is_table ? array.shape()[1] : 1;
        if (const auto most = static_cast<std::size_t>(limits().columns); out.width > most)
            fail(file.stem().string(), std::to_string(out.width) + " columns",
                 "at most " + std::to_string(most) + ", or a larger limit: --max-columns");
        if (out.width == 0) fail(file.stem().string(), "no columns", "at least one");
        for (const T x : array) {
            if (std::is_floating_point_v<T> && std::isinf(static_cast<double>(x)))
                fail(file.stem().string(), "an infinite number", "finite numbers, or NaN for missing ones");
            if (std::is_same_v<T, std::int64_t> && std::abs(static_cast<double>(x)) > 9007199254740992.0)
                fail(file.stem().string(), std::to_string(x), "whole numbers up to 2^53");
            out.numbers.push_back(static_cast<double>(x));
        }
        return out;
    }

    std::filesystem::path folder_;
    std::string source_;
    std::size_t row_ = 0;
    InputSize before_;
    long long bytes_ = 0;  ///< of the arrays that were read
};

}  // namespace psad::data
