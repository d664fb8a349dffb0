/*
 * Check values: XXH3-64 with seed 0, on the widest vectors the processor has. They find damage, not
 * malice; that is what digests and signatures are for.
 * Source: xxHash, doc/xxhash_spec.md.
 */
#ifndef FL_FLT_CHECK_H
#define FL_FLT_CHECK_H

#include <stddef.h>
#include <stdint.h>

/* The check value of LEN bytes. */
uint64_t fl_check64(const void *data, size_t len);

/* A check value over pieces: the chain that ties the records of an object together. */
struct fl_chain;
struct fl_chain *fl_chain_new(void); /* NULL with an error */
void fl_chain_free(struct fl_chain *chain);
void fl_chain_reset(struct fl_chain *chain);
void fl_chain_add64(struct fl_chain *chain, uint64_t value); /* its 8 bytes, little-endian */
uint64_t fl_chain_value(const struct fl_chain *chain);

/* The kernels that fl_check64 chooses from; the wide ones need their instructions. */
uint64_t fl_check64_plain(const void *data, size_t len);
uint64_t fl_check64_avx2(const void *data, size_t len);
uint64_t fl_check64_avx512(const void *data, size_t len);

#endif
