/*
 * Marks are those of the formats' own specifications (and of file(1)'s). The guesses hold of whole
 * samples only, and of things that text does not do: that every line divides into as many fields,
 * that brackets, quotes and commas are JSON's to the last. The tests have texts that come near.
 */
#include "data/kind.h"

#include <string.h>

#include "base/error.h"
#include "flt/sniff.h"
#include "data/looks.h"

#define MARK(at, text, what)                                                                       \
    {                                                                                              \
        at, sizeof(text) - 1, text, 0, 0, "", what                                                 \
    }
#define MARKS(at, text, at2, text2, what)                                                          \
    {                                                                                              \
        at, sizeof(text) - 1, text, at2, sizeof(text2) - 1, text2, what                            \
    }
#define COMPRESSED(tool) "is compressed; pipe it in with: " tool " FILE |"
#define UTF(k)           "is " k ", not UTF-8; pipe it in with: iconv -f " k " -t UTF-8 FILE |"
#define ARCHIVE(what)    "is " what ", not text; take its files out and name those that are text"
#define IMAGE            "is an image, not text; leave it out"
#define SOUND            "is sound or video, not text; leave it out"
#define PROGRAM          "is a compiled program, not text; leave it out"
#define FONT             "is a font, not text; leave it out"
#define DATA(what)       "is " what ", not text; write its text as JSON Lines first"
#define FRAME(what, how)                                                                           \
    "is " what ", not text; make JSON Lines of it with pandas: "                                   \
    "read_" how "(FILE).to_json(OUT, orient=\"records\", lines=True)"
#define MODEL "is a file of the weights of a model, not text; leave it out"

