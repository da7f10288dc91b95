#include "decode.hpp"

#include "messages.hpp"
#include "payloads.hpp"
#include "written.hpp"

namespace allora::wire {

namespace {

// Repeated texts may make a transaction this many times larger in the columns.
constexpr std::int64_t growth = 256;
constexpr std::int64_t growth_base = 1 << 16;
// Texts that are not repeated grow by escapes at most, by far less than this.
constexpr std::int64_t growth_of_rest = 16;

constexpr std::int64_t column_bytes = std::numeric_limits<std::int32_t>::max();

std::int64_t budget_of(std::size_t bytes) {
    return growth_base + growth * static_cast<std::int64_t>(bytes);
}

std::int64_t largest_column(std::size_t bytes) {
    return budget_of(bytes) + growth_of_rest * static_cast<std::int64_t>(bytes);
}

// What one flat message held, by field number.
struct Flat {
    std::array<Span, field_limit> texts;
    std::array<std::uint64_t, field_limit> numbers;
    std::vector<Span> list;

    void clear() {
        texts.fill({});
        numbers.fill(0);
        list.clear();
    }
};

class Decoder {
public:
    Decoder(const Limits& limits, Tables& tables) : limits_(limits), tables_(tables) {}

    void transaction(Span bytes, std::int64_t index) {
        fault_ = {};
        origin_ = {index, -1, -1};
        messages_ = 0;
        std::array<std::size_t, table_count> rows{};
        for (std::size_t i = 0; i < table_count; ++i) {
            rows[i] = tables_[i].rows();
        }
        Budget budget(budget_of(bytes.size()));
        budget_ = &budget;
        if (read_transaction(bytes)) {
            return;
        }
        for (std::size_t i = 0; i < table_count; ++i) {
            tables_[i].cut(rows[i]);
        }
        Table& faults = table(TableName::faults);
        faults[0].add(index);
        if (origin_.message < 0) {
            faults[1].add_null(ColumnType::number);
        } else {
            faults[1].add(origin_.message);
        }
        faults[2].add(fault_.at - bytes.data());
        faults[3].add(Span(wire_cause_names[static_cast<std::size_t>(fault_.cause)]));
    }

private:
    Table& table(TableName name) { return tables_[static_cast<std::size_t>(name)]; }

    bool read_transaction(Span bytes) {
        Reader reader(bytes, fault_);
        if (static_cast<std::int64_t>(bytes.size()) > limits_.transaction_bytes) {
            return reader.refuse(WireCause::too_large);
        }
        Span body;
        while (reader.next()) {
            Span other;
            const bool good = reader.field() == 1   ? reader.bytes(body)
                              : reader.field() <= 3 ? reader.bytes(other)
                                                    : reader.skip();
            if (!good) {
                return false;
            }
        }
        return !reader.failed() && read_body(reader.inside(body));
    }

    bool read_body(Reader reader) {
        std::int64_t message = 0;
        while (reader.next()) {
            if (reader.field() != 1) {
                if (!reader.skip()) {
                    return false;
                }
                continue;
            }
            origin_.message = message++;
            origin_.inner = -1;
            inner_ = 0;
            if (!read_any(reader, 0)) {
                return false;
            }
            origin_.message = -1;
        }
        return !reader.failed();
    }

    // {1 type_url, 2 value}; depth counts the MsgExec around it.
    bool read_any(Reader& outer, int depth) {
        if (++messages_ > limits_.messages) {
            return outer.refuse(WireCause::too_many);
        }
        Span span;
        if (!outer.bytes(span)) {
            return false;
        }
        Span url;
        Span value;
        Reader reader = outer.inside(span);
        while (reader.next()) {
            const bool good = reader.field() == 1   ? reader.text(url)
                              : reader.field() == 2 ? reader.bytes(value)
                                                    : reader.skip();
            if (!good) {
                return false;
            }
        }
        if (reader.failed()) {
            return false;
        }
        if (url == "/cosmos.authz.v1beta1.MsgExec") {
            return depth < limits_.depth ? read_exec(outer.inside(value), url, depth + 1)
                                         : outer.refuse(WireCause::too_deep);
        }
        return read_message(outer, url, value);
    }

