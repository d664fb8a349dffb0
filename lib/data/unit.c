/*
 * A value is an integer and a number of decimals. It is multiplied by all factors as one large
 * integer, divided by all divisors one after another, and what remained anywhere decides about
 * rounding, so nothing is rounded twice [round_quotient].
 */
#include "data/unit.h"

#include <stdio.h>
#include <string.h>

#include "base/choice.h"
#include "base/error.h"
#include "math/big.h"

enum { DIGITS = 15 };

/* False: it would not fit. */
static bool
multiply(struct fl_big *x, uint32_t by)
{
    uint64_t carry = 0;

    for (size_t i = 0; i < FL_BIG_WORDS; i++) {
        carry += (uint64_t)x->word[i] * by;
        x->word[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return !carry;
}

static bool
multiply_ten(struct fl_big *x, int power)
{
    while (power-- > 0)
        if (!multiply(x, 10))
            return false;
    return true;
}

/* Is the factor of MAP at least 10^PLACE? */
static bool
reaches(const struct fl_unit_map *map, int place)
{
    struct fl_big up = {{1}}, down = {{1}};
    bool fits = true;

    for (size_t i = 0; i < FL_UNIT_FACTORS; i++)
        fits = fits && multiply(&up, map->up[i]) && multiply(&down, map->down[i]);
    int ten = map->ten - place;
    fits = fits && multiply_ten(&up, ten) && multiply_ten(&down, -ten);
    return fits && fl_big_compare(&up, &down) >= 0;
}

static const struct fl_unit *
find_unit(const char *code)
{
    for (size_t i = 0; i < fl_unit_count; i++)
        if (!strcmp(fl_units[i].code, code))
            return &fl_units[i];
    struct fl_nearest nearest;
    char hint[80];
    fl_nearest_start(&nearest, code, strlen(code));
    for (size_t i = 0; i < fl_unit_count; i++)
        fl_nearest_try(&nearest, fl_units[i].code, strlen(fl_units[i].code));
    fl_error(FL_USAGE, "unit \"%.40s\" is none of the %zu known UCUM codes%s", code, fl_unit_count,
             fl_nearest_hint(&nearest, "", hint, sizeof hint));
    return NULL;
}

static const struct fl_analyte *
find_analyte(const char *name)
{
    for (size_t i = 0; i < fl_analyte_count; i++)
        if (!strcmp(fl_analytes[i].name, name))
            return &fl_analytes[i];
    struct fl_nearest nearest;
    char hint[80];
    fl_nearest_start(&nearest, name, strlen(name));
    for (size_t i = 0; i < fl_analyte_count; i++)
        fl_nearest_try(&nearest, fl_analytes[i].name, strlen(fl_analytes[i].name));
    fl_error(FL_USAGE, "analyte \"%.40s\" is none of the %zu whose molar mass is known%s", name,
             fl_analyte_count, fl_nearest_hint(&nearest, "", hint, sizeof hint));
    return NULL;
}

/* Temperatures: TO = (FROM * up + offset) / down. */
static void
map_temperature(struct fl_unit_map *map, const char *from, const char *to)
{
    static const struct {
        const char *from, *to;
        uint32_t up, down;
        int64_t offset;
    } pairs[] = {
        {"Cel", "[degF]", 9, 5, 16000}, {"[degF]", "Cel", 5, 9, -16000},
        {"Cel", "K", 1, 1, 27315},      {"K", "Cel", 1, 1, -27315},
        {"[degF]", "K", 5, 9, 229835},  {"K", "[degF]", 9, 5, -229835},
    };

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (!strcmp(pairs[i].from, from) && !strcmp(pairs[i].to, to)) {
            map->up[0] = pairs[i].up;
            map->down[0] = pairs[i].down;
            map->offset_hundredths = pairs[i].offset;
        }
}

/* Mass to amount, or back, by the mass of a mole; 0 when the dimensions are not these. */
static int
use_molar_mass(struct fl_unit_map *map, const struct fl_unit *from, const struct fl_unit *to,
               const struct fl_analyte *analyte)
{
    bool volume = from->dimension == FL_DIM_MASS_PER_VOLUME ||
                  from->dimension == FL_DIM_AMOUNT_PER_VOLUME;
    enum fl_dimension mass = volume ? FL_DIM_MASS_PER_VOLUME : FL_DIM_MASS;
    enum fl_dimension amount = volume ? FL_DIM_AMOUNT_PER_VOLUME : FL_DIM_AMOUNT;

    if (from->dimension == mass && to->dimension == amount) {
        map->down[2] = analyte->milligrams;
        map->ten += 3;
        return 1;
    }
    if (from->dimension == amount && to->dimension == mass) {
        map->up[2] = analyte->milligrams;
        map->ten -= 3;
        return 1;
    }
    return 0;
}

int
fl_unit_map_make(struct fl_unit_map *map, const char *from, const char *to, const char *analyte)
{
    const struct fl_unit *f = find_unit(from), *t = f ? find_unit(to) : NULL;
    const struct fl_analyte *a = t && analyte ? find_analyte(analyte) : NULL;

    if (!t || (analyte && !a))
        return -1;
    *map = (struct fl_unit_map){.up = {f->up, t->down, 1, 1},
                                .down = {f->down, t->up, 1, 1},
                                .ten = f->ten - t->ten,
                                .same = f == t};
    snprintf(map->from, sizeof map->from, "%s", from);
    if (f->dimension != t->dimension && !(a && use_molar_mass(map, f, t, a)))
        return fl_error(FL_USAGE, "%s does not become %s: they measure different things%s", from,
                        to, a ? "" : "; mass becomes amount where the contract names an analyte");
    if (f->dimension == FL_DIM_TEMPERATURE)
        map_temperature(map, from, to);
    map->place = -40;
    while (map->place < 40 && reaches(map, map->place + 1))
        map->place++;
    return 0;
}

struct number {
    bool negative;
    uint64_t digits;
    int decimals;
};

/* TEXT as a number, *USED bytes of it; false: it is none. */
static bool
parse(const char *text, size_t len, char decimal, struct number *n, size_t *used)
{
    size_t at = 0, count = 0;
    bool point = false;

    *n = (struct number){0};
    if (at < len && (text[at] == '-' || text[at] == '+'))
        n->negative = text[at++] == '-';
    size_t first = at;
    for (; at < len; at++) {
        if (text[at] >= '0' && text[at] <= '9') {
            n->digits = n->digits * 10 + (uint64_t)(text[at] - '0');
            n->decimals += point;
            count += n->digits != 0;
            if (count > DIGITS || n->decimals > DIGITS)
                return false;
        } else if (text[at] == decimal && !point && at > first) {
            point = true;
        } else {
            break;
        }
    }
    *used = at;
    return at > first && text[at - 1] != decimal;
}

/*
 * 2 * (UP * x + offset) / DOWN, rounded down, into *TWICE; *EXACT when nothing remained. x has so
 * many decimals, and the result shall have OUT of them.
 */
static bool
twice_quotient(const struct fl_unit_map *map, const struct number *n, int out, struct fl_big *twice,
               bool *exact)
{
    int ten = map->ten - n->decimals + out;
    bool fits = true;

    *twice = (struct fl_big){{(uint32_t)n->digits, (uint32_t)(n->digits >> 32)}};
    *exact = true;
    for (size_t i = 0; i < FL_UNIT_FACTORS; i++)
        fits = fits && multiply(twice, map->up[i]);
    fits = fits && multiply_ten(twice, ten) && multiply(twice, 2);
    for (size_t i = 0; fits && i < FL_UNIT_FACTORS; i++)
        *exact = !fl_big_divide(twice, map->down[i]) && *exact;
    for (; fits && ten < 0; ten++)
        *exact = !fl_big_divide(twice, 10) && *exact;
    return fits;
}

/* Half of TWICE, rounded half to even; false when it has more than 18 digits. */
static bool
round_quotient(const struct fl_big *twice, bool exact, uint64_t *value)
{
    for (size_t i = 2; i < FL_BIG_WORDS; i++)
        if (twice->word[i])
            return false;
    uint64_t t = (uint64_t)twice->word[1] << 32 | twice->word[0];
    *value = t >> 1;
    if ((t & 1) && (!exact || (*value & 1)))
        ++*value;
    return *value < 1000000000000000000u;
}

/* A temperature: small numbers, so that 64 bits hold all of it. */
static bool
convert_temperature(const struct fl_unit_map *map, const struct number *n, int out, bool *negative,
                    uint64_t *value)
{
    int64_t scale = 100, to = 1, x = (int64_t)n->digits;

    if (n->decimals > 4 || n->digits > 100000000)
        return false;
    for (int i = 0; i < n->decimals; i++)
        scale *= 10;
    for (int i = 0; i < out; i++)
        to *= 10;
    int64_t up = (n->negative ? -x : x) * 100 * map->up[0] + map->offset_hundredths * (scale / 100);
    *negative = up < 0;
    uint64_t twice = 2 * (uint64_t)(up < 0 ? -up : up) * (uint64_t)to;
    uint64_t down = map->down[0] * (uint64_t)scale;
    const struct fl_big quotient = {{(uint32_t)(twice / down), (uint32_t)(twice / down >> 32)}};
    return round_quotient(&quotient, twice % down == 0, value);
}

static enum fl_mapped
put(struct fl_buf *out, bool negative, uint64_t value, int decimals)
{
    char digits[40];
    int n = snprintf(digits, sizeof digits, "%0*llu", decimals + 1, (unsigned long long)value);
    int whole = n - decimals;

    return fl_buf_printf(out, "%s%.*s%s%s", negative && value ? "-" : "", whole, digits,
                         decimals ? "." : "", digits + whole)
               ? FL_MAPPED_NO_MEMORY
               : FL_MAPPED_CHANGED;
}

enum fl_mapped
fl_unit_convert(const struct fl_unit_map *map, const char *text, size_t len, char decimal,
                struct fl_buf *out)
{
    struct number n;
    struct fl_big twice;
    uint64_t value;
    size_t used;
    bool exact, negative;

    fl_buf_clear(out);
    while (len && (text[len - 1] == ' ' || text[len - 1] == '\t'))
        len--;
    while (len && (*text == ' ' || *text == '\t')) {
        text++;
        len--;
    }
    if (!parse(text, len, decimal, &n, &used))
        return FL_MAPPED_UNKNOWN;
    size_t end = used;
    while (end < len && text[end] == ' ')
        end++;
    if (end < len && (len - end != strlen(map->from) || memcmp(text + end, map->from, len - end)))
        return FL_MAPPED_UNKNOWN;
    if (map->same && used == len && decimal == '.')
        return FL_MAPPED_SAME;
    int decimals = n.decimals > map->place ? n.decimals - map->place : 0;
    negative = n.negative;
    if (map->offset_hundredths ? !convert_temperature(map, &n, decimals, &negative, &value)
                               : !twice_quotient(map, &n, decimals, &twice, &exact) ||
                                     !round_quotient(&twice, exact, &value))
        return FL_MAPPED_UNKNOWN;
    return put(out, negative, value, decimals);
}
