/* Drives a fuzz target without a fuzzing library:
 *
 *     fuzz_run PATH...                replays every file, and every file of every folder
 *     fuzz_run -s SECONDS PATH...     and then runs random changes of them, and other bytes, for so many seconds
 *
 * The input of a crash is left in the file `finding`.  */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LARGEST = 4096 };

typedef struct {
    uint8_t *bytes;
    size_t size;
} input;

static input *inputs;
static size_t count;
static input current;

static void keep_finding(int signal_number)
{
    int file = open("finding", O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (file >= 0 && write(file, current.bytes, current.size) == (ssize_t)current.size)
        close(file);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void *need(void *block)
{
    if (!block) {
        fprintf(stderr, "not enough memory\n");
        exit(2);
    }
    return block;
}

static void add_input(const uint8_t *bytes, size_t size)
{
    inputs = need(realloc(inputs, (count + 1) * sizeof *inputs));
    inputs[count] = (input){need(malloc(size ? size : 1)), size};
    memcpy(inputs[count++].bytes, bytes, size);
}

static void read_file(const char *path)
{
    uint8_t bytes[LARGEST];
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(2);
    }
    add_input(bytes, fread(bytes, 1, sizeof bytes, file));
    fclose(file);
}

static void read_path(const char *path)
{
    DIR *folder = opendir(path);
    if (!folder) {
        read_file(path);
        return;
    }
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL)
        if (entry->d_name[0] != '.') {
            char name[4096];
            snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
            read_file(name);
        }
    closedir(folder);
}

/* Runs a copy of exactly the input's size, so that a sanitizer sees a read beyond it. */
static void run(const uint8_t *bytes, size_t size)
{
    current = (input){need(malloc(size ? size : 1)), size};
    memcpy(current.bytes, bytes, size);
    LLVMFuzzerTestOneInput(current.bytes, size);
    free(current.bytes);
    current = (input){NULL, 0};
}

static size_t make(uint8_t *bytes, uint64_t *seed)
{
    size_t size = 8 + random_below(seed, 200);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)next_random(seed);
    return size;
}

/* One random change: a bit, a byte, a piece taken out, doubled, or brought from another input. */
static size_t change(uint8_t *bytes, size_t size, uint64_t *seed)
{
    size_t at = random_below(seed, size + 1), rest = size - at;
    size_t piece = random_below(seed, (rest < 32 ? rest : 32) + 1);
    const input *other = &inputs[random_below(seed, count)];
    switch (random_below(seed, 5)) {
    case 0:
        if (rest)
            bytes[at] ^= (uint8_t)(1u << random_below(seed, 8));
        return size;
    case 1:
        if (rest)
            bytes[at] = (uint8_t)next_random(seed);
        return size;
    case 2:
        memmove(bytes + at, bytes + at + piece, rest - piece);
        return size - piece;
    case 3:
        memmove(bytes + at + piece, bytes + at, rest);
        return size + piece;
    default:
        if (other->size < 2)
            return size;
        piece = 1 + random_below(seed, other->size < 32 ? other->size - 1 : 31);
        memmove(bytes + at + piece, bytes + at, rest);
        memcpy(bytes + at, other->bytes + random_below(seed, other->size - piece + 1), piece);
        return size + piece;
    }
}

static unsigned long run_changes(double seconds)
{
    uint64_t seed = (uint64_t)time(NULL);
    time_t end = time(NULL) + (time_t)seconds;
    unsigned long runs = 0;
    for (; time(NULL) < end; runs++) {
        uint8_t bytes[2 * LARGEST];
        const input *from = &inputs[random_below(&seed, count)];
        size_t size = from->size, changes = random_below(&seed, 12);
        memcpy(bytes, from->bytes, size);
        if (changes == 0)
            size = make(bytes, &seed);
        for (; changes > 0 && size <= LARGEST; changes--)
            size = change(bytes, size, &seed);
        run(bytes, size);
    }
    return runs;
}

int main(int argc, char **argv)
{
    int first = argc > 2 && strcmp(argv[1], "-s") == 0 ? 3 : 1;
    signal(SIGABRT, keep_finding);
    signal(SIGSEGV, keep_finding);
    for (int i = first; i < argc; i++)
        read_path(argv[i]);
    for (size_t i = 0; i < count; i++)
        run(inputs[i].bytes, inputs[i].size);
    printf("%s: %zu inputs replayed\n", argv[0], count);
    if (first == 3 && count)
        printf("%s: %lu changed inputs run\n", argv[0], run_changes(atof(argv[2])));
    for (size_t i = 0; i < count; i++)
        free(inputs[i].bytes);
    free(inputs);
    return count ? 0 : 2;
}
