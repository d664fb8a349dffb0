/*
 * The bytes of keys, ciphertexts and shares, and what is opened, which are the same on every
 * processor: digests from tests/naive/rlwe.py, which is written from the manual ("vectors").
 */
#include "rlwe_round.h"

static void
check_digest(const void *data, size_t len, const char *want)
{
    unsigned char digest[32];
    char text[65];

    fl_hash_once(digest, NULL, "test", data, len);
    fl_hex(text, digest, 32);
    CHECK_TEXT(text, want);
}

static void
test_known_answers(void)
{
    enum { SITES = 3 };
    const size_t bytes = FL_RING_WORDS * sizeof(uint64_t);
    unsigned char seed[32];
    struct round r;

    begin(&r, SITES, 2, 32, 4 * N * 20);
    CHECK(r.part.lanes.slots == 4 && r.part.ciphertexts == 20 && r.size.lambda == 58);
    fl_ring_pack(r.packed, r.a);
    check_digest(r.packed, bytes,
                 "5158ec14de435366052fd60071d18ae15cf63f841153eea1e363b1984f822a1e");
    fl_rlwe_public(r.secrets[0], r.work, r.a, r.c0);
    fl_ring_pack(r.packed, r.c0);
    check_digest(r.packed, bytes,
                 "a1edbd3c825fec5a21bb20f22d4480419d311cd74bcd5abd3e07526bf4b4caf0");
    memset(r.c0, 0, FL_RING_RESIDUES * sizeof *r.c0);
    const size_t count = (size_t)4 * N - 5;
    for (uint64_t s = 0; s < SITES; s++) {
        uint64_t *both = malloc(2 * bytes);
        struct fl_rlwe_text text = {r.part.lanes, seed, s % 3, r.values, count};
        seed_of(seed, "site", s);
        for (uint64_t i = 0; i < count; i++) {
            uint64_t top = (uint64_t)1 << 31;
            r.values[i] = (int64_t)((i * 2654435761 + s * 40503) % (2 * top / SITES)) -
                          (int64_t)(top / SITES);
            r.sums[i] += r.values[i];
        }
        fl_rlwe_encrypt(r.key, r.work, &text, both, both + FL_RING_WORDS);
        if (s == 1) {
            check_digest(both, bytes,
                         "2d9322fe6e1ccc1d8a3ecb7035f1b39f7d339d04124567b6d92f37442248addf");
            check_digest(both + FL_RING_WORDS, bytes,
                         "62da91e18f3195c46957f91cd30954029cf12c24d3580ae26293a658be783ed3");
        }
        fl_rlwe_encrypt(r.key, r.work, &text, r.packed, NULL); /* one alone is the same */
        CHECK(!memcmp(r.packed, both, bytes));
        fl_rlwe_encrypt(r.key, r.work, &text, NULL, r.packed);
        CHECK(!memcmp(r.packed, both + FL_RING_WORDS, bytes));
        CHECK(!fl_ring_add(r.c0, both, 0, FL_RING_UNITS));
        CHECK(!fl_ring_add(r.c1, both + FL_RING_WORDS, 0, FL_RING_UNITS));
        free(both);
    }
    seed_of(seed, "smudge", 0);
    fl_rlwe_share(r.secrets[0], r.work, &r.size, seed, 7, r.c1, r.packed);
    check_digest(r.packed, bytes,
                 "666938eeb0cc53798cd2a71574d3a9d3597d44b0f69cf033e1f47e151cf6166b");
    answer(&r, 0, 2);
    fl_rlwe_open(&r.part.lanes, r.c0, r.got, count);
    CHECK(!memcmp(r.got, r.sums, count * sizeof *r.got));
    check_digest(r.got, count * sizeof *r.got,
                 "8da53572ad59d7b151c8c6b7bc3c0e849b454b96e522614f405c6edf4aef9c30");
    end(&r);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_known_answers);
    return test_end();
}