static const struct mark { /* the second one is for what a text could begin with, too */
    size_t at, len;
    const char *text;
    size_t at2, len2;
    const char *text2, *what;
} marks[] = {
    MARK(0, "\x1f\x8b", COMPRESSED("zcat")),
    MARK(0, "\x1f\x9d", COMPRESSED("zcat")),
    MARK(0, "\x28\xb5\x2f\xfd", COMPRESSED("zstdcat")),
    MARK(1, "\x2a\x4d\x18", COMPRESSED("zstdcat")), /* a frame that is passed over */
    MARK(0,
         "\xfd"
         "7zXZ",
         COMPRESSED("xzcat")),
    MARKS(0, "BZh", 4, "1AY&SY", COMPRESSED("bzcat")),
    MARK(0, "\x04\x22\x4d\x18", COMPRESSED("lz4cat")),
    MARK(0, "LZIP\x01", COMPRESSED("lzip -dc")),
    MARK(0, "\x89LZO\0\r\n\x1a\n", COMPRESSED("lzop -dc")),
    MARK(0, "\xff\xfe\0\0", UTF("UTF-32")),
    MARK(0, "\0\0\xfe\xff", UTF("UTF-32")),
    MARK(0, "\xff\xfe", UTF("UTF-16")),
    MARK(0, "\xfe\xff", UTF("UTF-16")),
    MARK(0, "\x84\x31\x95\x33", UTF("GB18030")),
    MARKS(0, "%PDF-", 6, ".", "is a PDF file, not text; pipe it in with: pdftotext FILE - |"),
    MARKS(0, "\xef\xbb\xbf%PDF-", 9, ".",
          "is a PDF file, not text; pipe it in with: pdftotext FILE - |"),
    MARK(0, "%!PS", "is PostScript, not text; pipe it in with: ps2ascii FILE |"),
    MARK(0, "{\\rtf", "is RTF, not plain text; pipe it in with: pandoc -f rtf -t plain FILE |"),
    MARK(0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
         "is an old Office document, not text; save it as text, or pipe it in with: catdoc FILE |"),
    MARKS(257, "ustar", 262, "\0", ARCHIVE("a tar archive")),
    MARKS(257, "ustar", 262, " ", ARCHIVE("a tar archive")),
    MARK(0, "7z\xbc\xaf\x27\x1c", ARCHIVE("a 7z archive")),
    MARK(0, "Rar!\x1a\x07", ARCHIVE("a RAR archive")),
    MARK(0, "MSCF\0\0\0\0", ARCHIVE("a cabinet archive")),
    MARK(0, "!<arch>\n", ARCHIVE("an ar archive")),
    MARK(0, "\xed\xab\xee\xdb", ARCHIVE("an RPM package")),
    MARK(0, "xar!\0", ARCHIVE("a xar archive")),
    MARKS(0, "hsqs", 28, "\4\0\0\0", ARCHIVE("a SquashFS image")),
    MARK(0, "SQLite format 3\0",
         "is an SQLite database, not text; pipe it in with: sqlite3 -json FILE "
         "'SELECT text FROM table' | jq -c '.[]' |"),
    MARK(0, "PAR1\x15", FRAME("a Parquet table", "parquet")),
    MARK(0, "PARE\x1c", FRAME("a Parquet table", "parquet")),
    MARK(0, "ARROW1\0\0", FRAME("an Arrow table", "feather")),
    MARK(0, "\xff\xff\xff\xff", DATA("an Arrow stream")),
    MARK(0, "FEA1\0\0\0\0", FRAME("a Feather table", "feather")),
    MARK(0, "ORC\x08", FRAME("an ORC table", "orc")),
    MARK(0, "ORC\x0a", FRAME("an ORC table", "orc")),
    MARK(0, "Obj\x01", DATA("an Avro file")),
    MARKS(8, "DUCK", 13, "\0\0\0", DATA("a DuckDB database")),
    MARK(0, "\x89HDF\r\n\x1a\n", DATA("an HDF5 file")),
    MARK(0, "CDF\x01", DATA("a NetCDF file")),
    MARK(0, "CDF\x02", DATA("a NetCDF file")),
    MARK(0, "\x93NUMPY", DATA("a NumPy array")),
    MARK(0, "RDX2\n", DATA("an R file")),
    MARK(0, "RDX3\n", DATA("an R file")),
    MARK(0, "MATLAB 5.0 MAT-file", DATA("a MATLAB file")),
    MARK(0, "<stata_dta>", FRAME("a Stata table", "stata")),
    MARK(0, "$FL2@(#)", FRAME("an SPSS table", "spss")),
    MARK(0, "\xac\xed\x00\x05", DATA("serialized Java")),
    MARK(128, "DICM", DATA("a DICOM file")),
    MARKS(0, "GGUF", 5, "\0\0\0", MODEL),
    MARKS(8, "{\"", 4, "\0\0\0\0", MODEL) /* safetensors */,
    MARK(0, "\x89PNG\r\n\x1a\n", IMAGE),
    MARK(0, "\xff\xd8\xff", IMAGE),
    MARKS(0, "GIF87a", 12, "\0", IMAGE),
    MARKS(0, "GIF89a", 12, "\0", IMAGE),
    MARK(0, "II*\0", IMAGE),
    MARK(0, "MM\0*", IMAGE),
    MARKS(0, "RIFF", 8, "WEBP", IMAGE),
    MARK(0, "8BPS\0", IMAGE),
    MARK(0, "\0\0\0\x0cjP  ", IMAGE),
    MARK(0, "\0\0\1\0", IMAGE),
    MARKS(0, "BM", 6, "\0\0\0\0", IMAGE),
    MARKS(0, "AT&TFORM", 12, "DJV", IMAGE),
    MARKS(0, "\0\0\0", 4, "ftyp", SOUND), /* and some images */
    MARKS(0, "RIFF", 8, "WAVE", SOUND),
    MARKS(0, "RIFF", 8, "AVI ", SOUND),
    MARK(0, "OggS\0", SOUND),
    MARK(0, "fLaC\0", SOUND),
    MARK(0, "ID3\2", SOUND),
    MARK(0, "ID3\3", SOUND),
    MARK(0, "ID3\4", SOUND),
    MARK(0, "\xff\xfb", SOUND),
    MARK(0, "\xff\xf3", SOUND),
    MARK(0, "\x1a\x45\xdf\xa3", SOUND),
    MARK(0, "MThd\0\0\0", SOUND),
    MARK(0, "FLV\1", SOUND),
    MARK(0,
         "\x7f"
         "ELF",
         PROGRAM),
    MARK(0, "\xfe\xed\xfa\xce", PROGRAM),
    MARK(0, "\xfe\xed\xfa\xcf", PROGRAM),
    MARK(0, "\xce\xfa\xed\xfe", PROGRAM),
    MARK(0, "\xcf\xfa\xed\xfe", PROGRAM),
    MARK(0, "\xca\xfe\xba\xbe", PROGRAM),
    MARK(0, "\0asm", PROGRAM),
    MARK(0, "MZ\x90\0", PROGRAM),
    MARK(0, "dex\n0", PROGRAM),
    MARK(0, "BC\xc0\xde", PROGRAM),
    MARK(1, "\x0d\x0d\x0a", PROGRAM), /* of Python */
    MARK(0, "\0\1\0\0\0", FONT),
    MARK(0, "OTTO\0", FONT),
    MARKS(0, "wOFF", 12, "\0", FONT),
    MARKS(0, "wOFF", 44, "\0", FONT),
    MARKS(0, "wOF2", 14, "\0", FONT),
    MARK(0, "PACK\0\0\0\2", "is a pack of git, not text; leave it out"),
    MARK(0, "Salted__", "is encrypted; decrypt it first"),
    MARK(0, "age-encryption.org/v1\n->", "is encrypted; decrypt it first"),
    MARK(0, "LUKS\xba\xbe", "is encrypted; decrypt it first"),
};

