/* MinHash against its twin, and as an estimate: no bias, and no more spread than 120 coins have. */
#include "data/minhash.h"

#include "../naive/near.h"
#include "math/random.h"
#include "test.h"

static struct fl_minhash m;

static void
test_twin(void)
{
    uint64_t hash[300];
    uint32_t fast[FL_MINHASH_LANES], slow[FL_MINHASH_LANES];
    struct fl_random r = {3, 0, 0};

    for (size_t i = 0; i < 300; i++)
        hash[i] = fl_random_u64(&r);
    for (size_t n = 1; n <= 300; n += n < 20 ? 1 : 40) {
        fl_minhash(&m, hash, n, fast);
        naive_minhash(&m, hash, n, slow);
        CHECK(!memcmp(fast, slow, sizeof fast));
        CHECK(fl_minhash_agree(fast, slow) == FL_MINHASH_LANES);
    }
    fast[7] ^= 1;
    CHECK(fl_minhash_agree(fast, slow) == FL_MINHASH_LANES - 1);
}

/* Two sets of which SHARED of TOTAL hashes are common. */
static unsigned
agree(struct fl_random *r, size_t shared, size_t total)
{
    uint64_t a[400], b[400];
    uint32_t x[FL_MINHASH_LANES], y[FL_MINHASH_LANES];
    size_t n = 0, k = 0;

    for (size_t i = 0; i < total; i++) {
        uint64_t v = fl_random_u64(r);
        if (i < shared || i % 2)
            a[n++] = v;
        if (i < shared || i % 2 == 0)
            b[k++] = v;
    }
    fl_minhash(&m, a, n, x);
    fl_minhash(&m, b, k, y);
    return fl_minhash_agree(x, y);
}

static void
test_estimate(void)
{
    enum { TURNS = 3000, TOTAL = 200 };
    struct fl_random r = {4, 0, 0};

    for (size_t shared = 40; shared < TOTAL; shared += 40) {
        double sum = 0, squares = 0, j = (double)shared / TOTAL;
        for (int i = 0; i < TURNS; i++) {
            double v = (double)agree(&r, shared, TOTAL) / FL_MINHASH_LANES;
            sum += v;
            squares += v * v;
        }
        double mean = sum / TURNS, spread = squares / TURNS - mean * mean;
        double coin = j * (1 - j) / FL_MINHASH_LANES;
        CHECK_NEAR(mean, j, 5 * sqrt(coin / TURNS));
        CHECK(spread > .85 * coin && spread < 1.15 * coin);
    }
}

static void
test_seed(void)
{
    struct fl_minhash other;
    size_t same = 0;

    fl_minhash_init(&other, 2);
    for (size_t i = 0; i < FL_MINHASH_LANES; i++) {
        CHECK(m.a[i] & 1 && m.b[i] & 1);
        same += m.a[i] == other.a[i] || (i && m.a[i] == m.a[i - 1]);
    }
    CHECK(!same);
}

int
main(void)
{
    fl_minhash_init(&m, 1);
    RUN(test_twin);
    RUN(test_estimate);
    RUN(test_seed);
    return test_end();
}
