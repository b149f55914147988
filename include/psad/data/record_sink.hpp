/// \file record_sink.hpp
/// Between the readers of formats and what is made of their rows: one takes any format, the other any meaning.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "psad/core/error.hpp"
#include "psad/core/limits.hpp"
#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI::data {

/// Where a reader stands, for messages.
class Where {
  public:
    virtual const std::string& source() const = 0;
    /// The number of the row of level 0, from 1.
    virtual std::size_t row() const = 0;
    /// "line 7, candidates[2].price": of this row, or an earlier one; with an empty column the row alone.
    virtual std::string place_of(std::size_t row, std::string_view column) const = 0;
    /// What may stand in this file and those read before it.
    virtual InputLimits most() const = 0;
    std::string place(std::string_view column) const { return place_of(row(), column); }

    [[noreturn]] void fail(std::string_view column, const std::string& found, const std::string& wanted) const {
        throw DataError(source(), place(column), found, wanted);
    }

  protected:
    ~Where() = default;
};

/// Takes the rows of a file. A record may hold lists of further rows: those of one list have a level of their own,
/// above that of the record, 0. Views that are handed over are valid during the call.
class RecordSink {
  public:
    virtual ~RecordSink() = default;

    /// Before the first row of a file. `absent` is the value of a number that a row does not name.
    virtual void begin_file(const Where& where, double absent) = 0;
    /// The number of the column of that name for take(); not_read if its values are not wanted.
    virtual int column(int level, std::string_view name) = 0;
    /// The level of the rows in the list of that name, in a row of level 0; not_read if they are not wanted.
    virtual int list(std::string_view name) = 0;
    /// Whether nothing but a list of rows may have that name.
    virtual bool is_list(std::string_view) const { return false; }
    /// A row begins; one of level 0 ends all others.
    virtual void begin_row(int level) = 0;
    virtual void take(int column, std::string_view text) = 0;
    /// The same of a text that its format sets apart from numbers.
    virtual void take_text(int column, std::string_view text) { take(column, text); }
    virtual void take_number(int column, double value) = 0;
    /// The word of a format for "no value".
    virtual void take_missing(int column) = 0;
    /// The cell is a list: its values are taken between the two.
    virtual void begin_values(int column) = 0;
    virtual void end_values(int column) = 0;
    virtual void end_row(int level) = 0;
    virtual void end_file() = 0;
    /// False once the rest of the file may stay unread.
    virtual bool wants_more() const { return true; }
    /// False where the row of level 0 at which the reader stands is passed over.
    virtual bool wants_row() const { return true; }

    static constexpr int not_read = -1;
};

}  // namespace psad::data
