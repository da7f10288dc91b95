// Runs a fuzz target where there is no libFuzzer: over a corpus, then over mutations of it, keeping
// those that reach new edges of the code.
//
//   fuzz_driver CORPUS [SECONDS [SEED]]
//
// The code under test is compiled with -fsanitize-coverage=trace-pc, this file without. The input
// that ends the run is left in fuzz_crash.bin of the working directory.
#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <sanitizer/common_interface_defs.h>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;

constexpr std::size_t largest_input = 1 << 14;
constexpr std::size_t edge_count = 1 << 16;

std::array<std::uint8_t, edge_count> seen;
std::size_t edges_seen = 0;
std::uintptr_t previous = 0;

} // namespace

// Called by the compiled code at every block.
extern "C" void __sanitizer_cov_trace_pc() {
    const auto here = reinterpret_cast<std::uintptr_t>(__builtin_return_address(0));
    std::uint8_t& edge = seen[(here ^ (previous << 1U) ^ (here >> 16U)) % edge_count];
    edges_seen += edge == 0 ? 1 : 0;
    edge = 1;
    previous = here;
}

namespace {

std::vector<Input> corpus_of(const char* folder) {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.is_regular_file() && entry.path().extension() == ".bin") {
            paths.push_back(entry.path());
        }
    }
    std::sort(paths.begin(), paths.end());
    std::vector<Input> inputs;
    for (const std::filesystem::path& path : paths) {
        std::ifstream file(path, std::ios::binary);
        inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    return inputs;
}

const Input* running = nullptr;

// Called when a sanitizer, or the target by abort(), ends the run.
void keep_crash() {
    if (running != nullptr) {
        std::ofstream file("fuzz_crash.bin", std::ios::binary);
        file.write(reinterpret_cast<const char*>(running->data()),
                   static_cast<std::streamsize>(running->size()));
    }
}

// Whether new edges were reached.
bool run(const Input& input) {
    const std::size_t before = edges_seen;
    previous = 0;
    running = &input;
    LLVMFuzzerTestOneInput(input.data(), input.size());
    running = nullptr;
    return edges_seen > before;
}

class Mutator {
public:
    explicit Mutator(std::uint64_t seed) : random_(seed) {}

    std::size_t below(std::size_t limit) { return random_() % limit; }

    Input mutated(Input input, const std::vector<Input>& corpus) {
        const std::size_t times = 1 + below(5);
        for (std::size_t i = 0; i < times; ++i) {
            if (input.empty()) {
                input.push_back(0);
            }
            step(input, corpus[below(corpus.size())]);
        }
        input.resize(std::min(input.size(), largest_input));
        return input;
    }

private:
    std::uint8_t byte() { return static_cast<std::uint8_t>(random_()); }

    void step(Input& input, const Input& other) {
        constexpr std::array<std::uint8_t, 10> telling = {0x00, 0x01, 0x7f, 0x80, 0xff,
                                                          0x0a, 0x12, 0x22, 0x32, 0x62};
        const std::size_t at = below(input.size());
        const auto place = input.begin() + static_cast<std::ptrdiff_t>(at);
        const std::size_t length = 1 + below(std::min<std::size_t>(32, input.size() - at));
        switch (below(8)) {
        case 0:
            *place = byte();
            break;
        case 1:
            *place ^= static_cast<std::uint8_t>(1U << below(8));
            break;
        case 2:
            *place = telling[below(telling.size())];
            break;
        case 3:
            input.erase(place, place + static_cast<std::ptrdiff_t>(length));
            break;
        case 4:
            input.insert(place, 1 + below(11), below(2) == 0 ? 0xff : byte());
            break;
        case 5:
            *place = static_cast<std::uint8_t>(*place + 1 - 2 * static_cast<int>(below(2)));
            break;
        case 6: {
            const Input part(place, place + static_cast<std::ptrdiff_t>(length));
            const std::size_t target = below(input.size());
            input.insert(input.begin() + static_cast<std::ptrdiff_t>(target), part.begin(),
                         part.end());
            break;
        }
        default:
            if (!other.empty()) {
                input.resize(at);
                const std::size_t from = below(other.size());
                input.insert(input.end(), other.begin() + static_cast<std::ptrdiff_t>(from),
                             other.end());
            }
        }
    }

    std::mt19937_64 random_;
};

} // namespace

int main(int count, char** arguments) {
    __sanitizer_set_death_callback(&keep_crash);
    std::signal(SIGABRT, [](int) {
        keep_crash();
        std::_Exit(1);
    });
    if (count < 2) {
        std::fprintf(stderr, "fuzz_driver CORPUS [SECONDS [SEED]]\n");
        return 2;
    }
    std::vector<Input> corpus = corpus_of(arguments[1]);
    if (corpus.empty()) {
        std::fprintf(stderr, "no .bin files in %s\n", arguments[1]);
        return 2;
    }
    const std::size_t given = corpus.size();
    for (const Input& input : corpus) {
        run(input);
    }
    const long seconds = count > 2 ? std::atol(arguments[2]) : 0;
    Mutator mutator(count > 3 ? std::strtoull(arguments[3], nullptr, 10) : 1);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    std::uint64_t runs = 0;
    while (std::chrono::steady_clock::now() < end) {
        Input input = mutator.mutated(corpus[mutator.below(corpus.size())], corpus);
        ++runs;
        if (run(input)) {
            corpus.push_back(std::move(input));
        }
    }
    std::printf("%zu inputs of the corpus, %llu mutations, %zu kept, %zu edges\n", given,
                static_cast<unsigned long long>(runs), corpus.size() - given, edges_seen);
    return 0;
}
