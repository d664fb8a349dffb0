/*
 * What a program of this machine takes for chance, fixed, for tests alone: preloaded (LD_PRELOAD),
 * it stands in for the generator of libsodium, the clocks and the process id, from which fl_key_fresh
 * makes secrets and nonces. A draw of N bytes is BLAKE2b with N bytes of the text in FIXED, whatever
 * was drawn before. No program of fl can be told to draw like this.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void
randombytes_buf(void *buf, size_t n)
{
    const char *text = getenv("FIXED");

    /* libsodium's own draws, as for canaries, may be of any size; secrets of fl have 32 bytes */
    if (!text || n < 16 || n > 64 ||
        crypto_generichash(buf, n, (const unsigned char *)text, strlen(text), NULL, 0))
        abort();
}

int
clock_gettime(clockid_t id, struct timespec *t)
{
    *t = (struct timespec){.tv_sec = id == CLOCK_REALTIME ? 1000000000 : 1000, .tv_nsec = id};
    return 0;
}

pid_t
getpid(void)
{
    return 4711;
}
