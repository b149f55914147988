#include "named_requests.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <memory>
#include <new>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "notes.hpp"
#include "output.hpp"
#include "psad/data/request_files.hpp"

namespace psad::cli {

struct RawMember::Parser {
    simdjson::ondemand::parser json;
    simdjson::padded_string line;

    /// A member by its path, as "meta.id", as it stands there; empty where there is none.
    static std::string_view find(simdjson::ondemand::object object, std::string_view path) {
        for (auto field : object) {
            std::string_view key;
            if (field.unescaped_key().get(key) != simdjson::SUCCESS) continue;
            if (key == path) return simdjson::to_json_string(field.value());
            if (path.size() <= key.size() || path[key.size()] != '.' || !path.starts_with(key)) continue;
            simdjson::ondemand::value value = field.value();
            if (value.type() != simdjson::ondemand::json_type::object) continue;
            if (const auto found = find(value.get_object(), path.substr(key.size() + 1)); !found.empty()) return found;
        }
        return {};
    }
};
RawMember::RawMember() = default;
RawMember::~RawMember() = default;

std::string RawMember::operator()(const std::string& line, const std::string& name) {
    if (name.empty()) return {};
    try {
        // The parser reads on with what it did not get, so what it takes must be there (see JsonReader).
        if (parser_ == nullptr || parser_->json.capacity() < line.size()) {
            ::operator delete(::operator new(8 * line.size() + (std::size_t{1} << 16)));
            parser_ = std::make_unique<Parser>();
        }
        parser_->line = simdjson::padded_string(line);
        if (parser_->line.data() == nullptr) throw std::bad_alloc();
        simdjson::ondemand::document document = parser_->json.iterate(parser_->line);
        return std::string(Parser::find(document.get_object(), name));
    } catch (const simdjson::simdjson_error& e) {
        if (e.error() != simdjson::MEMALLOC) return {};
        parser_.reset();
        throw std::bad_alloc();
    }
}

struct NamedRequests::Parts {
    NamedData data;
    Catalog catalog;
    TableOptions options;
    bool strict;
    std::size_t max_history;
    std::optional<data::Names> names;
    std::shared_ptr<const data::SideTables> tables;
    std::optional<data::ListBuilder> builder;
    data::JsonReader reader{"request"};
    data::Source source;
    std::set<std::string, std::less<>> may_lack;      ///< columns whose values were missing in training, too
    std::set<std::string, std::less<>> known_unread;  ///< columns of training lists
    std::set<std::string, std::less<>> noted_unread;
    std::unordered_set<std::string_view> known_lacking;  ///< what is to be said of them is said
    std::size_t noted_lacking = 0;
    bool noted_contradictions = false;
    static constexpr std::size_t most_noted = 20;  ///< columns of a kind that are named

    Parts(NamedData given, const Encoder& encoder, const TableOptions& files, bool is_strict)
        : data(std::move(given)),
          options(files),
          strict(is_strict),
          max_history(static_cast<std::size_t>(encoder.max_history())),
          known_unread(data.schema.unread.begin(), data.schema.unread.end()) {
        // Labels of requests are not read, and cost nothing, however many kinds of feedback there were.
        for (const std::string& label : label_names(data.schema.gain)) known_unread.insert(label);
        data.schema.gain = {};
        const Statistics& s = encoder.statistics();
        add_missing(data.schema.of_user, s.user_dense);
        add_missing(data.schema.of_context, s.context_dense);
        add_missing(data.schema.of_candidate, s.candidate_dense);
        add_missing(data.schema.of_event, s.event_dense);
        const auto paths = [](const Words& n) { return data::Paths(n.begin(), n.end()); };
        data::Names items(data, data::Learn::items);  // those of tables stay known from request to request
        data::read_items(paths(options.items), items);
        tables = data::read_side_tables({{}, {}, paths(options.users), paths(options.events)}, items);
        if (strict) must_know_names(items);
        catalog = items.catalog(encoder.catalog());
        names.emplace(data, catalog);
        builder.emplace(*names, tables->users ? &*tables->users : nullptr, tables->events ? &*tables->events : nullptr);
        reader.begin(*builder);
    }

    void add_missing(const ColumnGroup& group, const DenseTransforms& transforms) {
        for (std::size_t d = 0; d < group.dense.size(); ++d) {
            if (transforms.missing[d] > 0) may_lack.insert(group.dense[d].name);
        }
    }

    /// A short request may name the wide rows of tables thousands of times.
    void must_not_join_too_much(std::size_t bytes) const {
        const Request& r = source[0];
        const auto cells = [](const ColumnGroup& group) { return group.dense.size() + 2 * group.fields.size(); };
        const std::size_t of_item = cells(data.schema.of_item), of_event = of_item + cells(data.schema.of_event),
                          joined = r.size() * of_item + (std::min)(r.history_items.size(), max_history) * of_event;
        const long long most = limits().of_request(static_cast<long long>(bytes)).cells;
        if (static_cast<long long>(joined) > most)
            throw DataError("request", reader.place({}), std::to_string(joined) + " cells of its items and events",
                            "at most " + std::to_string(most) + ", or a larger limit: --max-cells");
    }

