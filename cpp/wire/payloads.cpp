#include "payloads.hpp"

#include "written.hpp"

#include <algorithm>

namespace allora::wire {

namespace {

// {1 address, 2 value}: forecasts, losses and labeled values alike.
bool read_value_of(Reader reader, ValueOf& read) {
    while (reader.next()) {
        bool good = false;
        switch (reader.field()) {
        case 1:
            good = reader.text(read.address);
            break;
        case 2:
            good = reader.text(read.value);
            break;
        default:
            good = reader.skip();
        }
        if (!good) {
            return false;
        }
    }
    return !reader.failed();
}

bool read_element(Reader& reader, std::vector<ValueOf>& list) {
    Span span;
    if (!reader.bytes(span)) {
        return false;
    }
    list.emplace_back();
    return read_value_of(reader.inside(span), list.back());
}

// {1 block_height}
bool read_nonce(Reader& outer, std::optional<std::int64_t>& nonce) {
    Span span;
    if (!outer.bytes(span)) {
        return false;
    }
    if (!nonce) {
        nonce = 0;
    }
    Reader reader = outer.inside(span);
    while (reader.next()) {
        if (!(reader.field() == 1 ? reader.number(*nonce) : reader.skip())) {
            return false;
        }
    }
    return !reader.failed();
}

// Reads a sub-message with `read_field`, which takes one field and says whether that went well.
template <class ReadField>
bool read_message(Reader& outer, ReadField&& read_field) {
    Span span;
    if (!outer.bytes(span)) {
        return false;
    }
    Reader reader = outer.inside(span);
    while (reader.next()) {
        if (!read_field(reader)) {
            return false;
        }
    }
    return !reader.failed();
}

bool read_inference(Reader& outer, WorkerPayload::Inference& inference) {
    return read_message(outer, [&](Reader& reader) {
        switch (reader.field()) {
        case 3:
            return reader.text(inference.inferer);
        case 4:
            return reader.text(inference.value);
        case 5:
            return reader.bytes(inference.extra_data);
        case 7:
            return read_element(reader, inference.labels);
        default:
            return reader.skip();
        }
    });
}

bool read_forecast(Reader& outer, WorkerPayload::Forecast& forecast) {
    return read_message(outer, [&](Reader& reader) {
        switch (reader.field()) {
        case 3:
            return reader.text(forecast.forecaster);
        case 4:
            return read_element(reader, forecast.elements);
        case 5:
            return reader.bytes(forecast.extra_data);
        default:
            return reader.skip();
        }
    });
}

bool read_worker_bundle(Reader& outer, WorkerPayload& payload) {
    return read_message(outer, [&](Reader& reader) {
        switch (reader.field()) {
        case 2:
            return read_nonce(reader, payload.nonce);
        case 3:
            return reader.whole(payload.topic_id);
        case 4:
            return read_message(reader, [&](Reader& part) {
                switch (part.field()) {
                case 1:
                    payload.has_inference = true;
                    return read_inference(part, payload.inference);
                case 2:
                    payload.has_forecast = true;
                    return read_forecast(part, payload.forecast);
                default:
                    return part.skip();
                }
            });
        default:
            return reader.skip();
        }
    });
}

// {3 forecaster, 4 repeated value}: the forecaster may come behind its values.
bool read_matrix_row(Reader& outer, std::vector<ValueOf>& list) {
    const std::size_t first = list.size();
    Span forecaster;
    const bool good = read_message(outer, [&](Reader& reader) {
        switch (reader.field()) {
        case 3:
            return reader.text(forecaster);
        case 4:
            return read_element(reader, list);
        default:
            return reader.skip();
        }
    });
    std::for_each(list.begin() + static_cast<std::ptrdiff_t>(first), list.end(),
                  [&](ValueOf& value) { value.forecaster = forecaster; });
    return good;
}

bool read_value_bundle(Reader& outer, ReputerPayload& payload) {
    return read_message(outer, [&](Reader& reader) {
        switch (reader.field()) {
        case 1:
            return reader.whole(payload.topic_id);
        case 2:
            return read_message(reader, [&](Reader& request) {
                return request.field() == 1 ? read_nonce(request, payload.nonce) : request.skip();
            });
        case 3:
            return reader.text(payload.reputer);
        case 5:
            return reader.text(payload.combined);
        case 6:
            return read_element(reader, payload.values[0]);
        case 7:
            return read_element(reader, payload.values[1]);
        case 8:
            return reader.text(payload.naive);
        case 9:
            return read_element(reader, payload.values[2]);
        case 10:
            return read_element(reader, payload.values[3]);
        case 11:
            return read_element(reader, payload.values[4]);
        case 12:
            return read_matrix_row(reader, payload.values[5]);
        default:
            return reader.skip();
        }
    });
}

// Absent or empty is the decimal that was never set, which the chain reads as zero.
void add_decimal(Column& column, Span text) {
    if (text.empty()) {
        column.add_null(ColumnType::text);
    } else {
        column.add(text);
    }
}

void add_nonce(Column& column, const std::optional<std::int64_t>& nonce, std::int64_t rows) {
    if (nonce) {
        column.add(*nonce, rows);
    } else {
        column.add_null(ColumnType::number, rows);
    }
}

// Extra data as the network's JSON has it: base64, null where empty.
void add_extra_data(Column& column, Span bytes, std::int64_t rows) {
    if (bytes.empty()) {
        column.add_null(ColumnType::text, rows);
        return;
    }
    for (std::int64_t row = 0; row < rows; ++row) {
        append_base64(column.data, bytes);
        column.ends.push_back(static_cast<std::int32_t>(column.data.size()));
        column.present.push_back(1);
    }
}

} // namespace

void WorkerPayload::clear() {
    sender = {};
    topic_id = 0;
    nonce.reset();
    has_inference = has_forecast = false;
    inference.inferer = inference.value = inference.extra_data = {};
    inference.labels.clear();
    forecast.forecaster = forecast.extra_data = {};
    forecast.elements.clear();
}

bool WorkerPayload::read(Reader reader) {
    while (reader.next()) {
        bool good = false;
        switch (reader.field()) {
        case 1:
            good = reader.text(sender);
            break;
        case 2:
            good = read_worker_bundle(reader, *this);
            break;
        default:
            good = reader.skip();
        }
        if (!good) {
            return false;
        }
    }
    return !reader.failed();
}

// One row a label. The single value has a row without label; of a payload with labels only if it
// was given.
bool WorkerPayload::write(Tables& tables, const Origin& origin, Budget& budget) const {
    if (has_inference) {
        const bool single = inference.labels.empty() || !inference.value.empty();
        const auto rows = static_cast<std::int64_t>(inference.labels.size()) + (single ? 1 : 0);
        const std::size_t repeated = inference.inferer.size() + base64_size(inference.extra_data);
        if (!budget.spend(static_cast<std::uint64_t>(rows), repeated)) {
            return false;
        }
        Table& table = tables[static_cast<std::size_t>(TableName::inferences)];
        add_origin(table, origin, rows);
        table[3].add(topic_id, rows);
        add_nonce(table[4], nonce, rows);
        table[5].add(inference.inferer, rows);
        add_extra_data(table[7], inference.extra_data, rows);
        if (single) {
            table[6].add_null(ColumnType::text);
            add_decimal(table[8], inference.value);
        }
        for (const ValueOf& label : inference.labels) {
            table[6].add(label.address);
            add_decimal(table[8], label.value);
        }
    }
    if (has_forecast) {
        const auto rows = static_cast<std::int64_t>(forecast.elements.size());
        const std::size_t repeated = forecast.forecaster.size() + base64_size(forecast.extra_data);
        if (!budget.spend(static_cast<std::uint64_t>(rows), repeated)) {
            return false;
        }
        Table& table = tables[static_cast<std::size_t>(TableName::forecasts)];
        add_origin(table, origin, rows);
        table[3].add(topic_id, rows);
        add_nonce(table[4], nonce, rows);
        table[5].add(forecast.forecaster, rows);
        add_extra_data(table[7], forecast.extra_data, rows);
        for (const ValueOf& element : forecast.elements) {
            table[6].add(element.address);
            add_decimal(table[8], element.value);
        }
    }
    return true;
}

void ReputerPayload::clear() {
    sender = reputer = combined = naive = {};
    has_bundle = false;
    topic_id = 0;
    nonce.reset();
    for (std::vector<ValueOf>& list : values) {
        list.clear();
    }
}

bool ReputerPayload::read(Reader reader) {
    while (reader.next()) {
        bool good = false;
        switch (reader.field()) {
        case 1:
            good = reader.text(sender);
            break;
        case 2:
            good = read_message(reader, [&](Reader& bundle) {
                if (bundle.field() != 1) {
                    return bundle.skip();
                }
                has_bundle = true;
                return read_value_bundle(bundle, *this);
            });
            break;
        default:
            good = reader.skip();
        }
        if (!good) {
            return false;
        }
    }
    return !reader.failed();
}

// One row a loss, in the order of `kind_names`, within a kind as sent.
bool ReputerPayload::write(Tables& tables, const Origin& origin, Budget& budget) const {
    if (!has_bundle) {
        return true;
    }
    std::uint64_t rows = 2;
    for (const std::vector<ValueOf>& list : values) {
        rows += list.size();
    }
    if (!budget.spend(rows, reputer.size() + kind_names.back().size())) {
        return false;
    }
    for (const ValueOf& value : values.back()) {
        if (!budget.spend(1, value.forecaster.size())) {
            return false;
        }
    }
    Table& table = tables[static_cast<std::size_t>(TableName::reputer_losses)];
    const auto count = static_cast<std::int64_t>(rows);
    add_origin(table, origin, count);
    table[3].add(topic_id, count);
    add_nonce(table[4], nonce, count);
    table[5].add(reputer, count);
    Column& kind = table[6];
    Column& inferer = table[7];
    Column& forecaster = table[8];
    Column& value = table[9];
    kind.add(kind_names[0]);
    kind.add(kind_names[1]);
    inferer.add_null(ColumnType::text, 2);
    forecaster.add_null(ColumnType::text, 2);
    add_decimal(value, combined);
    add_decimal(value, naive);
    for (std::size_t at = 0; at < lists; ++at) {
        const std::vector<ValueOf>& list = values[at];
        const bool matrix = at + 1 == lists;
        const bool of_inferers = at == 0 || at == 2;
        const auto listed = static_cast<std::int64_t>(list.size());
        kind.add(kind_names[at + 2], listed);
        for (const ValueOf& loss : list) {
            (of_inferers || matrix ? inferer : forecaster).add(loss.address);
            if (matrix) {
                forecaster.add(loss.forecaster);
            }
            add_decimal(value, loss.value);
        }
        if (!matrix) {
            (of_inferers ? forecaster : inferer).add_null(ColumnType::text, listed);
        }
    }
    return true;
}

} // namespace allora::wire