    // {1 grantee, 2 msgs}: the grantee first, since its row comes first.
    bool read_exec(Reader reader, Span url, int depth) {
        Span grantee;
        Reader first = reader;
        while (first.next()) {
            Span ignored;
            const bool good = first.field() == 1   ? first.text(grantee)
                              : first.field() == 2 ? first.bytes(ignored)
                                                   : first.skip();
            if (!good) {
                return false;
            }
        }
        if (first.failed()) {
            return false;
        }
        add_message(url, {"MsgExec", 0}, grantee, true);
        while (reader.next()) {
            if (reader.field() != 2) {
                if (!reader.skip()) {
                    return false;
                }
                continue;
            }
            origin_.inner = inner_++;
            if (!read_any(reader, depth)) {
                return false;
            }
        }
        return !reader.failed();
    }

    void add_message(Span url, const TypeName& type, Span sender, bool is_decoded) {
        Table& messages = table(TableName::messages);
        add_origin(messages, origin_, 1);
        messages[3].add(url);
        if (type.name.empty()) {
            messages[4].add_null(ColumnType::text);
        } else {
            messages[4].add(type.name);
        }
        if (type.version == 0) {
            messages[5].add_null(ColumnType::text);
        } else {
            messages[5].data.push_back('v');
            append_number(messages[5].data, std::int64_t{type.version});
            end_text(messages[5]);
        }
        if (is_decoded) {
            messages[6].add(sender);
        } else {
            messages[6].add_null(ColumnType::text);
        }
        messages[7].add(is_decoded ? 1 : 0);
    }

    static void end_text(Column& column) {
        column.ends.push_back(static_cast<std::int32_t>(column.data.size()));
        column.present.push_back(1);
    }

    bool read_message(Reader& outer, Span url, Span value) {
        const TypeName type = parse_type_url(url);
        if (type.name == "InsertReputerPayload") {
            return read_payload(reputer_, outer, url, type, value);
        }
        if (type.name == "InsertWorkerPayload") {
            return read_payload(worker_, outer, url, type, value);
        }
        if (type.name == "UpdateParams") {
            return read_update_params(outer, url, type, value);
        }
        if (const MessageForm* form = flat_message(type.name)) {
            flat_.clear();
            if (!read_flat(outer.inside(value), *form)) {
                return false;
            }
            add_message(url, type, flat_.texts[1], true);
            return write_flat(*form, type.version) || outer.refuse(WireCause::too_large);
        }
        add_message(url, type, {}, false);
        return true;
    }

    template <class Payload>
    bool read_payload(Payload& payload, Reader& outer, Span url, const TypeName& type, Span value) {
        payload.clear();
        if (!payload.read(outer.inside(value))) {
            return false;
        }
        add_message(url, type, payload.sender, true);
        return payload.write(tables_, origin_, *budget_) || outer.refuse(WireCause::too_large);
    }

    bool read_flat(Reader reader, const MessageForm& form) {
        while (reader.next()) {
            const std::uint32_t number = reader.field();
            bool good = false;
            bool known = number == 1; // the sender, of every message
            Take take = Take::text;
            for (const FieldForm& field : form.fields) {
                if (field.number == number) {
                    known = true;
                    take = field.take;
                    break;
                }
            }
            good = known ? read_field(reader, take, number) : reader.skip();
            if (!good) {
                return false;
            }
        }
        return !reader.failed();
    }

    bool read_field(Reader& reader, Take take, std::uint32_t number) {
        switch (take) {
        case Take::text:
        case Take::decimal:
            return reader.text(flat_.texts[number]);
        case Take::labels:
        case Take::each:
            flat_.list.emplace_back();
            return reader.text(flat_.list.back());
        case Take::whole: {
            std::int64_t value = 0;
            const bool good = reader.whole(value);
            flat_.numbers[number] = static_cast<std::uint64_t>(value);
            return good;
        }
        default:
            return reader.bits(flat_.numbers[number]);
        }
    }

    bool write_flat(const MessageForm& form, int version) {
        const bool listed = form.fields.back().take == Take::each;
        const std::size_t rows = listed ? flat_.list.size() : 1;
        if (listed && !budget_->spend(rows, growth_of_rest)) {
            return false;
        }
        Table& target = table(form.table);
        for (std::size_t row = 0; row < rows; ++row) {
            std::uint64_t written = 0; // columns, as bits
            for (const FieldForm& field : form.fields) {
                if (field.since <= version) {
                    write_field(target[field.column], field, row);
                    written |= std::uint64_t{1} << field.column;
                }
            }
            for (std::size_t i = origin_columns; i < target.columns.size(); ++i) {
                if ((written >> i & 1U) == 0) {
                    target[i].add_null(target.form->columns[i].type);
                }
            }
        }
        add_origin(target, origin_, static_cast<std::int64_t>(rows));
        return true;
    }

