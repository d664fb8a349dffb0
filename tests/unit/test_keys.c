/* X25519 and Ed25519 against the vectors of RFC 7748 and RFC 8032; memory for secrets. */
#include "crypt/keys.h"

#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypt/hash.h"
#include "crypt/secret.h"
#include "os/memory.h"
#include "test.h"

static void
check_hex(const unsigned char *got, size_t n, const char *want)
{
    char text[2 * 64 + 1];

    fl_hex(text, got, n);
    CHECK_TEXT(text, want);
}

static void
check_dh(const char *scalar, const char *point, const char *want)
{
    unsigned char k[32], u[32], out[32];

    CHECK(!fl_unhex(k, 32, scalar) && !fl_unhex(u, 32, point) && !fl_dh(out, k, u));
    check_hex(out, 32, want);
}

static void
test_x25519(void)
{
    static const char alice[] = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
    static const char bob[] = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
    static const char pub_a[] = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
    static const char pub_b[] = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
    static const char both[] = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
    unsigned char k[32] = {9}, u[32] = {9}, out[32];

    check_dh("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
             "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
             "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
    check_dh("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
             "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
             "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957");
    check_dh(alice, pub_b, both);
    check_dh(bob, pub_a, both);
    CHECK(!fl_unhex(k, 32, alice));
    fl_dh_public(out, k);
    check_hex(out, 32, pub_a);
    memcpy(k, u, 32);
    for (int i = 1; i <= 1000; i++) {
        CHECK(!fl_dh(out, k, u));
        memcpy(u, k, 32);
        memcpy(k, out, 32);
        if (i == 1)
            check_hex(k, 32, "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
    }
    check_hex(k, 32, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

static void
test_small_order(void)
{
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    unsigned char secret[32], point[32], out[32];

    fl_random_bytes(secret, 32);
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        CHECK(!fl_unhex(point, 32, points[i]));
        CHECK(fl_dh(out, secret, point) == -1 && fl_error_status() == FL_REFUSED);
    }
}

static void
test_ed25519(void) /* RFC 8032, section 7.1, tests 1 to 3 */
{
    static const struct {
        const char *seed, *pub, *message, *sig;
    } tests[] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701"
         "cf9b46bd25bf5f0595bbe24655141438e7a100b"},
        {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
         "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d"
         "0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
        {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
         "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
         "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f7609"
         "84dc6594a7c15e9716ed28dc027beceea1ec40a"},
    };

    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        unsigned char seed[32], pub[32], secret[64], message[2], sig[64];
        size_t n = strlen(tests[i].message) / 2;
        CHECK(!fl_unhex(seed, 32, tests[i].seed) && !fl_unhex(message, n, tests[i].message));
        fl_sign_pair(seed, pub, secret);
        check_hex(pub, 32, tests[i].pub);
        fl_sign(sig, message, n, secret);
        check_hex(sig, 64, tests[i].sig);
        CHECK(!fl_sign_verify(sig, message, n, pub));
        for (int bit = 0; bit < 512; bit++) {
            sig[bit / 8] ^= (unsigned char)(1 << bit % 8);
            CHECK(fl_sign_verify(sig, message, n, pub));
            sig[bit / 8] ^= (unsigned char)(1 << bit % 8);
        }
    }
}

/* Zeroed, and from then on a crash leaves no core file with what stacks and buffers hold. */
static void
test_secret(void)
{
    static const unsigned char zero[100];
    struct rlimit core;
    unsigned char *p = fl_secret_alloc(10, 10);

    CHECK(p && !memcmp(p, zero, sizeof zero) && fl_is_zero(p, 100));
    CHECK(!getrlimit(RLIMIT_CORE, &core) && core.rlim_cur == 0);
    p[99] = 1;
    CHECK(!fl_is_zero(p, 100) && !fl_equal_secret(p, zero, 100) && fl_equal_secret(p, zero, 99));
    fl_secret_free(p);
    CHECK(!fl_secret_alloc(SIZE_MAX / 2, 3) && fl_error_status() == FL_FAILED);
}

static bool
sanitized(void)
{
    const char *san = getenv("SAN");

    return san && *san;
}

/* Flags of the map that P lies in, as /proc/self/smaps has them: "" when it has none. */
static void
map_flags(const void *p, char flags[200])
{
    FILE *f = fopen("/proc/self/smaps", "r");
    char line[300];
    unsigned long from = 0, to = 0, a, b;

    *flags = '\0';
    while (f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "%lx-%lx ", &a, &b) == 2)
            from = a, to = b;
        if (!strncmp(line, "VmFlags:", 8) && from <= (uintptr_t)p && (uintptr_t)p < to)
            snprintf(flags, 200, "%.190s", line);
    }
    if (f)
        fclose(f);
}

/* Locked and left out of cores; and the process is not to be dumped or read at all. */
static void
test_no_copy(void)
{
    unsigned char *p = fl_secret_alloc(3, 5);
    char flags[200];

    map_flags(p, flags);
    if (!*flags || sanitized())
        SKIP("no flags of maps here, or sanitizers");
    CHECK(strstr(flags, " dd"));
    CHECK(fl_memory_swappable() || strstr(flags, " lo"));
    CHECK(prctl(PR_GET_DUMPABLE) == 0);
    fl_secret_free(p);
}

/* A process that may lock nothing goes on, and knows. */
static void
test_swappable(void)
{
    const struct rlimit none = {0, 0};
    int status = 0;

    if (getuid() || test_under_valgrind() || sanitized())
        SKIP("root is needed, to become nobody, and plain memory");
    CHECK(!fl_memory_swappable());
    pid_t child = fork();
    if (!child) {
        int got = setrlimit(RLIMIT_MEMLOCK, &none) || setuid(65534) ? 9 : 0;
        unsigned char *p = got ? NULL : fl_secret_alloc(1, 32);
        _exit(got ? got : !p ? 8 : fl_memory_swappable() ? 7 : 6);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_x25519);
    RUN(test_small_order);
    RUN(test_ed25519);
    RUN(test_secret);
    RUN(test_no_copy);
    RUN(test_swappable);
    return test_end();
}
