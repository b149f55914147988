// Requests in the words of the data that a model was trained on, one JSON line each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "options.hpp"
#include "psad/features/catalog.hpp"
#include "psad/features/encoder.hpp"
#include "psad/features/named_ids.hpp"
#include "psad/features/request.hpp"

namespace psad::cli {

/// The member "id" of a line, or the one of another name, as it stands there; empty where there is none or the line is
/// no JSON object.
class RawMember {
  public:
    RawMember();
    ~RawMember();
    std::string operator()(const std::string& line, const std::string& name);

  private:
    struct Parser;
    std::unique_ptr<Parser> parser_;
};

class NamedRequests {
  public:
    /// Reads the tables. `encoder` is that of the model; the catalog to use is catalog().
    NamedRequests(NamedData names, const Encoder& encoder, const TableOptions& tables, bool strict);
    ~NamedRequests();

    const Catalog& catalog() const;
    const DataSchema& schema() const;
    /// Reads a line; the request is valid until the next one. Throws DataError, whose place names the line.
    const Request& read(const std::string& line, std::size_t number);
    /// What the item at a position of the request is called.
    std::string item_name(std::size_t position) const;
    /// What a kind of event is called; empty for an unknown one.
    std::string kind_name(std::int32_t kind) const;
    /// What of the requests and tables did not fit each other, in words; empty where all did.
    std::string counts() const;
    /// Says of a table that knew nothing of any request, and of what was not read.
    void note_joins() const;

  private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace psad::cli