    /// What a request lacks although no training list did is refused or said once.
    void note_lacking() {
        for (const data::Lack& lack : builder->lacking()) {
            if (!lack.is_input || known_lacking.contains(lack.column)) continue;
            if (!may_lack.contains(lack.column)) say_lacking(lack.column);
            known_lacking.insert(lack.column);
        }
    }
    void say_lacking(std::string_view column) {
        if (strict)
            throw DataError("request", reader.place({}), "no column " + printable(column), "it, as in training");
        if (++noted_lacking <= most_noted)
            print_error(fmt::format("psad: note: {}: no column {}: its values count as missing", reader.place({}),
                                    printable(column)));
        else if (noted_lacking == most_noted + 1)
            print_error(
                "psad: note: requests lack further columns, which are not named: their values count as missing");
    }
    /// Columns that no training list had are refused or said once.
    void note_unread() {
        for (const std::string& column : builder->unread()) {
            if (known_unread.contains(column)) continue;
            if (strict)
                throw DataError("request", reader.place({}), "the unknown column " + column, "those of training");
            if (noted_unread.size() > most_noted || !noted_unread.insert(column).second) continue;
            if (noted_unread.size() > most_noted)
                print_error("psad: note: requests have further columns that are not read, which are not named");
            else
                print_error(fmt::format(
                    "psad: note: requests have {}, which {}: it is not read", printable(column),
                    read_columns(data.schema).contains(column) ? "the model reads elsewhere" : "no training list had"));
        }
    }
    /// What a request says of an item against what is known of it is refused or said once.
    void note_contradictions(std::size_t before) {
        if (names->contradictions() == before) return;
        if (strict)
            throw DataError("request", reader.place({}), "an item that differs from what is known of it",
                            "the same, or another --items");
        if (!std::exchange(noted_contradictions, true))
            print_error(
                fmt::format("psad: note: {}: a candidate says of its item what differs from what is known of "
                            "it: that is kept, and what it says is not read",
                            reader.place({})));
    }
};

NamedRequests::NamedRequests(NamedData names, const Encoder& encoder, const TableOptions& tables, bool strict)
    : parts_(std::make_unique<Parts>(std::move(names), encoder, tables, strict)) {}
NamedRequests::~NamedRequests() = default;

const Catalog& NamedRequests::catalog() const {
    return parts_->catalog;
}
const DataSchema& NamedRequests::schema() const {
    return parts_->data.schema;
}

const Request& NamedRequests::read(const std::string& line, std::size_t number) {
    Parts& p = *parts_;
    p.builder->discard();
    p.names->forget_new_items();
    p.names->take_unknown();
    const std::size_t contradictions = p.names->contradictions(), without_item = p.builder->joins().without_item;
    p.builder->forget_columns();  // each line is judged by itself
    p.reader.begin(*p.builder);
    p.reader.set_row(number);
    p.reader.take_line(line, *p.builder);
    p.builder->end_file();
    p.note_lacking();
    p.note_unread();
    p.note_contradictions(contradictions);
    if (p.strict) must_know_names(*p.names);
    if (p.strict && p.builder->joins().without_item > without_item)
        throw DataError("request", p.reader.place({}), "a candidate without " + printable(p.data.schema.item), "it");
    p.source = p.builder->take_source();
    p.must_not_join_too_much(line.size());
    return p.source[0];
}

std::string NamedRequests::item_name(std::size_t position) const {
    const std::int32_t item = parts_->source[0].items[position];
    return item < 0 ? std::string() : std::string(parts_->names->item_name(item));
}

std::string NamedRequests::kind_name(std::int32_t kind) const {
    const IdMap& kinds = parts_->data.ids.kinds;
    const bool known = kind > 0 && static_cast<std::size_t>(kind) <= kinds.size();
    return known ? std::string(kinds.name(kind - 1)) : std::string();
}

std::string NamedRequests::counts() const {
    const data::JoinCounts& joins = parts_->builder->joins();
    std::string out;
    const auto say = [&](std::size_t count, const char* what) {
        if (count > 0) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", count, what);
    };
    say(parts_->names->contradictions(), "contradictions of items");
    say(joins.without_item, "candidates without an item");
    if (parts_->tables->users) say(joins.requests - joins.users, "requests without a user of the table");
    if (parts_->tables->events) say(joins.requests - joins.with_events, "requests without events of the table");
    return out;
}

void NamedRequests::note_joins() const {
    data::JoinCounts joins = parts_->builder->joins();
    joins.contradictions = 0;  // said at the first
    print_joins(joins, *parts_->tables, parts_->options, false);
}

}  // namespace psad::cli