static bool
holds(const unsigned char *p, size_t n, size_t at, const char *text, size_t len)
{
    return n >= len && at <= n - len && !memcmp(p + at, text, len);
}

static bool
contains(const unsigned char *p, size_t n, const char *text)
{
    size_t len = strlen(text);

    for (const unsigned char *at = p;
         n >= len && (at = memchr(at, text[0], n - len + 1 - (size_t)(at - p))); at++) {
        if (!memcmp(at, text, len))
            return true;
        if (at == p + n - len)
            break;
    }
    return false;
}

/* What kind of zip archive: by the names of files near its start. */
static const char *
zip_kind(const unsigned char *p, size_t n)
{
    static const struct {
        const char *inside, *what;
    } kinds[] = {
        {"word/", "is a Word document, not text; pipe it in with: pandoc -f docx -t plain FILE |"},
        {"opendocument.text", "is an OpenDocument text, not plain text; pipe it in with: "
                              "pandoc -f odt -t plain FILE |"},
        {"epub+zip", "is an EPUB book, not plain text; pipe it in with: "
                     "pandoc -f epub -t plain FILE |"},
        {"xl/", FRAME("an Excel table", "excel")},
        {"opendocument.spreadsheet", FRAME("an OpenDocument table", "excel")},
        {"ppt/", "is a PowerPoint presentation, not text; save it as text first"},
        {"data.pkl", MODEL},
        {".npy", DATA("a file of NumPy arrays")},
        {"META-INF/MANIFEST.MF", PROGRAM},
    };

    if (!holds(p, n, 0, "PK\3\4", 4) && !holds(p, n, 0, "PK\5\6", 4) &&
        !holds(p, n, 0, "PK\7\10", 4))
        return NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (contains(p, n, kinds[i].inside))
            return kinds[i].what;
    return "is a zip archive, not text; take the text out of it first, or pipe it in with: unzip "
           "-p "
           "FILE |";
}

static const char *
marked_kind(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        const struct mark *m = &marks[i];
        if (holds(p, n, m->at, m->text, m->len) && holds(p, n, m->at2, m->text2, m->len2))
            return m->what;
    }
    if (n > 2 && p[0] == 0x80 && p[1] >= 2 && p[1] <= 5)
        return DATA("a pickle of Python");
    return zip_kind(p, n);
}

