#include "philox.h"

mk_philox_key mk_philox_subkey(mk_philox_key key, uint64_t size, uint64_t id, uint64_t split, uint64_t axis)
{
    mk_philox_block block = mk_philox(key, size, id, split, axis);
    return (mk_philox_key){{block.word[0], block.word[1]}};
}

void mk_philox_words(mk_philox_key key, uint64_t index, uint64_t split, uint64_t axis, uint64_t *words,
                     size_t count)
{
    for (size_t done = 0; done < count; done += 4) {
        mk_philox_block block = mk_philox(key, done / 4, index, split, axis);
        for (size_t i = done; i < count && i < done + 4; i++)
            words[i] = block.word[i - done];
    }
}
