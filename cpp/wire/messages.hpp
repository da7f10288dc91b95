// Messages without sub-messages: which field goes to which column.
// Field numbers: allora-chain, x/emissions/proto/emissions, tx.proto of v3 to v10.
#pragma once

#include "tables.hpp"

namespace allora::wire {

// How a field is read and what its column shows.
enum class Take : std::uint8_t {
    text,
    decimal, // text; absent or empty becomes null
    whole,   // unsigned
    number,  // signed
    flag,
    flag_text,
    whole_text,
    topic_type,
    output_arity,
    labels, // a repeated text, as one JSON list
    each,   // a repeated text, one row for each
    word,   // no field: the same for every message of the name
    yes,
    no,
};

struct FieldForm {
    std::uint32_t number; // 0 where there is no field
    Take take;
    std::size_t column;
    const char* word = nullptr;
    int since = 0; // the version of the message that brought the field
};

struct MessageForm {
    Span name;
    TableName table;
    std::span<const FieldForm> fields;
};

// A type url of x/emissions in its parts.
struct TypeName {
    Span name; // empty for messages of other modules
    int version = 0;
};

// Of "/emissions.v{4..10}.{Name}Request", "/emissions.v{2,3}.Msg{Name}"
TypeName parse_type_url(Span url);

inline constexpr std::uint32_t field_limit = 32;

// The form of a name, nothing where no flat message has it.
const MessageForm* flat_message(Span name);

// A field of OptionalParams; `name` is null where the number is no parameter's.
struct ParamForm {
    enum class Type : std::uint8_t { text, number, whole, flag };
    const char* name = nullptr;
    Type type = Type::text;
};
ParamForm param_form(std::uint32_t number);

// The enumeration's name, or nothing for a number it does not have.
Span topic_type_name(std::int32_t value);
Span output_arity_name(std::int32_t value);

} // namespace allora::wire