    void write_field(Column& column, const FieldForm& field, std::size_t row) {
        const std::uint64_t number = flat_.numbers[field.number];
        const auto enumerated = static_cast<std::int32_t>(number); // protobuf keeps 32 bits
        const Span text = flat_.texts[field.number];
        switch (field.take) {
        case Take::text:
            column.add(text);
            return;
        case Take::decimal:
            if (text.empty()) {
                column.add_null(ColumnType::text);
            } else {
                column.add(text);
            }
            return;
        case Take::whole:
        case Take::number:
            column.add(static_cast<std::int64_t>(number));
            return;
        case Take::flag:
            column.add(number != 0 ? 1 : 0);
            return;
        case Take::flag_text:
            column.add(flag_name(number));
            return;
        case Take::whole_text:
            append_number(column.data, number);
            end_text(column);
            return;
        case Take::topic_type:
            write_enumeration(column, topic_type_name(enumerated), enumerated);
            return;
        case Take::output_arity:
            write_enumeration(column, output_arity_name(enumerated), enumerated);
            return;
        case Take::labels:
            append_json_list(column.data, flat_.list);
            end_text(column);
            return;
        case Take::each:
            column.add(flat_.list[row]);
            return;
        case Take::word:
            column.add(Span(field.word));
            return;
        case Take::yes:
        case Take::no:
            column.add(field.take == Take::yes ? 1 : 0);
            return;
        }
    }

    static Span flag_name(std::uint64_t value) { return value != 0 ? "true" : "false"; }

    // The name, or the number of a value that came with a later version.
    static void write_enumeration(Column& column, Span name, std::int32_t value) {
        if (name.empty()) {
            append_number(column.data, std::int64_t{value});
            end_text(column);
        } else {
            column.add(name);
        }
    }

    // {1 sender, 2 params}: one row for each value of each parameter.
    bool read_update_params(Reader& outer, Span url, const TypeName& type, Span value) {
        Span sender;
        Reader reader = outer.inside(value);
        while (reader.next()) {
            Span params;
            const bool good = reader.field() == 1 ? reader.text(sender)
                              : reader.field() == 2
                                  ? reader.bytes(params) && read_params(reader.inside(params))
                                  : reader.skip();
            if (!good) {
                return false;
            }
        }
        add_message(url, type, sender, true);
        return !reader.failed();
    }

    bool read_params(Reader reader) {
        while (reader.next()) {
            const ParamForm form = param_form(reader.field());
            if (!(form.name == nullptr ? reader.skip() : read_param(reader, form))) {
                return false;
            }
        }
        return !reader.failed();
    }

    bool read_param(Reader& reader, const ParamForm& form) {
        Column& column = table(TableName::params)[5];
        if (form.type == ParamForm::Type::text) {
            Span text;
            if (!reader.text(text) || !add_param(reader, form)) {
                return false;
            }
            column.add(text);
            return true;
        }
        return reader.numbers([&](std::uint64_t number) {
            if (!add_param(reader, form)) {
                return false;
            }
            if (form.type == ParamForm::Type::flag) {
                column.add(flag_name(number));
                return true;
            }
            if (form.type == ParamForm::Type::number) {
                append_number(column.data, static_cast<std::int64_t>(number));
            } else {
                append_number(column.data, number);
            }
            end_text(column);
            return true;
        });
    }

    // All but the value.
    bool add_param(Reader& reader, const ParamForm& form) {
        const Span name(form.name);
        if (!budget_->spend(1, name.size())) {
            return reader.refuse(WireCause::too_large);
        }
        Table& params = table(TableName::params);
        add_origin(params, origin_, 1);
        params[3].add("emissions");
        params[4].add(name);
        return true;
    }

    const Limits& limits_;
    Tables& tables_;
    Fault fault_;
    Origin origin_;
    Budget* budget_ = nullptr;
    std::int64_t messages_ = 0;
    std::int64_t inner_ = 0;
    WorkerPayload worker_;
    ReputerPayload reputer_;
    Flat flat_;
};

} // namespace

std::size_t decode_transactions(std::span<const Span> transactions, std::size_t first,
                                const Limits& limits, Tables& tables) {
    Decoder decoder(limits, tables);
    std::int64_t bytes = 0;
    std::size_t at = first;
    for (; at < transactions.size(); ++at) {
        const Span transaction = transactions[at];
        const auto size = static_cast<std::int64_t>(transaction.size());
        const std::int64_t most = size > limits.transaction_bytes ? 0 : largest_column(size);
        if (at != first && bytes + most > column_bytes) {
            break;
        }
        bytes += most;
        decoder.transaction(transaction, static_cast<std::int64_t>(at));
    }
    return at;
}

} // namespace allora::wire
