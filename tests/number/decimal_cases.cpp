// Runs recorded and generated cases through the arbitrary-length decimals: one tab-separated case
// per line on stdin (rules, operation, arguments), one answer per line on stdout.
#include "decimal_operation.hpp"

#include <iostream>
#include <string>
#include <vector>

int main() {
    std::string line;
    while (std::getline(std::cin, line)) {
        std::vector<std::string> fields;
        std::size_t start = 0;
        for (std::size_t end = line.find('\t'); end != std::string::npos;
             start = end + 1, end = line.find('\t', start)) {
            fields.push_back(line.substr(start, end - start));
        }
        fields.push_back(line.substr(start));
        const auto functions = fields[0] == "v0.6" ? allora::DecimalFunctions::library
                                                   : allora::DecimalFunctions::programs;
        std::cout << allora::run_operation(functions, fields.at(1),
                                           {fields.begin() + 2, fields.end()})
                  << std::endl;
    }
    return 0;
}
