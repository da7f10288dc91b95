// The decoder under a fuzzer. The first byte of an input says what the rest is: 0 a whole
// transaction, n the value of the n-th message below in an otherwise well-formed one, so that
// mutations reach the fields without having to mend the lengths around them.
//
// With libFuzzer: clang++ -fsanitize=fuzzer,address,undefined; without: fuzz_driver.cpp. See
// .ci/fuzz.
#include "wire/decode.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

using namespace allora::wire;

namespace {

constexpr std::array<const char*, 14> urls = {
    "/emissions.v9.InsertReputerPayloadRequest",
    "/emissions.v10.InsertWorkerPayloadRequest",
    "/emissions.v10.UpdateParamsRequest",
    "/emissions.v10.CreateNewTopicRequest",
    "/emissions.v10.UpdateTopicRequest",
    "/emissions.v9.RegisterRequest",
    "/emissions.v3.MsgDelegateStake",
    "/emissions.v9.CancelRemoveDelegateStakeRequest",
    "/emissions.v9.RewardDelegateStakeRequest",
    "/emissions.v9.TransferActorOwnershipRequest",
    "/emissions.v9.FundTopicRequest",
    "/emissions.v9.BulkAddToTopicWorkerWhitelistRequest",
    "/emissions.v9.EnableTopicReputerWhitelistRequest",
    "/cosmos.authz.v1beta1.MsgExec",
};

std::string field(char tag, const std::string& content) {
    std::string out(1, tag);
    std::size_t size = content.size();
    for (; size >= 0x80; size >>= 7U) {
        out += static_cast<char>(size | 0x80U);
    }
    out += static_cast<char>(size);
    return out + content;
}

std::string transaction_of(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return {};
    }
    const std::string rest(data + 1, data + size);
    if (data[0] == 0) {
        return rest;
    }
    const char* url = urls[(data[0] - 1U) % urls.size()];
    return field(0x0a, field(0x0a, field(0x0a, url) + field(0x12, rest)));
}

void require(bool good, const char* what) {
    if (!good) {
        std::fprintf(stderr, "not so: %s\n", what);
        std::abort();
    }
}

void check(const Column& column, ColumnType type, std::size_t rows) {
    require(column.present.size() == rows, "columns of a table are of one length");
    std::int64_t nulls = 0;
    for (const std::uint8_t present : column.present) {
        require(present <= 1, "present is 0 or 1");
        nulls += 1 - present;
    }
    require(nulls == column.nulls, "nulls are counted");
    if (type != ColumnType::text) {
        require(column.numbers.size() == rows, "every row has a number");
        return;
    }
    require(column.ends.size() == rows, "every row has a text");
    std::int32_t before = 0;
    for (const std::int32_t end : column.ends) {
        require(end >= before, "texts follow one another");
        const Span text(column.data.data() + before, static_cast<std::size_t>(end - before));
        require(is_utf8(text), "texts are UTF-8");
        before = end;
    }
    require(column.data.size() == static_cast<std::size_t>(before), "texts fill the bytes");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string made = transaction_of(data, size);
    // On the heap and not a byte longer, so that a look beyond the end is found.
    const auto exact = std::make_unique<char[]>(made.size());
    std::memcpy(exact.get(), made.data(), made.size());
    const std::array<Span, 1> transactions = {Span(exact.get(), made.size())};
    Tables tables = empty_tables();
    const std::size_t read = decode_transactions(transactions, 0, {}, tables);
    require(read == 1, "the transaction was read");
    std::size_t rows = 0;
    for (const Table& table : tables) {
        for (std::size_t i = 0; i < table.columns.size(); ++i) {
            check(table.columns[i], table.form->columns[i].type, table.rows());
        }
        rows += table.rows();
    }
    Table& faults = tables[static_cast<std::size_t>(TableName::faults)];
    require(faults.rows() == 0 || (faults.rows() == 1 && rows == 1), "a fault is all there is");
    if (faults.rows() == 1) {
        const std::int64_t offset = faults[2].numbers[0];
        require(offset >= 0 && offset < static_cast<std::int64_t>(made.size()),
                "a fault stands within the transaction");
    }
    return 0;
}
