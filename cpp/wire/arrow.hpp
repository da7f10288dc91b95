// Columns of Arrow as other libraries hand them over: its C data interface, read in place.
// Source: Arrow, "The Arrow C data interface"; the structs' layout is what all sides agree on.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace allora::wire {

struct ArrowSchema {
    const char* format;
    const char* name;
    const char* metadata;
    std::int64_t flags;
    std::int64_t child_count;
    ArrowSchema** children;
    ArrowSchema* dictionary;
    void (*release)(ArrowSchema*);
    void* owner;
};

struct ArrowArray {
    std::int64_t length;
    std::int64_t null_count;
    std::int64_t offset;
    std::int64_t buffer_count;
    std::int64_t child_count;
    const void** buffers;
    ArrowArray** children;
    ArrowArray* dictionary;
    void (*release)(ArrowArray*);
    void* owner;
};

// One column of a batch. It is valid as long as the batch is held.
class ArrowColumn {
public:
    // `format` is Arrow's letter of the type; a dictionary has that of its indices.
    ArrowColumn(const ArrowSchema& schema, const ArrowArray& batch, std::int64_t at,
                std::string_view format, bool dictionary = false)
        : array(batch.children[at]), begin(array->offset + batch.offset) {
        const ArrowSchema& own = *schema.children[at];
        const std::string column = std::string("the column '") + own.name + "'";
        if (own.format != format || (own.dictionary != nullptr) != dictionary) {
            throw std::invalid_argument(column + " has Arrow's type '" + own.format + "', not '" +
                                        std::string(format) + (dictionary ? "' of texts" : "'"));
        }
        if (batch.length + batch.offset > array->length) {
            throw std::invalid_argument(column + " is shorter than its batch");
        }
        // An array without nulls may leave its bits out.
        validity = static_cast<const std::uint8_t*>(array->buffers[0]);
    }

    bool is_null(std::int64_t row) const {
        const std::int64_t bit = begin + row;
        return validity != nullptr && (validity[bit >> 3] >> (bit & 7) & 1) == 0;
    }

    template <class Value>
    Value value(std::int64_t row, Value null) const {
        return is_null(row) ? null : static_cast<const Value*>(array->buffers[1])[begin + row];
    }

    // Of a column of texts with 32-bit offsets.
    std::string_view text(std::int64_t row) const {
        const std::int32_t* ends =
            static_cast<const std::int32_t*>(array->buffers[1]) + begin + row;
        return {static_cast<const char*>(array->buffers[2]) + ends[0],
                static_cast<std::size_t>(ends[1] - ends[0])};
    }

private:
    const ArrowArray* array;
    std::int64_t begin;
    const std::uint8_t* validity = nullptr;
};

} // namespace allora::wire