/* How a guess is taken back. */
#define TAKEN "--format text takes it as it is"

static int
refuse_table(const char *name, char divider)
{
    if (divider == ';')
        return fl_error(
            FL_FAILED,
            "%s: looks like a table divided by semicolons (CSV), not text; -c SITE with "
            "delimiter: \";\" reads it; or " TAKEN,
            name);
    return fl_error(FL_FAILED,
                    "%s: looks like a table divided by %s, not text; --format %s --field COLUMN "
                    "reads it; or " TAKEN,
                    name, divider == '\t' ? "tabs (TSV)" : "commas (CSV)",
                    divider == '\t' ? "tsv" : "csv");
}

static int
check_json(const char *name, const void *p, size_t n, bool whole, bool lines)
{
    const char * or = lines ? "" : "; or " TAKEN;

    switch (fl_looks_json(p, n, whole)) {
    case FL_JSON_ARRAY:
        return fl_error(FL_FAILED,
                        "%s: is one JSON array, not %s; make lines of it with: jq -c '.[]' FILE | "
                        "fl-harmonize --format jsonl%s",
                        name, lines ? "JSON Lines" : "text", or);
    case FL_JSON_VALUES:
        return fl_error(FL_FAILED,
                        "%s: is JSON over several lines, not %s; make one of each value with: "
                        "jq -c . FILE | fl-harmonize --format jsonl%s",
                        name, lines ? "JSON Lines" : "text", or);
    case FL_JSON_LINES:
        return lines
                   ? 0
                   : fl_error(FL_FAILED,
                              "%s: looks like JSON Lines; --format jsonl reads them, " TAKEN, name);
    case FL_JSON_NONE: break;
    }
    return 0;
}

static int
check_wide(const char *name, const void *p, size_t n)
{
    const char *wide = fl_looks_wide(p, n);

    return !wide ? 0
                 : fl_error(FL_FAILED,
                            "%s: is %s, not UTF-8; pipe it in with: iconv -f %s -t UTF-8 FILE |",
                            name, wide, wide);
}

/* No editor has written text with so many. */
static int
check_zeros(const char *name, const unsigned char *p, size_t n)
{
    size_t zeros = 0;

    for (size_t i = 0; i < n; i++)
        zeros += !p[i];
    if (zeros * 2 <= n)
        return 0;
    return fl_error(FL_FAILED,
                    "%s: is binary data, not text: %zu of its first %zu bytes are NUL; tr -d "
                    "'\\000' <FILE | leaves them out, " TAKEN,
                    name, zeros, n);
}

int
fl_kind_check(const char *name, const void *data, size_t len, bool whole, enum fl_kind_as as)
{
    const unsigned char *p = data;
    char own[FL_SNIFF_TEXT];
    const char *what;

    if (len > FL_KIND_SAMPLE) {
        len = FL_KIND_SAMPLE;
        whole = false;
    }
    if (fl_sniff_own(p, len, own))
        return fl_error(FL_FAILED, "%s: is %s, not text", name, own);
    if ((what = marked_kind(p, len)))
        return fl_error(FL_FAILED, "%s: %s", name, what);
    if (check_wide(name, p, len))
        return -1;
    if (as == FL_KIND_AS_IS)
        return 0;
    if (as == FL_KIND_AS_TABLE)
        return memchr(p, 0, len)
                   ? fl_error(
                         FL_FAILED,
                         "%s: has a NUL, so it is no table; tr -d '\\000' <FILE | leaves out NULs",
                         name)
                   : 0;
    if (check_zeros(name, p, len) || check_json(name, p, len, whole, as == FL_KIND_AS_LINES))
        return -1;
    if (as == FL_KIND_AS_LINES)
        return 0;
    char divider = fl_looks_table(p, len, whole);
    return divider ? refuse_table(name, divider) : 0;
}
