/*
 * Values from one unit to another, in exact decimal arithmetic: units are UCUM codes of a table
 * (unit_table.c), their dimensions must be equal, and mass becomes amount of substance only where
 * the analyte, and so its molar mass, is named.
 *
 * A result has as many decimals as the value had: its last place is the largest power of ten that
 * is not above the value's last place in the new unit, and it is rounded half to even. So 7.0
 * mmol/L of glucose are 126 mg/dL, and 126 mg/dL are 6.99 mmol/L, which is 7.0 within the digits.
 */
#ifndef FL_DATA_UNIT_H
#define FL_DATA_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"
#include "data/mapped.h"

enum { FL_UNIT_FACTORS = 4, FL_UNIT_CODE = 24 };

struct fl_unit_map {
    uint32_t up[FL_UNIT_FACTORS], down[FL_UNIT_FACTORS]; /* the product over the product, times */
    int ten;                                             /* a power of ten */
    int place;                 /* the largest power of ten not above that factor */
    int64_t offset_hundredths; /* of temperatures: to be added after UP, before DOWN */
    char from[FL_UNIT_CODE];   /* the code, which may stand after a value */
    bool same;                 /* the units are the same */
};

/*
 * What turns FROM into TO. ANALYTE NULL: none. -1 (FL_USAGE) with an error when a code or the
 * analyte is not in the tables, with the nearest, or the dimensions differ.
 */
FL_MUST int fl_unit_map_make(struct fl_unit_map *map, const char *from, const char *to,
                             const char *analyte);

/*
 * Convert TEXT, a decimal number (DECIMAL: its mark, '.' or ','; at most 15 digits, no groups of
 * them, no exponent), with the code of its unit after it or not, into OUT, which is emptied first.
 * UNKNOWN: it is something else, "< 5" or "high". The mark of the result is a point; its unit is
 * not written. Cost O(len).
 */
enum fl_mapped fl_unit_convert(const struct fl_unit_map *map, const char *text, size_t len,
                               char decimal, struct fl_buf *out);

/* The tables: unit_table.c. */
enum fl_dimension {
    FL_DIM_ONE,
    FL_DIM_LENGTH,
    FL_DIM_AREA,
    FL_DIM_VOLUME,
    FL_DIM_MASS,
    FL_DIM_AMOUNT,
    FL_DIM_TIME,
    FL_DIM_FREQUENCY,
    FL_DIM_TEMPERATURE,
    FL_DIM_PRESSURE,
    FL_DIM_ENERGY,
    FL_DIM_POWER,
    FL_DIM_MASS_PER_VOLUME,
    FL_DIM_AMOUNT_PER_VOLUME,
    FL_DIM_COUNT_PER_VOLUME,
    FL_DIM_ACTIVITY,
    FL_DIM_ACTIVITY_PER_VOLUME,
    FL_DIM_ARBITRARY,
    FL_DIM_ARBITRARY_PER_VOLUME,
    FL_DIM_VOLUME_PER_TIME,
    FL_DIM_MASS_PER_AREA,
    FL_DIM_MASS_PER_TIME,
    FL_DIM_MASS_PER_MASS,
    FL_DIM_AMOUNT_PER_MASS,
    FL_DIM_SPEED,
    FL_DIM_VOLTAGE,
    FL_DIM_CURRENT,
    FL_DIM_CHARGE_PER_VOLUME,
    FL_DIM_OSMOLALITY,
    FL_DIM_ANGLE,
    FL_DIM_DATA,
    FL_DIM_DOSE,
};

struct fl_unit {
    const char *code;
    enum fl_dimension dimension;
    uint32_t up, down; /* one of it is UP / DOWN * 10^TEN of the dimension's own unit */
    int ten;
};

struct fl_analyte {
    const char *name;
    uint32_t milligrams; /* of a mole */
};

extern const struct fl_unit fl_units[];
extern const size_t fl_unit_count;
extern const struct fl_analyte fl_analytes[];
extern const size_t fl_analyte_count;

#endif
